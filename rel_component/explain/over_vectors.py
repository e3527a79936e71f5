"""A pair model over token vectors that are given, so that its gradient by them can be asked for."""

from typing import Any, Callable, List, Tuple

from spacy.tokens import Doc
from thinc.api import Model, set_dropout_rate
from thinc.types import Floats2d

from ..candidates import Candidates


class OverVectors:
    """A copy of a pair model without dropout; the model itself is not changed, and learns nothing.

    Args:
        model: the pair model, which has a reference ``tok2vec``.

    Attributes:
        model: the copy.
    """

    def __init__(self, model: Model[Any, Any]) -> None:
        tok2vec = model.get_ref("tok2vec")
        width = tok2vec.maybe_get_dim("nO")
        self._given: Model[Any, Any] = Model(
            "given_vectors", _give, dims={"nO": width}, attrs={"vectors": [], "gradients": []}
        )
        layers = {
            id(layer): self._given if layer is tok2vec else _copy(layer) for layer in model.layers
        }
        refs = {name: model.get_ref(name) for name in model.ref_names}
        self.model: Model[Any, Any] = Model(
            model.name,
            model._func,
            layers=list(layers.values()),
            dims={name: model.maybe_get_dim(name) for name in model.dim_names},
            refs={name: layers[id(layer)] for name, layer in refs.items()},
            attrs=dict(model.attrs),
        )
        set_dropout_rate(self.model, 0.0)

    def predict(self, docs: List[Doc], candidates: Candidates, vectors: List[Floats2d]) -> Floats2d:
        """The logits of pairs.

        Args:
            docs: the documents.
            candidates: the pairs.
            vectors: of each document. *Shape:* ``(n_tokens, width)`` each
        """
        self._given.attrs["vectors"] = vectors
        logits: Floats2d = self.model.predict((docs, candidates))
        return logits

    def begin(
        self, docs: List[Doc], candidates: Candidates, vectors: List[Floats2d]
    ) -> Tuple[Floats2d, Callable[[Floats2d], List[Floats2d]]]:
        """The logits of pairs, and what gives the gradient of the vectors for one of the logits.

        It may be called several times.

        Args:
            docs: the documents.
            candidates: the pairs.
            vectors: of each document. *Shape:* ``(n_tokens, width)`` each
        """
        self._given.attrs["vectors"] = vectors
        logits, backprop = self.model((docs, candidates), True)

        def gradients(d_logits: Floats2d) -> List[Floats2d]:
            backprop(d_logits)
            found: List[Floats2d] = self._given.attrs["gradients"]
            return found

        return logits, gradients


def _give(given: Model[Any, Any], docs: Any, is_train: bool) -> Tuple[Any, Callable[..., Any]]:
    def backprop(d_vectors: Any) -> Any:
        given.attrs["gradients"] = d_vectors
        return docs

    return given.attrs["vectors"], backprop


def _copy(model: Model[Any, Any]) -> Model[Any, Any]:
    """A copy of a model with its references, which Thinc's copies lose."""
    copy = model.copy()
    nodes = {id(node): other for node, other in zip(model.walk(), copy.walk())}
    for node, other in zip(model.walk(), copy.walk()):
        for name in node.ref_names:
            target = node.maybe_get_ref(name)
            other.set_ref(name, None if target is None else nodes[id(target)])
    return copy
