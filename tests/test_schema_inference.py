"""What documents show about relation types."""

import pytest

from rel_component.relation_types import RelationType
from rel_component.schema import RelationSchema
from rel_component.schema_fit import count_fit

from .helpers import make_doc

ADA, ACME, OSLO, BOB = (0, 1, "PERSON"), (1, 2, "ORG"), (2, 3, "GPE"), (3, 4, "PERSON")
WORDS, MENTIONS = "Ada Acme Oslo Bob", [ADA, ACME, OSLO, BOB]
PERSON, ORG, GPE, OTHER = range(4)  # positions in MENTIONS


def docs_of(vocab, *relations):
    """A document for each ``(head, label, tail)``, or for each list of them."""
    groups = [group if isinstance(group, list) else [group] for group in relations]
    return [make_doc(vocab, WORDS, MENTIONS, group) for group in groups]


def inferred(vocab, *relations):
    return RelationSchema.from_docs(docs_of(vocab, *relations))


LOCATED, LEADS = (ORG, "LOCATED_IN", GPE), (PERSON, "LEADS", ORG)


@pytest.mark.parametrize(
    ("relations", "expected"),
    [
        ([LOCATED] * 8, False),
        ([LOCATED] * 7, True),
        ([[LOCATED] * 20], True),  # all in one document, and so they count once
        ([LOCATED] * 20 + [(PERSON, "LOCATED_IN", GPE)], True),
        ([LOCATED] * 20 + [(PERSON, "LOCATED_IN", GPE)] * 2, False),
        ([LOCATED] * 40 + [(PERSON, "LOCATED_IN", GPE)], False),
    ],
)
def test_argument_types_forbid_where_documents_support_them(vocab, relations, expected):
    schema = inferred(vocab, *relations)
    assert schema["LOCATED_IN"].inferred is expected
    assert ("LOCATED_IN" in schema.reasons) is expected


def test_a_label_of_few_documents_takes_after_the_others(vocab):
    assert not inferred(vocab, *[LOCATED] * 2, *[LEADS] * 30)["LOCATED_IN"].inferred
    mixed = [(head, "LEADS", tail) for head in range(4) for tail in range(4) if head != tail]
    assert inferred(vocab, *[LOCATED] * 10, *mixed)["LOCATED_IN"].inferred is False
    assert inferred(vocab, *[LOCATED] * 10, (PERSON, "A", ORG), (ORG, "B", GPE))[
        "LOCATED_IN"
    ].inferred


def test_one_entity_type_is_no_evidence(vocab):
    assert not inferred(vocab, (PERSON, "KNOWS", OTHER))["KNOWS"].inferred


def test_symmetric_if_annotated_in_both_directions(vocab):
    both = [(PERSON, "MARRIED", OTHER), (OTHER, "MARRIED", PERSON)]
    schema = inferred(vocab, both, both, both, (PERSON, "MARRIED", OTHER))
    assert schema.symmetric_labels == ("MARRIED",)
    (reason,) = schema.reasons["MARRIED"]
    assert reason == "symmetric: 6 of 7 relations are annotated in both directions"
    assert inferred(vocab, both, both).symmetric_labels == ()


@pytest.mark.parametrize(("n_turned", "expected"), [(3, ()), (5, ("LINKED",))])
def test_symmetric_if_two_types_occur_in_both_orders(vocab, n_turned, expected):
    relations = [(PERSON, "LINKED", ORG)] * 20 + [(ORG, "LINKED", PERSON)] * n_turned
    schema = inferred(vocab, *relations)
    assert schema.symmetric_labels == expected
    assert schema.asymmetric_labels == ()


def test_one_direction_between_two_types_is_neither(vocab):
    schema = inferred(vocab, *[LEADS] * 40)
    assert schema["LEADS"] == RelationType("LEADS", head=("PERSON",), tail=("ORG",))
    assert schema.reasons == {}


def test_asymmetric_if_never_in_both_directions(vocab):
    relations = [(PERSON, "PARENT_OF", OTHER), (OTHER, "PARENT_OF", PERSON)] * 10
    schema = inferred(vocab, *relations, LEADS)
    assert schema.asymmetric_labels == ("PARENT_OF",)
    assert "none of 20 relations" in schema.reasons["PARENT_OF"][0]
    assert inferred(vocab, *relations, relations[:2]).asymmetric_labels == ()


def test_direction_is_open_where_the_text_decides(vocab):
    schema = inferred(vocab, *[(PERSON, "PARTNERS", OTHER)] * 20)
    assert schema.symmetric_labels == schema.asymmetric_labels == ()
    assert "say symmetric: true" in schema.reasons["PARTNERS"][0]


def test_inverses_that_are_annotated_together(vocab):
    pair = [LEADS, (ORG, "LED_BY", PERSON)]
    schema = inferred(vocab, *[pair] * 9, LEADS)
    assert (schema["LEADS"].inverse, schema["LED_BY"].inverse) == ("LED_BY", "LEADS")
    schema = inferred(vocab, *[pair] * 9, *[LEADS] * 9)
    assert schema["LEADS"].inverse is schema["LED_BY"].inverse is None


def test_a_label_has_one_inverse(vocab):
    three = [LEADS, (ORG, "LED_BY", PERSON), (ORG, "HIRES", PERSON)]
    schema = inferred(vocab, *[three] * 9)
    inverses = {label: rel_type.inverse for label, rel_type in schema.items()}
    assert inverses == {"HIRES": "LEADS", "LEADS": "HIRES", "LED_BY": None}


def test_a_relation_of_a_mention_to_itself_has_no_direction(vocab):
    assert inferred(vocab, *[(PERSON, "KNOWS", PERSON)] * 20).symmetric_labels == ()


def test_counts_of_what_a_schema_forbids_and_does_not_expect(vocab):
    schema = RelationSchema(
        [RelationType("LEADS", head=("PERSON",)), RelationType("AT", tail=("GPE",), inferred=True)]
    )
    docs = docs_of(
        vocab, LEADS, (ORG, "LEADS", GPE), (ORG, "AT", GPE), (ORG, "AT", PERSON), LOCATED
    )
    fit = count_fit(schema, docs)
    assert (fit.forbidden_share, fit.unexpected_share) == (0.4, 0.2)
    assert fit.to_dict() == {
        "n": 5,
        "forbidden": {
            "n": 2,
            "share": 0.4,
            "causes": {"LEADS from ORG to GPE": 1, "LOCATED_IN, which the schema lacks": 1},
        },
        "unexpected": {"n": 1, "share": 0.2, "causes": {"AT from ORG to PERSON": 1}},
    }


def test_a_corpus_without_directions_is_symmetric_in_its_rare_labels_too(vocab):
    mixed = [(PERSON, "TIED", ORG)] * 16 + [(ORG, "TIED", PERSON)] * 4
    rare = [(PERSON, "RARE", GPE)]
    assert inferred(vocab, *mixed, *rare).symmetric_labels == ("RARE", "TIED")
    directed = [LOCATED] * 10
    assert inferred(vocab, *mixed, *rare, *directed).symmetric_labels == ("TIED",)
    assert not inferred(vocab, *rare * 30).symmetric_labels
