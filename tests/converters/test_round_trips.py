"""What is written and read again is the same."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from rel_component.converters.annotated import in_characters
from rel_component.converters.builder import build_docs
from rel_component.converters.checks import check_documents
from rel_component.converters.format import get_format
from rel_component.converters.from_doc import to_annotated
from rel_component.converters.report import Report
from rel_component.converters.writing import write_file

from .strategies import EMPTY, LABELS, MAPPINGS, NAMES, SCORES, SHORT, TEXTS, documents

NLP = spacy.blank("en")
BRAT_ATTRIBUTES = st.dictionaries(
    st.one_of(NAMES, NAMES.map(lambda name: "#" + name)), NAMES, max_size=2
)
DOCCANO_META = st.dictionaries(LABELS, SHORT, max_size=2)
NUMBERS = st.integers(0, 999)
SEMEVAL = {
    "texts": TEXTS.map(lambda text: text.replace("\n", " ")),
    "labels": NAMES,
    "n_mentions": st.just(2),
    "metas": NUMBERS.map(lambda id: {"id": id}),
    "max_relations": 1,
}

FORMATS = {
    "jsonl": documents(
        kb_ids=SHORT,
        mention_attributes=MAPPINGS,
        scores=SCORES,
        relation_ids=st.one_of(NUMBERS, LABELS),
        relation_attributes=MAPPINGS,
        metas=MAPPINGS,
        clusters=True,
        fragments=True,
        sentences=True,
    ),
    "doccano": documents(
        ids=NUMBERS,
        relation_ids=NUMBERS,
        metas=st.one_of(EMPTY, DOCCANO_META, st.sampled_from([{"id": 3, "text": "b", "meta": {}}])),
    ),
    "label_studio": documents(
        ids=LABELS,
        mention_attributes=MAPPINGS,
        metas=st.one_of(MAPPINGS, st.sampled_from([{"id": 3, "text": "b", "meta": {}}])),
    ),
    "brat": documents(
        ids=NUMBERS.map("T{}".format),
        labels=NAMES,
        kb_ids=st.one_of(st.just(""), NAMES, NAMES.map("KB:{}".format), NAMES.map("x:{}".format)),
        mention_attributes=BRAT_ATTRIBUTES,
        relation_ids=NUMBERS.map("R{}".format),
        relation_attributes=st.one_of(
            BRAT_ATTRIBUTES, st.just({"argument names": ["Theme", "Cause"]})
        ),
        metas=st.just({"id": "a/b-1"}),
        clusters=True,
        fragments=True,
    ),
    "csv": documents(
        texts=TEXTS.filter(lambda text: "\x00" not in text),  # Python 3.10 does not read these
        labels=NAMES,
        scores=SCORES,
        metas=st.one_of(EMPTY, NAMES.map(lambda id: {"id": id})),
    ),
    "semeval": documents(**SEMEVAL),
    "spert": documents(tokens=True, metas=st.one_of(EMPTY, MAPPINGS.map(lambda m: {"id": m}))),
    "prodigy": documents(tokens=True, metas=MAPPINGS),
}
"""For each format documents with all that it holds."""


def write_and_read(annotated, format):
    report = Report(on_error="skip")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "written"
        write_file([annotated], path, format, NLP, report)
        read = list(check_documents(get_format(format).read(path, report), report))
    assert report.problems == []
    (again,) = read
    return again


def renamed(annotated, *, by_position=False):
    """With the mentions' positions for names, in the order of the list or of the text."""
    mentions = annotated.mentions
    if by_position:
        mentions = sorted(mentions, key=lambda mention: (mention.start, mention.end))
    names = {mention.id: i for i, mention in enumerate(mentions)}
    return replace(
        annotated,
        place="",
        mentions=[replace(mention, id=names[mention.id]) for mention in mentions],
        relations=[
            replace(relation, head=names[relation.head], tail=names[relation.tail])
            for relation in annotated.relations
        ],
        clusters=[[names[id] for id in cluster] for cluster in annotated.clusters],
    )


@pytest.mark.parametrize("format", ["jsonl", "doccano", "label_studio", "brat"])
@given(data=st.data())
def test_names_and_all_come_back(format, data):
    annotated = data.draw(FORMATS[format])
    read = write_and_read(annotated, format)
    assert replace(read, place="") == replace(annotated, place="")


@given(FORMATS["csv"])
def test_csv_keeps_all_but_names_and_order(annotated):
    read = write_and_read(annotated, "csv")
    assert renamed(read, by_position=True) == renamed(annotated, by_position=True)


@given(FORMATS["prodigy"])
def test_prodigy_keeps_all_but_names(annotated):
    read = write_and_read(annotated, "prodigy")
    if not annotated.words:
        annotated = in_characters(annotated)
    assert renamed(read) == renamed(annotated)


@given(FORMATS["spert"])
def test_spert_keeps_all_but_names_and_spaces(annotated):
    read = write_and_read(annotated, "spert")
    assert renamed(read) == replace(renamed(annotated), spaces=None, sentence_starts=[0])


@given(
    documents(**SEMEVAL, overlapping=False).filter(lambda annotated: len(annotated.mentions) == 2)
)
def test_semeval_keeps_pairs_that_do_not_overlap(annotated):
    read = renamed(write_and_read(annotated, "semeval"), by_position=True)
    expected = renamed(annotated, by_position=True)
    nominals = [replace(mention, label="NOMINAL") for mention in expected.mentions]
    assert read == replace(expected, mentions=nominals, sentence_starts=[0])


@given(
    documents(
        tokens=True,
        kb_ids=SHORT,
        mention_attributes=MAPPINGS,
        scores=SCORES,
        relation_ids=st.one_of(NUMBERS, LABELS),
        relation_attributes=MAPPINGS,
        metas=MAPPINGS,
        clusters=True,
        sentences=True,
        max_relations=1,
    )
)
def test_a_doc_in_a_file_holds_all_of_a_document(annotated):
    report = Report()
    (doc,) = build_docs([annotated], NLP, report, spans_key="mentions")
    doc_bin = DocBin(attrs=["SENT_START"], docs=[doc], store_user_data=True)
    (loaded,) = DocBin().from_bytes(doc_bin.to_bytes()).get_docs(Vocab())
    read = to_annotated(loaded, spans_key="mentions")
    if not annotated.words:
        annotated = replace(annotated, sentence_starts=[])
    assert read == replace(annotated, place="")


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=30)
@given(annotated=FORMATS["jsonl"])
def test_what_is_written_can_be_read(format, annotated):
    report = Report(on_error="skip")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "written"
        write_file([annotated], path, format, NLP, report)
        problems = Report(on_error="skip")
        read = list(check_documents(get_format(format).read(path, problems), problems))
    assert problems.problems == []
    assert sum(len(document.relations) for document in read) == report.relations
    if format != "semeval":  # one document for each relation
        assert sum(len(document.mentions) for document in read) == report.mentions
        assert len(read) == report.documents
