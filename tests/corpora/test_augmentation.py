"""Names are swapped, and nothing else."""

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from rel_component.corpora.augmentation import configure_swap_mentions, name_types
from rel_component.documents import ask_only, asked_labels
from rel_component.errors import ConfigError
from rel_component.mentions import read_clusters

from ..helpers import make_doc, make_example

FIRST = ("Ada Lovelace met Bo", [(0, 2, "PERSON"), (3, 4, "PERSON")])
SECOND = ("Cy Young runs Acme . Young is old", [(0, 2, "PERSON"), (3, 4, "ORG"), (5, 6, "PERSON")])


@pytest.fixture
def nlp():
    spacy.util.fix_random_seed(0)
    return spacy.blank("en")


def swapped(nlp, level, reference, mentions=()):
    swap = configure_swap_mentions(level)
    list(swap(nlp, make_example(make_doc(nlp.vocab, *FIRST))))
    (result,) = swap(nlp, make_example(reference, mentions))
    return result


def reference_doc(nlp):
    return make_doc(nlp.vocab, *SECOND, relations=[(0, "CEO_OF", 1)], sent_starts=[0, 5])


def test_a_name_is_replaced_wherever_its_words_occur(nlp):
    result = swapped(nlp, 1.0, reference_doc(nlp))
    assert result.reference.text.strip() == "Ada Lovelace runs Acme . Lovelace is old"
    assert result.predicted.text == result.reference.text


def test_clusters_keep_their_places(nlp):
    doc = reference_doc(nlp)
    doc.spans["coref_clusters_1"] = [doc[0:2], doc[5:6]]
    (cluster,) = read_clusters(swapped(nlp, 1.0, doc).reference)
    assert [span.text for span in cluster] == ["Ada Lovelace", "Lovelace"]


def test_mentions_relations_and_sentences_keep_their_places(nlp):
    result = swapped(nlp, 1.0, reference_doc(nlp), [(0, 2, "PERSON")])
    assert [(ent.start, ent.end, ent.label_) for ent in result.reference.ents] == SECOND[1]
    assert [str(rel) for rel in result.reference._.rel] == ["(Ada Lovelace, CEO_OF, Acme)"]
    assert [sent.start for sent in result.reference.sents] == [0, 5]
    assert [ent.text for ent in result.predicted.ents] == ["Ada Lovelace"]


@pytest.mark.parametrize("text", ["Cy Young runs Acme", "Cy Young runs Acme-Zwei"])
def test_documents_are_asked_about_the_same_labels(nlp, text):
    """The second text has other tokens in the pipeline, so that its document is made anew."""
    reference = make_doc(nlp.vocab, text, [(0, 2, "PERSON")])
    ask_only(reference, ["CEO_OF"])
    (result,) = configure_swap_mentions(1.0)(nlp, Example(nlp.make_doc(text), reference))
    assert asked_labels(result.predicted) == asked_labels(result.reference) == {"CEO_OF"}


def test_what_else_is_annotated_stays(nlp):
    words = ["Cy", "Young", "runs", "Acme"]
    values = {
        "tags": ["NNP", "NNP", "VBZ", "NNP"],
        "pos": ["PROPN", "PROPN", "VERB", "PROPN"],
        "morphs": ["", "", "Tense=Pres", ""],
        "heads": [1, 2, 2, 2],
        "deps": ["compound", "nsubj", "ROOT", "obj"],
    }
    doc = Doc(nlp.vocab, words=words, ents=["B-PERSON", "I-PERSON", "O", "B-ORG"], **values)
    result = swapped(nlp, 1.0, doc).reference
    assert result.text.startswith("Ada Lovelace")
    for name in ("tag_", "pos_", "morph", "dep_"):
        assert [str(getattr(t, name)) for t in result] == [str(getattr(t, name)) for t in doc]
    assert [token.head.i for token in result] == values["heads"]


def test_the_example_that_is_read_does_not_change(nlp):
    reference = reference_doc(nlp)
    swapped(nlp, 1.0, reference)
    assert reference.text.startswith("Cy Young")


def test_level_zero_changes_nothing(nlp):
    assert swapped(nlp, 0.0, reference_doc(nlp)).reference.text == reference_doc(nlp).text


def test_only_names_of_the_same_type_and_length_are_taken(nlp):
    reference = make_doc(nlp.vocab, "Acme Labs hired", [(0, 2, "ORG")])
    assert swapped(nlp, 1.0, reference).reference.text.strip() == "Acme Labs hired"


def test_spaces_within_names_stay_where_they_are(nlp):
    swap = configure_swap_mentions(1.0)
    for words, spaces in (
        (["Asia", "Pacific", "Breweries"], [True, True, False]),
        (["e", "-", "Bay"], [False, False, False]),
        (["T", "-", "Mobile"], [False, False, False]),
    ):
        doc = make_doc(nlp.vocab, words, [(0, 3, "ORG")], spaces=spaces)
        (result,) = swap(nlp, make_example(doc))
    assert result.reference.text == "e-Bay"


@pytest.mark.parametrize(
    ("known", "text", "mentions", "expected"),
    [
        (
            "Oslo , Norway",
            "Kinderhook , N.Y. Vienna , Austria",
            [(0, 3), (3, 6)],
            "Oslo , Norway " * 2,
        ),
        ("Duke of York", "Bank of Ireland left of", [(0, 3), (4, 5)], "Duke of York left of"),
        ("the cells", "a gene is a gene", [(0, 2), (3, 5)], "the cells is the cells"),
        ("東京 駅", "大阪 城 大阪", [(0, 2), (2, 3)], "東京 駅 東京"),
    ],
)
def test_words_that_many_names_have_do_not_join_them(nlp, known, text, mentions, expected):
    swap = configure_swap_mentions(1.0)
    n = len(known.split())
    list(swap(nlp, make_example(make_doc(nlp.vocab, known, [(0, n, "X")]))))
    doc = make_doc(nlp.vocab, text, [(*span, "X") for span in mentions])
    (result,) = swap(nlp, make_example(doc))
    assert result.reference.text.strip() == expected.strip()


def test_span_groups(nlp):
    swap = configure_swap_mentions(1.0, spans_key="mentions")
    for text in ("Ann left", "Bob came"):
        doc = make_doc(nlp.vocab, text, [(0, 1, "PERSON")], spans_key="mentions")
        predicted = make_doc(nlp.vocab, text, [(0, 1, "PERSON")], spans_key="mentions")
        (result,) = swap(nlp, Example(predicted, doc))
    assert result.reference.text.strip() == "Ann came"
    assert [span.text for span in result.predicted.spans["mentions"]] == ["Ann"]


NESTED = [(0, 2, "PERSON"), (1, 2, "NAME"), (3, 4, "ORG")]


@pytest.mark.parametrize("spans_key", [None, "mentions"])
def test_all_span_groups_and_entities_stay_whatever_the_key(nlp, spans_key):
    reference, predicted = reference_doc(nlp), reference_doc(nlp)
    for doc in (reference, predicted):
        for key in ("mentions", "other"):
            group = [spacy.tokens.Span(doc, *span) for span in NESTED]
            doc.spans[key] = group
            doc.spans[key].attrs["scores"] = [0.9, 0.8, 0.7]
        doc.set_ents([group[2]], default="missing")
    swap = configure_swap_mentions(1.0, spans_key)
    list(swap(nlp, make_example(make_doc(nlp.vocab, *FIRST, spans_key=spans_key))))
    (result,) = swap(nlp, Example(predicted, reference))
    for doc in (result.reference, result.predicted):
        for key in ("mentions", "other"):
            assert [(s.start, s.end, s.label_) for s in doc.spans[key]] == NESTED
            assert doc.spans[key].attrs["scores"] == [0.9, 0.8, 0.7]
        assert [token.ent_iob for token in doc] == [0, 0, 0, 3, 0, 0, 0, 0]
    expected = "Ada Lovelace" if spans_key else "Cy Young"
    assert result.reference.spans["other"][0].text == expected


def test_predicted_documents_of_own_tokens_keep_them(nlp):
    """The tokens of the reference are not given to a pipeline that is to learn from its own."""
    reference = make_doc(nlp.vocab, "Bo left-town", [(0, 1, "PERSON")])
    predicted = nlp.make_doc(reference.text)
    predicted.spans["mentions"] = [spacy.tokens.Span(predicted, 0, 1, label="PERSON")]
    assert len(predicted) > len(reference)
    swap = configure_swap_mentions(1.0)
    list(swap(nlp, make_example(make_doc(nlp.vocab, "Ann came", [(0, 1, "PERSON")]))))
    (result,) = swap(nlp, Example(predicted, reference))
    assert [token.text for token in result.predicted] == ["Ann", "left", "-", "town"]
    assert [span.text for span in result.predicted.spans["mentions"]] == ["Ann"]


def test_the_predicted_document_keeps_its_sentences(nlp):
    swap = configure_swap_mentions(1.0)
    for words in (["Hi", ".", "You"], ["Hi.", "You"]):
        reference = make_doc(nlp.vocab, "Hi . You", sent_starts=[0, 2])
        predicted = Doc(nlp.vocab, words=words)
        (result,) = swap(nlp, Example(predicted, reference))
        assert not result.predicted.has_annotation("SENT_START")
    (result,) = swap(nlp, Example(reference.copy(), reference))
    assert [sent.start for sent in result.predicted.sents] == [0, 2]


def test_only_the_types_of_labels_are_swapped(nlp):
    swap = configure_swap_mentions(1.0, labels=["PERSON"])
    for text in ("Ann bought cells", "Bob sold genes"):
        doc = make_doc(nlp.vocab, text, [(0, 1, "PERSON"), (2, 3, "THING")])
        (result,) = swap(nlp, make_example(doc))
    assert result.reference.text.strip() == "Ann sold genes"


def test_types_whose_mentions_are_names(nlp):
    docs = [
        make_doc(
            nlp.vocab,
            "The cells of Bank of America bind BRCA1",
            [(0, 2, "THING"), (3, 6, "ORG"), (7, 8, "GENE")],
        ),
        make_doc(nlp.vocab, "Its cells meet Ann", [(1, 2, "THING"), (3, 4, "PERSON")]),
        make_doc(nlp.vocab, "Monday in 1999", [(0, 1, "DAY"), (2, 3, "YEAR")]),
        make_doc(nlp.vocab, "in 東京", [(1, 2, "CITY")]),
    ]
    assert name_types(docs) == ["CITY", "DAY", "GENE", "ORG", "PERSON", "YEAR"]
    assert name_types([]) == []


def test_parts_of_speech_tell_names_where_they_are_known(nlp):
    doc = make_doc(nlp.vocab, "die Zellen von Bonn", [(1, 2, "THING"), (3, 4, "CITY")])
    for token, pos in zip(doc, ("DET", "NOUN", "ADP", "PROPN")):
        token.pos_ = pos
    assert name_types([doc]) == ["CITY"]


def test_error_for_a_level_out_of_range():
    with pytest.raises(ConfigError, match="level"):
        configure_swap_mentions(1.5)
