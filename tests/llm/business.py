"""One document and one schema for all recorded replies."""

from typing import Dict, List

import spacy
from spacy.tokens import Doc, Span

from rel_component.schema import RelationSchema

TEXT = (
    "Apple was founded by Steve Jobs in Cupertino, California. Tim Cook has led Apple since 2011. "
    "Coca-Cola, a company of the U.S., is now a partner of Apple. Zoë O’Neil owns Bart’s Bar."
)

MENTIONS = [
    ("Apple", "ORG"),
    ("Steve Jobs", "PERSON"),
    ("Cupertino", "GPE"),
    ("California", "GPE"),
    ("Tim Cook", "PERSON"),
    ("Apple", "ORG"),
    ("Coca-Cola", "ORG"),
    ("U.S.", "GPE"),
    ("Apple", "ORG"),
    ("Zoë O’Neil", "PERSON"),
]
"""The mentions M1 to M10, in the order of the text."""

ENTITY_TYPES = ("ORG", "PERSON", "GPE")

SCHEMA = RelationSchema.from_dict(
    {
        "relations": [
            {"label": "FOUNDED_BY", "head": ["ORG"], "tail": ["PERSON"], "inverse": "FOUNDER_OF"},
            {"label": "LEADS", "head": ["PERSON"], "tail": ["ORG"]},
            {
                "label": "LOCATED_IN",
                "head": ["ORG", "GPE"],
                "tail": ["GPE"],
                "asymmetric": True,
            },
            {"label": "PARTNER_OF", "head": ["ORG"], "tail": ["ORG"], "symmetric": True},
        ]
    }
)


def business_doc() -> Doc:
    """The document."""
    return spacy.blank("en")(TEXT)


def business_mentions(doc: Doc) -> Dict[str, Span]:
    """Its mentions by their ids."""
    spans: List[Span] = []
    place = 0
    for text, label in MENTIONS:
        place = doc.text.index(text, place)
        spans.append(doc.char_span(place, place + len(text), label=label))
        place += len(text)
    return {f"M{i}": span for i, span in enumerate(spans, start=1)}
