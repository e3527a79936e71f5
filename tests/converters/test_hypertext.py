"""Label Studio's annotations of HTML."""

import pytest

from .files import notes, read_text

PAGE = """\
<!DOCTYPE html>\r
<html><head><title>A page</title><style>p { color: red }</style></head>
<body>

  <h1>Nordwind &amp; Co</h1>
  <p>founded by<br/>Ilse <b>Brandt</b></p>
</body></html>
"""


def region(name, start, end, text, kind="hypertextlabels", key=None):
    value = {
        "start": "/h1[1]/text()[1]",
        "end": "/h1[1]/text()[1]",
        "startOffset": 0,
        "endOffset": 3,
    }
    value["globalOffsets"] = {"start": start, "end": end}
    value |= {"text": text, key or kind: ["X"]}
    return {"id": name, "from_name": "ner", "to_name": "text", "type": kind, "value": value}


@pytest.mark.parametrize(
    ("kind", "key"), [("hypertextlabels", None), ("labels", None), ("labels", "hypertextlabels")]
)
def test_offsets_count_the_text_of_the_page(tmp_path, kind, key):
    results = [
        region("a", 4, 17, "Nordwind & Co", kind, key),
        region("b", 31, 42, "Ilse Brandt", kind, key),
        {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["BY"], "direction": "right"},
    ]
    task = {"id": 1, "data": {"html": PAGE}, "annotations": [{"result": results}]}
    (annotated,), report = read_text(tmp_path, [task], "label_studio", on_error="stop")
    texts = [annotated.text[m.start : m.end] for m in annotated.mentions]
    assert texts == ["Nordwind & Co", "Ilse Brandt"]
    assert [(r.head, r.label, r.tail) for r in annotated.relations] == [("a", "BY", "b")]
    assert notes(report) == {"documents of HTML, of which the text was read": 1}
    assert annotated.meta == {"id": 1}


@pytest.mark.parametrize(
    ("start", "text", "message"),
    [(9, "Nordwind", "its text is 'Nordwind', but 9:13"), (None, "", "it goes from None to 8")],
)
def test_problems_name_the_region(tmp_path, start, text, message):
    results = [region("a", start, 13 if text else 8, text)]
    task = {"data": {"text": PAGE}, "annotations": [{"result": results}]}
    _, report = read_text(tmp_path, [task], "label_studio")
    assert "mention a: " in report.problems[0]
    assert message in report.problems[0]
