"""Documents as lists of entities, with relations between these."""

from typing import Dict, List, Set, Tuple

from ..annotated import Annotated, MentionId
from ..checks import relation_place
from ..report import Report


def list_entities(annotated: Annotated) -> List[List[MentionId]]:
    """The mentions of each entity: the clusters, and each mention that is in none."""
    members = {key for cluster in annotated.clusters for key in cluster}
    others = ([mention.id] for mention in annotated.mentions if mention.id not in members)
    return [*annotated.clusters, *others]


def entity_relations(
    annotated: Annotated, entities: List[List[MentionId]], name: str, report: Report
) -> Dict[Tuple[int, int, str], Set[int]]:
    """The relations between entities, with their evidence.

    Args:
        annotated: the document.
        entities: the mentions of each entity.
        name: of the format, for messages.
        report: takes note of relations that lie within an entity, or become one.

    Returns:
        The sentences that show a relation by the positions of head and tail, and its label.
    """
    numbers = {key: i for i, entity in enumerate(entities) for key in entity}
    evidence: Dict[Tuple[int, int, str], Set[int]] = {}
    for relation in annotated.relations:
        head, tail = numbers[relation.head], numbers[relation.tail]
        if head == tail:
            message = f"a relation of an entity to itself, which {name} does not hold"
            report.problem(message, place=relation_place(annotated, relation), skips="relation")
        else:
            key = (head, tail, relation.label)
            if key in evidence:
                message = "relations of other mentions of the same entities, written as one"
                report.note(message, place=annotated.place)
            evidence.setdefault(key, set()).update(relation.evidence)
    return evidence
