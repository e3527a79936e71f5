"""Migrations of trained pipelines, corpora and schema files; nothing is trained."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc

from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..converters.convert import SPACY, find_format
from ..converters.details import rename_relations
from ..converters.records import (
    Record,
    get,
    get_id,
    get_items,
    get_score,
    read_records,
    write_records,
)
from ..converters.report import Report
from ..decoding import ThresholdDecoder
from ..documents import ask_only, asked_labels, document_id
from ..errors import ConfigError, DataError, SchemaError, listed, shown
from ..files import check_ending, complete_folder
from ..label_numbers import for_config, read_numbers
from ..pipeline.relation_extractor import RelationExtractor
from ..pipelines import PipelineSource, blank_pipeline, load_pipeline, source_name
from ..probabilities import Temperature
from ..relation_forms import score_rank
from ..schema import RelationSchema
from ..spacy_files import rewrite_docs
from ..types import Relation
from .migration import Migration

_JSONL = "jsonl"


@dataclass
class MigrationReport:
    """What a migration has changed.

    Attributes:
        kind: ``pipeline``, ``corpus`` or ``schema``.
        becomes: labels of afterwards by label of before.
        counts: relations of a corpus by label of before and afterwards; ``None``: removed.
        n_docs: documents of a corpus.
        notes: what is not as before.
    """

    kind: str
    becomes: Dict[str, Tuple[str, ...]] = field(default_factory=dict)
    counts: "Counter[Tuple[str, Optional[str]]]" = field(default_factory=Counter)
    n_docs: int = 0
    notes: List[str] = field(default_factory=list)

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        counts = [
            {"before": old, "after": new, "relations": n} for (old, new), n in self.counts.items()
        ]
        becomes = {label: list(new) for label, new in self.becomes.items()}
        return {
            "kind": self.kind,
            "becomes": becomes,
            "relations": counts,
            "documents": self.n_docs,
            "notes": self.notes,
        }


def migrate(
    source: Union[PipelineSource, Path],
    migration: Union[Migration, str, Path],
    output: Union[str, Path],
    *,
    attr: str = DEFAULT_ATTR,
    lang: str = "en",
) -> MigrationReport:
    """Give a trained pipeline, a corpus or a schema file other labels.

    A pipeline keeps what it has learned: its outputs are moved. A merged label has the probability of
    the labels that it stands for together, that of a part of a split label is that of the whole where
    its argument types fit, and a removed one becomes a part of no relation where labels are exclusive.

    Args:
        source: a pipeline, its name or folder; a ``.spacy`` file or a folder of them; a file of the
            package's own JSONL; or a schema file, ``.yaml``, ``.yml`` or ``.json``.
        migration: what becomes of the labels, or the file that says so.
        output: the new folder or file, of the same kind.
        attr: name of the extension attribute of a corpus.
        lang: language of a corpus.

    Raises:
        SchemaError: if the migration is none, does not fit the labels, or a relation no part of a split.
        ConfigError: if the pipeline has no trained relation extractor, or the output is there already
            or has the ending of another kind.
        DataError: if something cannot be read or written. Nothing is written then.
    """
    if not isinstance(migration, Migration):
        migration = Migration.from_file(migration)
    path = None if isinstance(source, Language) else Path(source)
    if path and not path.exists() and not util.is_package(str(source)):
        raise DataError(
            "there is no such file or folder, and no such pipeline is installed", place=str(path)
        )
    if path is None or (path / "config.cfg").is_file() or not path.exists():
        return _migrate_pipeline(source, migration, Path(output))
    if path.suffix in (".yaml", ".yml", ".json") and path.is_file():
        schema = RelationSchema.from_file(path)
        report = _report("schema", schema, migration)
        migration.new_schema(schema).to_file(output)
        return report
    return _migrate_corpus(path, migration, Path(output), attr, lang)


def migrate_extractor(extractor: RelationExtractor, migration: Migration) -> None:
    """Move the outputs of a trained relation extractor.

    Args:
        extractor: the component, which is changed.
        migration: what becomes of its labels.

    Raises:
        SchemaError: if the migration does not fit the labels.
        ConfigError: if the component is not trained, or its model cannot move outputs.
    """
    model = extractor.model
    if not model.has_dim("nO") or "move_outputs" not in model.attrs:
        raise ConfigError(
            f"{extractor.name}: the model {shown(model.name)} is not initialised, or cannot move its "
            "outputs; models of this package do"
        )
    old = extractor.labels
    schema = migration.new_schema(extractor.schema)
    if not schema:
        raise SchemaError(f"{migration.source}: no label would be left")
    n_first = len(extractor.output_labels) - len(old)
    split = extractor.state.pop("split", [])
    groups = [
        [n_first + old.index(label) for label in _once([old[i] for i in group], split)]
        for group in migration.groups(old, schema.labels)
    ]
    if n_first:
        remaining = [label for label in old if label not in migration.remove]
        once = _once([*remaining, *migration.remove], split)  # no part of which another one remains
        removed = [n_first + old.index(label) for label in once if label in migration.remove]
        groups.insert(0, [0, *(removed if extractor.exclusive else ())])
    model.attrs["move_outputs"](model, groups)
    extractor.schema = schema
    for label in schema.labels:
        extractor.vocab.strings.add(label)
    groups_of_parts = [_moved_parts(group, migration) for group in split]
    groups_of_parts += [[part.label for part in group] for group in migration.split.values()]
    if kept := [group for group in groups_of_parts if len(group) > 1]:
        extractor.state["split"] = kept
    if extractor.temperature is not None:
        own = _moved(extractor.temperature.labels, migration)
        extractor.temperature = Temperature(extractor.temperature.common, own)
    if isinstance(extractor.decoder, ThresholdDecoder):
        thresholds = _moved(extractor.decoder.label_thresholds, migration)
        extractor.decoder = replace(extractor.decoder, thresholds=for_config(thresholds))


def _once(labels: Sequence[str], split: Sequence[Sequence[str]]) -> List[str]:
    """The labels, and of parts of one split the first: each has the output of the whole."""
    found: List[str] = []
    for label in labels:
        if not any(label in parts and other in parts for parts in split for other in found):
            found.append(label)
    return found


def _moved_parts(parts: Sequence[str], migration: Migration) -> List[str]:
    """What parts of an earlier split become; a label that also takes others is no part."""
    moved = [new for label in parts for new in migration.new_labels(label)]
    return [new for new in dict.fromkeys(moved) if {*migration.merge.get(new, ())} <= {*parts}]


def _migrate_pipeline(
    source: PipelineSource, migration: Migration, output: Path
) -> MigrationReport:
    with complete_folder(output) as folder:
        nlp = load_pipeline(source)
        found = [pipe for _, pipe in nlp.components if isinstance(pipe, RelationExtractor)]
        if not found:
            raise ConfigError(
                f"{source_name(nlp)}: no trained relation_extractor in {nlp.component_names}"
            )
        extractor = found[0]
        report = _report("pipeline", extractor.schema, migration)
        thresholds = isinstance(extractor.decoder, ThresholdDecoder) and (
            extractor.decoder.label_thresholds
        )
        migrate_extractor(extractor, migration)
        _move_config(nlp, extractor, migration)
        if thresholds and (migration.merge or migration.split):
            report.notes.append(
                "thresholds of merged labels are the means of theirs; choose them again with spacy rel "
                "calibrate"
            )
        nlp.to_disk(folder)
        util.load_model(folder)  # what cannot be loaded is not left behind
    return report


def _move_config(nlp: Language, extractor: RelationExtractor, migration: Migration) -> None:
    """Let the config say what the component does, and the meta data nothing of former labels."""
    from ..evaluation.threshold_choice import store_thresholds

    block = nlp.config["components"].get(extractor.name, {})
    if isinstance(extractor.decoder, ThresholdDecoder) and "decoder" in block:
        store_thresholds(block["decoder"], extractor.decoder)
    loss = block.get("loss", {})
    if "class_weights" in loss:
        weights = read_numbers(loss["class_weights"], "class_weights")
        loss["class_weights"] = for_config(_moved(weights, migration))
    performance = nlp.meta.get("performance", {})
    for key in [key for key in performance if key.startswith("rel_")]:
        del performance[key]  # was measured with other labels


def _moved(values: Mapping[str, float], migration: Migration) -> Dict[str, float]:
    """Numbers by label of afterwards; that of a merged label is the mean of those there are."""
    found: Dict[str, List[float]] = {}
    for label, value in values.items():
        for new in migration.new_labels(label):
            found.setdefault(new, []).append(value)
    return {label: sum(group) / len(group) for label, group in found.items()}


def _report(kind: str, schema: RelationSchema, migration: Migration) -> MigrationReport:
    return MigrationReport(kind, {label: migration.new_labels(label) for label in schema.labels})


def _migrate_corpus(
    path: Path, migration: Migration, output: Path, attr: str, lang: str
) -> MigrationReport:
    report = MigrationReport("corpus")
    format_name = find_format(path)
    if not path.is_dir():
        check_ending(output, docs=format_name == SPACY)
    if format_name == SPACY:

        def change(doc: Doc) -> None:
            report.n_docs += 1
            _migrate_doc(doc, migration, attr, report, f"{path}, document {report.n_docs}")

        rewrite_docs(path, output, blank_pipeline(lang), change)
    elif format_name == _JSONL:
        records = (
            _migrate_record(record, migration, report, place)
            for place, record in read_records(path, Report())
        )
        write_records(records, output)
    else:
        raise ConfigError(
            f"{path}: a file of the format {format_name}; convert it first, with spacy rel convert, to "
            ".spacy or to the package's own JSONL"
        )
    merged = [label for labels in migration.merge.values() for label in labels]
    named = {*migration.rename, *merged, *migration.split, *migration.remove}
    if missing := sorted(named - {old for old, _ in report.counts}):
        report.notes.append(f"no relation has the labels {listed(missing)} of {migration.source}")
    return report


def _migrate_doc(
    doc: Doc, migration: Migration, attr: str, report: MigrationReport, place: str
) -> None:
    name = document_id(doc)
    named = f"{place}, {name}" if name else place
    relations, renamed = [], []
    # as set_relations does, ids and attributes stay of the one with the highest score
    for rel in sorted(get_relations(doc, attr), key=lambda rel: -score_rank(rel.score)):
        types = (rel.head.label_, rel.tail.label_)
        label = _new_label(migration, rel.label, types, report, named)
        renamed.append((rel.head, rel.label, rel.tail, label))
        if label is not None:
            others = (rel.score, rel.evidence, rel.polarity, rel.statement)
            relations.append(Relation(rel.head, label, rel.tail, *others))
    set_relations(doc, relations, attr)
    rename_relations(doc, renamed)
    asked = asked_labels(doc)
    if asked is not None:
        ask_only(doc, sorted({new for label in asked for new in migration.new_labels(label)}))


def _migrate_record(
    record: Record, migration: Migration, report: MigrationReport, place: str
) -> Record:
    """A record of the package's own JSONL with other labels, and else as it was."""
    report.n_docs += 1
    if "relations" not in record:
        return record
    try:
        mentions = get_items(record, "entities", dict)
        types = {get_id(item, "id"): get(item, "label", str, default="") for item in mentions}
        relations: List[Record] = []
        groups: Dict[Any, Dict[int, str]] = {}
        for item in get_items(record, "relations", dict):
            old, ends = get(item, "label", str), (get_id(item, "head"), get_id(item, "tail"))
            end_types = (types.get(ends[0], ""), types.get(ends[1], ""))
            new = _new_label(migration, old, end_types, report, place)
            if new is not None:
                groups.setdefault((ends, new), {})[len(relations)] = old
                relations.append({**item, "label": new})
        for group in groups.values():
            if len(set(group.values())) > 1:
                first, *others = group
                relations[first] = _joined([relations[i] for i in group])
                for i in others:
                    relations[i] = {}
    except DataError as err:
        raise DataError(err.message, place=err.place or place) from err
    return {**record, "relations": [relation for relation in relations if relation]}


def _joined(relations: List[Record]) -> Record:
    """The relation with the highest score, of equals the first, with the evidence of all."""
    best = max(relations, key=lambda relation: score_rank(get_score(relation, default=1.0)))
    evidence = {number for relation in relations for number in get_items(relation, "evidence", int)}
    return {**best, "evidence": sorted(evidence)} if evidence else best


def _new_label(
    migration: Migration, label: str, types: Tuple[str, str], report: MigrationReport, place: str
) -> Optional[str]:
    """What the label of a relation becomes, which is counted."""
    try:
        new = migration.new_label(label, *types)
        if (label, new) not in report.counts:
            migration.check_apart([*(old for old, _ in report.counts), label])
    except SchemaError as err:
        raise DataError(str(err), place=place) from err
    report.counts[label, new] += 1
    return new
