import json
import re

import pytest
from spacy.training import Example

from rel_component.app.documents import compared_documents, found_documents
from rel_component.app.evaluation_page import make_report, render_evaluation
from rel_component.app.options import RenderOptions
from rel_component.app.page import embedded_json, make_page
from rel_component.app.view import ViewOptions, is_pipeline, see
from rel_component.converters.formats.jsonl import FORMAT
from rel_component.errors import ConfigError, DataError
from rel_component.evaluation.mistakes import find_mistakes
from rel_component.events import Event
from rel_component.schema import RelationSchema
from rel_component.spacy_files import write_docs

from ..helpers import make_doc, make_example
from .pages import HOSTILE, Page, hostile_docs

WORDS = "Ann leads Acme in Rome"
MENTIONS = [(0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "GPE")]


def data_of(html):
    (text,) = re.findall(r'<script type="application/json" id="rel-data">(.*?)</script>', html)
    return json.loads(text)


@pytest.fixture
def mistakes(vocab):
    gold = make_doc(vocab, WORDS, MENTIONS, [(0, "LEADS", 1), (1, "IN", 2), (0, "IN", 2)])
    found = make_doc(
        vocab, WORDS, MENTIONS, [(0, "LEADS", 1, 0.75), (1, "LEADS", 2, 0.5), (2, "IN", 0, 0.25)]
    )
    return find_mistakes([Example(found, gold)])


def test_nothing_of_a_document_becomes_markup(vocab):
    docs = hostile_docs(vocab)
    mistakes = find_mistakes([make_example(doc) for doc in docs])
    plain = Page(make_page([], title="x"))
    for documents in (found_documents(docs, RenderOptions()), compared_documents(mistakes)):
        html = make_page(documents, title="".join(HOSTILE), labels=HOSTILE)
        assert Page(html).tags.count("option") == (6 if documents[0].statuses else 2)
        assert set(Page(html).tags) == set(plain.tags)
        assert {name for name, _ in Page(html).attrs} == {name for name, _ in plain.attrs}
        found = data_of(html)
        titles = HOSTILE[9::10] if documents[0].statuses else HOSTILE[::10]
        assert [doc["title"] for doc in found["documents"]] == titles
        assert sorted(found["labels"]) == sorted(HOSTILE)
        labels = [rel["label"] for doc in found["documents"] for rel in doc["relations"]]
        assert labels == HOSTILE
    names = {name for name, _ in Page(render_evaluation(mistakes, title=HOSTILE[4])).attrs}
    assert not {name for name in names if name.startswith("on") or name == "src"}


def test_no_string_ends_the_script_that_holds_it():
    value = {"</script>": ["<!--", "\u2028\u2029", "&", "\ud800", 12345678901234567890]}
    text = embedded_json(value)
    assert not set(text) & set("<>&\u2028\u2029\ud800")
    assert json.loads(text) == value


def test_the_policy_allows_no_script_but_that_of_the_page(mistakes):
    for served, connect in ((True, "connect-src 'self'"), (False, "connect-src 'none'")):
        html = make_page(compared_documents(mistakes), served=served)
        policy = next(v for k, v in Page(html).attrs if k == "content" and "default-src" in v)
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert connect in policy
        assert "src=" not in html.replace("-src=", "")
        assert not re.search(r"\son\w+=", html.split("<script")[0])


def test_a_report_has_the_counts_of_labels(mistakes):
    report = make_report(mistakes)
    assert report["labels"] == ["IN", "LEADS", "NO_RELATION"]
    counts = [[cell["n"] for cell in row["cells"]] for row in report["rows"]]
    assert counts == [[0, 1, 1], [0, 1, 0], [1, 0, 0]]
    assert [cell["share"] for cell in report["rows"][0]["cells"]] == [0, 35, 35]
    assert [row["reason"] for row in report["reasons"]] == ["wrong direction", "wrong label"]
    curves = {curve["label"]: curve for curve in report["curves"]}
    assert curves["LEADS"]["path"] == "M100.0 0.0L100.0 50.0"
    assert curves["LEADS"]["now"] == [100.0, 50.0]
    assert curves["LEADS"]["text"] == "P 50.0, R 100.0, F1 66.7 now"


def test_a_page_of_an_evaluation(mistakes):
    page = Page(render_evaluation(mistakes, title="a & b"))
    assert "Which types are taken for which" in page.text
    assert page.tags.count("path") == 4
    assert data_of(render_evaluation(mistakes))["status"] == "mistakes"
    assert Page(render_evaluation(find_mistakes([]))).tags.count("svg") == 0


def test_labels_with_the_fewest_mistakes_are_left_out(vocab):
    labels = [f"L{i:02}" for i in range(40)]
    gold = make_doc(vocab, WORDS, MENTIONS, [(0, label, 1) for label in labels])
    found = make_doc(vocab, WORDS, MENTIONS, [(0, label, 1) for label in labels[:5]])
    report = make_report(find_mistakes([Example(found, gold)]))
    assert report["labels"] == [*labels[5:35], "NO_RELATION"]
    assert report["more"] == 10


def test_documents_of_any_format_are_seen_as_they_are(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(FORMAT.sample, encoding="utf8")
    seen = see(path)
    assert [document.drawing.title for document in seen.documents] == ["d1", "2"]
    assert seen.documents[0].to_json()["clusters"] == {"0": 1, "2": 1}
    assert len(see(path, options=ViewOptions(limit=1)).documents) == 1


def test_documents_are_compared_with_those_of_the_same_text(vocab, tmp_path):
    found, gold, other = (tmp_path / f"{name}.spacy" for name in ("found", "gold", "other"))
    docs = [make_doc(vocab, words, MENTIONS, [(0, "LEADS", 1)]) for words in (WORDS, WORDS[::-1])]
    write_docs(docs, found)
    write_docs([make_doc(vocab, WORDS[::-1], MENTIONS), *docs[:1]], gold)
    write_docs(docs[:1], other)
    seen = see(found, gold)
    assert [document.statuses for document in seen.documents] == [("right",), ("spurious",)]
    with pytest.raises(DataError, match=r"found\.spacy, document 2: no document in .*other\.spacy"):
        see(found, other)


def test_a_schema_says_what_can_be_exchanged(vocab, tmp_path):
    roles = {"host": {"max": 1}, "guest": {"max": 1}}
    meeting = {"label": "MEETING", "roles": roles, "symmetric": ["host", "guest"]}
    near = {"label": "NEAR", "symmetric": True}
    schema = RelationSchema.from_dict({"relations": [near], "events": [meeting]})
    sides = {
        "found": (("host", "guest"), (0, "NEAR", 1)),
        "gold": (("guest", "host"), (1, "NEAR", 0)),
    }
    for name, (names, relation) in sides.items():
        doc = make_doc(vocab, WORDS, MENTIONS, [relation])
        doc._.events = [Event("MEETING", tuple(zip(names, doc.ents)))]
        write_docs([doc], tmp_path / f"{name}.spacy")
    paths = [tmp_path / f"{name}.spacy" for name in sides]
    (document,) = see(*paths, options=ViewOptions(schema=schema)).documents
    assert (document.statuses, document.event_statuses) == (("right",), ("right",))
    schema = RelationSchema(events=schema.events.values())  # of no relations
    (document,) = see(*paths, options=ViewOptions(schema=schema)).documents
    assert (document.statuses, document.event_statuses) == (("spurious", "missed"), ("right",))


def test_a_pipeline_needs_texts(tmp_path):
    (tmp_path / "config.cfg").touch()
    assert is_pipeline(tmp_path)
    assert is_pipeline("en_core_web_sm")
    assert not is_pipeline(tmp_path.parent)
    with pytest.raises(ConfigError, match="is a pipeline: give texts"):
        see(tmp_path)
