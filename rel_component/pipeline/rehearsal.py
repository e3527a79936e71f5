"""Rehearsal: a component learns what an earlier state of its model says, so that it does not forget it.

spaCy keeps that state in ``nlp.resume_training``, and ``nlp.rehearse`` uses it. It is distillation, see
Hinton et al. 2015 (https://arxiv.org/abs/1503.02531); for labels that come later, learning without
forgetting, see Li and Hoiem 2016 (https://arxiv.org/abs/1606.09282).
"""

from abc import abstractmethod
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from thinc.api import Model, Optimizer, set_dropout_rate
from thinc.types import Floats2d

from ..losses import divergence
from ..types import BoolArray
from .upstream import ListeningPipe


class Teacher:
    """A model as it was.

    Args:
        model: a copy of the model.
        columns: names of its outputs.
        upstream: the component whose vectors it reads; None: it has an encoder of its own.
    """

    def __init__(self, model: Model[Any, Any], columns: Sequence[str], upstream: Any) -> None:
        self.model = model
        self.columns = list(columns)
        self._upstream = upstream
        self._checksum = getattr(upstream, "checksum", None)
        # one that was loaded and has not changed gives the same vectors
        self._encoder = None if upstream is None else deepcopy(upstream.model)

    def logits(self, docs: List[Doc], X: Any) -> Floats2d:
        """What the model says of pairs or spans. *Shape:* ``(n, n_columns)``.

        Args:
            docs: the documents, with the present vectors of the encoder.
            X: what the model reads beside them.
        """
        is_old = self._checksum is not None and self._upstream.checksum == self._checksum
        if self._encoder is None or is_old:
            found: Floats2d = self.model.predict((docs, X))
            return found
        present = [doc.tensor for doc in docs]
        try:
            for doc, vectors in zip(docs, self._encoder.predict(docs)):
                doc.tensor = vectors
            found = self.model.predict((docs, X))
        finally:
            for doc, vectors in zip(docs, present):
                doc.tensor = vectors
        return found


class RehearsingPipe(ListeningPipe):
    """A trainable component that can learn to say what it said before.

    Attributes:
        distillation: weight of what an earlier state says of labels that a document of an update is
            not asked about (:func:`.ask_only`), once ``nlp.resume_training`` has kept such a state;
            0: such labels are not learned.
    """

    distillation: float = 0.0
    _teacher: Optional[Teacher] = None

    @property
    def _rehearsal_model(self) -> Optional[Model[Any, Any]]:
        """The earlier state, under the name by which spaCy sets it."""
        return None if self._teacher is None else self._teacher.model

    @_rehearsal_model.setter
    def _rehearsal_model(self, model: Optional[Model[Any, Any]]) -> None:
        self._teacher = None
        if model is not None and model.has_dim("nO"):
            self._teacher = Teacher(model, self._columns, self._upstream)

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        """Learn to say of documents what the component said at ``nlp.resume_training``.

        The documents need no annotation but the mentions that they would have in use, as those of
        ``nlp(text)`` have. An encoder that the component shares with others stays as it is.

        Args:
            examples: the documents.
            drop: dropout rate of the layers.
            sgd: the optimizer; None or False: only accumulate gradients.
            losses: the divergence is added under the name of the component.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.rehearse")
        docs = [eg.predicted for eg in examples]
        if self._teacher is None or not any(map(len, docs)):
            return losses
        set_dropout_rate(self.model, drop)
        with self.fixed_upstream(docs):
            X = self.rehearsed(examples)
            logits, backprop = self.model.begin_update((docs, X))
            loss, d_logits = self.imitate(docs, X, logits)
            backprop(d_logits)
        if sgd:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def imitate(
        self, docs: List[Doc], X: Any, logits: Floats2d, rows: Optional[BoolArray] = None
    ) -> Tuple[float, Floats2d]:
        """How far the model is from its earlier state.

        Args:
            docs: the documents.
            X: the pairs or spans.
            logits: what the model says of them, and after it what further scorers of the model say.
                *Shape:* ``(n, n_scorers * n_columns)``
            rows: which of them count; None: all. *Shape:* ``(n,)``

        Returns:
            the mean divergence, the sum of those of all scorers, and its gradient. *Shape:*
            ``(n, n_scorers * n_columns)``
        """
        xp = self.model.ops.xp
        gradient: Any = xp.zeros_like(logits)
        teacher = self._teacher
        if teacher is None or not logits.shape[0] or (rows is not None and not rows.any()):
            return 0.0, gradient
        present = self._columns
        kept = [name for name in teacher.columns if name in present]
        own = xp.asarray([present.index(name) for name in kept])
        earlier = xp.asarray([teacher.columns.index(name) for name in kept])
        taught: Any = teacher.logits(docs, X)
        of: Any = logits
        total = 0.0
        for i in range(logits.shape[1] // len(present)):
            columns = own + i * len(present)
            loss, gradient[:, columns] = divergence(
                of[:, columns],
                taught[:, earlier + i * len(teacher.columns)],
                exclusive=self.imitates[0],
                relative=self.imitates[1],
                rows=None if rows is None else xp.asarray(rows),
            )
            total += loss
        return total, gradient

    @abstractmethod
    def rehearsed(self, examples: List[Example]) -> Any:
        """What the model reads beside the predicted documents of examples: pairs, or spans."""

    @property
    @abstractmethod
    def imitates(self) -> Tuple[bool, bool]:
        """Whether outputs exclude each other, and whether they are relative to the first one."""

    @property
    def _columns(self) -> List[str]:
        outputs = self.outputs
        return [] if outputs is None else list(outputs["columns"])

    @contextmanager
    def fixed_upstream(self, docs: List[Doc]) -> Iterator[None]:
        """Let the model read the present vectors of documents, and send no gradient to their encoder.

        Args:
            docs: documents that have no vectors yet, which are computed.
        """
        listener = self._listener
        if listener is None:
            yield
            return
        if self._upstream is not None and docs:
            list(self._upstream.pipe(docs))
        names = ("_batch_id", "_outputs", "_backprop")
        batch = {name: getattr(listener, name) for name in names}
        try:
            for name in names:
                setattr(listener, name, None)
            yield
        finally:
            for name, value in batch.items():
                setattr(listener, name, value)
