"""``explain``: why a pipeline reports a relation."""

from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Optional, Sequence, Tuple

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model

from ..annotations import get_relations
from ..errors import ConfigError, did_you_mean, shown
from ..pipelines import relation_attr
from ..types import Relation
from .attention import attention
from .attributions import gradients, occlusions, pooling
from .counterfactuals import (
    Counterfactual,
    SentenceEvidence,
    changed_copies,
    counterfactuals,
    evidence_of,
)
from .neighbours import Neighbour, PairIndex
from .probe import DocumentProbe, Floats, Probe, probability

METHODS = ("gradient", "occlusion", "pooling", "evidence", "counterfactuals")


@dataclass(frozen=True)
class Explanation:
    """Why a relation was found.

    Attributes:
        relation: the relation.
        words: the tokens of its document.
        probability: of the relation between its mentions, whatever the probabilities of these are.
        attributions: weights of the tokens in log-odds, by method; those of ``pooling`` for each region.
            The attention of head and tail, shares, if it was asked for. *Shape:* ``(n_tokens,)`` each
        gradient_of: what the gradient is taken of, empty if it was not asked for.
        evidence: what the relation loses without each sentence.
        counterfactuals: what it would be after changes.
        neighbours: training pairs with the most similar vectors, if an index was given.
    """

    relation: Relation
    words: Tuple[str, ...]
    probability: float
    attributions: Dict[str, Floats]
    gradient_of: str
    evidence: Tuple[SentenceEvidence, ...]
    counterfactuals: Tuple[Counterfactual, ...]
    neighbours: Tuple[Neighbour, ...]

    def top(self, method: str, n: int = 5) -> List[Tuple[str, float]]:
        """The words with the highest weights.

        Args:
            method: a key of `attributions`.
            n: the most words.
        """
        weights = self.attributions[method]
        order = numpy.argsort(-weights, kind="stable")[:n]
        return [(self.words[i], float(weights[i])) for i in order if weights[i] > 0]

    def to_json(self) -> Dict[str, Any]:
        """A dict for JSON, with None in place of nan."""
        return {
            "relation": self.relation.to_json(),
            "words": list(self.words),
            "probability": self.probability,
            "attributions": {
                name: [round(float(weight), 5) for weight in weights]
                for name, weights in self.attributions.items()
            },
            "gradient_of": self.gradient_of,
            "evidence": [part._asdict() for part in self.evidence],
            "counterfactuals": [
                {**change._asdict(), "probability": _number(change.probability)}
                for change in self.counterfactuals
            ],
            "neighbours": [neighbour._asdict() for neighbour in self.neighbours],
        }


def explain(
    nlp: Language,
    doc: Doc,
    relation: Relation,
    methods: Optional[Sequence[str]] = None,
    *,
    index: Optional[PairIndex] = None,
    max_tokens: int = 128,
    attention_layer: Optional[int] = None,
) -> Explanation:
    """Explain a relation of a document.

    Args:
        nlp: the pipeline that found it, or might have.
        doc: a document with its mentions, as the pipeline returns it.
        relation: a relation of it, or one to ask about: ``Relation(head, label, tail)``.
        methods: of ``gradient``, ``occlusion``, ``pooling``, ``evidence`` and ``counterfactuals``;
            None: all that the pair model has.
        index: vectors of training pairs, see :func:`.neighbours.build_index`.
        max_tokens: the most tokens that occlusion masks.
        attention_layer: the layer whose attention is shown, see :func:`.attention.attention`; None:
            no attention is.

    Raises:
        ConfigError: if a method is unknown or the model does not have it, if the pipeline has no trained
            relation extractor, or if head and tail are no candidate pair.
    """
    check_methods(methods or ())
    probe = Probe(nlp, doc, relation)
    chosen = possible_methods(probe.extractor.model) if methods is None else methods
    return _explain([probe], chosen, index, max_tokens, attention_layer)[0]


def _explain(
    probes: Sequence[Probe],
    methods: Sequence[str],
    index: Optional[PairIndex],
    max_tokens: int,
    attention_layer: Optional[int],
) -> List[Explanation]:
    """Explanations of relations of one document, whose changed copies pass the encoder together."""
    empty: List[Any] = [()] * len(probes)
    attributions: List[Dict[str, Floats]] = [{} for _ in probes]
    gradient_of = ""
    if "gradient" in methods:
        weights, gradient_of = gradients(probes)
        for own, each in zip(attributions, weights):
            own["gradient"] = each
    if "occlusion" in methods:
        for own, each in zip(attributions, occlusions(probes, max_tokens=max_tokens)):
            own["occlusion"] = each
    if "pooling" in methods:
        for own, probe in zip(attributions, probes):
            own |= {f"pooling {name}": each for name, each in pooling(probe).items()}
    if attention_layer is not None:
        for own, weights_of in zip(attributions, attention(probes, attention_layer)):
            own |= weights_of
    evidence = evidence_of(probes) if "evidence" in methods else empty
    changes = empty
    if "counterfactuals" in methods and probes:
        copies = [copy for probe in probes for copy in changed_copies(probe).values()]
        probes[0].document.encode(copies)
        changes = [counterfactuals(probe) for probe in probes]
    return [
        Explanation(
            probe.relation,
            tuple(token.text for token in probe.doc),
            probability(probe.log_odds),
            attributions[i],
            gradient_of,
            tuple(evidence[i]),
            tuple(changes[i]),
            tuple(index.nearest(probe)) if index is not None else (),
        )
        for i, probe in enumerate(probes)
    ]


def explain_document(
    nlp: Language,
    doc: Doc,
    methods: Optional[Sequence[str]] = None,
    *,
    labels: Collection[str] = (),
    index: Optional[PairIndex] = None,
    max_tokens: int = 128,
    attention_layer: Optional[int] = None,
) -> List[Explanation]:
    """Explain all relations of a document, whose changed copies pass the encoder once.

    Args:
        nlp: the pipeline.
        doc: the document, with its relations.
        methods: see :func:`explain`, also for `index` and `max_tokens`; None: all that the pair model
            has, but occlusion only if it has no gradient, because it costs as much as to predict the
            document once for each of its tokens.
        labels: only relations of these types; all if there are none.
        index: vectors of training pairs.
        max_tokens: the most tokens that occlusion masks.
        attention_layer: see :func:`explain`.

    Raises:
        ConfigError: see :func:`explain`.
    """
    check_methods(methods or ())
    document = DocumentProbe(nlp, doc)
    if methods is None:
        methods = possible_methods(document.extractor.model)
        if "gradient" in methods:
            methods.remove("occlusion")
    probes = [
        Probe(nlp, doc, rel, document)
        for rel in get_relations(doc, relation_attr(nlp))
        if not labels or rel.label in labels
    ]
    return _explain(probes, methods, index, max_tokens, attention_layer)


def check_methods(methods: Sequence[str]) -> None:
    """Make sure that methods are known.

    Raises:
        ConfigError: if one is not.
    """
    for method in methods:
        if method not in METHODS:
            raise ConfigError(
                f"method {shown(method)}; accepted: {', '.join(METHODS)}"
                f"{did_you_mean(method, METHODS)}"
            )


def possible_methods(model: Model[Any, Any]) -> List[str]:
    """The methods that a pair model has."""
    missing = {"gradient"} if not model.has_ref("tok2vec") else set()
    if model.name != "span_pair":
        missing.add("pooling")
    return [method for method in METHODS if method not in missing]


def _number(value: float) -> Optional[float]:
    return None if numpy.isnan(value) else value
