"""Models of components as JSON values and tensors, without the weights of a public encoder.

A model that Thinc has saved becomes a mapping, in which ``{"$tensor": name}`` stands for an array,
``{"$public": true}`` for what is the same in the public encoder, and the same with ``"up"`` and
``"down"`` for the sum of that and of their product.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple, Union

import numpy
import srsly

from ..errors import ConfigError, shown

_PARTS = {"config", "options", "tokenizer", "weights"}  # of an encoder in a model
_PUBLIC = {"$public": True}
_FACTORS = ("up", "down")
_WITHIN = "encoder."  # where the weights of the public encoder lie in a module
_TYPES = ("float16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint64", "bool")
_DEEPEST = 30
_MOST_ENCODERS = 16  # in a pipeline


@dataclass
class PublicEncoder:
    """An encoder as it was published.

    Attributes:
        weights: arrays by name.
        tokenizer: files by name.
    """

    weights: Mapping[str, Any]
    tokenizer: Mapping[str, bytes]

    @classmethod
    def read(cls, name: Union[str, Path]) -> "PublicEncoder":
        """Read an encoder from a folder, or from a hub by its name.

        Raises:
            ConfigError: if there is none, or it is of no supported kind.
        """
        from ..layers.piece_tokenizer import tokenizer_files
        from ..layers.torch_pretrained import load_pretrained

        encoder, tokenizer = load_pretrained(str(name), {}, 0)
        weights = {key: value.numpy() for key, value in encoder.state_dict().items()}
        return cls(weights, tokenizer_files(tokenizer))

    def checksum(self) -> str:
        """The SHA-256 checksum of all weights, and of the tokenizer."""
        found = hashlib.sha256()
        for name in sorted(self.weights):
            values = self.weights[name]
            found.update(f"{name} {values.dtype} {values.shape}\n".encode())
            found.update(numpy.ascontiguousarray(values).tobytes())
        for name in sorted(self.tokenizer):
            found.update(f"{name} {len(self.tokenizer[name])}\n".encode() + self.tokenizer[name])
        return found.hexdigest()


@dataclass
class ModelWriter:
    """Takes models apart.

    Args:
        encoder: the public encoder.
        half: whether numbers of 32 bits are rounded to 16.
        rank: rank of the differences from matrices of the public encoder; None: matrices that differ
            are written as they are.

    Attributes:
        tensors: what is not in the public encoder, filled by :meth:`write`.
        n_shared: number of arrays that are in it, or differ from it by a matrix of low rank.
    """

    encoder: PublicEncoder
    half: bool
    rank: Optional[int] = None
    tensors: Dict[str, Any] = field(default_factory=dict)
    n_shared: int = 0

    def write(self, name: str, data: bytes) -> Dict[str, Any]:
        """The JSON values of a model.

        Args:
            name: name of the component, with which the names of its tensors begin.
            data: the model, as Thinc saves it.
        """
        message = srsly.msgpack_loads(data)
        nodes = zip(message["nodes"], message["attrs"], message["params"], message["shims"])
        found = []
        for i, (node, attrs, params, shims) in enumerate(nodes):
            place = f"{name}.{i}"
            values = {key: srsly.msgpack_loads(value) for key, value in attrs.items()}
            layer = {
                "node": self._value(place, node),
                "attrs": self._value(place, values),
                "params": self._value(place, params),
                "shims": [self._shim(f"{place}.{k}", shim) for k, shim in enumerate(shims)],
            }
            found.append(layer)
        return {"layers": found}

    def _shim(self, place: str, data: bytes) -> Any:
        message = srsly.msgpack_loads(data)
        try:
            state = srsly.msgpack_loads(message["state"])
            is_encoder = isinstance(state, dict) and state.keys() == _PARTS
        except Exception:  # of another kind
            is_encoder = False
        if not is_encoder:
            return self._value(place, message)
        from safetensors.numpy import load

        weights = {
            key: self._weight(f"{place}.{key}", key.removeprefix(_WITHIN), value)
            for key, value in sorted(load(state["weights"]).items())
        }
        tokenizer = {key: bytes(value) for key, value in state["tokenizer"].items()}
        is_public = tokenizer == self.encoder.tokenizer
        parts = {
            "config": state["config"],
            "options": self._value(place, state["options"]),
            "tokenizer": _PUBLIC if is_public else self._value(place, tokenizer),
            "weights": weights,
        }
        return {"config": self._value(place, message["config"]), "encoder": parts}

    def _weight(self, place: str, name: str, values: Any) -> Any:
        public = self.encoder.weights.get(name)
        if public is None or public.dtype != values.dtype or public.shape != values.shape:
            return self._tensor(place, values)
        if numpy.array_equal(public, values):
            self.n_shared += 1
            return _PUBLIC
        factors = None if self.rank is None else _factors(public, values, self.rank)
        if factors is None:
            return self._tensor(place, values)
        self.n_shared += 1
        up, down = factors
        return {
            **_PUBLIC,
            "up": self._tensor(f"{place}.up", up),
            "down": self._tensor(f"{place}.down", down),
        }

    def _value(self, place: str, value: Any) -> Any:
        """A value in JSON; `place` is the beginning of names of tensors."""
        if isinstance(value, numpy.ndarray):
            return self._tensor(place, value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return {"$bytes": base64.b64encode(value).decode()}
        if isinstance(value, Mapping):
            wrong = [key for key in value if not isinstance(key, str) or key.startswith("$")]
            if wrong:
                raise ConfigError(f"{place}: a value with the key {shown(wrong[0])} is not written")
            return {key: self._value(f"{place}.{key}", item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(f"{place}.{i}", item) for i, item in enumerate(value)]
        return value

    def _tensor(self, name: str, values: Any) -> Dict[str, Any]:
        if values.dtype.name not in _TYPES:
            raise ConfigError(f"{name}: numbers of the type {values.dtype.name} are not written")
        value = {"$tensor": name}
        if self.half and values.dtype == numpy.float32:
            with numpy.errstate(over="ignore"):
                rounded = values.astype("float16")
            if numpy.isfinite(values).all() and not numpy.isfinite(rounded).all():
                raise ConfigError(
                    f"{name} holds numbers that 16 bits are too few for: leave --half out"
                )
            values, value["$type"] = rounded, "float32"
        self.tensors[name] = numpy.ascontiguousarray(values)
        return value


class ModelReader:
    """Puts models together again, of values that may come from anybody.

    Args:
        encoder: the public encoder.
        tensors: the arrays by name.
    """

    def __init__(self, encoder: PublicEncoder, tensors: Mapping[str, Any]) -> None:
        self._encoder = encoder
        self._tensors = tensors
        self._used: Set[str] = set()
        self._n_encoders = 0

    @property
    def unused(self) -> List[str]:
        """Names of arrays that were in no model."""
        return sorted(self._tensors.keys() - self._used)

    def read(self, name: str, values: Any) -> bytes:
        """A model, as Thinc saves it.

        Args:
            name: name of the component, for messages.
            values: what :meth:`ModelWriter.write` returned.

        Raises:
            ConfigError: if the values are none of a model, or not those of the tensors.
        """
        layers = _part(name, values, "layers", list)
        message: Dict[str, List[Any]] = {"nodes": [], "attrs": [], "params": [], "shims": []}
        for i, layer in enumerate(layers):
            place = f"{name}.{i}"
            attrs = self._value(place, _part(place, layer, "attrs", dict))
            message["nodes"].append(self._value(place, _part(place, layer, "node", dict)))
            message["attrs"].append({k: srsly.msgpack_dumps(item) for k, item in attrs.items()})
            message["params"].append(self._value(place, _part(place, layer, "params", dict)))
            shims = _part(place, layer, "shims", list)
            message["shims"].append([self._shim(place, shim) for shim in shims])
        return srsly.msgpack_dumps(message)

    def _shim(self, place: str, values: Any) -> bytes:
        if not isinstance(values, dict) or "encoder" not in values:
            return srsly.msgpack_dumps(self._value(place, values))
        from safetensors.numpy import save

        parts = _part(place, values, "encoder", dict)
        weights = {
            key: self._weight(place, key.removeprefix(_WITHIN), value)
            for key, value in _part(place, parts, "weights", dict).items()
        }
        self._n_encoders += 1
        if self._n_encoders > _MOST_ENCODERS:
            raise ConfigError(f"{place}: more than {_MOST_ENCODERS} encoders")
        is_public = parts.get("tokenizer") == _PUBLIC
        state = {
            "config": parts.get("config"),
            "options": self._value(place, parts.get("options")),
            "tokenizer": dict(self._encoder.tokenizer)
            if is_public
            else self._value(place, parts.get("tokenizer")),
            "weights": save(weights),
        }
        config = self._value(place, values.get("config"))
        return srsly.msgpack_dumps({"config": config, "state": srsly.msgpack_dumps(state)})

    def _weight(self, place: str, name: str, value: Any) -> Any:
        if not isinstance(value, dict) or "$public" not in value:
            return self._tensor(place, value)
        if name not in self._encoder.weights:
            raise ConfigError(f"{place}: the public encoder has no weights {shown(name)}")
        public = self._encoder.weights[name]
        if value == _PUBLIC:
            return public
        up, down = (self._tensor(f"{place}.{name}", value.get(key)) for key in _FACTORS)
        shapes = up.shape, down.shape
        if public.shape != up.shape[:1] + down.shape[1:] or up.shape[1:] != down.shape[:1]:
            raise ConfigError(f"{place}.{name}: {public.shape} is no product of {shapes}")
        if {up.dtype, down.dtype, public.dtype} != {numpy.dtype("float32")}:
            raise ConfigError(f"{place}.{name}: expected numbers of the type float32")
        return public + up @ down

    def _value(self, place: str, value: Any, depth: int = 0) -> Any:
        if depth > _DEEPEST:
            raise ConfigError(f"{place}: values that are nested more than {_DEEPEST} times")
        if isinstance(value, list):
            return [self._value(place, item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        if "$tensor" in value:
            return self._tensor(place, value)
        if "$bytes" in value:
            return base64.b64decode(str(value["$bytes"]), validate=True)
        return {key: self._value(place, item, depth + 1) for key, item in value.items()}

    def _tensor(self, place: str, value: Any) -> Any:
        name = value.get("$tensor") if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in self._tensors:
            raise ConfigError(f"{place}: there is no tensor {shown(name)}")
        if name in self._used:  # a small file would become a large one
            raise ConfigError(f"{place}: the tensor {shown(name)} is used twice")
        self._used.add(name)
        values = self._tensors[name]
        if "$type" not in value:
            return values
        if value["$type"] != "float32" or values.dtype != numpy.float16:
            raise ConfigError(f"{name}: {values.dtype.name} is not read as {shown(value['$type'])}")
        return values.astype("float32")


def _factors(public: Any, values: Any, rank: int) -> Optional[Tuple[Any, Any]]:
    """Two matrices whose product is the nearest of this rank to the difference of two others.

    They are those of the largest singular values (Eckart and Young 1936,
    https://doi.org/10.1007/BF02288367), as LoRA's are named (Hu et al. 2021,
    https://arxiv.org/abs/2106.09685).

    Returns:
        (rows, rank) and (rank, columns). None if they are no smaller than the matrix, or if the
        difference is larger than the public weights: these were learned from scratch, and no low rank
        holds that.
    """
    if values.dtype != numpy.float32 or values.ndim != 2:
        return None
    difference = values - public
    if rank * sum(values.shape) >= values.size or not numpy.isfinite(difference).all():
        return None
    if numpy.linalg.norm(difference) > numpy.linalg.norm(public):
        return None
    left, strengths, right = numpy.linalg.svd(difference, full_matrices=False)
    roots = numpy.sqrt(strengths[:rank])
    return left[:, :rank] * roots, roots[:, None] * right[:rank]


def _part(place: str, values: Any, key: str, kind: type) -> Any:
    found = values.get(key) if isinstance(values, dict) else None
    if not isinstance(found, kind):
        raise ConfigError(f"{place}: expected a {kind.__name__} {key!r}, got {shown(found)}")
    return found
