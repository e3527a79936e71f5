import time

import pytest

from rel_component.llm.answers.wording import MAX_LINE, worded_label, worded_triples

FACT = ("Apple", "FOUNDED_BY", "Steve Jobs")
OTHER = ("Coca-Cola", "LOCATED_IN", "U.S")


@pytest.mark.parametrize(
    ("text", "triples"),
    [
        ("(Apple, FOUNDED_BY, Steve Jobs)", [FACT]),
        ("1. (Apple, FOUNDED_BY, Steve Jobs), <Coca-Cola, LOCATED_IN, U.S.>", [FACT, OTHER]),
        ('("Rome, Italy", "X", "a (b)")', [("Rome, Italy", "X", "a (b)")]),
        ("(Rome, Italy, X, a (b))", []),
        ("* Apple | FOUNDED_BY | Steve Jobs.", [FACT]),
        ("| head | label | tail |\n|---|:--|---|\n| Apple | FOUNDED_BY | Steve Jobs |", [FACT]),
        ("Apple\tFOUNDED_BY\tSteve Jobs", [FACT]),
        ("Apple -> FOUNDED_BY -> Steve Jobs", [FACT]),
        ("2) **Apple** --FOUNDED_BY--> **Steve Jobs**", [FACT]),
        ("Apple -[FOUNDED_BY]-> Steve Jobs\nCoca-Cola → LOCATED_IN → U.S.", [FACT, OTHER]),
        ("FOUNDED_BY(Apple, Steve Jobs).", [FACT]),
        ("Apple FOUNDED_BY Steve Jobs.", [FACT]),
        ("[M1] owns [M2]", [("M1", "owns", "M2")]),
        ("- head: Apple\n  label: FOUNDED_BY\n  tail: Steve Jobs", [FACT]),
        ("Subject: Apple; Relation: FOUNDED_BY; Object: Steve Jobs", [FACT]),
        ("head: Apple\nhead: B\nlabel: C\ntail: D", [("B", "C", "D")]),
        ("Apple, founded by Steve Jobs, is in Cupertino - California.", []),
        ("a | b", []),
        ("a | b | c | d", []),
        ("A_B C_D E_F G_H", []),
        ("", []),
    ],
)
def test_triples_in_lines(text, triples):
    found = worded_triples(text)
    assert [part[:3] for part in found] == triples
    assert all(text.startswith(label, place) for _, label, _, place in found)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("FOUNDED_BY", "FOUNDED_BY"),
        ("**FOUNDED_BY**.", "FOUNDED_BY"),
        ("Answer: founded by", "founded by"),
        ("The relation is FOUNDED_BY", "FOUNDED_BY"),
        ("No, they are not", None),
        ("Apple was founded by Steve Jobs", None),
        ("", None),
        ("x" * 101, None),
    ],
)
def test_a_label_alone(text, label):
    found = worded_label(text)
    assert (found and found[0]) == label
    assert found is None or text.startswith(found[0], found[1])


LINES = [
    "(" + " " * 498,
    "(a" + " " * 240 + "," + " " * 240,
    "f(a" + " " * 90 + "," + " " * 90 + "," + " " * 90,
    *(c * 499 for c in "(-|_=>A1: \t'\""),
    *(words * 60 for words in ("(a,", "f(", "A_B ", "M1 ", "head:", "head: ", "a-> ", '("', "- ")),
    "head: " + " " * 490,
    "head: " + ", " * 240,
    "head:" + "a " * 200,
]


@pytest.mark.parametrize("line", LINES)
def test_hostile_lines_take_no_time(line):
    text = (line[: MAX_LINE - 1] + "\n") * 20
    start = time.process_time()
    worded_triples(text)
    worded_label(line[:100])
    assert time.process_time() - start < 0.2


def test_long_lines_are_left_out():
    assert worded_triples("a | " + "b" * MAX_LINE + " | c") == []
