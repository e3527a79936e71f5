import pytest

from rel_component.audit.schema_checks import check_schema

from ..helpers import make_doc
from .corpora import group, make_context

WORDS = "Ada Acme Brix Bob"
MENTIONS = [(0, 1, "PERSON"), (1, 2, "ORG"), (2, 3, "ORG"), (3, 4, "PERSON")]

NOT_ALLOWED = "Relations that the schema does not allow"


def check(vocab, *relations, **options):
    return check_schema(make_context([make_doc(vocab, WORDS, MENTIONS, relations)], **options))


def test_a_clean_document_has_no_findings(vocab):
    assert check(vocab, (0, "LEADS", 1), (2, "PARTNER", 1)).groups == []


def test_pairs_with_several_relations(vocab):
    (finding,) = group(
        check(vocab, (1, "OWNS", 2), (2, "PARTNER", 1)), "Pairs with several relations"
    )
    assert "PARTNER holds between the same mentions" in finding.message


@pytest.mark.parametrize(
    ("relation", "words"),
    [((1, "LEADS", 0), "does not hold between ORG and PERSON"), ((0, "Leads", 1), "unknown label")],
)
def test_violations_are_errors_with_their_place(vocab, relation, words):
    (finding,) = group(check(vocab, relation), NOT_ALLOWED)
    assert finding.severity == "error"
    assert words in finding.message
    place = finding.places[0].to_json()
    assert (place["split"], place["doc"], place["text"]) == ("train", 0, WORDS)
    assert place["head"]["start"] == relation[0]


def test_a_mention_is_not_related_to_itself(vocab):
    section = check(vocab, (1, "OWNS", 1))
    assert len(group(section, "Relations between a mention and itself")) == 1
    assert not group(section, NOT_ALLOWED)


@pytest.mark.parametrize(
    ("label", "severity"), [("OWNS", "error"), ("PARTNER", "info"), ("LIKES", "warning")]
)
def test_both_directions(vocab, label, severity):
    section = check(vocab, (1, label, 2), (2, label, 1))
    (finding,) = group(section, "Relations in both directions")
    assert finding.severity == severity


def test_inverses(vocab):
    section = check(vocab, (0, "FOUNDED", 1), (1, "FOUNDED_BY", 0))
    assert len(group(section, "Relations that are stated with their inverse as well")) == 1


def test_rare_types_show_without_a_schema(vocab):
    docs = [make_doc(vocab, WORDS, MENTIONS, [(0, "LEADS", 1)]) for _ in range(60)]
    docs.append(make_doc(vocab, WORDS, MENTIONS, [(0, "LEADS", 3)]))
    section = check_schema(make_context(docs, schema=None))
    (finding,) = group(section, "Rare entity types for a relation")
    assert finding.places[0].doc.index == 60
    assert not group(section, NOT_ALLOWED)


def test_names_with_several_types(vocab):
    docs = [
        make_doc(vocab, "Acme grows", [(0, 1, "ORG")]),
        make_doc(vocab, "acme grows", [(0, 1, "PERSON")]),
        make_doc(vocab, "Brix and Brix", [(0, 1, "PERSON"), (2, 3, "ORG")]),
    ]
    found = group(check_schema(make_context(docs)), "Names with several entity types")
    assert [finding.severity for finding in found] == ["warning", "info"]
    assert "one document" in found[0].message


def test_overlaps(vocab):
    mentions = [(0, 2, "ORG"), (1, 2, "PERSON"), (3, 4, "ORG"), (3, 4, "PERSON")]
    doc = make_doc(vocab, "Acme Ada and Brix", mentions, spans_key="sc")
    found = group(check_schema(make_context([doc], spans_key="sc")), "Mentions that overlap")
    assert [finding.severity for finding in found] == ["warning", "info"]


def test_findings_beyond_the_most_are_counted(vocab):
    docs = [make_doc(vocab, WORDS, MENTIONS, [(1, "LEADS", 0)]) for _ in range(5)]
    section = check_schema(make_context(docs, max_findings=2))
    (found,) = section.groups
    assert (len(found.findings), found.total, section.count("error")) == (2, 5, 5)


FORBIDDEN = "Argument types that the schema forbids or does not expect"


@pytest.mark.parametrize(
    ("n_train", "severity", "shares"), [(1, "info", [0.0, 0.5]), (9, "warning", [0.5, 0.0])]
)
def test_held_out_relations_against_the_types_of_training(vocab, n_train, severity, shares):
    train = [make_doc(vocab, WORDS, MENTIONS, [(0, "LEADS", 1)]) for _ in range(n_train)]
    test = [make_doc(vocab, WORDS, MENTIONS, [(0, "LEADS", 1), (1, "LEADS", 0)])]
    section = check_schema(make_context(train, test, schema=None))
    (finding,) = group(section, FORBIDDEN)
    assert finding.severity == severity
    assert finding.message.startswith("1 of 2 relations of test are")
    assert finding.message.endswith("LEADS from ORG to PERSON.")
    assert list(section.figures.values()) == shares
    assert section.tables[0].rows == [
        ["test", 2, 2 * shares[0], shares[0], 2 * shares[1], shares[1]]
    ]


def test_what_a_given_schema_forbids_is_counted_in_all_splits(vocab):
    section = check(vocab, (0, "LEADS", 1), (1, "LEADS", 0))
    assert section.tables[0].rows == [["train", 2, 1, 0.5, 0, 0.0]]
    assert not group(section, FORBIDDEN)  # each is an error of its own
