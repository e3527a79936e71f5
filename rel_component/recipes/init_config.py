"""From annotated documents to a config that trains on them as it stands."""

import os
import shlex
import shutil
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterator, List, Literal, Optional, Sequence, Tuple, Union

from spacy.tokens import Doc

from ..annotations import get_relations
from ..converters.builder import AlignmentMode
from ..converters.convert import AUTO, annotated_texts, find_format
from ..converters.report import Report
from ..corpora.augmentation import name_types
from ..errors import ConfigError, DataError, listed, shown
from ..events import get_events
from ..files import complete_files
from ..mentions import mention_spans
from ..packages import import_package
from ..pipelines import blank_pipeline
from ..schema import RelationSchema
from ..spacy_files import write_docs
from .adapting import load_general, save_asked
from .choices import choose
from .findings import Findings, examine
from .language import Language, detect_language
from .parts import CorpusParts, Progress
from .rendering import fill, render
from .settings import ADAPT, Reasons, Settings

CONFIG, SCHEMA = "config.cfg", "schema.yaml"
"""Names of the files that are always written."""

ASKED = "asked"
"""Folder for the pipeline that is asked about the schema, where one goes on learning."""

_ENDINGS = (".yaml", ".yml", ".json")
_SAMPLE = 300  # documents that show the language
_MOST_REASONS = 40  # lines of comments


@dataclass
class Outcome:
    """What was found, chosen and written.

    Attributes:
        found: what is annotated in the documents to learn from.
        settings: the settings.
        reasons: why they were chosen, by name.
        schema: the relation types.
        schema_source: where the schema is from, in words.
        documents: number of documents by the name of the part.
        warnings: what may go wrong.
        reports: what was noted in conversion, by the name of the part.
        files: the files that were written.
        commands: the commands that train and evaluate.
    """

    found: Findings
    settings: Settings
    reasons: Reasons
    schema: RelationSchema
    schema_source: str
    documents: Dict[str, int] = field(default_factory=dict)
    warnings: List[str] = field(default_factory=list)
    reports: Dict[str, Report] = field(default_factory=dict)
    files: List[Path] = field(default_factory=list)
    commands: List[str] = field(default_factory=list)

    def to_dict(self) -> Dict[str, Any]:
        """The outcome as JSON data."""
        return {
            "recipe": self.settings.recipe,
            "lang": self.settings.lang,
            "spans_key": self.settings.spans_key,
            "paths": self.settings.paths,
            "options": self.settings.options,
            "reasons": self.reasons,
            "schema": {"source": self.schema_source, **self.schema.to_dict()},
            "documents": self.documents,
            "mentions": dict(self.found.mentions),
            "relations": dict(self.found.relations),
            "warnings": self.warnings,
            "reports": {name: report.to_dict() for name, report in self.reports.items()},
            "files": [str(path) for path in self.files],
            "commands": self.commands,
        }


def init_config(
    train: Union[str, Path],
    output: Union[str, Path],
    *,
    dev: Union[str, Path, None] = None,
    held_out: Union[str, Path, None] = None,
    schema: Union[str, Path, None] = None,
    recipe: str = AUTO,
    pipeline: Union[str, Path, None] = None,
    gold_entities: bool = False,
    encoder: str = AUTO,
    format_name: str = AUTO,
    lang: str = AUTO,
    spans_key: Optional[str] = None,
    alignment: AlignmentMode = "strict",
    on_error: Literal["stop", "skip"] = "stop",
    gpu_id: int = -1,
    seed: int = 0,
    progress: Optional[Progress] = None,
) -> Outcome:
    """Write a config that fits annotated documents, and trains on them as it stands.

    Args:
        train: documents to learn from: a ``.spacy`` file or folder, or a file or folder of any
            annotation format, which is converted.
        output: folder for the config, the schema, and documents that were converted or split.
        dev: documents that choose the best pipeline; None: a part of `train`.
        held_out: documents to be converted in the same way, to evaluate with.
        schema: the schema; None: a file beside `train` that is named like it, or else what the
            documents show.
        recipe: name of a recipe; ``auto``: by what is annotated.
        pipeline: a general pipeline, its name or folder, that goes on learning by the recipe ``adapt``.
        gold_entities: whether mentions are given in use, too.
        encoder: a folder or the name of an encoder on a hub; ``auto``: by the language, the recipe,
            the number of documents, and what is in ``encoders/``.
        format_name: see :func:`rel_component.convert`.
        lang: language of the documents; ``auto``: by their words.
        spans_key: span group for the mentions; None: by the documents.
        alignment: see :func:`rel_component.convert`.
        on_error: see :func:`rel_component.convert`.
        gpu_id: number of the GPU to train on; -1: the CPU.
        seed: seed of the split and of the training.
        progress: shows how many documents have been read.

    Raises:
        ConfigError: if options do not fit together, or no format fits.
        DataError: if documents cannot be used, or files not be written.
    """
    given = {"train": train, "dev": dev, "test": held_out}
    inputs = {name: Path(path) for name, path in given.items() if path is not None}
    output = Path(output)
    _check_paths([output, *inputs.values()])
    general = load_general(pipeline, recipe=recipe, encoder=encoder, auto=AUTO)
    if general is not None:
        recipe = ADAPT
    formats = {
        name: find_format(path) if format_name == AUTO else format_name
        for name, path in inputs.items()
    }
    language = _language(lang, inputs["train"], formats["train"])
    if general is not None and language.code != general.lang:
        raise ConfigError(
            f"the pipeline reads {general.lang}, and the documents are {language.code}: "
            f"{language.reason}. Say --lang {general.lang} if they are not"
        )
    path = Path(schema) if schema is not None else _schema_beside(inputs["train"], output)
    given_schema = None if path is None else RelationSchema.from_file(path).with_event_pairs()
    corpus = CorpusParts(blank_pipeline(language.code), inputs, formats, alignment, on_error)
    corpus.read(spans_key, progress, None if given_schema is None else given_schema.events)
    corpus.split(seed)
    corpus.check_outputs(output)
    if general is not None and corpus.spans_key is not None:
        raise ConfigError(
            "a general pipeline relates entities, and mentions overlap or are in the span group "
            f"{corpus.spans_key!r}: leave out --spans-key, or --pipeline"
        )

    if recipe == "spacy_transformers":
        import_package("spacy_transformers", "spacy-transformers")
    found = examine(corpus.docs["train"], corpus.spans_key)
    settings, reasons = choose(
        found,
        corpus.nlp,
        recipe=recipe,
        gold_entities=gold_entities,
        encoder=encoder,
        spans_key=corpus.spans_key,
        names=name_types(corpus.docs["train"], corpus.spans_key),
        gpu=gpu_id >= 0,
        seed=seed,
    )
    reasons = {"lang": language.reason, **reasons}
    relations, source, copied = _make_schema(path, given_schema, corpus.docs["train"])
    settings.options["events"] = bool(relations.events)
    if schema is None and path is not None:
        source += ", which lies beside the documents"
    outcome = Outcome(found, settings, reasons, relations, source)
    outcome.documents = {name: len(docs) for name, docs in corpus.docs.items()}
    outcome.reports = corpus.reports
    outcome.warnings = [
        *corpus.warnings,
        *_warnings(outcome, corpus.docs),
        *corpus.leftover(output),
    ]
    kept = {name: str(inputs[name]) for name in ("train", "dev") if name not in corpus.made}
    made = {name: str(output / f"{name}.spacy") for name in ("train", "dev")}
    settings.paths.update({**made, **kept, "schema": str(output / SCHEMA)})
    if general is not None:
        settings.paths["pipeline"] = str(output / ASKED)
        reasons["pipeline"] = f"{pipeline}, asked about the schema"
        reasons["recipe"] = "a general pipeline goes on learning"
        save_asked(general, relations, settings.options, output / ASKED)
    outcome.files = _write(outcome, corpus, output, copied)
    if general is not None:
        outcome.files.append(output / ASKED)
    evaluated = output / "test.spacy" if "test" in corpus.made else settings.paths["dev"]
    outcome.commands = _commands(output, str(evaluated), gpu_id)
    return outcome


def _language(lang: str, train: Path, format_name: str) -> Language:
    """The language that is asked for, or that of the first documents."""
    if lang != AUTO:
        return Language(lang, "as asked for")
    texts = annotated_texts(train, format_name, Report(on_error="skip"))
    return detect_language(islice(texts, _SAMPLE))


def find_schema(train: Path) -> Optional[Path]:
    """A schema file beside documents that is named like them; None if there is none.

    ``business_train.jsonl`` has ``business_schema.yaml``, ``.yml`` or ``.json``, and ``train.jsonl``
    has ``schema.yaml``.
    """
    stem = train.name if train.is_dir() else train.stem
    names = [f"{stem}_schema"]
    for part in ("train", "training"):
        if stem == part:
            names.append("schema")
        elif stem.endswith(part) and stem[-len(part) - 1] in "_-.":
            names.append(f"{stem[: -len(part)]}schema")
    files = [train.parent / f"{name}{ending}" for name in names for ending in _ENDINGS]
    return next((file for file in files if file.is_file()), None)


def _schema_beside(train: Path, output: Path) -> Optional[Path]:
    """The schema file beside documents, unless it was written there by an earlier call."""
    path = find_schema(train)
    return None if path == output / SCHEMA else path


def _make_schema(
    path: Optional[Path], schema: Optional[RelationSchema], docs: Sequence[Doc]
) -> Tuple[RelationSchema, str, Optional[Path]]:
    """The schema, completed with what it lacks; where it is from; its file if it can be copied."""
    inferred = RelationSchema.from_docs(docs)
    if path is None or schema is None:
        return inferred, "inferred from the documents", None
    missing = [label for label in inferred if label not in schema]
    if not missing:
        return schema, f"{path}", None if path.suffix == ".json" else path
    types = [*schema.values(), *(inferred[label] for label in missing)]
    source = f"{path}, completed with {listed(missing, 10)} from the documents"
    return RelationSchema(types, schema.events.values()), source, None


def _write(
    outcome: Outcome, corpus: CorpusParts, output: Path, schema: Optional[Path]
) -> List[Path]:
    """Write config, documents and schema, which keeps its comments if it is copied from a file."""
    why = "\n".join([outcome.schema_source, *_why(outcome.schema)])
    config = render(outcome.settings, {**outcome.reasons, "schema": why})
    if outcome.settings.recipe != ADAPT:  # whose components are those of a pipeline
        config = fill(config)
    with complete_files(output, last=CONFIG) as folder:
        for name in corpus.made:
            write_docs(corpus.docs[name], folder / f"{name}.spacy")
        if schema is not None:
            shutil.copyfile(schema, folder / SCHEMA)
        else:
            outcome.schema.to_file(folder / SCHEMA)
        (folder / CONFIG).write_text(config, encoding="utf8")
        return [output / file.name for file in sorted(folder.iterdir())]


def _why(schema: RelationSchema) -> List[str]:
    """Why types of an inferred schema have their directions, a line each."""
    lines = [f"{label}: {reason}" for label, why in schema.reasons.items() for reason in why]
    return lines[:_MOST_REASONS]


def _warnings(outcome: Outcome, docs: Dict[str, List[Doc]]) -> List[str]:
    found, settings = outcome.found, outcome.settings
    warnings = []
    if not found.n_mentions:
        raise DataError("no mentions are annotated, so that there is nothing to learn from")
    if not found.n_relations and not outcome.schema:
        raise DataError("no relations are annotated in train, so that there is nothing to learn")
    if not found.n_relations:
        warnings.append("no relations are annotated in train: the pipeline will find none")
    elif len(found.relations) == 1:
        (label,) = found.relations
        warnings.append(
            f"all relations are {shown(label)}: the only question is whether there is one"
        )
    if found.empty:
        warnings.append(f"{found.empty} documents are empty")
    if found.unmarked and not settings.given:
        warnings.append(
            f"{found.unmarked} of {found.documents} documents of train have no mention, which teaches "
            "that there is none: if nobody has annotated them, leave them out"
        )
    if not settings.given and not found.typed:
        warnings.append("mentions without type are not learned by a pipeline that finds mentions")
    n_events = sum(len(get_events(doc)) for doc in docs["train"])
    if n_events and not outcome.schema.events:
        warnings.append(
            f"{n_events} events are annotated in train, and not learned: declare their types under "
            "`events` in the file of --schema"
        )
    warnings += _never_learned(outcome, docs)
    if docs.get("dev"):
        counts = Counter(rel.label for doc in docs["dev"] for rel in get_relations(doc))
        few = [label for label in found.relations if counts[label] < 5]
        if few:
            warnings.append(
                "fewer than 5 relations of these labels in dev, so that their F1 there says little: "
                f"{'all' if len(few) == len(found.relations) else listed(few, 10)}"
            )
    encoder = settings.paths["encoder"]
    if encoder is not None and not Path(encoder).is_dir():
        warnings.append(_missing_encoder(encoder))
    return warnings


def _never_learned(outcome: Outcome, docs: Dict[str, List[Doc]]) -> Iterator[str]:
    """What is annotated in a part, and will not be found."""
    for name, part in docs.items():
        spans = [span for doc in part for span in mention_spans(doc, outcome.settings.spans_key)]
        types = Counter(span.label_ for span in spans if span.label_ not in outcome.found.mentions)
        if types and not outcome.settings.given:
            yield (
                f"{sum(types.values())} mentions of {name} have types that are never learned: "
                f"{listed(types, 10)}"
            )
        violations = outcome.schema.validate(part)
        if name == "train" and violations and len(violations) == outcome.found.n_relations:
            raise DataError(
                f"all {len(violations)} relations of train are against the schema, so that none is "
                f"left to learn; the first: {violations[0].message}. Correct one of them, or name "
                "another schema with --schema"
            )
        labels = outcome.schema.labels
        known = [v for v in violations if v.relation.label in labels]
        unknown = Counter(v.relation.label for v in violations if v.relation.label not in labels)
        if unknown:
            yield (
                f"{sum(unknown.values())} relations of {name} have labels that are never learned: "
                f"{listed(unknown, 10)}"
            )
        if known:
            place = "the schema that is written"
            if outcome.settings.recipe == ADAPT:  # which the pipeline has been asked about already
                place = "the file of --schema, and call this again"
            yield (
                f"{len(known)} relations of {name} are against the schema and never found; the "
                f"first: {known[0].message}. If they are right, allow them in {place}"
            )


def _missing_encoder(name: str) -> str:
    is_path = name.count("/") != 1 or name.startswith((".", "/", "~"))
    if is_path:
        return (
            f'there is no folder {name}: "python -m spacy project run encoder" fetches that of the '
            "project; --encoder names another one, a folder or a name on a hub"
        )
    return (
        f"the encoder {name} is fetched from the Hugging Face hub when the training begins; --encoder "
        "FOLDER for one that is here"
    )


def _check_paths(paths: Sequence[Path]) -> None:
    for path in paths:
        name = str(path)
        if "${" in name or name.encode("utf8", "ignore") != os.fsencode(path):
            raise ConfigError(
                f"{shown(name)}: a config cannot hold a path with ${{ in it, or that is not UTF-8"
            )


def _commands(output: Path, held_out: str, gpu_id: int) -> List[str]:
    gpu = [] if gpu_id < 0 else ["--gpu-id", str(gpu_id)]
    training = output / "training"
    train = ["spacy", "train", str(output / CONFIG), "--output", str(training), *gpu]
    evaluate = ["spacy", "rel", "evaluate", str(training / "model-best"), held_out, *gpu]
    return [f"python -m {shlex.join(command)}" for command in (train, evaluate)]
