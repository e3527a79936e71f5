"""The corpus reader."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from rel_component.corpora.corpus import make_relation_corpus
from rel_component.errors import DataError
from rel_component.files import read_docs, write_docs
from rel_component.mentions import read_clusters

NLP = spacy.blank("en")


def make_docs():
    doc = Doc(
        NLP.vocab, words=["Apple", "Inc.-owned", "Beats", "."], spaces=[True, True, False, False]
    )
    apple, beats = Span(doc, 0, 1, label="ORG"), Span(doc, 2, 3, label="ORG")
    doc.ents = [apple, beats]
    doc.spans["mentions"] = [apple, Span(doc, 0, 2, label="ORG"), beats]
    doc._.rel = [(apple, "OWNS", beats)]
    return [doc, Doc(NLP.vocab, words=["Nothing"]), Doc(NLP.vocab)]


@pytest.fixture
def path(tmp_path):
    write_docs(make_docs(), tmp_path / "corpus" / "a.spacy")
    return tmp_path / "corpus" / "a.spacy"


def read(path, **options):
    return list(make_relation_corpus(path, **options)(NLP))


def test_gold_entities_and_tokens(path):
    examples = read(path)
    assert len(examples) == 3
    assert [ent.text for ent in examples[0].predicted.ents] == ["Apple", "Beats"]
    assert len(examples[0].predicted._.rel) == 0
    assert [str(rel) for rel in examples[0].reference._.rel] == ["(Apple, OWNS, Beats)"]


def test_without_gold_entities(path):
    assert [len(eg.predicted.ents) for eg in read(path, gold_entities=False)] == [0, 0, 0]


def test_span_groups(path):
    predicted = read(path, spans_key="mentions")[0].predicted
    spans = predicted.spans["mentions"]
    assert [span.text for span in spans] == ["Apple", "Apple Inc.-owned", "Beats"]


@pytest.mark.parametrize("gold_entities", [True, False])
def test_clusters_come_with_the_mentions(tmp_path, gold_entities):
    docs = make_docs()
    docs[0].spans["coref_clusters_1"] = [docs[0][0:1], docs[0][2:3]]
    write_docs(docs, tmp_path / "a.spacy")
    predicted = read(tmp_path / "a.spacy", gold_entities=gold_entities)[0].predicted
    found = [[span.text for span in cluster] for cluster in read_clusters(predicted)]
    assert found == ([["Apple", "Beats"]] if gold_entities else [])


def test_own_tokens_leave_out_mentions_that_do_not_fit(tmp_path):
    doc = Doc(NLP.vocab, words=["Inc", ".-", "owned"], spaces=[False, False, False])
    doc.ents = [Span(doc, 0, 1, label="ORG")]
    write_docs([doc], tmp_path / "a.spacy")
    with pytest.warns(UserWarning, match="1 annotated mentions do not begin and end with a token"):
        examples = read(tmp_path / "a.spacy", gold_tokens=False)
    assert len(examples[0].predicted.ents) == 0


def test_limit_and_folder(path):
    assert len(read(path, limit=1)) == 1
    assert len(read(path.parent)) == 3


@pytest.mark.parametrize("content", [None, b"nonsense"])
def test_unreadable_files(tmp_path, content):
    path = tmp_path / "a.spacy"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.spacy"):
        list(read_docs(path, NLP))


def test_no_path():
    with pytest.raises(DataError, match=r"--paths\.train"):
        read(None)
