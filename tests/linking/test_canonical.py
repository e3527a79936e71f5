"""One id for the same names in many documents."""

import pytest

from rel_component.errors import DataError
from rel_component.linking.canonical import (
    Canonicalizer,
    canonicalize,
    read_canonical,
    write_canonical,
)
from rel_component.mentions import set_clusters

from ..helpers import make_doc


def docs_of(vocab, *texts):
    """Documents whose mentions are in brackets: ``[Acme Inc:ORG] is big``."""
    docs = []
    for text in texts:
        words, mentions, label = [], [], ""
        for part in text.replace("[", "\0").replace("]", "\0").split("\0"):
            name, _, label = part.partition(":")
            start = len(words)
            words += name.split()
            if label:
                mentions.append((start, len(words), label))
        docs.append(make_doc(vocab, words, mentions))
    return docs


def found(vocab, *texts, known=()):
    """The ids of each document, the canonicalizer, and what it joined in all of them."""
    canonicalizer = Canonicalizer(known)
    result, joins = [], []
    for _, ids in canonicalize(docs_of(vocab, *texts), canonicalizer):
        result.append(list(ids.values()))
        joins += canonicalizer.joins
    return result, canonicalizer, joins


def test_equal_names_are_one_entity(vocab):
    ids, known, joins = found(
        vocab, "[Acme Inc.:ORG] grows", "[ACME:ORG] is in [Zürich:GPE]", "[Zurich:GPE]"
    )
    assert ids == [["E000001"], ["E000001", "E000002"], ["E000002"]]
    assert [join.reason for join in joins] == ["new", "same name", "new", "same name"]
    assert known.entities["E000001"].names == {"Acme Inc.": 1, "ACME": 1}


@pytest.mark.parametrize(
    "texts",
    [
        ("[Paris:GPE]", "[Paris:PERSON]"),
        ("[interleukin receptor 1:GENE]", "[interleukin receptor 2:GENE]"),
    ],
)
def test_types_and_numbers_must_not_differ(vocab, texts):
    ids, _, _ = found(vocab, *texts)
    assert ids == [["E000001"], ["E000002"]]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("[Zbigniew Brzezinski:PER]", "[Zbigniew Brzezinsky:PER]", "similar name"),
        ("[Sanders:PER] left", "[Bernie Sanders:PER] left", "new"),
        (
            "[Bernie Sanders:PER] of [Vermont:GPE]",
            "[Sanders:PER] in [Vermont:GPE]",
            "part of a name and neighbour",
        ),
        (
            "[International Business Machines:ORG] hired [Ada Bell:PER]",
            "[IBM:ORG] hired [Ada Bell:PER]",
            "part of a name and neighbour",
        ),
        ("[Anna Schmidt:PER]", "[Anne Schmitt:PER]", "new"),
        (
            "[Anna Schmidt:PER] of [Vermont:GPE]",
            "[Anne Schmitt:PER] of [Vermont:GPE]",
            "similar name and neighbour",
        ),
    ],
)
def test_what_joins_and_why(vocab, first, second, reason):
    _, _, joins = found(vocab, first, second)
    join = joins[first.count("[")]
    assert join.reason == reason
    assert bool(join.neighbours) == ("neighbour" in reason)


def test_names_are_found_beside_many_of_their_initials(vocab):
    many = [f"[A{i} B{i}:{label}]" for i in range(60) for label in ("PER", "ORG")]
    ids, _, joins = found(
        vocab, *many, "[Ab:ORG]", "[Ab:ORG]", "[Alpine Bank:LOC] [Ulm:GPE]", "[AB:LOC] [Ulm:GPE]"
    )
    assert ids[-4] == ids[-3]
    assert joins[-2].reason == "part of a name and neighbour"


def test_a_part_of_two_names_joins_neither(vocab):
    ids, _, _ = found(
        vocab,
        "[Bernie Sanders:PER] of [Vermont:GPE]",
        "[Larry Sanders:PER] of [Vermont:GPE]",
        "[Sanders:PER] of [Vermont:GPE]",
    )
    assert ids == [["E000001", "E000002"], ["E000003", "E000002"], ["E000004", "E000002"]]


def test_mentions_of_a_cluster_have_one_id(vocab):
    (doc,) = docs_of(vocab, "[Bernie Sanders:PER] spoke . [Sanders:PER] left . [Mary:PER]")
    set_clusters(doc, [list(doc.ents[:2])])
    ((_, ids),) = canonicalize([doc])
    assert list(ids.values()) == ["E000001", "E000001", "E000002"]


@pytest.mark.parametrize("known", [[], ["[Jordan]"], ["[Jordan:PERSON]"]])
def test_types_of_one_document_must_not_differ(vocab, known):
    ids, _, _ = found(vocab, *known, "[Jordan:PERSON] flew to [Jordan:GPE]")
    assert len(set(ids[-1])) == 2


@pytest.mark.parametrize("known", [[], ["[Ann Lee:PER]"]])
def test_clusters_of_one_name_in_one_document_stay_apart(vocab, known):
    canonicalizer = Canonicalizer()
    doc, *earlier = docs_of(vocab, " ".join(["[Ann Lee:PER] spoke ."] * 4), *known)
    set_clusters(doc, [doc.ents[:2], doc.ents[2:]])
    *_, (_, ids) = canonicalize([*earlier, doc], canonicalizer)
    a, b, c, d = ids.values()
    assert (a, c) == (b, d)
    assert a != c


def test_the_best_of_a_document_joins_first(vocab):
    ids, _, _ = found(
        vocab,
        "[Bernie Sanders:PER] of [Vermont:GPE]",
        "[Sanders:PER] , or [Bernie Sanders:PER] , in [Vermont:GPE]",
    )
    assert ids[1] == ["E000003", *ids[0]]


def test_of_many_names_in_a_document_the_nearest_ones_are_neighbours(vocab):
    names = [f"n{number:03}" for number in range(500)]
    _, known, _ = found(vocab, " ".join(f"[{name}:P]" for name in names))
    near = [list(entity.neighbours) for entity in known.entities.values()]
    assert near[0] == names[1:201]
    assert near[250] == [*names[150:250], *names[251:351]]
    assert near[499] == names[299:499]


def test_later_documents_are_added_to_saved_entities(vocab, tmp_path):
    texts = ["[Acme Inc.:ORG] of [Ada Bell:PER]", "[Orbit:ORG]", "[Acme:ORG] of [A. Bell:PER]"]
    at_once, _, _ = found(vocab, *texts)
    first, known, _ = found(vocab, *texts[:2])
    path = tmp_path / "entities.jsonl"
    write_canonical(known.entities.values(), path)
    second, _, _ = found(vocab, *texts[2:], known=read_canonical(path))
    assert first + second == at_once


def test_documents_without_mentions(vocab):
    ids, known, _ = found(vocab, "", "nothing", "[...:ORG]")
    assert (ids, known.entities) == ([[], [], []], {})


@pytest.mark.parametrize(
    "row",
    [
        '{"id": "E1"}',
        '{"id": "E1", "names": {}, "types": {}, "neighbours": {}, "documents": 1}',
        '{"id": "E1", "names": {"a": "b"}, "types": {}, "neighbours": {}, "documents": 1}',
    ],
)
def test_damaged_entities(tmp_path, row):
    path = tmp_path / "entities.jsonl"
    path.write_text(row, encoding="utf8")
    with pytest.raises(DataError, match="line 1"):
        read_canonical(path)
