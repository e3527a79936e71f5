"""The trainable component ``shared_encoder``."""

from typing import Any, Callable, Iterable, List, Optional, Sequence

from spacy.language import Language
from spacy.pipeline import Tok2Vec
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer
from thinc.types import Floats2d

from .model_checks import remember_tokens
from .saving import CheckedPipe

DEFAULT_TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 96,
    "depth": 4,
    "embed_size": 2000,
    "window_size": 1,
    "maxout_pieces": 3,
    "subword_features": True,
}
"""The encoder of components that are given none: a small network that needs no download."""


@Language.factory("shared_encoder", assigns=["doc.tensor"])
def make_shared_encoder(
    nlp: Language, name: str, model: Model[List[Doc], List[Floats2d]]
) -> "SharedEncoder":
    """The factory behind ``nlp.add_pipe("shared_encoder")``; see :class:`SharedEncoder`."""
    return SharedEncoder(nlp.vocab, model, name)


class SharedEncoder(CheckedPipe, Tok2Vec):
    """An encoder for the components after it, which have ``rel_component.EncoderListener.v1``.

    It is spaCy's ``tok2vec``, tells its listeners the width of the vectors, and remembers which tokens
    it has seen, so that its vectors are not taken for those of others.

    Args:
        vocab: that of the pipeline.
        model: the encoder.
        name: name of the component in the pipeline.
    """

    def __init__(self, vocab: Vocab, model: Model[List[Doc], List[Floats2d]], name: str) -> None:
        super().__init__(vocab, model, name)
        self.state = self.cfg

    def set_annotations(self, docs: Sequence[Doc], tokvecses: Sequence[Floats2d]) -> None:
        """Set ``doc.tensor`` to the vectors."""
        super().set_annotations(docs, tokvecses)
        remember_tokens(docs)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
    ) -> None:
        """Load the encoder."""
        self.checksum = None
        super().initialize(get_examples, nlp=nlp)
        for listener in self.listeners:
            if listener.has_dim("nO") is None:
                listener.set_dim("nO", self.model.get_dim("nO"))

    def finish_update(self, sgd: Optimizer) -> None:
        """Change the weights by what was learned, so that listeners are not saved with an old checksum.

        Args:
            sgd: the optimizer.
        """
        self.checksum = None
        super().finish_update(sgd)

    def find_listeners(self, component: Any) -> None:
        """Take a component's listeners as those of this encoder, unless they expect another width.

        Args:
            component: a component after this one.
        """
        super().find_listeners(component)
        for listener in list(self.listener_map.get(getattr(component, "name", ""), [])):
            widths = [node.get_dim("nO") for node in (listener, self.model) if node.has_dim("nO")]
            if len(set(widths)) > 1:  # it is for an encoder that stands nearer
                self.remove_listener(listener, component.name)
