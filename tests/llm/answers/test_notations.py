import pytest

from rel_component.llm.answers.notations import find_triples

FACT = ("Apple", "FOUNDED_BY", "Steve Jobs")
OTHER = ("Coca-Cola", "LOCATED_IN", "U.S")


@pytest.mark.parametrize(
    ("text", "triples"),
    [
        ("(Apple, FOUNDED_BY, Steve Jobs)", [FACT]),
        ("1. (Apple, FOUNDED_BY, Steve Jobs), <Coca-Cola, LOCATED_IN, U.S.>", [FACT, OTHER]),
        ("* Apple | FOUNDED_BY | Steve Jobs.", [FACT]),
        ("| head | label | tail |\n|---|:--|---|\n| Apple | FOUNDED_BY | Steve Jobs |", [FACT]),
        ("Subject;Relation;Object\nApple;FOUNDED_BY;Steve Jobs", [FACT]),
        ("Apple -> FOUNDED_BY -> Steve Jobs", [FACT]),
        ("2) **Apple** --FOUNDED_BY--> **Steve Jobs**", [FACT]),
        ("Apple -[FOUNDED_BY]-> Steve Jobs\nCoca-Cola → LOCATED_IN → U.S.", [FACT, OTHER]),
        ("- head: Apple\n  label: FOUNDED_BY\n  tail: Steve Jobs", [FACT]),
        ("Subject: Apple; Relation: FOUNDED_BY; Object: Steve Jobs", [FACT]),
        ("<x><head>Apple</head>\n<label>FOUNDED_BY</label><tail>Steve Jobs</tail></x>", [FACT]),
        ("relation<|#|>Apple<|#|>Steve Jobs<|#|>FOUNDED_BY<|#|>a firm, and a man", [FACT]),
        ("Apple, founded by Steve Jobs, is in Cupertino - California.", []),
        ("a | b", []),
        ("a | b | c | d", []),
        ("", []),
    ],
)
def test_triples(text, triples):
    assert find_triples(text) == triples
