"""The factories of the components; spaCy imports them with every ``spacy.blank()``."""

from typing import Any, Callable, List, Literal, Optional

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..annotations import DEFAULT_ATTR
from .relation_extractor import RelationExtractor
from .shared_encoder import SharedEncoder
from .span_recognizer import SpanRecognizer

TOK2VEC = """
[model.tok2vec]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 96
depth = 4
embed_size = 2000
window_size = 1
maxout_pieces = 3
subword_features = true
"""

DEFAULT_CONFIG = f"""
[model]
@architectures = "rel_component.SpanPair.v1"
{TOK2VEC}
[candidates]
@misc = "rel_component.candidate_pairs.v1"

[loss]
@losses = "rel_component.cross_entropy.v1"

[decoder]
@misc = "rel_component.decoder.v1"

[scorer]
@scorers = "rel_component.relation_scorer.v1"
"""

DEFAULT_SCORE_WEIGHTS = {
    "rel_micro_f": 1.0,
    "rel_micro_p": 0.0,
    "rel_micro_r": 0.0,
    "rel_macro_f": 0.0,
    "rel_boundaries_micro_f": None,
    "rel_with_none_micro_f": None,
    "rel_per_type": None,
}


@Language.factory(
    "relation_extractor",
    assigns=["doc._.rel"],
    default_config={
        **Config().from_str(DEFAULT_CONFIG),
        "exclusive": True,
        "spans_key": None,
        "training_mentions": "both",
        "negative_ratio": None,
        "adaptive_threshold": False,
        "consistency": 0.0,
        "rescue_entities": False,
        "attr": DEFAULT_ATTR,
    },
    default_score_weights=DEFAULT_SCORE_WEIGHTS,
)
def make_relation_extractor(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    candidates: Callable[..., Any],
    loss: Callable[..., Any],
    decoder: Callable[..., Any],
    exclusive: bool,
    spans_key: Optional[str],
    training_mentions: Literal["both", "predicted"],
    negative_ratio: Optional[float],
    adaptive_threshold: bool,
    consistency: float,
    rescue_entities: bool,
    attr: str,
    scorer: Optional[Callable[..., Any]],
) -> RelationExtractor:
    """The factory behind ``nlp.add_pipe("relation_extractor")``; see :class:`RelationExtractor`."""
    return RelationExtractor(
        nlp.vocab,
        model,
        candidates,
        loss,
        decoder,
        name,
        exclusive=exclusive,
        spans_key=spans_key,
        training_mentions=training_mentions,
        negative_ratio=negative_ratio,
        adaptive_threshold=adaptive_threshold,
        consistency=consistency,
        rescue_entities=rescue_entities,
        attr=attr,
        scorer=scorer,
    )


SPAN_RECOGNIZER_CONFIG = f"""
[model]
@architectures = "rel_component.SpanScorer.v1"
{TOK2VEC}
[scorer]
@scorers = "rel_component.mention_scorer.v1"
"""


@Language.factory(
    "span_recognizer",
    assigns=["doc.ents", "doc.spans"],
    default_config={
        **Config().from_str(SPAN_RECOGNIZER_CONFIG),
        "spans_key": "mentions",
        "threshold": None,
        "min_score": 0.1,
        "max_mentions": 0.4,
        "annotate_after": 0,
    },
    default_score_weights={
        "ents_f": 1.0,
        "ents_p": 0.0,
        "ents_r": 0.0,
        "ents_per_type": None,
        "mentions_f": None,
        "mentions_p": None,
        "mentions_r": None,
    },
)
def make_span_recognizer(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    spans_key: str,
    threshold: Optional[float],
    min_score: float,
    max_mentions: float,
    annotate_after: Optional[int],
    scorer: Optional[Callable[..., Any]],
) -> SpanRecognizer:
    """The factory behind ``nlp.add_pipe("span_recognizer")``; see :class:`SpanRecognizer`."""
    return SpanRecognizer(
        nlp.vocab,
        model,
        name,
        spans_key=spans_key,
        threshold=threshold,
        min_score=min_score,
        max_mentions=max_mentions,
        annotate_after=annotate_after,
        scorer=scorer,
    )


@Language.factory("shared_encoder", assigns=["doc.tensor"])
def make_shared_encoder(
    nlp: Language, name: str, model: Model[List[Doc], List[Floats2d]]
) -> SharedEncoder:
    """The factory behind ``nlp.add_pipe("shared_encoder")``; see :class:`SharedEncoder`."""
    return SharedEncoder(nlp.vocab, model, name)
