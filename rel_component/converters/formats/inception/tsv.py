"""WebAnno TSV 3, which INCEpTION and WebAnno export: a token a line, a column for each feature.

In the sample, Apple (token 1-4) is founded by Steve Jobs: a relation stands in the line of its tail and
names its head. A number in brackets tells annotations apart that have several tokens or share one. The
files hold one document each. Named entities and custom layers are read, each with the feature that looks
like a label; chains are clusters; syntax and the like, and slots, are not read. Described in the user
guide of https://github.com/inception-project/inception (webannotsv.adoc).
"""

import re
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from ....errors import DataError, shown
from ...annotated import Annotated, AnnotatedRelation
from ...format import AnnotationFormat
from ...report import Report
from .drafts import Draft, Drafts
from .exports import read_export
from .layers import NAMED_ENTITY, is_semantic, read_features, short_name
from .layers import RELATION as RELATION_LAYER
from .tsv_escapes import split_cell, unescape_value
from .tsv_table import CHAIN, EMPTY, NO_VALUE, SPAN, Layer, Table, Unit, read_table
from .tsv_writer import ENDING, write_webanno

_NUMBERED = re.compile(r"((?:[^\\]|\\.)*)\[(\d{1,15})\]", re.DOTALL)
_REFERENCE = re.compile(r"(\d+-\d+(?:\.\d+)?)(?:\[(\d{1,15})_(\d{1,15})\])?")
_LINK = re.compile(r"(.*)->(\d{1,15})-(\d{1,15})", re.DOTALL)
_ANY_LAYER = "uima.tcas.Annotation"

_Features = Dict[str, Optional[str]]


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    return read_export(path, ENDING, _read, report)


def _read(source: Tuple[Path, str], place: str, report: Report) -> Annotated:
    file, name = source
    return _Document(read_table(file), file, report).read(name)


class _Document:
    """The annotations of one file."""

    def __init__(self, table: Table, file: Path, report: Report) -> None:
        self._table = table
        self._file = file
        self._report = report
        self._drafts = Drafts()
        self._numbered: Dict[Tuple[str, int], Draft] = {}
        self._on_unit: Dict[Tuple[str, str, int], Draft] = {}
        self._first: Dict[Tuple[str, str], Draft] = {}
        self._units = {unit.id: unit for unit in table.units}
        self._declared = {layer.name for layer in table.layers if layer.kind == SPAN}

    def read(self, name: str) -> Annotated:
        """The document of this name."""
        relations = [
            layer for layer in self._table.layers if layer.base and is_semantic(layer.name)
        ]
        bases = {layer.base for layer in relations}
        for layer in self._table.layers:
            if layer.kind == SPAN and (is_semantic(layer.name) or layer.name in bases):
                self._read_spans(layer)
            elif layer.kind != CHAIN and layer not in relations:
                self._note_layer(layer)
        found = [relation for layer in relations for relation in self._read_relations(layer)]
        chains = [
            chain
            for layer in self._table.layers
            if layer.kind == CHAIN
            for chain in self._read_chains(layer)
        ]
        annotated = Annotated(
            place=str(self._file),
            text=self._table.text,
            sentence_starts=self._table.sentences,
            meta={"id": name},
        )
        tokens = [(unit.start, unit.end) for unit in self._table.units if unit.is_token]
        clusters = self._drafts.add_chains(chains)
        return self._drafts.to_annotated(annotated, found, clusters, tokens, self._report)

    def _read_spans(self, layer: Layer) -> None:
        for unit in self._table.units:
            for i, (features, number) in enumerate(self._stacked(layer, unit)):
                draft = self._numbered.get((layer.name, number))
                values = read_features(layer.name, features, NAMED_ENTITY)
                is_gap = draft is not None and self._table.text[draft.end : unit.start].strip()
                if draft is not None and (is_gap or values[0] != draft.label):
                    message = (
                        "numbers that another mention has too, of other tokens or another label"
                    )
                    self._report.note(message, place=f"{self._file}, line {unit.line}")
                    draft = None
                if draft is None:
                    draft = self._drafts.add(layer.name, unit.start, unit.end)
                    draft.label, draft.kb_id, draft.attributes = values
                    if number:
                        self._numbered[layer.name, number] = draft
                draft.extend(unit.start, unit.end)
                self._on_unit[layer.name, unit.id, number] = draft
                if i == 0:
                    self._first[layer.name, unit.id] = draft
            slots = sum(unit.cells[column] not in (EMPTY, NO_VALUE) for column in layer.slots[1::2])
            if slots:
                message = f"slots of the layer {short_name(layer.name)}, which are not read"
                self._report.note(message, place=str(self._file), count=slots)

    def _note_layer(self, layer: Layer) -> None:
        columns = [*layer.columns.values(), *layer.slots[1::2]]
        columns += [layer.base_column] * bool(layer.base)
        count = sum(
            any(unit.cells[column] != EMPTY for column in columns) for unit in self._table.units
        )
        if count:
            message = f"tokens with annotations of the layer {short_name(layer.name)}"
            message += ", which are not read"
            self._report.note(message, place=str(self._file), count=count)

    def _read_relations(self, layer: Layer) -> Iterator[AnnotatedRelation]:
        for unit in self._table.units:
            references = split_cell(unit.cells[layer.base_column])
            if references == [EMPTY]:
                continue
            features = [features for features, _ in self._stacked(layer, unit)]
            for i, reference in enumerate(references):
                values: _Features = features[i] if i < len(features) else {}
                label, _, attributes = read_features(layer.name, values, RELATION_LAYER)
                with self._report.skipping("relation", f"{self._file}, line {unit.line}"):
                    head, tail = self._arguments(layer, unit, reference)
                    yield AnnotatedRelation(head.id, tail.id, label, attributes=attributes)

    def _arguments(self, layer: Layer, unit: Unit, reference: str) -> Tuple[Draft, Draft]:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise DataError(f"expected the number of a token, got {shown(reference)}")
        if match[1] not in self._units:
            raise DataError(f"there is no token {match[1]}")
        numbers = (int(match[2] or 0), int(match[3] or 0))
        head = self._find(layer.base, self._units[match[1]], numbers[0])
        return head, self._find(layer.base, unit, numbers[1])

    def _find(self, layer: str, unit: Unit, number: int) -> Draft:
        """The annotation on a unit that a relation means; `number`: its number, 0 if it has none."""
        layers = sorted(self._declared) if layer == _ANY_LAYER else [layer]
        if number:
            places = [(x, unit.id, number) for x in layers]
            drafts = [self._on_unit[place] for place in places if place in self._on_unit]
            drafts = drafts or [
                self._numbered[x, number] for x in layers if (x, number) in self._numbered
            ]
        else:
            drafts = [self._first[x, unit.id] for x in layers if (x, unit.id) in self._first]
            if not drafts and layer not in self._declared and layer != _ANY_LAYER:
                # Relations may lie between tokens or what each token has, which the file lacks.
                draft = self._drafts.add(layer, unit.start, unit.end)
                self._first[layer, unit.id] = draft
                draft.label = short_name(layer)
                return draft
        if len(drafts) != 1:
            what = f"number {number}" if number else f"token {unit.id}"
            message = f"expected one annotation of the layer {short_name(layer)}"
            raise DataError(f"{message} with {what}, found {len(drafts)}")
        return drafts[0]

    def _read_chains(self, layer: Layer) -> List[List[Draft]]:
        links: Dict[Tuple[int, int], Draft] = {}
        for unit in self._table.units:
            for features, _ in self._stacked(layer, unit):
                match = _LINK.fullmatch(features.pop("referenceRelation", None) or "")
                if match is None:
                    message = f"not a link of a chain: {features!s:.60}"
                    place = f"{self._file}, line {unit.line}"
                    self._report.problem(message, place=place, skips="mention")
                    continue
                values = {**features, "referenceRelation": match[1]}
                attributes = {k: v for k, v in values.items() if v and v != NO_VALUE}
                link = Draft(0, layer.name, unit.start, unit.end, attributes=attributes)
                link = links.setdefault((int(match[2]), int(match[3])), link)
                link.extend(unit.start, unit.end)
        chains: Dict[int, List[Draft]] = {}
        for (chain, _), link in sorted(links.items(), key=lambda item: item[0]):
            chains.setdefault(chain, []).append(link)
        return list(chains.values())

    def _stacked(self, layer: Layer, unit: Unit) -> List[Tuple[_Features, int]]:
        """Features and number, 0 if it has none, of each annotation of a layer on a unit.

        The first cell that is not empty says which annotations there are. In the others, a part
        belongs to the one with its number, and without a number to the one in its place.
        """
        cells: List[Tuple[Optional[str], str]] = []
        for name, column in layer.columns.items():
            if unit.cells[column] != EMPTY:
                cells.append((name, unit.cells[column]))
        for role, target in zip(layer.slots[::2], layer.slots[1::2]):
            # Without links only the cell of the target says that there is an annotation.
            if unit.cells[target] != EMPTY:
                cells.append((None, unit.cells[role]))
        annotations: List[Tuple[_Features, int]] = []
        for k, (feature, cell) in enumerate(cells):
            parts = [_numbered(part) for part in split_cell(cell)]
            if k == 0:
                annotations = [(dict.fromkeys(layer.columns), number) for _, number in parts]
            numbers = [number for _, number in annotations]
            given = {number for _, number in parts}
            for place, (value, number) in enumerate(parts):
                i = numbers.index(number) if number and number in numbers else place
                is_known = not number or number in numbers
                if not is_known:
                    message = (
                        "features whose numbers no annotation of their token has, read by place"
                    )
                    self._report.note(message, place=f"{self._file}, line {unit.line}")
                if i >= len(numbers) or (not is_known and numbers[i] in given - {0}):
                    i = len(numbers)
                    numbers.append(number)
                    annotations.append((dict.fromkeys(layer.columns), number))
                if feature is not None and value != NO_VALUE:
                    annotations[i][0][feature] = unescape_value(value)
        return annotations


def _numbered(part: str) -> Tuple[str, int]:
    """The value in a part of a cell, and its number, 0 if it has none."""
    match = _NUMBERED.fullmatch(part)
    return (match[1], int(match[2])) if match else (part, 0)


def _looks_like(head: str) -> bool:
    return head.lstrip("\ufeff").startswith("#FORMAT=WebAnno TSV 3")


FORMAT = AnnotationFormat(
    name="webanno",
    description="WebAnno TSV 3 of INCEpTION and WebAnno",
    read=_read_file,
    write=write_webanno,
    looks_like=_looks_like,
    holds=frozenset({"tokens", "spaces", "sentences", "several_sentences", "kb_ids", "id"}),
    unit="tokens",
    folder=ENDING,
    sample="""\
#FORMAT=WebAnno TSV 3.3
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value
#T_RL=webanno.custom.Relation|value|BT_de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity


#Text=Steve Jobs founded Apple
1-1\t0-5\tSteve\t*[1]\tPER[1]\tfounded\t1-4[0_1]\t
1-2\t6-10\tJobs\t*[1]\tPER[1]\t_\t_\t
1-3\t11-18\tfounded\t_\t_\t_\t_\t
1-4\t19-24\tApple\t*\tORG\t_\t_\t
""",
)
