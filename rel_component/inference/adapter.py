"""Trained pipelines without the weights of a public encoder, to share in a few megabytes.

The folder of such a difference holds:

    adapter.json          format, checksum of the public encoder, and checksums of the other files
    adapter.safetensors   what was trained
    models.json           how the models of components are built of both
    pipeline/...          all else of a saved pipeline: config, meta, vocabulary, settings
    README.md             the model card
"""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from spacy.language import Language

from ..errors import ConfigError, shown
from ..files import complete_folder
from ..pipeline.saving import CheckedPipe, checksum_of_values, loading
from ..pipelines import PipelineSource, load_pipeline, source_name
from .adapter_card import model_card
from .adapter_models import ModelReader, ModelWriter, PublicEncoder

_FORMAT = 1
_LIST = "adapter.json"
_TENSORS = "adapter.safetensors"
_MODELS = "models.json"
_CARD = "README.md"
_PIPELINE = "pipeline"
_MOST_FILES = 1000
_LARGEST = {_LIST: 1 << 20, _MODELS: 1 << 25}  # bytes
_OLD_CHECKSUMS = "sha256"  # in the cfg of components


@dataclass(frozen=True)
class AdapterSummary:
    """What a difference holds.

    Attributes:
        encoder: name of the public encoder.
        n_shared: number of its arrays that are in the pipeline, as they are or with a difference of
            low rank.
        n_tensors: number of arrays that are not in it.
        n_bytes: size of these arrays.
        n_bytes_before: size of the pipeline.
    """

    encoder: str
    n_shared: int
    n_tensors: int
    n_bytes: int
    n_bytes_before: int

    def to_dict(self) -> Dict[str, Any]:
        """The values for JSON."""
        return asdict(self)


def save_adapter(
    pipeline: PipelineSource,
    output: Union[str, Path],
    *,
    encoder: Optional[Union[str, Path]] = None,
    half: bool = False,
    rank: Optional[int] = None,
) -> AdapterSummary:
    """Write what a trained pipeline has and the public encoder that it was trained from has not.

    Args:
        pipeline: a pipeline with an encoder of this package, its name or path.
        output: folder for the difference, new or empty.
        encoder: folder of the public encoder, or its name on a hub; None: the one in the pipeline's
            config.
        half: whether the difference is rounded to numbers of 16 bits.
        rank: rank of the matrices that stand for the differences of the encoder's, of which this is an
            approximation; None: matrices that differ are written whole. For pipelines that were
            trained without adapters; 64 is enough for most.

    Raises:
        ConfigError: if there is no such pipeline or encoder, or they have nothing in common, or the rank
            is below 1.
        DataError: if the folder cannot be written.
    """
    from safetensors.numpy import save

    if rank is not None and rank < 1:
        raise ConfigError(f"rank: expected a number of 1 or more, got {rank}")
    nlp = load_pipeline(pipeline)
    name = str(encoder or _encoder_name(nlp, pipeline))
    public = PublicEncoder.read(name)
    writer = ModelWriter(public, half=half, rank=rank)
    with complete_folder(output) as folder:
        inner = folder / _PIPELINE
        nlp.to_disk(inner)
        n_before = sum(file.stat().st_size for file in inner.rglob("*") if file.is_file())
        models = {}
        for component, pipe in nlp.components:
            if isinstance(pipe, CheckedPipe):
                place = inner / component
                models[component] = writer.write(component, (place / "model").read_bytes())
                (place / "model").unlink()
                _without_checksums(place / "cfg", approximate=rank is not None)
        if not writer.n_shared:
            raise ConfigError(
                f"{source_name(pipeline)}: no weights of the encoder {name} are in this pipeline. Let "
                "matrices of low rank stand for what it has learned (--rank 64), or train with "
                "adapter_rank = 16 in the block of rel_component.Encoder.v1, which leaves the encoder "
                "as it is, or name the right encoder (--encoder)"
            )
        (folder / _TENSORS).write_bytes(save(writer.tensors))
        (folder / _MODELS).write_text(json.dumps(models), encoding="utf8")
        summary = AdapterSummary(
            name,
            writer.n_shared,
            len(writer.tensors),
            (folder / _TENSORS).stat().st_size,
            n_before,
        )
        (folder / _CARD).write_text(model_card(nlp.meta, summary.n_bytes, name), encoding="utf8")
        content = {
            "format": _FORMAT,
            "rank": rank,
            "encoder": {"name": name, "sha256": public.checksum()},
            "files": {path: _stamp(folder / path) for path in _files(folder)},
        }
        (folder / _LIST).write_text(json.dumps(content, indent=1), encoding="utf8")
    return summary


def apply_adapter(
    difference: Union[str, Path], encoder: Union[str, Path], output: Union[str, Path]
) -> None:
    """Put a pipeline together of a difference and the public encoder; it loads like any other.

    Args:
        difference: folder that :func:`save_adapter` wrote.
        encoder: folder of the public encoder, or its name on a hub.
        output: folder for the pipeline, new or empty.

    Raises:
        ConfigError: if something is missing, damaged or not what it should be, or if it is another
            encoder; nothing is written then.
        DataError: if the folder cannot be written.
    """
    source = Path(difference)
    content = _read_list(source)
    with loading(source):
        files = _checked_files(source, content)
    public = PublicEncoder.read(encoder)
    wanted = content["encoder"]
    if public.checksum() != wanted.get("sha256"):
        raise ConfigError(
            f"{encoder} is not the encoder that {source} was made from, which was called "
            f"{shown(wanted.get('name'))}: their SHA-256 checksums differ. Name the folder of that one"
        )
    with complete_folder(output) as folder:
        for path in files:
            parts = path.split("/")
            if parts[0] == _PIPELINE:
                target = folder.joinpath(*parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / path, target)
        checksums = {}
        for name, data in _read_models(source, public, files):
            (folder / name / "model").write_bytes(data)
            checksums[name] = hashlib.sha256(data).hexdigest()
        for name in checksums:
            _with_checksums(folder / name / "cfg", checksums, name)
        try:
            nlp = load_pipeline(folder)
        except ConfigError as err:  # of a file in a folder that is gone when somebody looks for it
            message = str(err).replace(str(folder), str(source / _PIPELINE))
            raise ConfigError(message) from err
        if content.get("rank") is not None:
            nlp.to_disk(folder)  # with the vectors that components are given now


def _encoder_name(nlp: Language, pipeline: PipelineSource) -> str:
    """The public encoder that the models of a pipeline were made from."""
    names = {
        str(node.attrs["name"])
        for _, pipe in nlp.components
        if isinstance(pipe, CheckedPipe)
        for node in pipe.model.walk()
        if any(hasattr(getattr(shim, "_model", None), "tokenizer") for shim in node.shims)
    }
    if len(names) != 1:
        raise ConfigError(
            f"{source_name(pipeline)}: expected a pipeline with one public encoder, found "
            f"{shown(sorted(names)) if names else 'none'}; name it (--encoder)"
        )
    return names.pop()


def _without_checksums(file: Path, *, approximate: bool) -> None:
    """Take checksums of models out of the settings of a component: models are written anew.

    Those that an approximate encoder gives are not the vectors that a component was trained with.
    """
    cfg = json.loads(file.read_text(encoding="utf8"))
    cfg.pop(_OLD_CHECKSUMS, None)
    if approximate:
        cfg.pop("upstream", None)
    if isinstance(cfg.get("upstream"), dict):
        cfg["upstream"].pop("sha256", None)
    file.write_text(json.dumps(cfg, indent=2), encoding="utf8")


def _files(folder: Path) -> List[str]:
    return sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
    )


def _stamp(file: Path) -> Dict[str, Any]:
    data = file.read_bytes()
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _read_list(source: Path) -> Dict[str, Any]:
    """The content of ``adapter.json``."""
    with loading(source / _LIST):
        content = json.loads(_read(source, _LIST, _LARGEST[_LIST]))
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            found = content.get("format") if isinstance(content, dict) else content
            raise ConfigError(f"expected a difference of format {_FORMAT}, got {shown(found)}")
        for key in ("encoder", "files"):
            if not isinstance(content.get(key), dict):
                raise ConfigError(f"expected a mapping {key!r}, got {shown(content.get(key))}")
        if len(content["files"]) > _MOST_FILES:
            raise ConfigError(f"{len(content['files'])} files; at most {_MOST_FILES} are read")
    return content


def _checked_files(source: Path, content: Mapping[str, Any]) -> List[str]:
    """The names of the files, all of which are there and as they were written."""
    for path, stamp in content["files"].items():
        parts = path.split("/")
        if any(not _is_name(part) for part in parts) or len(parts) > 8:
            raise ConfigError(f"a file with the path {shown(path)}, which is not in this folder")
        if not isinstance(stamp, dict) or type(stamp.get("size")) is not int:
            raise ConfigError(f"{path}: expected size and checksum, got {shown(stamp)}")
        data = _read(source, path, min(stamp["size"], _LARGEST.get(path, stamp["size"])))
        if len(data) != stamp["size"] or hashlib.sha256(data).hexdigest() != stamp.get("sha256"):
            raise ConfigError(f"{path} has changed since it was written: its checksum is another")
    for path in (_TENSORS, _MODELS):
        if path not in content["files"]:
            raise ConfigError(f"the file {path} is not in {_LIST}")
    return sorted(content["files"])


def _is_name(part: str) -> bool:
    return 0 < len(part) <= 200 and part not in (".", "..") and not set(part) & set("\\:\0")


def _read(source: Path, path: str, largest: int) -> bytes:
    """A file of the difference, at most so large."""
    file = source.joinpath(*path.split("/"))
    inside = file.parent.resolve().is_relative_to(source.resolve())
    if file.is_symlink() or not inside or not file.is_file():
        raise ConfigError(f"{path} is missing, or no file in this folder")
    if file.stat().st_size > largest:
        raise ConfigError(f"{path} is larger than {largest} bytes")
    return file.read_bytes()


def _read_models(
    source: Path, public: PublicEncoder, files: List[str]
) -> Iterator[Tuple[str, bytes]]:
    """The models of components by name, one at a time; errors of writing them are none of reading."""
    from safetensors.numpy import load

    with loading(source / _MODELS):
        models = json.loads((source / _MODELS).read_bytes())
        if not isinstance(models, dict):
            raise ConfigError(f"expected the models of components, got {shown(models)}")
        reader = ModelReader(public, load((source / _TENSORS).read_bytes()))
        for name, values in models.items():
            if f"{_PIPELINE}/{name}/cfg" not in files or f"{_PIPELINE}/{name}/model" in files:
                raise ConfigError(
                    f"there is no component {shown(name)}, or it has a model of its own"
                )
            yield name, reader.read(name, values)
        if reader.unused:
            raise ConfigError(f"tensors of no model, the first {shown(reader.unused[0])}")


def _with_checksums(file: Path, checksums: Mapping[str, str], name: str) -> None:
    with loading(f"settings of {name}"):
        cfg = json.loads(file.read_bytes())
        if not isinstance(cfg, dict):
            raise ConfigError(f"expected a mapping, got {shown(cfg)}")
    upstream = cfg.get("upstream")
    if isinstance(upstream, dict) and upstream.get("name") in checksums:
        upstream["sha256"] = checksums[upstream["name"]]
    own = {"cfg": checksum_of_values(cfg), "model": checksums[name]}
    text = json.dumps({**cfg, _OLD_CHECKSUMS: own}, indent=2)
    file.write_text(text, encoding="utf8")
