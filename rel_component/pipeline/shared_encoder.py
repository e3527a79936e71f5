"""The trainable component ``shared_encoder``."""

from typing import Callable, Iterable, Optional

from spacy.language import Language
from spacy.pipeline import Tok2Vec
from spacy.training import Example


class SharedEncoder(Tok2Vec):
    """An encoder for the components after it, which have ``rel_component.EncoderListener.v1``.

    As spaCy's ``tok2vec``, with listeners that are told the width of the vectors.
    """

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
    ) -> None:
        """Load the encoder.

        Args:
            get_examples: returns the training examples, or a representative sample of them.
            nlp: the pipeline.
        """
        super().initialize(get_examples, nlp=nlp)
        for listener in self.listeners:
            if listener.has_dim("nO") is None:
                listener.set_dim("nO", self.model.get_dim("nO"))
