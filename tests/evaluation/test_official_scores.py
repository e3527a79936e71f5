"""Scores equal those of the official scorer of a public task."""

import re

import pytest
import spacy
from spacy.training import Example

from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.evaluation.scoring import score_relations

from ..public_data import DATA, needs_public_data

SEMEVAL = DATA / "semeval2010_task8"
OFFICIAL_LINE = re.compile(
    r"([\w-]+) : +P = +([\d.]+)/\(? *[^=]*= +[\d.]+% +R = .* F1 = +([\d.]+)%"
)


def as_predicted(reference, line):
    """The document with the relation that a line such as ``8001 Message-Topic(e2,e1)`` gives it."""
    label, _, order = line.split()[1].partition("(")
    predicted = reference.copy()
    first, second = predicted.ents
    head, tail = (second, first) if order.startswith("e2") else (first, second)
    predicted._.rel = [] if label == "Other" else [(head, label, tail)]
    return predicted


@needs_public_data
@pytest.mark.slow
def test_semeval_2010_task_8():
    nlp = spacy.blank("en")
    path = SEMEVAL / "TEST_FILE_FULL.TXT"
    references = list(convert_file(path, "semeval", nlp, Report(), alignment="expand"))
    lines = (SEMEVAL / "example_predictions.txt").read_text().splitlines()
    scores = score_relations(
        Example(as_predicted(reference, line), reference)
        for reference, line in zip(references, lines, strict=True)
    )
    official = (SEMEVAL / "official_scores.txt").read_text().rpartition("OFFICIAL >>>")[2]
    by_label = {match[1]: float(match[3]) for match in OFFICIAL_LINE.finditer(official)}
    del by_label["_Other"]
    found = {label: 100 * prf["f"] for label, prf in scores["rel_per_type"].items()}
    assert found == pytest.approx(by_label, abs=0.005)
    micro, macro = (
        re.search(rf"{name}-averaged result .*\nP = .*F1 = +([\d.]+)%", official)[1]
        for name in ("Micro", "MACRO")
    )
    assert 100 * scores["rel_micro_f"] == pytest.approx(float(micro), abs=0.005)
    assert 100 * scores["rel_macro_f"] == pytest.approx(float(macro), abs=0.005)
