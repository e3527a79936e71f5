"""A knowledge base for spaCy's own ``entity_linker``."""

from collections import Counter
from typing import Dict, List

import numpy
from spacy.kb import InMemoryLookupKB
from spacy.vocab import Vocab

from .knowledge_base import KnowledgeBase


def to_spacy_kb(kb: KnowledgeBase, vocab: Vocab, entity_vector_length: int) -> InMemoryLookupKB:
    """The same entities and names for ``entity_linker``, whose names are exact and case-sensitive.

    Use it as ``linker.set_kb(lambda vocab: to_spacy_kb(kb, vocab, 64))``. The vectors of the
    entities are zeros: the component of spaCy learns to compare contexts with vectors of the user.

    Args:
        kb: the knowledge base.
        vocab: that of the pipeline.
        entity_vector_length: width of the vectors.
    """
    result = InMemoryLookupKB(vocab, entity_vector_length=entity_vector_length)
    aliases: Dict[str, List[int]] = {}
    for i in range(len(kb)):
        result.add_entity(kb.entity_id(i), freq=1, entity_vector=numpy.zeros(entity_vector_length))
        for name in dict.fromkeys(kb.names(i)):
            aliases.setdefault(name, []).append(i)
    for name, entities in aliases.items():
        shares: Counter[int] = Counter({i: kb.prior(i) or 0.0 for i in entities})
        total = sum(shares.values())
        probabilities = [shares[i] / total if total else 1.0 / len(entities) for i in entities]
        # rounding must not make the sum more than 1, which spaCy refuses
        probabilities = [value * (1.0 - 1e-6) for value in probabilities]
        result.add_alias(name, [kb.entity_id(i) for i in entities], probabilities)
    return result
