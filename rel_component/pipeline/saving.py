"""Saved components: whole, or one clear error when they are loaded.

A component with weights has two parts: ``model`` with the weights, as Thinc writes them, and ``cfg``
with what belongs to them, in JSON. ``model`` also holds the names of its outputs, and ``cfg`` the
SHA-256 checksums of both, so that files which are damaged, exchanged or edited are noticed.
Checksums are no protection from who makes a pipeline: what is loaded is checked besides.
"""

import gc
import hashlib
import json
import warnings
from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, Optional, TypeVar, Union

import srsly
from spacy import util
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..errors import ConfigError, RelComponentError, shown
from ..threads import limit_worker_threads
from .weight_checks import check_attributes, check_parameters

SavedT = TypeVar("SavedT", bound="SavedPipe")
Parts = Dict[str, Union[str, bytes]]

_CHECKSUMS = "sha256"  # key in cfg
_OUTPUTS = "outputs"  # attribute of the model
_LONGEST = 500  # characters of an error of others


class SavedPipe(ABC):
    """A component that is saved in parts, and loaded whole or with one error.

    Each part is a file, or an entry of its bytes, and so is the vocabulary.
    """

    name: str
    vocab: Vocab

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialise the component.

        Args:
            exclude: names of parts: vocab; cfg and model; or schema, template and examples.
        """
        parts: Dict[str, Any] = {k: data for k, data in self._dump().items() if k not in exclude}
        if "vocab" not in exclude:
            parts["vocab"] = self.vocab.to_bytes(exclude=exclude)
        return srsly.msgpack_dumps(parts)

    def from_bytes(self: SavedT, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> SavedT:
        """Load the component from what :meth:`to_bytes` returned.

        Args:
            bytes_data: the serialised component.
            exclude: see :meth:`to_bytes`.

        Raises:
            ConfigError: if a part is missing, damaged or does not fit to the others.
        """
        with loading(self.name):
            parts = srsly.msgpack_loads(bytes_data)
            if "vocab" not in exclude:
                self.vocab.from_bytes(parts["vocab"], exclude=exclude)
        self._load(parts.__getitem__, f"{self.name}, ", exclude)
        return self

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> None:
        """Save the component.

        Args:
            path: the folder.
            exclude: see :meth:`to_bytes`.
        """
        folder = Path(path)
        folder.mkdir(exist_ok=True)
        for name, data in self._dump().items():
            if name not in exclude:
                (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        if "vocab" not in exclude:
            self.vocab.to_disk(folder / "vocab", exclude=exclude)

    def from_disk(self: SavedT, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> SavedT:
        """Load the component from a folder, written by :meth:`to_disk`.

        Args:
            path: the folder.
            exclude: see :meth:`to_bytes`.

        Raises:
            ConfigError: naming the file that is missing, damaged or does not fit to the others.
        """
        folder = Path(path)
        if "vocab" not in exclude:
            with loading(folder / "vocab"):
                self.vocab.from_disk(folder / "vocab", exclude=exclude)
        self._load(lambda name: _read_file(folder / name), f"{folder}/", exclude)
        return self

    @abstractmethod
    def _dump(self) -> Parts:
        """The parts by name."""

    @abstractmethod
    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        """Take the parts that are not excluded, as a function reads them by name."""


class CheckedPipe(SavedPipe, TrainablePipe):
    """A trainable component that is saved with checksums, and checked when it is loaded.

    Attributes:
        state: what is saved beside the model, JSON values.
        checksum: that of the model when it was saved or loaded last, if it was.
    """

    state: Dict[str, Any]
    checksum: Optional[str] = None

    @property
    def outputs(self) -> Optional[Dict[str, Any]]:
        """What the outputs of the model mean, in JSON values; ``columns`` has their names.

        None: the component has no labels.
        """
        return None

    def take_state(self, state: Dict[str, Any]) -> None:
        """Use what was saved beside the model.

        Args:
            state: the values, as they were saved.
        """
        self.state.update(state)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Apply the component to a stream of documents.

        Where a batch cannot be predicted, its documents are tried one by one, so that an error handler
        that does not raise (``nlp.set_error_handler``) loses the documents at fault alone.

        Args:
            stream: the documents.
            batch_size: documents in a batch.
        """
        limit_worker_threads()
        for docs in util.minibatch(stream, size=batch_size):
            try:
                scores = self.predict(docs)
            except Exception:
                yield from (doc for doc in map(self, docs) if doc is not None)
                continue
            try:
                self.set_annotations(docs, scores)
            except Exception as error:
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs

    def _dump(self) -> Parts:
        self.model.attrs[_OUTPUTS] = self.outputs
        model = self.model.to_bytes()
        self.checksum = _checksum(model)
        checksums = {"cfg": checksum_of_values(self.state), "model": self.checksum}
        cfg = srsly.json_dumps({**self.state, _CHECKSUMS: checksums}, indent=2)
        return {"cfg": cfg, "model": model}

    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        checksums: Dict[str, str] = {}
        if "cfg" not in exclude:
            with loading(f"{place}cfg"):
                cfg = json.loads(read("cfg"))
                checksums = cfg.pop(_CHECKSUMS, {})
                _compare(checksums, "cfg", checksum_of_values(cfg))
                self.take_state(cfg)
        if "model" not in exclude:
            with loading(f"{place}model"):
                model = read("model")
                self.checksum = _checksum(model)
                _compare(checksums, "model", self.checksum)
                self.model.attrs.pop(_OUTPUTS, None)
                before = [dict(node.attrs) for node in self.model.walk()]
                self.model.from_bytes(model)
                check_attributes(self.model, before)
                check_parameters(self.model)
                self._check_outputs()
                has_none = "cfg" not in exclude and not checksums
                if has_none and _OUTPUTS in self.model.attrs:
                    raise ConfigError("cfg has lost its checksums")
            if has_none:
                warnings.warn(
                    f"{place}cfg has no checksums, as an earlier version saved it, and damage may pass "
                    "unnoticed; save the pipeline again with nlp.to_disk",
                    stacklevel=3,
                )

    def _check_outputs(self) -> None:
        outputs = self.outputs
        if outputs is None or not self.model.has_dim("nO"):
            return
        columns = outputs["columns"]
        if self.model.get_dim("nO") != len(columns):
            raise ConfigError(
                f"the model has {self.model.get_dim('nO')} outputs, and cfg and options of the "
                f"component have {len(columns)}: {shown(columns)}"
            )
        saved = self.model.attrs.get(_OUTPUTS, outputs)  # an earlier version saved none
        if saved != outputs:
            raise ConfigError(
                f"the model was saved with the outputs {shown(saved)}, and cfg and options of the "
                f"component have {shown(outputs)}"
            )


def _read_file(file: Path) -> bytes:
    """The content of a file; a pipe or device may have no end."""
    if file.exists() and not file.is_file():
        raise ConfigError("it is no file but a folder, pipe or device")
    return file.read_bytes()


@contextmanager
def loading(place: Union[str, Path]) -> Iterator[None]:
    """Turn any error into one that names the place.

    Args:
        place: file, or component and part.

    Raises:
        ConfigError: if the block raises an error.
    """
    collects = gc.isenabled()
    try:
        yield
    except Exception as err:
        text = str(err) if isinstance(err, RelComponentError) else f"{type(err).__name__}: {err}"
        raise ConfigError(
            f"{place} cannot be loaded: {text[:_LONGEST]}. If the pipeline was copied, copy it again."
        ) from err
    finally:
        if collects:  # srsly leaves the collector off after an error
            gc.enable()


def _compare(checksums: Any, name: str, checksum: str) -> None:
    if checksums and checksums.get(name) != checksum:
        raise ConfigError(
            f"{name} has changed since it was saved: its SHA-256 checksum is {checksum}, and cfg has "
            f"{shown(checksums.get(name))}. To change labels or a schema, load the pipeline in Python "
            "and save it with nlp.to_disk"
        )


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def checksum_of_values(values: Any) -> str:
    """The checksum of JSON values, however they are laid out."""
    return _checksum(json.dumps(values, sort_keys=True).encode())
