"""A knowledge base in plain arrays, built once and memory-mapped wherever it is used.

A folder of it has an ``.npy`` file for each array, and ``kb.json`` with their sizes and SHA-256
checksums. Nothing in it is pickled. Checksums are no protection from who makes the folder: what is
loaded is checked besides.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

import numpy
import numpy.typing as npt
import srsly

from ..errors import DataError, shown
from ..files import complete_folder
from ..mentions import normalize_name
from ..types import Int32Array
from .entities import Entity
from .names import folded, folded_before, loose_key
from .trigrams import build_trigrams, check_trigrams, is_partition, search_trigrams

_VERSION = 2
_VERSIONS = (1, _VERSION)  # the first one has other forms of names
_META = "kb.json"
_MAX_META = 100_000  # bytes
_VECTORS = "vectors"  # which a knowledge base may lack
_MOST_EQUAL = 1_000  # entities of one name that are looked at

_TYPES = {
    **dict.fromkeys(("ids", "names", "descriptions", "types"), "uint8"),
    **dict.fromkeys(("id_starts", "name_starts", "description_starts", "type_starts"), "int64"),
    **dict.fromkeys(("first_names", "first_types", "gram_starts"), "int64"),
    **dict.fromkeys(("id_order", "entity_types", "exact_names", "loose_names"), "int32"),
    **dict.fromkeys(("id_hashes", "exact_hashes", "loose_hashes"), "uint64"),
    **{"priors": "float32", "norms": "float32", "gram_hashes": "uint32", "gram_names": "int32"},
    _VECTORS: "float16",
}
"""The type of each array; texts are the bytes of all of them, and where each begins."""

_TEXTS = {
    "ids": "id_starts",
    "names": "name_starts",
    "descriptions": "description_starts",
    "types": "type_starts",
}

Arrays = Dict[str, npt.NDArray[Any]]


class KnowledgeBase:
    """Entities with their names, and the indices that find them.

    Args:
        arrays: see :func:`build`; whoever has them from elsewhere uses :func:`load_kb`.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.types = [self._text("types", i) for i in range(len(arrays["type_starts"]) - 1)]
        self._total = float(numpy.nansum(arrays["priors"], dtype="float64"))

    def __len__(self) -> int:
        return len(self.arrays["id_starts"]) - 1

    @property
    def n_names(self) -> int:
        """The number of names, those of all entities together."""
        return len(self.arrays["name_starts"]) - 1

    def entity_id(self, entity: int) -> str:
        """The id of an entity, which is given by its number."""
        return self._text("ids", entity)

    def display_name(self, entity: int) -> str:
        """The first name of an entity."""
        return self._text("names", int(self.arrays["first_names"][entity]))

    def names(self, entity: int) -> List[str]:
        """All names of an entity."""
        first, end = self.arrays["first_names"][entity : entity + 2].tolist()
        return [self._text("names", name) for name in range(first, end)]

    def name(self, name: int) -> str:
        """A name, by its number."""
        return self._text("names", name)

    def description(self, entity: int) -> str:
        """The description of an entity."""
        return self._text("descriptions", entity)

    def types_of(self, entity: int) -> List[str]:
        """The types of an entity."""
        first, end = self.arrays["first_types"][entity : entity + 2].tolist()
        return [self.types[i] for i in self.arrays["entity_types"][first:end].tolist()]

    def prior(self, entity: int) -> Optional[float]:
        """The share of an entity in the priors of all; None: not known."""
        value = float(self.arrays["priors"][entity])
        return None if math.isnan(value) or not self._total else value / self._total

    def entities_of(self, names: Int32Array) -> Int32Array:
        """The entity of each name, both given by their numbers. *Shape:* ``(n_names,)``."""
        found = numpy.searchsorted(self.arrays["first_names"], names, side="right") - 1
        return found.astype("int32")

    def find(self, entity_id: str) -> Optional[int]:
        """The number of the entity with an id; None if there is none."""
        rows = _rows(self.arrays["id_hashes"], _hash(entity_id))
        numbers = self.arrays["id_order"][rows].tolist()
        return next((i for i in numbers if self._text("ids", i) == entity_id), None)

    def exact(self, text: str) -> List[int]:
        """The names that are equal to a text but for case and width of characters."""
        return self._equal("exact", normalize_name, text)

    def loose(self, text: str) -> List[int]:
        """The names that have the :func:`.loose_key` of a text."""
        return self._equal("loose", lambda name: loose_key(folded(name)), text)

    def similar(self, text: str, n: int) -> List[Tuple[int, float]]:
        """The names that share most trigrams with a text, and the cosines."""
        names, cosines = search_trigrams(self.arrays, folded(text), n)
        return list(zip(names.tolist(), cosines.tolist()))

    @property
    def vectors(self) -> Optional[npt.NDArray[Any]]:
        """A vector of unit length for each entity, if there are. *Shape:* ``(n_entities, width)``."""
        return self.arrays.get(_VECTORS)

    def with_vectors(self, vectors: npt.NDArray[Any]) -> "KnowledgeBase":
        """The same entities with other vectors.

        Args:
            vectors: *Shape:* ``(n_entities, width)``
        """
        return KnowledgeBase({**self.arrays, _VECTORS: vectors.astype("float16")})

    def to_bytes(self) -> bytes:
        """Serialise the knowledge base."""
        rows = {name: [list(a.shape), a.tobytes()] for name, a in self.arrays.items()}
        return bytes(srsly.msgpack_dumps({"version": _VERSION, "arrays": rows}))

    @classmethod
    def from_bytes(cls, data: bytes) -> "KnowledgeBase":
        """Load what :meth:`to_bytes` has made.

        Raises:
            DataError: if it is damaged.
        """
        arrays: Arrays = {}
        try:
            message = srsly.msgpack_loads(data)
            version = message["version"]
            if version not in _VERSIONS:
                raise ValueError(f"its version is {shown(version)}, not {_VERSION}")
            for name, kind in _TYPES.items():
                if name in message["arrays"] or name != _VECTORS:
                    shape, content = message["arrays"][name]
                    arrays[name] = numpy.frombuffer(content, dtype=kind).reshape(shape)
        except Exception as err:  # what is damaged may be of any kind
            message = f"{type(err).__name__}: {err!s:.200}"
            raise DataError(f"these bytes are no knowledge base of to_bytes ({message})") from err
        return _current(cls(_checked(arrays, lambda name: name)), version)

    def entities(self) -> Iterator[Entity]:
        """The entities as they were given."""
        for i in range(len(self)):
            name, *aliases = self.names(i)
            prior = float(self.arrays["priors"][i])
            yield Entity(
                id=self.entity_id(i),
                name=name,
                aliases=aliases,
                description=self.description(i),
                types=self.types_of(i),
                prior=None if math.isnan(prior) else prior,
            )

    def _equal(self, index: str, form: Callable[[str], str], text: str) -> List[int]:
        """The names that have the form of a text, by an index of forms."""
        key = form(text)
        rows = _rows(self.arrays[f"{index}_hashes"], _hash(key))
        names = self.arrays[f"{index}_names"][rows][:_MOST_EQUAL].tolist()
        return [i for i in names if form(self.name(i)) == key]

    def _text(self, kind: str, i: int) -> str:
        start, end = self.arrays[_TEXTS[kind]][i : i + 2].tolist()
        return self.arrays[kind][start:end].tobytes().decode("utf8", "replace")


def build(entities: Iterable[Entity]) -> KnowledgeBase:
    """Build a knowledge base in memory.

    Args:
        entities: the entities, with ids that are all different.
    """
    ids, names, descriptions = _Texts(), _Texts(), _Texts()
    first_names, first_types, entity_types, priors = [0], [0], [], []
    types: Dict[str, int] = {}
    for entity in entities:
        ids.add(entity.id)
        descriptions.add(entity.description)
        for name in (entity.name, *entity.aliases):
            names.add(name)
        first_names.append(len(names))
        entity_types += [types.setdefault(name, len(types)) for name in entity.types]
        first_types.append(len(entity_types))
        priors.append(math.nan if entity.prior is None else entity.prior)
    type_names = _Texts(types)
    arrays: Arrays = {
        "first_names": numpy.asarray(first_names, dtype="int64"),
        "first_types": numpy.asarray(first_types, dtype="int64"),
        "entity_types": numpy.asarray(entity_types, dtype="int32"),
        "priors": numpy.asarray(priors, dtype="float32"),
    }
    for kind, texts in zip(_TEXTS, (ids, names, descriptions, type_names)):
        arrays[kind], arrays[_TEXTS[kind]] = texts.arrays()
    arrays["id_hashes"], arrays["id_order"] = _index(ids)
    forms = [folded(name) for name in names]
    arrays["exact_hashes"], arrays["exact_names"] = _index(map(normalize_name, names))
    arrays["loose_hashes"], arrays["loose_names"] = _index(map(loose_key, forms))
    arrays.update(build_trigrams(forms))
    return KnowledgeBase(arrays)


def save_kb(kb: KnowledgeBase, path: Union[str, Path]) -> None:
    """Write a knowledge base to a folder, which is whole or absent.

    Args:
        kb: the knowledge base.
        path: the folder, new or empty.

    Raises:
        ConfigError: if there is a file, or a folder with files in it.
        DataError: if it cannot be written.
    """
    with complete_folder(path) as folder:
        write_kb(kb, folder)


def write_kb(kb: KnowledgeBase, folder: Path) -> None:
    """Write the files of a knowledge base; see :func:`save_kb`."""
    files = {}
    for name, array in kb.arrays.items():
        file = folder / f"{name}.npy"
        try:
            numpy.save(file, array, allow_pickle=False)
        except OSError as err:  # on a full disk, NumPy's has no number
            raise DataError(f"cannot be written: {err.strerror or err}", place=str(file)) from err
        files[name] = {"bytes": file.stat().st_size, "sha256": _checksum(file)}
    meta = {"version": _VERSION, "entities": len(kb), "names": kb.n_names, "files": files}
    (folder / _META).write_text(json.dumps(meta, indent=2), encoding="utf8")


def load_kb(path: Union[str, Path]) -> KnowledgeBase:
    """Load a knowledge base, whose arrays are mapped into memory.

    Args:
        path: a folder that :func:`save_kb` has written.

    Raises:
        DataError: if it is not there, damaged or of another version; the message names the file.
    """
    folder = Path(path)
    try:
        version, files = _read_meta(folder)
        names = [name for name in _TYPES if name in files or name != _VECTORS]
        arrays = {name: _read_array(folder, name, files.get(name)) for name in names}
    except DataError:
        raise
    except (OSError, ValueError, EOFError, TypeError) as err:
        advice = 'it is no knowledge base; "python -m spacy rel build-kb FILE FOLDER" makes one'
        raise DataError(f"{type(err).__name__}: {err!s:.200}; {advice}", place=str(path)) from err
    kb = KnowledgeBase(_checked(arrays, lambda name: f"{path}/{name}.npy"))
    return _current(kb, version)


def _current(kb: KnowledgeBase, version: int) -> KnowledgeBase:
    """The knowledge base with indices of the names in the forms of today."""
    names = map(kb.name, range(kb.n_names))
    if version == _VERSION or all(
        name.isascii() or folded(name) == folded_before(name) for name in names
    ):
        return kb
    built = build(kb.entities())
    return built if kb.vectors is None else built.with_vectors(kb.vectors)


def _read_meta(folder: Path) -> Tuple[int, Mapping[str, Any]]:
    file = folder / _META
    if file.is_file() and file.stat().st_size > _MAX_META:
        raise DataError(_damaged("it is too long"), place=str(file))
    meta = json.loads(file.read_text(encoding="utf8"))
    if not isinstance(meta, dict) or meta.get("version") not in _VERSIONS:
        raise DataError(
            f"expected version {_VERSION} of a knowledge base, got {shown(meta)}; build it again",
            place=str(file),
        )
    files = meta.get("files")
    return meta["version"], files if isinstance(files, dict) else {}


def _read_array(folder: Path, name: str, expected: Any) -> npt.NDArray[Any]:
    file = folder / f"{name}.npy"
    if not file.is_file():
        raise DataError(_damaged("the file is missing"), place=str(file))
    size = file.stat().st_size
    if not isinstance(expected, dict) or expected.get("bytes") != size:
        raise DataError(_damaged(f"it has {size} bytes"), place=str(file))
    if _checksum(file) != expected.get("sha256"):
        raise DataError(_damaged("its SHA-256 checksum is another one"), place=str(file))
    array = numpy.load(file, mmap_mode="r" if size > 4096 else None, allow_pickle=False)
    if array.dtype != numpy.dtype(_TYPES[name]):
        raise DataError(_damaged(f"it holds {array.dtype} {array.shape}"), place=str(file))
    return array.view(numpy.ndarray)  # which keeps the map, and is faster to cut


def _damaged(reason: str) -> str:
    return f"{reason}, unlike when the knowledge base was built; copy it again or build it again"


def _checked(arrays: Arrays, place: Callable[[str], str]) -> Arrays:
    """The arrays, if none of them leads out of others."""
    for name in _wrong(arrays):
        raise DataError(_damaged("its values do not fit the other files"), place=place(name))
    return arrays


def _wrong(arrays: Arrays) -> Iterator[str]:
    yield from (name for name, array in arrays.items() if array.ndim != 1 + (name == _VECTORS))
    n_entities, n_names = (len(arrays[name]) - 1 for name in ("id_starts", "name_starts"))
    totals = {starts: len(arrays[kind]) for kind, starts in _TEXTS.items()}
    totals.update(first_names=n_names, first_types=len(arrays["entity_types"]))
    yield from (name for name, total in totals.items() if not is_partition(arrays[name], total))
    sizes = {"description_starts": n_entities + 1, "priors": n_entities, "norms": n_names}
    sizes.update(dict.fromkeys(("id_hashes", "id_order"), n_entities))
    sizes.update(dict.fromkeys(("first_names", "first_types"), n_entities + 1))
    sizes.update(
        {f"{index}_{kind}": n_names for index in ("exact", "loose") for kind in ("hashes", "names")}
    )
    yield from (name for name, size in sizes.items() if len(arrays[name]) != size)
    limits = {
        "id_order": n_entities,
        "exact_names": n_names,
        "loose_names": n_names,
        "entity_types": len(arrays["type_starts"]) - 1,
    }
    for name, limit in limits.items():
        values = arrays[name]
        if len(values) and not 0 <= int(values.min()) <= int(values.max()) < limit:
            yield name
    if n_entities and not (numpy.diff(arrays["first_names"]) > 0).all():
        yield "first_names"
    if not (numpy.nan_to_num(arrays["priors"], nan=0.0, posinf=-1.0) >= 0).all():
        yield "priors"
    yield from check_trigrams(arrays)
    vectors = arrays.get(_VECTORS)
    if vectors is not None and (len(vectors) != n_entities or not numpy.isfinite(vectors).all()):
        yield _VECTORS


def _checksum(file: Path) -> str:
    checksum = hashlib.sha256()
    with file.open("rb") as content:
        while part := content.read(1 << 20):
            checksum.update(part)
    return checksum.hexdigest()


class _Texts:
    """Texts, one after the other in the bytes of UTF-8."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._bytes, self._starts = bytearray(), [0]
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        self._bytes += text.encode("utf8")
        self._starts.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[str]:
        for start, end in zip(self._starts, self._starts[1:]):
            yield self._bytes[start:end].decode("utf8")

    def arrays(self) -> Tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        starts = numpy.asarray(self._starts, dtype="int64")
        return numpy.frombuffer(bytes(self._bytes), dtype="uint8"), starts


def _index(texts: Iterable[str]) -> Tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The sorted hashes of texts, and which text each of them is of."""
    values = numpy.fromiter(map(_hash, texts), dtype="uint64")
    order = numpy.argsort(values, kind="stable").astype("int32")
    return values[order], order


def _rows(hashes: npt.NDArray[Any], value: int) -> slice:
    wanted = numpy.uint64(value)
    first = int(numpy.searchsorted(hashes, wanted, side="left"))
    return slice(first, int(numpy.searchsorted(hashes, wanted, side="right")))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf8"), digest_size=8).digest(), "little")
