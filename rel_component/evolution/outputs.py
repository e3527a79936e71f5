"""Where the outputs of new labels start: at what the last layer reads of their examples."""

from typing import Any, List, Sequence

import numpy
from spacy.training import Example

from ..explain.neighbours import inputs_of_output_layer
from ..pipeline.relation_extractor import RelationExtractor
from ..targets import make_targets
from ..types import FloatArray

_MARGIN = 3.0  # logit of the mean example of a label against that of the other pairs


def start_outputs(
    extractor: RelationExtractor, examples: Sequence[Example], labels: Sequence[str]
) -> List[str]:
    """Give the outputs of new labels weights by the means of their pairs and of all other pairs.

    The weights of a label point from the mean of the pairs without it to that of its own, so that it
    is found where a pair is more like these; training goes on from there. That is weight imprinting, Qi
    et al. 2018 (https://arxiv.org/abs/1712.07136), against the mean of the other pairs.

    Args:
        extractor: the component, with outputs for the labels.
        examples: annotated documents; see :func:`.learning.prepare`.
        labels: the new labels.

    Returns:
        the labels whose outputs have such weights: not those without examples, and none where the model
        has no layer of outputs whose rows are known
    """
    model = extractor.model
    if not (model.has_ref("scorer") or model.has_ref("output_layer")) or not examples:
        return []
    scorer = model.get_ref("scorer") if model.has_ref("scorer") else model
    layer = scorer.get_ref("output_layer")
    if layer.name != "affine":
        return []
    vectors, targets = _read_pairs(extractor, examples)
    if vectors is None:
        return []
    none_first = len(extractor.output_labels) > len(extractor.labels)
    sizes: List[int] = layer.attrs["sizes"] or [1] * layer.get_dim("nO")
    W: Any = layer.get_param("W")
    b: Any = layer.get_param("b")
    started = []
    for label in labels:
        own = targets[:, extractor.labels.index(label)] > 0
        if not own.any() or own.all():
            continue
        row = sum(sizes[: extractor.output_labels.index(label)])
        mean, other = vectors[own].mean(axis=0), vectors[~own].mean(axis=0)
        difference = mean - other
        weights = 2 * _MARGIN * difference / max(float(difference @ difference), 1e-6)
        bias = -float(weights @ (mean + other)) / 2
        W[row] = model.ops.asarray(weights) + (W[0] if none_first else 0.0)
        b[row] = bias + (b[0] if none_first else 0.0)
        started.append(label)
    return started


def _read_pairs(extractor: RelationExtractor, examples: Sequence[Example]) -> Any:
    """What the last layer reads of all pairs, and their targets; None: which is which is not known."""
    vectors: List[FloatArray] = []
    targets: List[FloatArray] = []
    with inputs_of_output_layer(extractor.model) as kept:
        for eg in examples:
            candidates = extractor.rehearsed([eg])
            if not candidates.n_pairs:
                continue
            kept.clear()
            logits = extractor.model.predict(([eg.predicted], candidates))
            read = numpy.concatenate([extractor.model.ops.to_numpy(X) for X in kept])
            if len(read) != candidates.n_pairs or logits.shape[0] != len(read):
                return None, None
            vectors.append(read)
            targets.append(make_targets([eg], candidates, extractor.attr).values)
    if not vectors:
        return None, None
    return numpy.concatenate(vectors), numpy.concatenate(targets)
