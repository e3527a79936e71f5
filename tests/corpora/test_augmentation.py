"""Names are swapped, and nothing else."""

import pytest
import spacy

from rel_component.corpora.augmentation import configure_swap_mentions
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


def test_the_example_that_is_read_does_not_change(nlp):
    reference = reference_doc(nlp)
    swapped(nlp, 1.0, reference)
    assert reference.text.startswith("Cy Young")


def test_level_zero_changes_nothing(nlp):
    assert swapped(nlp, 0.0, reference_doc(nlp)).reference.text == reference_doc(nlp).text


def test_only_names_of_the_same_type_and_length_are_taken(nlp):
    reference = make_doc(nlp.vocab, "Acme Labs hired", [(0, 2, "ORG")])
    assert swapped(nlp, 1.0, reference).reference.text.strip() == "Acme Labs hired"


def test_span_groups(nlp):
    swap = configure_swap_mentions(1.0, spans_key="mentions")
    for text in ("Ann left", "Bob came"):
        doc = make_doc(nlp.vocab, text, [(0, 1, "PERSON")], spans_key="mentions")
        predicted = make_doc(nlp.vocab, text, [(0, 1, "PERSON")], spans_key="mentions")
        (result,) = swap(nlp, spacy.training.Example(predicted, doc))
    assert result.reference.text.strip() == "Ann came"
    assert [span.text for span in result.predicted.spans["mentions"]] == ["Ann"]


def test_error_for_a_level_out_of_range():
    with pytest.raises(ConfigError, match="level"):
        configure_swap_mentions(1.5)
