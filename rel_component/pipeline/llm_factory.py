"""The factory of ``llm_relation_extractor``; spaCy imports it with every ``spacy.blank()``."""

from typing import Any, Callable, Dict, List, Literal, Optional

from spacy.language import Language
from thinc.api import Config

from .. import registry  # noqa: F401  # configs may name the plug-ins that it holds
from ..annotations import DEFAULT_ATTR
from ..evaluation.scoring import RELATION_SCORE_WEIGHTS
from ..llm.answers.grounding import MIN_SIMILARITY
from ..llm.client.accounting import Budget, Prices
from ..llm.client.cache import ReplyCache
from ..llm.client.client import LLMClient
from ..llm.client.retries import RetryPolicy
from ..llm.prompting.examples import Selection
from ..schema import RelationSchema
from .llm_relation_extractor import LLMRelationExtractor

LLM_CONFIG = """
[scorer]
@scorers = "rel_component.relation_scorer.v1"
"""


@Language.factory(
    "llm_relation_extractor",
    assigns=["doc._.rel", "doc.spans"],
    default_config={
        **Config().from_str(LLM_CONFIG),
        "relation_schema": None,
        "template": "relations.v1",
        "mentions": "given",
        "spans_key": None,
        "entities_key": "llm_entities",
        "set_entities": False,
        "entity_types": [],
        "n_examples": 4,
        "example_selection": "fixed",
        "n_samples": 1,
        "min_agreement": 0.5,
        "min_similarity": MIN_SIMILARITY,
        "threshold": 0.0,
        "repair": False,
        "max_entities": 32,
        "max_relations": 32,
        "overlap": 1,
        "on_failure": "mark",
        "cache": None,
        "prices": None,
        "budget": None,
        "max_concurrency": 16,
        "max_attempts": 5,
        "timeout": 60.0,
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "attr": DEFAULT_ATTR,
    },
    default_score_weights=RELATION_SCORE_WEIGHTS,
)
def make_llm_relation_extractor(
    nlp: Language,
    name: str,
    backend: Any,
    relation_schema: Any,
    template: str,
    mentions: Literal["given", "found"],
    spans_key: Optional[str],
    entities_key: str,
    set_entities: bool,
    entity_types: List[str],
    n_examples: int,
    example_selection: Selection,
    n_samples: int,
    min_agreement: float,
    min_similarity: float,
    threshold: float,
    repair: bool,
    max_entities: int,
    max_relations: int,
    overlap: int,
    on_failure: Literal["mark", "raise"],
    cache: Optional[str],
    prices: Optional[Dict[str, float]],
    budget: Optional[Dict[str, float]],
    max_concurrency: int,
    max_attempts: int,
    timeout: Optional[float],
    requests_per_minute: Optional[float],
    tokens_per_minute: Optional[float],
    attr: str,
    scorer: Optional[Callable[..., Any]],
) -> LLMRelationExtractor:
    """The factory behind ``nlp.add_pipe("llm_relation_extractor")``.

    See :class:`LLMRelationExtractor` and :class:`LLMClient`. `backend` is a language model,
    `relation_schema` a schema or plain data in the form of a schema file, `cache` the path of a
    file.
    """
    client = LLMClient(
        backend,
        cache=ReplyCache(cache) if cache is not None else None,
        prices=Prices.from_dict(prices) if prices is not None else None,
        budget=Budget.from_dict(budget) if budget is not None else None,
        retries=RetryPolicy(attempts=max_attempts),
        max_concurrency=max_concurrency,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        timeout=timeout,
    )
    if isinstance(relation_schema, dict):
        relation_schema = RelationSchema.from_dict(relation_schema, source="relation_schema")
    return LLMRelationExtractor(
        nlp.vocab,
        client,
        name,
        relation_schema=relation_schema,
        template=template,
        mentions=mentions,
        spans_key=spans_key,
        entities_key=entities_key,
        set_entities=set_entities,
        entity_types=entity_types,
        n_examples=n_examples,
        example_selection=example_selection,
        n_samples=n_samples,
        min_agreement=min_agreement,
        min_similarity=min_similarity,
        threshold=threshold,
        repair=repair,
        max_entities=max_entities,
        max_relations=max_relations,
        overlap=overlap,
        on_failure=on_failure,
        attr=attr,
        scorer=scorer,
    )
