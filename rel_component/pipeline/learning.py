"""What trainable components have in common when they learn from a batch of examples."""

from abc import abstractmethod
from typing import Dict, Iterable, List, Optional

from spacy.training import Example, validate_examples
from thinc.api import Optimizer, set_dropout_rate

from .saving import CheckedPipe


class LearningPipe(CheckedPipe):
    """A saved component that learns from batches of examples."""

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        """Learn from a batch of examples.

        Args:
            examples: predicted documents, whose tokens and mentions count, and annotated ones.
            drop: dropout rate of the layers.
            sgd: the optimizer; None or False: only accumulate gradients.
            losses: the loss is added under the name of the component.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        if not any(len(eg.predicted) for eg in examples):
            return losses
        set_dropout_rate(self.model, drop)
        loss = self.learn(examples)
        if loss is not None:
            if sgd:
                self.finish_update(sgd)
            losses[self.name] += loss
        return losses

    @abstractmethod
    def learn(self, examples: List[Example]) -> Optional[float]:
        """Add the gradients of a batch to those of the model.

        Args:
            examples: the batch; some of the predicted documents have tokens.

        Returns:
            the loss; None: there is nothing to learn from.
        """
