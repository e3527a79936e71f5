"""Small pair models of every registered architecture, and documents for them."""

import inspect
from dataclasses import replace
from typing import Any, List, Optional, Sequence

import numpy
import spacy
from spacy.tokens import Doc
from thinc.api import Model, set_dropout_rate
from thinc.types import Floats2d

from rel_component.candidates import Candidates, PairModelT

from ..encoders import TINY_TOK2VEC, tiny_encoder
from ..helpers import make_candidates
from .registered import each_registered

N_LABELS = 3
TEXT = "Ada and Bo of Acme Labs met Cy in Oslo"
MENTIONS = [(0, 1, "PERSON"), (2, 3, "PERSON"), (4, 6, "ORG"), (7, 8, "PERSON"), (9, 10, "GPE")]

every_model = each_registered("spacy_architectures", PairModelT)


def takes(name: str, argument: str) -> bool:
    """Whether an architecture has an argument."""
    build = spacy.registry.get("architectures", name)
    return argument in inspect.signature(build).parameters


def built(name: str, tok2vec: Optional[Model[Any, Any]] = None, /, **options: Any) -> PairModelT:
    """An architecture with a small encoder: its `tok2vec`, or one by its `name`."""
    if takes(name, "tok2vec"):
        options["tok2vec"] = tok2vec or _tiny_tok2vec()
    elif takes(name, "name"):
        options.setdefault("name", tiny_encoder())
    return spacy.registry.get("architectures", name)(**options)


def initialised(
    name: str, docs: Sequence[Doc], tok2vec: Optional[Model[Any, Any]] = None
) -> PairModelT:
    """A model without dropout, whose output layer is not all zeros."""
    model = built(name, tok2vec)
    model.initialize(X=(docs, make_candidates(docs)), Y=model.ops.alloc2f(1, N_LABELS))
    set_dropout_rate(model, 0.0)
    rng = numpy.random.default_rng(0)
    for node in model.walk():
        for param in node.param_names:
            noise = rng.normal(scale=0.1, size=node.get_param(param).shape)
            node.set_param(param, node.get_param(param) + noise.astype("float32"))
    return model


def predicted(
    model: PairModelT, docs: Sequence[Doc], candidates: Optional[Candidates] = None
) -> Floats2d:
    """Logits of the candidate pairs, or of all pairs."""
    return model.predict((docs, make_candidates(docs) if candidates is None else candidates))


def assert_pairs_do_not_see_each_other(model: PairModelT, doc: Doc, rtol: float = 1e-4) -> None:
    """A third of the pairs of a document score as they do among all of them."""
    candidates = make_candidates([doc])
    rows = numpy.arange(candidates.n_pairs) % 3 == 0
    numpy.testing.assert_allclose(
        predicted(model, [doc], candidates.select(rows)),
        predicted(model, [doc], candidates)[rows],
        rtol=rtol,
        atol=1e-5,
    )


def clustered(doc: Doc, entities: List[int]) -> Candidates:
    """All ordered pairs of the given entities."""
    n = max(entities) + 1
    pairs = [(head, tail) for head in range(n) for tail in range(n) if head != tail]
    return replace(
        make_candidates([doc]),
        entities=numpy.asarray(entities, dtype="int32"),
        pairs=numpy.asarray(pairs, dtype="int32"),
        lengths=numpy.asarray([len(pairs)], dtype="int32"),
    )


def _tiny_tok2vec() -> Model[List[Doc], List[Floats2d]]:
    return spacy.registry.resolve({"tok2vec": TINY_TOK2VEC})["tok2vec"]
