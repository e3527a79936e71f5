"""Clusters as other packages write them."""

from types import SimpleNamespace

import pytest
import spacy
from spacy.tokens import Doc, Span

from rel_component.coreference.readers import (
    coreferee_clusters,
    fastcoref_clusters,
    find_reader,
    spacy_coref_clusters,
    spacy_experimental_clusters,
)
from rel_component.errors import AnnotationError, ConfigError
from rel_component.mentions import read_clusters, set_clusters

NLP = spacy.blank("en")


@pytest.fixture
def extension():
    """Make an attribute of documents, as the packages do; it is removed in the end."""
    made = []

    def make(name):
        Doc.set_extension(name, default=None)
        made.append(name)

    yield make
    for name in made:
        Doc.remove_extension(name)


@pytest.fixture
def doc():
    doc = NLP("Ann Lee and Bo left. She saw the old dog. They barked.")
    doc.ents = [Span(doc, 0, 2, "PERSON")]
    return doc


def texts(clusters):
    return [[span.text for span in cluster] for cluster in clusters]


def chain(*mentions):
    """A chain of coreferee, which is a list of mentions with the tokens of their heads."""
    return [SimpleNamespace(token_indexes=indexes) for indexes in mentions]


def test_coreferee(doc, extension):
    extension("coref_chains")
    doc._.coref_chains = [chain([1], [6]), chain([1, 3], [12])]
    assert texts(coreferee_clusters(doc)) == [["Ann Lee", "She"], ["Ann Lee and Bo", "They"]]


def test_coreferee_has_noun_chunks_where_there_is_a_parse(extension):
    extension("coref_chains")
    words = ["The", "old", "dog", "saw", "itself"]
    heads, deps = [2, 2, 3, 3, 3], ["det", "amod", "nsubj", "ROOT", "dobj"]
    pos = ["DET", "ADJ", "NOUN", "VERB", "PRON"]
    doc = Doc(NLP.vocab, words=words, heads=heads, deps=deps, pos=pos)
    doc._.coref_chains = [chain([2], [4])]
    assert texts(coreferee_clusters(doc)) == [["The old dog", "itself"]]


def test_fastcoref(doc, extension):
    extension("coref_clusters")
    doc._.coref_clusters = [[(0, 7), (21, 24)], [(34, 40)]]  # the last begins within "old"
    assert texts(fastcoref_clusters(doc)) == [["Ann Lee", "She"], ["old dog"]]


def test_spacy_coref(doc, extension):
    extension("coref_clusters")
    doc._.coref_clusters = [[doc[0:2], doc[6:7], doc[6:7]], []]
    assert texts(spacy_coref_clusters(doc)) == [["Ann Lee", "She"]]


def test_spacy_experimental(doc):
    doc.spans["coref_head_clusters_1"] = [doc[1:2], doc[6:7]]
    assert texts(spacy_experimental_clusters(doc)) == [["Lee", "She"]]
    doc.spans["coref_clusters_1"] = [doc[0:2], doc[6:7]]
    assert texts(spacy_experimental_clusters(doc)) == [["Ann Lee", "She"]]


def test_what_is_read_can_be_stored(doc, extension):
    extension("coref_clusters")
    doc._.coref_clusters = [[(0, 7), (21, 24)]]
    set_clusters(doc, fastcoref_clusters(doc))
    assert texts(read_clusters(doc)) == [["Ann Lee", "She"]]


def test_nothing_was_found(doc, extension):
    extension("coref_chains")
    extension("coref_clusters")
    assert coreferee_clusters(doc) == fastcoref_clusters(doc) == spacy_coref_clusters(doc) == []


@pytest.mark.parametrize(
    ("read", "attr", "value"),
    [
        (coreferee_clusters, "coref_chains", [chain([99], [0])]),
        (coreferee_clusters, "coref_chains", [[(0, 3)]]),
        (fastcoref_clusters, "coref_clusters", [[(0, 999)]]),
        (fastcoref_clusters, "coref_clusters", [[(-3, 3)]]),
        (fastcoref_clusters, "coref_clusters", [[("a", 3)]]),
        (fastcoref_clusters, "coref_clusters", [[3]]),
        (fastcoref_clusters, "coref_clusters", 3),
        (spacy_coref_clusters, "coref_clusters", [[(0, 3)]]),
        (spacy_coref_clusters, "coref_clusters", [[NLP("Ann")[0:1]]]),
    ],
)
def test_something_else(doc, extension, read, attr, value):
    extension(attr)
    setattr(doc._, attr, value)
    with pytest.raises(AnnotationError, match=rf"^doc\._\.{attr} of 'Ann Lee and"):
        read(doc)


def test_the_package_has_not_run(doc):
    with pytest.raises(
        AnnotationError, match=r"coref_chains does not exist: coreferee has not run"
    ):
        coreferee_clusters(doc)


def test_unknown_package():
    with pytest.raises(ConfigError, match="'neuralcoref'; available: coreferee, fastcoref"):
        find_reader("neuralcoref")


def test_the_component(extension, tmp_path):
    extension("coref_clusters")
    nlp = spacy.blank("en")
    nlp.add_pipe("coref_reader", config={"package": "fastcoref"})
    nlp.to_disk(tmp_path / "nlp")
    loaded = spacy.load(tmp_path / "nlp")
    doc = loaded.make_doc("Ann left. She sold.")
    set_clusters(doc, [[doc[0:1]], [doc[1:2]]])
    doc._.coref_clusters = [[(0, 3), (10, 13)]]
    assert texts(read_clusters(loaded(doc))) == [["Ann", "She"]]
