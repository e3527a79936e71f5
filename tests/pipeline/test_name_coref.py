"""The component that joins names by rules."""

import pytest
import spacy
from spacy.training import Example

from rel_component.errors import ConfigError
from rel_component.mentions import read_clusters, set_clusters


@pytest.fixture
def nlp():
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "ORG", "pattern": "International Business Machines"},
            {"label": "ORG", "pattern": "IBM"},
            {"label": "PERSON", "pattern": "Ann Lee"},
            {"label": "PERSON", "pattern": "Lee"},
            {"label": "GPE", "pattern": "Oslo"},
        ]
    )
    nlp.add_pipe("name_coref")
    return nlp


TEXT = "International Business Machines (IBM) hired Ann Lee in Oslo. Lee left IBM."


def texts(doc):
    return [[span.text for span in cluster] for cluster in read_clusters(doc)]


def test_clusters_of_entities(nlp):
    expected = [["International Business Machines", "IBM", "IBM"], ["Ann Lee", "Lee"]]
    assert texts(nlp(TEXT)) == expected
    assert [texts(doc) for doc in nlp.pipe([TEXT, "", "Oslo"])] == [expected, [], []]


def test_entities_of_one_mention(nlp):
    nlp.remove_pipe("name_coref")
    nlp.add_pipe("name_coref", config={"singletons": True})
    assert texts(nlp("Ann Lee saw Oslo. Lee left.")) == [["Ann Lee", "Lee"], ["Oslo"]]


def test_mentions_of_a_span_group():
    nlp = spacy.blank("en")
    component = nlp.add_pipe("name_coref", config={"spans_key": "mentions"})
    doc = nlp.make_doc("Ann met Ann")
    doc.spans["mentions"] = [doc[0:1], doc[2:3]]
    assert texts(component(doc)) == [["Ann", "Ann"]]


def test_clusters_are_replaced(nlp):
    doc = nlp(TEXT)
    set_clusters(doc, [[doc[i : i + 1]] for i in range(5)])
    assert len(read_clusters(nlp.get_pipe("name_coref")(doc))) == 2


def test_own_types():
    nlp = spacy.blank("en")
    component = nlp.add_pipe("name_coref", config={"types": {"person": ["figure"]}})
    doc = nlp.make_doc("Ann Lee met Lee")
    doc.ents = [spacy.tokens.Span(doc, 0, 2, "Figure"), spacy.tokens.Span(doc, 3, 4, "Figure")]
    assert texts(component(doc)) == [["Ann Lee", "Lee"]]


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"animal": ["CAT"]}, "name_coref: types: unknown kind 'animal'; expected person, org"),
        ({"person": ["org"]}, "name_coref: types: 'ORG' is both person and organisation"),
    ],
)
def test_types_that_do_not_fit(types, message):
    with pytest.raises(ConfigError, match=message):
        spacy.blank("en").add_pipe("name_coref", config={"types": types})


def test_it_is_saved_with_the_config(nlp, tmp_path):
    nlp.remove_pipe("name_coref")
    nlp.add_pipe("name_coref", config={"singletons": True, "types": {"place": ["GPE", "CITY"]}})
    nlp.to_disk(tmp_path / "nlp")
    loaded = spacy.load(tmp_path / "nlp")
    assert texts(loaded(TEXT)) == texts(nlp(TEXT))
    assert loaded.get_pipe("name_coref").kinds["place"] == ["GPE", "CITY"]


def test_scores(nlp):
    reference = nlp(TEXT)
    (ibm, *_), _ = read_clusters(reference)
    scores = nlp.evaluate([Example(nlp.make_doc(TEXT), reference)])
    assert (scores["coref_conll_f"], scores["coref_n"]) == (1.0, 2)
    set_clusters(reference, [[ibm]])
    assert nlp.evaluate([Example(nlp.make_doc(TEXT), reference)])["coref_conll_f"] < 1
