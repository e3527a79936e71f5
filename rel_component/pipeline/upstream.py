"""Whose vectors a component reads that listens to another one.

spaCy links a listener by the name of the other component, or to any component with vectors (``*``), and
takes the vectors of another encoder like those that the listening component was trained with.
"""

import inspect
import warnings
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.ty import ListenedToComponent
from spacy.vocab import Vocab
from thinc.api import Model

from ..documents import bare_copy
from ..errors import ConfigError
from ..types import FloatArray
from .learning import LearningPipe
from .model_checks import refuse_changed_tokens, refuse_uninitialised
from .saving import Parts, loading
from .weak_pipeline import WeakPipeline

_SAVED = "upstream"  # key in cfg
_PROBE = ("Ada", "Lovelace", "works", "for", "Acme", ".")
_N_VALUES = 16  # of each vector of the probe are saved
_TOLERANCE = 0.1  # of the norm: far more than precisions differ, far less than encoders


class ListeningPipe(LearningPipe):
    """A trainable component that knows whose vectors its listener has learned to read, if it has one.

    It remembers that component, and saves the vectors that it gives a short text.
    """

    _pipeline: WeakPipeline
    _upstream: Any = None
    _checked: Optional[Vocab] = None  # that of documents which had the right vectors
    _has_warned = False

    def bind_upstream(self, nlp: Optional[Language] = None) -> None:
        """Take the component that the listener is linked to, unless another one was saved.

        Args:
            nlp: the pipeline of a model that is new; None: that of an earlier call.
        """
        if nlp is not None:
            self._pipeline = WeakPipeline(nlp)
            self.state.pop(_SAVED, None)
        self._checked = None
        self._upstream = self._linked()
        saved = self.state.get(_SAVED)
        if saved and self._upstream and not _alike(self._probe(), numpy.asarray(saved["vectors"])):
            self._upstream = None

    def learn_upstream(self, docs: Sequence[Doc]) -> None:
        """Take the component whose vectors are learned from.

        Args:
            docs: the documents of an update.
        """
        if self._listener is None:
            return
        # spaCy's callback belongs to the component that has sent the batch
        callback = self._listener._backprop
        sender = None
        if inspect.isfunction(callback):
            sender = inspect.getclosurevars(callback).nonlocals.get("self")
        elif self._upstream and self._has_its_vectors(docs):  # it is frozen
            sender = self._upstream
        self._upstream, self._checked = sender, docs[0].vocab
        self.state.pop(_SAVED, None)

    def check_docs(self, docs: Sequence[Doc]) -> None:
        """Check that the component is trained, and can read the vectors that documents have.

        Args:
            docs: the documents to predict.

        Raises:
            ConfigError: if it is not; if tokens have changed since the vectors were computed, if they
                are of another component, or if there are none and the documents are of another
                pipeline.
        """
        refuse_uninitialised(self.model, self.name)
        refuse_changed_tokens(docs, self.model, self.name, joined_words=self.state["joined_words"])
        filled = [doc for doc in docs if len(doc)]
        if self._listener is None or not filled:
            return
        for vocab in {id(doc.vocab): doc.vocab for doc in filled}.values():
            of_vocab = [doc for doc in filled if doc.vocab is vocab]
            is_checked = vocab is self._checked
            if is_checked:  # without a look at vectors, which may be on a GPU
                of_vocab = [doc for doc in of_vocab if not _is_encoded(doc)]
            with_vectors = self._with_vectors(of_vocab)
            if with_vectors and not is_checked:
                self._refuse_others(with_vectors)
                self._checked = vocab

    def _with_vectors(self, docs: Sequence[Doc]) -> List[Doc]:
        """The documents that have vectors; it is reported where one has none."""
        found = []
        for doc in docs:
            if any(array.any() for array in self._read(doc)):
                found.append(doc)
            elif not doc.tensor.size:  # and not a text of blanks, whose vectors are zeros
                self._report_none(is_own=doc.vocab is self.vocab)
        return found

    def _refuse_others(self, docs: Sequence[Doc]) -> None:
        """Check that vectors are those of the component that was learned from."""
        if self._upstream is None:
            self.bind_upstream()  # it may have been disabled when the pipeline was loaded
        is_other = self._upstream is None and _SAVED in self.state and self._linked() is not None
        if is_other or (self._upstream and not self._has_its_vectors(docs)):
            raise ConfigError(
                f"{self.name} was trained with the vectors of {self._upstream_name!r}, and the "
                f"documents have others. {self._ways_out}"
            )

    def take_state(self, state: Dict[str, Any]) -> None:
        """See :meth:`.CheckedPipe.take_state`."""
        self.state.pop(_SAVED, None)
        super().take_state(state)

    def _dump(self) -> Parts:
        if self._listener is None:
            self.state.pop(_SAVED, None)
        elif self._upstream and self.model.has_dim("nO"):
            vectors = numpy.round(self._probe().astype("float64"), 4).tolist()
            self.state[_SAVED] = {"name": self._upstream.name, "vectors": vectors}
            if checksum := getattr(self._upstream, "checksum", None):
                self.state[_SAVED]["sha256"] = checksum
        return super()._dump()

    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        super()._load(read, place, exclude)
        with loading(f"{place}cfg"):
            self.bind_upstream()
            self._compare_checksum()

    def _compare_checksum(self) -> None:
        """Notice a pipeline of two checkpoints, as a run leaves that is killed while it saves."""
        saved, encoder = self.state.get(_SAVED, {}), self._linked()
        found = getattr(encoder, "checksum", None)
        if found and encoder.name == saved.get("name") and found != saved.get("sha256", found):
            raise ConfigError(
                f"it was saved beside another model of {encoder.name!r}: files of two pipelines are "
                "mixed, as after training that was killed while it saved. Take another copy, such as "
                "model-best in place of model-last"
            )

    @property
    def _listener(self) -> Any:
        return next((node for node in self.model.walk() if hasattr(node, "upstream_name")), None)

    @property
    def _upstream_name(self) -> str:
        saved = self.state.get(_SAVED, {}).get("name", "an encoder")
        return str(self._upstream.name if self._upstream else saved)

    @property
    def _ways_out(self) -> str:
        encoder, name = self._upstream_name, self.name
        return (
            f"Add both components from the pipeline that was trained, {encoder!r} nearer to {name!r} "
            f"than any other encoder: nlp.add_pipe({encoder!r}, source=trained), then "
            f"nlp.add_pipe({name!r}, source=trained). Or give the component a copy of its encoder "
            f"before you add it: trained.replace_listeners({encoder!r}, {name!r}, ['model.tok2vec'])."
        )

    def _report_none(self, *, is_own: bool) -> None:
        message = f"{self.name} reads the vectors of {self._upstream_name!r}, and there are none"
        if not is_own:
            raise ConfigError(f"{message}. {self._ways_out}")
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"{message}: is it disabled, or after {self.name}? What is predicted means nothing.",
                stacklevel=5,
            )

    def _linked(self) -> Any:
        """The last component with vectors before this one that spaCy has linked the listener to."""
        nlp = self._pipeline.get()
        found = None
        for _, component in nlp.components if nlp else ():
            if component is self:
                break
            if isinstance(component, ListenedToComponent) and any(
                listener is self._listener for listener in component.listeners
            ):
                found = component
        return found if found is not None and _is_ready(found.model) else None

    def _read(self, doc: Doc) -> List[Any]:
        """The first array that the listener reads of a document, left on its device; or none."""
        (read,) = self._listener.predict([doc])
        return list(getattr(read, "tensors", [read]))[:1]  # of spacy-transformers, or one array

    def _vectors(self, doc: Doc) -> FloatArray:
        """What the listener reads of a document. *Shape:* ``(n_rows, width)``."""
        for array in self._read(doc):
            values: FloatArray = self._listener.ops.to_numpy(array)
            return values.reshape(-1, values.shape[-1])
        return numpy.zeros((0, 0), dtype="float32")

    def _has_its_vectors(self, docs: Sequence[Doc]) -> bool:
        """Whether the vectors of the longest of a few documents are those of the right component."""
        doc = max(docs[:8], key=len)
        return _alike(self._vectors(self._upstream(bare_copy(doc))), self._vectors(doc))

    def _probe(self) -> FloatArray:
        """The beginning of the vectors of a short text. *Shape:* ``(n_rows, n_values)``."""
        doc = self._upstream(Doc(self.vocab, words=[*_PROBE]))
        return self._vectors(doc)[:, :_N_VALUES]


def _is_encoded(doc: Doc) -> bool:
    """Whether an encoder has written to a document; spacy-transformers leaves the tensor empty."""
    has_output = Doc.has_extension("trf_data") and doc._.trf_data is not None
    return has_output or doc.tensor.size > 0


def _alike(found: FloatArray, expected: FloatArray) -> bool:
    """Whether two arrays agree in some row; those of tokens that changed since may differ.

    One of them may have more rows at its end, padding of a batch.
    """
    if found.shape[1] != expected.shape[1]:
        return False
    n_rows = min(len(found), len(expected))
    found, expected = found[:n_rows], expected[:n_rows]
    distances = numpy.linalg.norm(found - expected, axis=1)
    return bool((distances <= _TOLERANCE * numpy.linalg.norm(expected, axis=1)).any())


def _is_ready(model: Model[Any, Any]) -> bool:
    """Whether all layers have their weights."""
    return all(
        all(node.has_param(name) for name in node.param_names)
        and all(getattr(shim, "_model", None) is not None for shim in node.shims)
        for node in model.walk()
    )
