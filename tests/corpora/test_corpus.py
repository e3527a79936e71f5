"""The corpus reader."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from rel_component.corpora.augmentation import configure_swap_mentions
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.errors import DataError
from rel_component.mentions import read_clusters
from rel_component.spacy_files import read_docs, write_docs

from ..helpers import make_candidates, make_doc

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


def test_gold_tokens_have_the_norms_of_raw_text(tmp_path):
    nlp = spacy.blank("xx")
    nlp.tokenizer.add_special_case("can't", [{"ORTH": "ca", "NORM": "can"}, {"ORTH": "n't"}])
    doc = nlp("Acme can't buy Orbit.")
    write_docs([doc], tmp_path / "a.spacy")
    nlp.vocab["buy"].norm_ = "purchase"  # as a table of the pipeline may say
    (example,) = make_relation_corpus(tmp_path / "a.spacy")(nlp)
    norms = [token.norm_ for token in example.predicted]
    assert norms == ["acme", "can", "n't", "purchase", "orbit", "."]


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


def with_sentences(nlp, path, **options):
    doc = Doc(NLP.vocab, words=["Hi", ".", "You"], sent_starts=[True, False, True])
    write_docs([doc], path / "a.spacy")
    (eg,) = make_relation_corpus(path / "a.spacy", **options)(nlp)
    return eg.predicted


@pytest.mark.parametrize("gold_tokens", [True, False])
def test_annotated_sentences(tmp_path, gold_tokens):
    predicted = with_sentences(NLP, tmp_path, gold_tokens=gold_tokens)
    assert [sent.text.strip() for sent in predicted.sents] == ["Hi .", "You"]


@pytest.mark.parametrize("augmenter", [None, configure_swap_mentions(1.0)])
def test_candidates_within_a_sentence_need_no_sentencizer(tmp_path, augmenter):
    doc = make_doc(
        NLP.vocab, "A met B . C", [(0, 1, "X"), (2, 3, "X"), (4, 5, "X")], sent_starts=[0, 4]
    )
    write_docs([doc], tmp_path / "a.spacy")
    (eg,) = read(tmp_path / "a.spacy", augmenter=augmenter)
    assert make_candidates([eg.predicted], max_sentence_distance=0).n_pairs == 2


@pytest.mark.parametrize("gold_tokens", [True, False])
def test_without_annotated_sentences(tmp_path, gold_tokens):
    options = {"gold_tokens": gold_tokens, "gold_sentences": False}
    predicted = with_sentences(NLP, tmp_path, **options)
    assert not predicted.has_annotation("SENT_START")


def test_sentences_that_do_not_begin_with_a_token_of_the_pipeline(tmp_path):
    doc = Doc(
        NLP.vocab,
        words=["so", "me", "one"],
        spaces=[False, True, False],
        sent_starts=[True, True, False],
    )
    write_docs([doc], tmp_path / "a.spacy")
    (eg,) = make_relation_corpus(tmp_path / "a.spacy", gold_tokens=False)(NLP)
    assert not eg.predicted.has_annotation("SENT_START")


def test_entities_of_documents_that_have_a_span_group_only(tmp_path):
    docs = make_docs()
    docs[0].set_ents([], default="missing")
    docs[1].spans["mentions"] = [docs[1][0:1]]  # without a type
    docs[1].ents = [Span(docs[1], 0, 1, label="NIL")]
    write_docs(docs, tmp_path / "a.spacy")
    examples = read(tmp_path / "a.spacy", spans_key="mentions", gold_entities=False)
    found = [[ent.text for ent in eg.reference.ents] for eg in examples]
    assert found == [["Apple Inc.-owned", "Beats"], ["Nothing"], []]
    assert not any(len(eg.predicted.ents) for eg in examples)
    assert [len(eg.reference.ents) for eg in read(tmp_path / "a.spacy")] == [0, 1, 0]
