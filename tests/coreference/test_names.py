"""Which names are of one entity, by rules."""

import re

import pytest
import spacy
from spacy.tokens import Doc, Span

from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.coreference.names import cluster_names, name_clusters
from rel_component.coreference.scoring import CoreferenceScores
from rel_component.mentions import read_clusters

from ..public_data import DATA, needs_public_data

NLP = spacy.blank("en")


def clusters(text):
    """The clusters of a text with its names in brackets, ``[PER Ann Lee]``; names, joined by =."""
    words, marked = [], []
    for label, name, other in re.findall(r"\[(\w*) ([^\]]+)\]|(\S+)", text):
        start = len(words)
        words += (name or other).split()
        if name:
            marked.append((start, len(words), label))
    doc = Doc(NLP.vocab, words=words)
    spans = [Span(doc, start, end, label=label) for start, end, label in marked]
    found = [" = ".join(span.text for span in cluster) for cluster in name_clusters(spans)]
    return [cluster for cluster in found if " = " in cluster]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # spelling, of one type
        ("[ORG The Swingles] met [ORG Swingles] .", ["The Swingles = Swingles"]),
        (
            "[LOC the United States] and [LOC United States 's] law",
            ["the United States = United States 's"],
        ),
        ("[PER Níkos Aliágas] , [PER Nikos Aliagas] said", ["Níkos Aliágas = Nikos Aliagas"]),
        ("[PER Washington] lived in [LOC Washington] .", []),
        ("[TIME 1990] to [TIME 1990]", ["1990 = 1990"]),
        ("[TIME 3 May 1990] to [TIME 1990]", []),
        # parts of the names of persons
        ("[PER Steve Jobs] left . [PER Jobs] and [PER Steve] sold", ["Steve Jobs = Jobs = Steve"]),
        (
            "[PER Jobs] , that is [PER Steve Paul Jobs] , or [PER Steve Jobs]",
            ["Jobs = Steve Paul Jobs = Steve Jobs"],
        ),
        ("[PER Steve] met [PER Steve Jobs] .", []),
        ("[PER N. C. Wyeth] is [PER Newell Convers Wyeth]", ["N. C. Wyeth = Newell Convers Wyeth"]),
        ("[PER Dr. Ann Lee Jr.] , [PER Lee]", ["Dr. Ann Lee Jr. = Lee"]),
        ("[PER Ann Lee] and [PER Bo Lee]", []),
        ("[PER A. Lee] met [PER Ann Lee] and [PER Amy Lee]", ["A. Lee = Ann Lee"]),
        ("[PER Martin Luther King Sr.] , [PER Martin Luther King Jr.]", []),
        (
            "[PER Martin Luther King] , [PER King Sr.] , [PER King Jr.]",
            ["Martin Luther King = King Sr."],
        ),
        ("[PER Carol II] followed [PER Carol I] .", []),
        ("[PER Ann Lee] met [ORG Lee] .", []),
        # acronyms, parts and company names of organisations
        (
            "[ORG International Business Machines] was [ORG IBM] and [ORG I.B.M.]",
            ["International Business Machines = IBM = I.B.M."],
        ),
        ("[ORG Communist Party of China] , [ORG CPC]", ["Communist Party of China = CPC"]),
        ("[GPE United States] , [GPE US] , [GPE U.S.]", ["United States = US = U.S."]),
        ("[PER Ian Bo Moe] and [PER IBM]", []),
        ("[ORG Atari , Inc.] and [ORG Atari]", ["Atari , Inc. = Atari"]),
        ("[ORG San Antonio Spurs] . [ORG Spurs]", ["San Antonio Spurs = Spurs"]),
        ("[ORG Spurs] . [ORG San Antonio Spurs]", []),
        ("[ORG Barry University] , [ORG Duke University] , [ORG University]", []),
        (
            "[MISC American Civil War] , [MISC Civil War] , [MISC American]",
            ["American Civil War = Civil War"],
        ),
        ("[GPE New York] , [GPE York]", []),
        ("[GPE Kingdom of Thailand] , [GPE Thailand]", ["Kingdom of Thailand = Thailand"]),
        ("[GPE Democratic Republic of the Congo] , [GPE Republic of the Congo]", []),
        ("[GPE Congo] , [GPE People's Republic of Congo] , [GPE Republic of Congo]", []),
        # what the text says
        ("[ORG Escuela de Medicina] ( [ORG ELAM] )", ["Escuela de Medicina = ELAM"]),
        ('[MISC Il regalo] ( " [MISC The Gift] " )', ["Il regalo = The Gift"]),
        ("[LOC Paris] ( [LOC France] )", []),
        ("[LOC Oslo] , formerly [LOC Kristiania] ,", ["Oslo = Kristiania"]),
        ("[LOC Oslo] ( also known as [LOC Kristiania] )", ["Oslo = Kristiania"]),
        ("[PER Ann] , called [PER Bo] , left", ["Ann = Bo"]),
        ("[PER Ann] called [PER Bo] .", []),
        ("[PER Ann] was born . [PER Bo] left .", []),
        ("[PER Jobs] , [PER the founder of the firm] , left", ["Jobs = the founder of the firm"]),
        ("[PER Jobs] , [PER the founder] said", []),
        ("[PER Jobs] , [PER Wozniak] ,", []),
        # mentions without a type, and of other scripts
        ("[ Ann Lee] and [ ann lee]", ["Ann Lee = ann lee"]),
        ("[ORG 北京金隅] 在 [ORG 北京金隅]", ["北京金隅 = 北京金隅"]),
        ("[PER कमल] और [PER कमला] और [PER कमल]", ["कमल = कमल"]),
        ("[ORG !] , [ORG ?]", []),
    ],
)
def test_names(text, expected):
    assert clusters(text) == expected


def test_pronouns_stay_alone():
    doc = Doc(
        NLP.vocab,
        words=["He", "saw", "that", "he", "left"],
        pos=["PRON", "VERB", "SCONJ", "PRON", "VERB"],
    )
    assert len(name_clusters([doc[0:1], doc[3:4]])) == 2


def test_without_mentions():
    assert name_clusters([]) == []


@pytest.mark.parametrize("kind", ["person", "organisation", "place", "quantity", "MISC"])
def test_many_mentions_of_few_words(kind):
    n = 2000
    words = [f"N{(7 * i) % 11}" for i in range(12 * n)]
    ranges = [(12 * i, 12 * i + 1 + i % 12) for i in range(n)]
    found = cluster_names(words, ranges, [kind] * n)
    assert all(first <= i and found[first] == first for i, first in enumerate(found))


def test_long_mentions_are_no_names():
    words = ["Ann"] * 200
    assert cluster_names(words, [(0, 100), (100, 200)], ["MISC"] * 2) == [0, 1]


@pytest.mark.slow
@needs_public_data
def test_names_of_wikipedia():
    path, report = DATA / "redocred" / "dev_revised.json", Report(on_error="skip")
    scores = CoreferenceScores()
    for doc in convert_file(path, "docred", NLP, report, spans_key="mentions"):
        found = name_clusters(doc.spans["mentions"])
        scores.add(keys(read_clusters(doc)), keys(found))
    assert scores.to_dict()["coref_conll_f"] > 0.94
    assert scores.to_dict()["coref_mentions_f"] == 1.0


def keys(found):
    return [[(span.start, span.end, span.label) for span in cluster] for cluster in found]
