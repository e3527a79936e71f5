"""Docs hold what formats say, and give it back."""

from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from rel_component.annotations import set_relations
from rel_component.converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation
from rel_component.converters.builder import build_docs
from rel_component.converters.checks import check_documents
from rel_component.converters.from_doc import to_annotated
from rel_component.converters.report import Report
from rel_component.errors import DataError

from ..helpers import make_doc
from .strategies import everything

NLP = spacy.blank("en")
TEXT = "Ilse founded Nordwind. She owns it."
MENTIONS = [
    AnnotatedMention("p", 0, 4, "PERSON", kb_id="Q1"),
    AnnotatedMention("o", 13, 21, "ORG"),
    AnnotatedMention("she", 23, 26, ""),
]


def build(annotated, **options):
    report = Report(on_error="skip")
    (doc,) = build_docs(check_documents([annotated], report), NLP, report, **options)
    return doc, report


def test_clusters_are_span_groups():
    doc, _ = build(Annotated("here", text=TEXT, mentions=MENTIONS, clusters=[["p", "she"], ["o"]]))
    assert {key: [span.text for span in group] for key, group in doc.spans.items()} == {
        "coref_clusters_1": ["Ilse", "She"],
        "coref_clusters_2": ["Nordwind"],
    }
    assert [ent.text for ent in doc.ents] == ["Ilse", "Nordwind"]


def test_knowledge_base_ids_are_those_of_entities():
    doc, _ = build(Annotated("here", text=TEXT, mentions=MENTIONS[:2]))
    assert [ent.kb_id_ for ent in doc.ents] == ["Q1", ""]


@pytest.mark.parametrize(
    ("ids", "kept", "n_notes"), [(("Q1", ""), "Q1", 0), (("Q1", "Q2"), "Q1", 1)]
)
def test_a_mention_that_is_there_twice_keeps_its_knowledge_base_id(ids, kept, n_notes):
    mentions = [AnnotatedMention(i, 0, 4, "PERSON", kb_id=kb_id) for i, kb_id in enumerate(ids)]
    doc, report = build(Annotated("here", text=TEXT, mentions=mentions))
    assert [ent.kb_id_ for ent in doc.ents] == [kept]
    assert sum("another knowledge-base id" in message for message in report.notes) == n_notes


def test_sentences_are_as_given():
    doc, _ = build(Annotated("here", text=TEXT, sentence_starts=[0, 5]))
    assert [sent.text for sent in doc.sents] == ["Ilse", "founded Nordwind. She owns it."]


def test_no_sentence_starts_inside_of_a_mention():
    text = "Ann makes Malt No. 5 in Oslo. She sells it."
    mentions = [AnnotatedMention("m", 10, 20, "PRODUCT")]
    doc, _ = build(Annotated("here", text=text, mentions=mentions))
    assert [sent.text for sent in doc.sents] == ["Ann makes Malt No. 5 in Oslo.", "She sells it."]


def test_evidence_stays_with_its_sentence():
    relations = [AnnotatedRelation("o", "p", "BY", evidence=(1,))]
    annotated = Annotated("here", text=f" {TEXT}", relations=relations, sentence_starts=[1, 23])
    annotated.mentions = [
        AnnotatedMention(m.id, m.start + 1, m.end + 1, m.label) for m in MENTIONS[:2]
    ]
    doc, _ = build(annotated)
    assert [sent.text for sent in doc.sents] == [" ", "Ilse founded Nordwind.", "She owns it."]
    (relation,) = to_annotated(doc).relations
    assert relation.evidence == (2,)


def test_discontinuous_mentions_are_reported():
    mention = AnnotatedMention("d", 0, 12, "X", fragments=((0, 1), (5, 12)))
    doc, report = build(Annotated("here", text=TEXT, mentions=[mention]))
    assert len(doc.ents) == 0
    assert "a discontinuous mention of 2 fragments" in report.problems[0]


@pytest.mark.parametrize("on_error", ["skip", "stop"])
def test_a_mention_that_cuts_a_token_is_named(on_error):
    annotated = Annotated("here", text=TEXT, mentions=[AnnotatedMention("cut", 0, 2, "PERSON")])
    report = Report(on_error=on_error)
    try:
        [*build_docs([annotated], NLP, report)]
        message = report.problems[0]
    except DataError as err:
        message = str(err)
    assert message.startswith("here, mention cut: characters 0:2, 'Il', do not begin and end")


def test_members_of_clusters_that_are_left_out_are_noted():
    clusters = [["p", "nobody"], ["p", "o"], ["nothing"]]
    doc, report = build(Annotated("here", text=TEXT, mentions=MENTIONS[:2], clusters=clusters))
    assert [[span.text for span in group] for group in doc.spans.values()] == [
        ["Ilse"],
        ["Nordwind"],
    ]
    assert [count for count, _ in report.notes.values()] == [3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sentence_starts": [0, 99]}, "sentences start at"),
        ({"sentence_starts": [5, 0]}, "in ascending order"),
        ({"words": ["a", ""], "text": None}, "token 1 is empty"),
        ({"words": ["a"], "spaces": [True, False]}, "1 tokens, but spaces for 2"),
        ({"relations": [AnnotatedRelation("p", "o", "X", evidence=(0,))]}, "there are 0 sentences"),
        ({"mentions": [AnnotatedMention("d", 0, 4, "X", fragments=((0, 2), (1, 4)))]}, "ranges in"),
        (
            {"mentions": [AnnotatedMention("d", 0, 4, "X", fragments=((0, 1), (2, 3)))]},
            "from 0 to 4",
        ),
    ],
)
def test_documents_that_make_no_sense(changes, message):
    annotated = Annotated(**{"place": "here", "text": TEXT, "mentions": MENTIONS[:2], **changes})
    with pytest.raises(DataError, match=f"here.*: .*{message}"):
        list(check_documents([annotated], Report()))


def test_what_a_pipeline_found(vocab):
    doc = make_doc(vocab, "Ilse founded Nordwind . She left", [(0, 1, "PERSON")])
    doc.spans["coref_clusters_1"] = [doc[0:1], doc[4:5]]
    other = Span(doc, 2, 3, label="ORG", kb_id="Q2")
    set_relations(doc, [(other, "BY", doc.ents[0], 0.25), (other, "OF", doc.ents[0], None)])
    annotated = to_annotated(doc, place="here")
    mentions = [(m.start, m.end, m.label) for m in annotated.mentions]
    assert mentions == [(0, 1, "PERSON"), (2, 3, "ORG"), (0, 1, ""), (4, 5, "")]
    assert [(r.head, r.tail, r.score) for r in annotated.relations] == [
        ("T2", "T1", 0.25),
        ("T2", "T1", None),
    ]
    assert annotated.clusters == [["T3", "T4"]]
    assert annotated.sentence_starts is None


def test_joined_documents_get_new_names():
    one, _ = build(Annotated("here", text=TEXT, mentions=MENTIONS[:2]))
    two, _ = build(Annotated("here", text=TEXT, mentions=MENTIONS[:2]))
    joined = Doc.from_docs([one, two])
    assert [m.id for m in to_annotated(joined).mentions] == ["p", "o", "T3", "T4"]


@given(everything(tokens=True, fragments=False, max_relations=1))
@pytest.mark.slow
def test_a_doc_in_a_file_holds_all_of_a_document(annotated):
    (doc,) = build_docs([annotated], NLP, Report(), spans_key="mentions")
    doc_bin = DocBin(attrs=["SENT_START"], docs=[doc], store_user_data=True)
    (loaded,) = DocBin().from_bytes(doc_bin.to_bytes()).get_docs(Vocab())
    read = to_annotated(loaded, spans_key="mentions")
    if not annotated.words:
        annotated = replace(annotated, sentence_starts=[])
    assert read == replace(annotated, place="")


PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf8")


def run_block(number):
    names = {}
    exec(PAGE.split("```python\n")[number].partition("```")[0], names)
    return names


def test_the_conversion_of_the_documentation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("annotated.jsonl").write_text('{"text": "Nothing here."}', encoding="utf8")
    assert run_block(2)["report"].documents == 1
    assert Path("train.spacy").exists()


def test_the_format_of_the_documentation(tmp_path):
    names = run_block(1)
    known, report = names["FORMAT"], Report()
    (tmp_path / "sample").write_text(known.sample, encoding="utf8")
    first = list(known.read(tmp_path / "sample", report))
    known.write(first, tmp_path / "written", report)
    second = list(known.read(tmp_path / "written", report))
    assert [replace(a, place="") for a in first] == [replace(a, place="") for a in second]
    assert known.looks_like(known.sample)


def test_meta_data_that_are_no_dict_are_an_error(vocab):
    doc = make_doc(vocab, "Ada left")
    doc.user_data["meta"] = 5
    with pytest.raises(DataError, match=r'doc 3: doc\.user_data\["meta"\] is 5: expected a dict'):
        to_annotated(doc, place="doc 3")
