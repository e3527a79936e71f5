"""A small knowledge base."""

from rel_component.linking.entities import Entity
from rel_component.linking.knowledge_base import KnowledgeBase, build

ENTITIES = [
    Entity("Q1", "International Business Machines", ["IBM", "Big Blue"], "computers", ["ORG"], 9.0),
    Entity("Q2", "International Brotherhood of Magicians", ["IBM"], "magicians", ["ORG"], 1.0),
    Entity("Q3", "Bernie Sanders", [], "American politician", ["PERSON"]),
    Entity("Q4", "Los Altos", ["Los Altos, California"], "city in California", ["GPE"]),
    Entity("Q5", "Diabetes Mellitus, Type 2", [], "disease", ["DISEASE"]),
    Entity("Q6", "Lead", [], "metal", ["CHEMICAL"]),
    Entity("Q7", "Zürich", [], "Stadt", ["GPE"]),
]


def make_kb() -> KnowledgeBase:
    """A knowledge base of seven entities."""
    return build(ENTITIES)
