"""Configs of other relation extractors for spaCy, written anew for this package.

They are read as text: nothing that they name is imported, and no function that they register is called.
"""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from confection import Config
from spacy.language import DEFAULT_CONFIG

from ..errors import ConfigError, DataError, listed
from ..files import complete_files
from ..schema import RelationSchema
from .rendering import render, to_json
from .settings import default_settings

CONFIG, SCHEMA = "config.cfg", "schema.yaml"
"""Names of the files that are written; the second only where the config names relation types."""

_MAX_BYTES = 1 << 20
_MAX_SECTIONS = 500  # the time that the parser takes grows faster than their number
_KEPT_SECTIONS = ("paths", "system", "variables")  # other settings may refer to them
_OWNERS = {
    "Dolly": "databricks",
    "Falcon": "tiiuae",
    "Llama2": "meta-llama",
    "Mistral": "mistralai",
    "OpenLLaMA": "openlm-research",
    "StableLM": "stabilityai",
}
"""Models that spacy-llm runs with transformers, and who publishes them on the hub."""
_OPENAI = {"GPT-4": "gpt-4", "GPT-3-5": "gpt-3.5-turbo", "GPT-3.5": "gpt-3.5-turbo"}
"""Models of OpenAI that spacy-llm has a name for, in capitals."""
_OPTIONS = ("temperature", "max_tokens")
"""What a model is told in both packages."""


class Difference(NamedTuple):
    """What has become of a setting.

    Attributes:
        setting: the setting in the config that was read.
        was: its value there, as a config has it.
        now: what stands in its place, or why nothing does.
    """

    setting: str
    was: str
    now: str


@dataclass
class Converted:
    """A config that was written anew.

    Attributes:
        source: what the config was for, in words.
        config: the text of the new one.
        schema: the relation types that it named.
        differences: what has become of its settings.
        files: the files that were written.
    """

    source: str
    config: str
    schema: Optional[RelationSchema] = None
    differences: List[Difference] = field(default_factory=list)
    files: List[Path] = field(default_factory=list)

    def to_dict(self) -> Dict[str, Any]:
        """What was done, as JSON data."""
        return {
            "source": self.source,
            "differences": [difference._asdict() for difference in self.differences],
            "files": [str(file) for file in self.files],
        }


def convert_config(path: Union[str, Path], output: Union[str, Path]) -> Converted:
    """Write a config for this package that does what one for another relation extractor did.

    Two are known: Explosion's tutorial project ``rel_component`` (https://github.com/explosion/projects)
    and the task ``spacy.REL.v1`` of spacy-llm.

    Args:
        path: the config of a training or of a pipeline.
        output: a folder, for ``config.cfg`` and, where relation types are named, ``schema.yaml``.

    Raises:
        ConfigError: if the file is no config, or one of neither, or would be replaced.
        DataError: if a file cannot be read or written.
    """
    path, output = Path(path), Path(output)
    config = _read(path)
    if path.resolve() == (output / CONFIG).resolve():
        raise ConfigError(f"{path} would be replaced: name another folder for the new config")
    components = _block(config, "components")
    for name in components:
        block = _block(components, name)
        if _block(block, "model").get("@architectures") == "rel_model.v1":
            converted = _from_tutorial(config, name)
            break
        task = _block(block, "task").get("@llm_tasks")
        if task == "spacy.REL.v1" or (task is None and block.get("factory") == "llm_rel"):
            converted = _from_spacy_llm(config, name, output)
            break
    else:
        raise ConfigError(
            f"{path} has neither the model rel_model.v1 of Explosion's tutorial nor the task "
            f"spacy.REL.v1 of spacy-llm; its components: {listed(sorted(components), 10)}"
        )
    converted.differences.extend(_left_out(config))
    header = f"# Made of {path.name} by `spacy rel convert-config`.\n\n"
    with complete_files(output, last=CONFIG) as folder:
        if converted.schema is not None:
            converted.schema.to_file(folder / SCHEMA)
            converted.files.append(output / SCHEMA)
        (folder / CONFIG).write_text(header + converted.config, encoding="utf8")
        converted.files.append(output / CONFIG)
    return converted


def _read(path: Path) -> Config:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path} has more than {_MAX_BYTES:,} bytes: it is no config")
        text = path.read_text(encoding="utf-8-sig")
        if sum(line.lstrip().startswith("[") for line in text.splitlines()) > _MAX_SECTIONS:
            raise ConfigError(f"{path} has more than {_MAX_SECTIONS} sections: it is no config")
        return Config().from_str(text, interpolate=False)
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    except ConfigError:
        raise
    except Exception as err:  # the parser has several kinds
        raise ConfigError(f"{path} is no config: {str(err).strip():.300}") from err


def _block(parent: Any, name: str) -> Dict[str, Any]:
    """A block of a config; an empty one where there is none."""
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def _factory(components: Dict[str, Any], name: str) -> str:
    """The factory of a component; empty where it has none, as one that comes from a pipeline."""
    return str(_block(components, name).get("factory", ""))


def _from_tutorial(config: Config, name: str) -> Converted:
    """The recipe for relations between given entities, for the model of Explosion's tutorial.

    Settings that are taken over or have a difference are taken out of the config.
    """
    components, nlp, paths = (_block(config, key) for key in ("components", "nlp", "paths"))
    extractor = components[name]
    extractor.pop("factory", None)
    tensor = _block(extractor.pop("model"), "create_instance_tensor")
    max_length = _block(tensor, "get_instances").get("max_length")
    threshold = extractor.pop("threshold", 0.5)
    nlp.pop("pipeline", None)
    lang = nlp.pop("lang", None)
    settings = default_settings("transformer")
    if isinstance(lang, str):
        settings = replace(settings, lang=lang)
    differences = [
        Difference(
            f"components.{name}.model",
            '"rel_model.v1"',
            "rel_component.SpanPair.v1: also reads types, distances and the words between",
        ),
        Difference(
            f"components.{name}.threshold",
            to_json(threshold),
            "where the choice of thresholds on dev begins",
        ),
        Difference(
            "get_instances.max_length",
            to_json(max_length),
            'candidates.max_token_distance = "auto": as far as annotated relations reach',
        ),
    ]
    if isinstance(threshold, (int, float)) and 0.0 <= threshold <= 1.0:
        settings.options["threshold"] = float(threshold)
    settings.options["exclusive"] = False  # the tutorial gives each label a probability of its own
    encoder = _encoder(components)
    settings.paths["encoder"] = encoder or settings.paths["encoder"]
    now = f"{to_json(settings.paths['encoder'])}, held by the model itself"
    differences.append(Difference("encoder", to_json(encoder), now))
    for key in ("train", "dev"):
        value = paths.pop(key, None)
        settings.paths[key] = value if isinstance(value, str) else None
    for section, now in (
        ("corpora", "the corpus reader of the recipe, for the same files"),
        ("training", "passes over the documents and learning rates of the recipe"),
    ):
        config.pop(section, None)
        differences.append(Difference(f"[{section}]", "", now))
    for other in [x for x in components if x != name]:
        if _factory(components, other) in ("tok2vec", "transformer"):
            del components[other]["factory"]
            components[other].pop("model", None)
        else:
            del components[other]
            why = "train it apart, and put it into the pipeline before the relation extractor"
            differences.append(Difference(f"components.{other}", "", f"left out: {why}"))
    return Converted("the model of Explosion's tutorial", render(settings), differences=differences)


def _encoder(components: Dict[str, Any]) -> Optional[str]:
    """The first encoder that components of spacy-transformers name, if one does."""
    models = (_block(block, "model") for block in components.values())
    names = (
        model.get("name")
        for model in models
        if str(model.get("@architectures", "")).startswith("spacy-transformers.")
    )
    return next((name for name in names if isinstance(name, str)), None)


def _left_out(
    block: Dict[str, Any], default: Dict[str, Any] = DEFAULT_CONFIG, prefix: str = ""
) -> Iterator[Difference]:
    """The settings that the new config has not, and that no other difference is about.

    Args:
        block: what is left of the config, or of a section of it.
        default: what spaCy has there; who says the same has set nothing.
        prefix: where the section is.
    """
    for key, value in block.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _left_out(value, _block(default, key), f"{name}.")
        elif value is not None and value != default.get(key):
            yield Difference(name, f"{json.dumps(value, ensure_ascii=False):.60}", "left out")


def _from_spacy_llm(config: Config, name: str, output: Path) -> Converted:
    """A prompted pipeline for the task of spacy-llm.

    Settings that are taken over or have a difference are taken out of the config.
    """
    components = _block(config, "components")
    component = components[name]
    component.pop("factory", None)
    task = _block(component, "task")
    task.pop("@llm_tasks", None)
    schema, differences = _schema_of(task)
    kept: Dict[str, Any] = {}
    dropped: Dict[str, Any] = {}
    for other in [x for x in components if x != name]:
        part = dropped if _factory(components, other).startswith("llm") else kept
        part[other] = components.pop(other)
    entity_types = [
        label
        for block in dropped.values()
        for label in _labels(_block(block, "task").get("labels"))
    ]
    backend, more = _backend(_block(component, "model"))
    differences.extend(more)
    extractor: Dict[str, Any] = {
        "factory": "llm_relation_extractor",
        "mentions": "given" if kept and not dropped else "found",
        "client": {"@misc": "rel_component.llm_client.v1", "cache": "prompts.sqlite"},
        "backend": backend,
    }
    if extractor["mentions"] == "found":
        extractor.update(set_entities=True, entity_types=entity_types)
    differences.append(
        Difference("entities", listed([*kept, *dropped]), f'mentions = "{extractor["mentions"]}"')
    )
    differences.extend(
        Difference(
            f"components.{other}", "", "left out: one prompt asks for entities and relations"
        )
        for other in dropped
    )
    if _block(component, "cache"):
        differences.append(
            Difference("cache", to_json(dict(component.pop("cache"))), "prompts.sqlite")
        )
    examples = _block(task, "examples").get("path")
    if task.pop("examples", None) is not None:
        now = "[initialize.components.llm_relation_extractor.examples]"
        differences.append(Difference("task.examples", str(examples), now))
    readers = {
        "relation_schema": {
            "@misc": "rel_component.read_schema.v1",
            "path": str(output / SCHEMA),
        },
        "examples": {"@misc": "rel_component.read_prompt_examples.v1", "path": examples},
    }
    text = _prompted(config, kept, extractor, readers)
    return Converted("the task spacy.REL.v1 of spacy-llm", text, schema, differences)


def _prompted(
    config: Config, kept: Dict[str, Any], extractor: Dict[str, Any], readers: Dict[str, Any]
) -> str:
    """The text of a config of a prompted pipeline.

    Args:
        config: that of spacy-llm, from which is taken what stays.
        kept: the components that stay, before the new one.
        extractor: the block of the new component.
        readers: what it is initialised with.
    """
    nlp, initialize = _block(config, "nlp"), _block(config, "initialize")
    order = [str(other) for other in nlp.pop("pipeline", []) if other in kept]
    lang = nlp.pop("lang", None)
    of_components = _block(initialize, "components")
    initialized = {other: of_components.pop(other) for other in kept if other in of_components}
    written = {
        **{key: config.pop(key) for key in _KEPT_SECTIONS if key in config},
        "nlp": {
            "lang": lang if isinstance(lang, str) else "en",
            "pipeline": [*order, "llm_relation_extractor"],
        },
        "components": {**kept, "llm_relation_extractor": extractor},
        "initialize": {
            # what the components that stay need, as vectors
            **{key: initialize.pop(key) for key in [*initialize] if key != "components"},
            "components": {**initialized, "llm_relation_extractor": readers},
        },
    }
    return Config(written).to_str(interpolate=False)


def _labels(value: Any) -> List[str]:
    """Labels as spacy-llm has them: a list, or a string with commas."""
    labels = value.split(",") if isinstance(value, str) else value
    labels = labels if isinstance(labels, list) else []
    return [label.strip() for label in labels if isinstance(label, str) and label.strip()]


def _schema_of(task: Dict[str, Any]) -> Tuple[RelationSchema, List[Difference]]:
    labels = _labels(task.pop("labels", None))
    if not labels:
        raise ConfigError("the task spacy.REL.v1 names no labels")
    descriptions = _block(task, "label_definitions")
    types = [{"label": x, "description": str(descriptions.get(x, ""))} for x in labels]
    differences = [Difference("task.labels", listed(labels), SCHEMA)]
    if descriptions:
        del task["label_definitions"]
        differences.append(Difference("task.label_definitions", listed(descriptions), SCHEMA))
    if "template" in task:
        now = 'template = "relations.v1", which asks for JSON; see docs/llm.md for your own'
        differences.append(Difference("task.template", to_json(task.pop("template")), now))
    return RelationSchema.from_dict({"relations": types}, source="task.labels"), differences


def _backend(model: Dict[str, Any]) -> Tuple[Dict[str, Any], List[Difference]]:
    """The backend for a model of spacy-llm."""
    registered, name = str(model.pop("@llm_models", "")), model.pop("name", None)
    config = _block(model, "config")
    options = {
        key: config.pop(key) for key in _OPTIONS if isinstance(config.get(key), (int, float))
    }
    family = re.sub(r"(\.OpenAI)?\.v\d+$", "", registered.removeprefix("spacy."))
    if family in _OWNERS:
        backend = {
            "@rel_llm_backends": "rel_component.transformers.v1",
            "model": name if "/" in str(name) else f"{_OWNERS[family]}/{name}",
        }
        how = f"{backend['model']}, by rel_component.transformers.v1"
    else:
        known = _OPENAI.get(family.upper())
        backend = {
            "@rel_llm_backends": "rel_component.openai.v1",
            "model": name if isinstance(name, str) else known or family,
        }
        how = f"{backend['model']}, by rel_component.openai.v1"
        if known is None:
            how += ", at base_url: a server that speaks OpenAI's protocol"
    return {**backend, **options}, [Difference("model", registered or "none", how)]
