"""The contract of candidate generators, over every registered function that returns one.

A new generator is tested here as soon as it is registered. The function says that it returns a
``CandidateGenerator``, and its arguments have defaults.
"""

import inspect

import numpy
import pytest
import spacy
import srsly

from rel_component.candidates import CandidateGenerator
from rel_component.mentions import read_mentions
from rel_component.schema import RelationSchema, RelationType

from ..helpers import make_doc
from .registered import each_registered

every_generator = each_registered("spacy_misc", CandidateGenerator)

TEXT = "Ada and Bo of Acme Labs met Cy in Oslo"
MENTIONS = [(0, 1, "PERSON"), (2, 3, "PERSON"), (4, 6, "ORG"), (7, 8, "PERSON"), (9, 10, "GPE")]
SCHEMA = RelationSchema([RelationType("KNOWS"), RelationType("WORKS_FOR", ("PERSON",), ("ORG",))])


@pytest.fixture(params=[{}, {"clusters": "coref"}], ids=["mentions", "clusters"])
def generator(name, request):
    build = spacy.registry.get("misc", name)
    if not request.param.keys() <= inspect.signature(build).parameters.keys():
        pytest.skip("knows no clusters")
    return build(**request.param)


@pytest.fixture
def generate(generator):
    return lambda docs: generator(docs, read_mentions(docs), SCHEMA)


@pytest.fixture
def docs(vocab):
    """Documents of five, no and one mention, and one in which Ada and Cy are the same."""
    *others, last = [
        make_doc(vocab, TEXT, MENTIONS, sent_starts=[0]),
        make_doc(vocab, ""),
        make_doc(vocab, "Ada sleeps", [(0, 1, "PERSON")], sent_starts=[0]),
        make_doc(vocab, "Ada met Bo . Cy hired Di", [(0, 1, "A"), (2, 3, "B"), (4, 5, "A")]),
    ]
    last.spans["coref_1"] = [last[0:1], last[4:5]]
    return [*others, last]


@every_generator
def test_arrays_are_integers_of_the_documented_shapes(generate, docs):
    candidates = generate(docs)
    assert candidates.n_pairs > 0
    assert candidates.pairs.shape == (candidates.n_pairs, 2)
    assert candidates.entities.shape == (len(read_mentions(docs)),)
    assert candidates.lengths.shape == (len(docs),)
    for array in (candidates.pairs, candidates.entities, candidates.lengths):
        assert isinstance(array, numpy.ndarray)
        assert array.dtype == "int32"


@every_generator
def test_the_mentions_are_those_that_were_given(generate, docs):
    expected, found = read_mentions(docs), generate(docs).mentions
    numpy.testing.assert_array_equal(found.spans, expected.spans)
    numpy.testing.assert_array_equal(found.types, expected.types)
    numpy.testing.assert_array_equal(found.lengths, expected.lengths)


@every_generator
def test_the_schema_is_the_one_that_was_given(generate, docs):
    assert generate(docs).schema is SCHEMA


@every_generator
def test_an_entity_has_a_mention_and_lies_in_one_document(generate, docs):
    candidates = generate(docs)
    owners = [set() for _ in range(candidates.n_entities)]
    for entity, doc in zip(candidates.entities, candidates.mentions.docs):
        owners[entity].add(doc)
    assert all(len(owner) == 1 for owner in owners)


@every_generator
def test_pairs_are_grouped_by_the_document_of_head_and_tail(generate, docs):
    candidates = generate(docs)
    assert candidates.lengths.sum() == candidates.n_pairs
    owner = dict(zip(candidates.entities.tolist(), candidates.mentions.docs.tolist()))
    for pair, doc in zip(candidates.pairs.tolist(), candidates.pair_docs):
        assert [owner[entity] for entity in pair] == [doc, doc]


@every_generator
def test_no_pair_comes_twice_and_none_of_an_entity_with_itself(generate, docs):
    pairs = generate(docs).pairs
    assert len(numpy.unique(pairs, axis=0)) == len(pairs)
    assert (pairs[:, 0] != pairs[:, 1]).all()


@every_generator
def test_a_batch_has_the_pairs_of_its_documents(generate, docs):
    batch, offset, expected = generate(docs), 0, []
    for doc in docs:
        alone = generate([doc])
        expected.extend((alone.pairs + offset).tolist())
        offset += alone.n_entities
    assert batch.pairs.tolist() == expected
    assert batch.n_entities == offset


@every_generator
@pytest.mark.parametrize("kept", [[], [1], [2], [1, 2, 1]])
def test_documents_without_pairs(generate, docs, kept):
    candidates = generate([docs[i] for i in kept])
    assert (candidates.pairs.shape, candidates.pairs.dtype) == ((0, 2), "int32")
    assert candidates.lengths.tolist() == [0] * len(kept)


@every_generator
def test_documents_are_left_alone(generate, docs):
    before = [doc.to_bytes() for doc in docs]
    generate(docs)
    assert [doc.to_bytes() for doc in docs] == before


@every_generator
def test_a_copy_gives_the_same_pairs(generator, docs):
    copy = srsly.pickle_loads(srsly.pickle_dumps(generator))
    found, expected = (made(docs, read_mentions(docs), SCHEMA) for made in (copy, generator))
    numpy.testing.assert_array_equal(found.pairs, expected.pairs)
