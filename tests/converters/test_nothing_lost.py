"""No reader loses or changes anything without a word in the report."""

import cProfile
import json
import pstats

import spacy

from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report

from .files import notes

CHINESE = {
    "text": "安李在巴黎创立了顶点公司。",
    "entities": [
        {"id": 1, "start": 0, "end": 2, "label": "PERSON"},
        {"id": 2, "start": 8, "end": 12, "label": "ORG"},
    ],
    "relations": [{"head": 2, "tail": 1, "label": "FOUNDED_BY"}],
}


def convert(path, content, name="jsonl", lang="en", **options):
    """The Docs of a file with this text, or this value as JSON, and the report."""
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode("utf8"))
    report = Report(on_error="skip")
    return list(convert_file(path, name, spacy.blank(lang), report, **options)), report


def test_a_likely_wrong_language_is_said(tmp_path):
    _, report = convert(tmp_path / "data", CHINESE)
    assert report.skipped == {"document": 0, "mention": 2, "relation": 1}
    assert "; the script has no spaces: try --lang zh" in report.problems[0]
    _, report = convert(tmp_path / "data", CHINESE, alignment="expand", spans_key="sc")
    hint = "documents with odd tokens; the script has no spaces: try --lang zh"
    assert notes(report)["mentions were widened to whole tokens"] == 2
    assert notes(report)[hint] == 1
    (doc,), report = convert(tmp_path / "data", CHINESE, lang="zh")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("安李", "PERSON"), ("顶点公司", "ORG")]
    assert (report.relations, report.notes, report.problems) == (1, {}, [])


def test_most_mentions_within_tokens(tmp_path):
    entities = [{"id": i, "start": i, "end": i + 2, "label": "X"} for i in (0, 3)]
    content = {"text": "Donaudampfschiff", "entities": entities}
    _, report = convert(tmp_path / "data", content, alignment="expand", spans_key="sc")
    assert notes(report) == {
        "mentions were widened to whole tokens": 2,
        "documents with odd tokens; most mentions there cut tokens: is --lang en right?": 1,
        "mentions of the same tokens and label as another one, kept as one": 1,
    }
    assert report.mentions == 1


def test_converting_is_linear_in_the_document(tmp_path):
    def work(n_sentences):
        sentence = "Acme was founded by Ann. "
        mentions = [
            {"id": f"{name}{i}", "start": start, "end": start + len(name), "label": "X"}
            for i in range(n_sentences)
            for name in ("Acme", "Ann")
            for start in [i * len(sentence) + sentence.index(name)]
        ]
        content = {"text": sentence * n_sentences, "entities": mentions}
        with cProfile.Profile() as profile:
            convert(tmp_path / "data", content)
        return pstats.Stats(profile).total_calls

    work(1)
    assert work(80) < 2.4 * work(40)
