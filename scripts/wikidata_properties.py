"""Properties of Wikidata as relation types, for general_corpus.py."""

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Collection, Dict, FrozenSet, List, Set

import srsly

from rel_component.relation_types import RelationType

INVERSE_RELATIONS = Path(__file__).parent.parent / "assets" / "inverse_relations.yaml"
SYMMETRIC = {"P26", "P3373", "P190", "P460"}
ALIKE = ({"P403", "P974"}, {"P710", "P1344", "P1923"})
"""Properties that may hold together, and are rare in Re-DocRED."""
MAY_HOLD = 0.1  # share of the pairs of a property that have another one too
N_ALIASES = 8
_BRACKETS = re.compile(r"\s+[\[(][^\])]*[\])]?")
_CLAUSES = re.compile(r"(?<=[.;])\s+|\s+-\s+")
_FOR_EDITORS = re.compile(
    r"\bP\d|\b(use|see|do not|not|inverse|opposite|compare|preferably)\b", re.IGNORECASE
)


def read_properties(data: Path) -> Dict[str, RelationType]:
    """What Wikidata says of its properties, by id; labels are their names.

    What descriptions say to editors ("use P131 for ...") is left out.
    """
    path = data / "wikidata_properties" / "wikidata-properties.csv"
    found = {}
    with path.open(encoding="utf8", newline="") as lines:
        for row in csv.DictReader(lines):
            aliases = [alias.strip() for alias in row["aliases"].split(",")]
            found[row["ID"]] = RelationType(
                row["label"],
                described(row["description"]),
                symmetric=row["ID"] in SYMMETRIC,
                aliases=tuple(alias for alias in aliases if alias)[:N_ALIASES],
            )
    return found


def described(text: str) -> str:
    """A description without what it says to editors."""
    clauses = _CLAUSES.split(_BRACKETS.sub("", text))
    kept = " ".join(clause for clause in clauses if not _FOR_EDITORS.search(clause))
    return kept.rstrip(" ;]") or text


def read_inverses(ids: Collection[str]) -> Dict[str, RelationType]:
    """Relation types that read some properties from the value to the item, by property."""
    found = {}
    for item in srsly.read_yaml(INVERSE_RELATIONS)["relations"]:
        key = item.pop("property")
        if key in ids:
            found[key] = RelationType(**{**item, "aliases": tuple(item.get("aliases", ()))})
    return found


def held_together(data: Path, ids: Set[str]) -> Dict[str, Set[str]]:
    """For each property those that may hold of the same two entities, in any direction.

    They do for a share of the pairs that have the property in Re-DocRED.
    """
    pairs: Dict[str, List[Set[str]]] = {key: [] for key in ids}
    for record in srsly.read_json(data / "redocred" / "dev_revised.json"):
        of_pair: Dict[FrozenSet[int], Set[str]] = {}
        for item in record["labels"]:
            of_pair.setdefault(frozenset((item["h"], item["t"])), set()).add(item["r"])
        for held in of_pair.values():
            for key in held & ids:
                pairs[key].append(held)
    found = {}
    for key, sets in pairs.items():
        counts = Counter(other for held in sets for other in held)
        found[key] = {other for other, n in counts.items() if n >= MAY_HOLD * len(sets)}
        found[key].update(*(group for group in ALIKE if key in group))
    return found
