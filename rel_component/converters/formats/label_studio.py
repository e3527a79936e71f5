"""Label Studio's JSON: a list of tasks with their annotations and predictions.

Of several annotations that were not cancelled the first that is marked as ground truth is read, or else
the first; without any, the first prediction. Who made it is ``completed_by`` in meta.
Relations of direction ``left`` go from ``to_id`` to ``from_id``; ``bi`` is one relation each way.
Offsets are characters, and were UTF-16 units in older versions
(https://github.com/HumanSignal/label-studio/pull/1559): the text of each region tells, see
:mod:`._shown`. Of a HyperText the text is read, see :mod:`._hypertext`. Described at
https://labelstud.io/guide/task_format.
"""

from typing import Dict, List, Optional, Tuple

from ...errors import DataError, shown
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId, string_ids
from ..format import AnnotationFormat
from ..records import (
    Record,
    first_records,
    get,
    get_id,
    get_items,
    get_score,
    json_reader,
    json_writer,
    read_meta,
)
from ..report import Report
from ._hypertext import as_text_region, is_hypertext, visible_text
from ._shown import ShownText, find_shown

MODEL_VERSION = "rel_component"
"""Documents whose relations have probabilities are written as predictions of this model."""

_TEXT = "text"
_FIELDS = frozenset(
    {
        *("data", "annotations", "completions", "predictions", "drafts", "inner_id", "project"),
        *("created_at", "updated_at", "updated_by", "last_comment_updated_at", "comment_authors"),
        *("comment_count", "unresolved_comment_count", "cancelled_annotations", "overlap"),
        *("total_annotations", "total_predictions", "is_labeled"),
    }
)
"""What a task is made of, and the book-keeping of projects."""


def _read(task: Record, place: str, report: Report) -> Optional[Annotated]:
    if _is_minimal(task):
        raise DataError("JSON-MIN, which has no relations; export JSON instead")
    chosen, is_prediction = _choose(task, place, report)
    if chosen is None:
        return None
    results = get_items(chosen, "result", dict)
    given = data = get(task, "data", dict)
    if any(is_hypertext(item) for item in results):
        report.note("documents of HTML, of which the text was read", place=place)
        data = {k: visible_text(v) if isinstance(v, str) else v for k, v in data.items()}
        results = [as_text_region(item) for item in results]
    text_key, text = _text(data, results)
    given = {key: value for key, value in given.items() if key != text_key}
    meta = {**given, **read_meta(task, _FIELDS)}
    if chosen.get("completed_by") is not None:
        meta["completed_by"] = chosen["completed_by"]
    if "id" in given:
        meta["id"] = given["id"]
    annotated = Annotated(place=place, text=text, meta=meta)
    shown_text = ShownText(
        text, [([found[:2]], found[2]) for found in map(_range, results) if found]
    )
    n_others = 0
    for item in results:
        kind = item.get("type")
        if kind == "labels":
            _add_region(annotated, item, shown_text, report)
        elif kind == "relation":
            _add_relations(annotated, item, is_prediction, report)
        elif isinstance(kind, str) and kind.endswith("labels"):
            message = f"a region of type {kind:.40}; expected labels of a Text"
            where = f"{place}, mention {item.get('id')!s:.60}"
            report.problem(message, place=where, skips="mention")
        else:
            n_others += 1
    if n_others:
        message = "results that are neither labels nor relations"
        report.note(message, place=place, count=n_others)
    return annotated


def _choose(task: Record, place: str, report: Report) -> Tuple[Optional[Record], bool]:
    """The annotation or prediction to read, and whether it is a prediction."""
    key = "annotations" if "annotations" in task else "completions"
    annotations = get_items(task, key, dict)
    valid = [item for item in annotations if not (item.get("was_cancelled") or item.get("skipped"))]
    true = [item for item in valid if item.get("ground_truth") is True]
    if len(valid) > 1:
        kind = "ground truth" if true else "first"
        message = (
            f"tasks with several annotations, of which the {kind} was read; for those of each "
        )
        report.note(f"{message}annotator, divide the file by completed_by", place=place)
    if valid:
        return [*true, *valid][0], False
    if annotations:
        report.rejected += 1
        return None, False
    for prediction in get(task, "predictions", list, default=[]):
        if isinstance(prediction, dict):  # some exports name predictions by numbers alone
            report.note("tasks without annotations, whose first prediction was read", place=place)
            return prediction, True
    report.note("tasks that nobody has annotated were left out", place=place)
    return None, False


def _text(data: Record, results: List[Record]) -> Tuple[str, str]:
    """The text of a task and its name in the data: ``text``, or the string that fits the results."""
    if isinstance(data.get(_TEXT), str):
        return _TEXT, data[_TEXT]
    texts = [key for key, value in data.items() if isinstance(value, str)]
    if len(texts) > 1:
        texts = [key for key in texts if _fits(data[key], results)]
    if len(texts) != 1:
        raise DataError(
            f'"data": expected a string under "{_TEXT}", or one that fits the regions, got '
            f"{shown(list(data))}"
        )
    return texts[0], data[texts[0]]


def _fits(text: str, results: List[Record]) -> bool:
    """True if a text has all regions, and there are some."""
    found = [_range(item) for item in results if item.get("type") == "labels"]
    for region in found:
        if region is None or not region[2]:
            return False
        try:
            find_shown(text, *region)
        except DataError:
            return False
    return bool(found)


def _range(item: Record) -> Optional[Tuple[int, int, str]]:
    """Start, end and text of a labelled region; None if it lacks one of them."""
    value = item.get("value") if item.get("type") == "labels" else None
    fields = value if isinstance(value, dict) else {}
    start, end, written = (fields.get(key) for key in ("start", "end", "text"))
    if type(start) is not int or type(end) is not int or not isinstance(written, str):
        return None
    return start, end, written


def _add_region(annotated: Annotated, item: Record, shown_text: ShownText, report: Report) -> None:
    """Add the mention that a region is, or one for each of its labels."""
    place = annotated.place
    region_id = get_id(item, "id")
    value = get(item, "value", dict)
    labels = get_items(value, "labels", str)
    start, end = value.get("start"), value.get("end")
    where = f"{place}, mention {region_id}"
    if type(start) is not int or type(end) is not int or not labels:
        what = "no label" if not labels else f"it goes from {shown(start, 40)} to {shown(end, 40)}"
        report.problem(f"not a labelled range of a text: {what}", place=where, skips="mention")
        return
    written = get(value, "text", str, default="")
    try:
        (found,) = shown_text.find([(start, end)], written)
    except DataError as err:
        report.problem(err.message, place=where, skips="mention")
        return
    if len(labels) > 1:
        message = "regions with several labels: one mention for each, relations with the first one"
        report.note(message, place=place)
    used = {mention.id for mention in annotated.mentions} if len(labels) > 1 else set()
    for k, label in enumerate(labels):
        name: MentionId = region_id
        while k > 0 and name in used:
            name = f"{name}_{label}"
        used.add(name)
        attributes = get(item, "meta", dict, default={})
        annotated.mentions.append(AnnotatedMention(name, *found, label, attributes=attributes))


def _add_relations(annotated: Annotated, item: Record, is_prediction: bool, report: Report) -> None:
    """Add a relation for each label and each way."""
    place = annotated.place
    ends = get_id(item, "from_id"), get_id(item, "to_id")
    labels = get_items(item, "labels", str)
    direction = get(item, "direction", str, default="right")
    where = f"{place}, relation of {ends[0]} to {ends[1]}"
    if direction not in ("left", "right", "bi"):
        message = f'"direction": expected left, right or bi, got {direction[:40]!r}'
        report.problem(message, place=where, skips="relation")
        return
    if not labels:
        report.problem("a relation needs a label", place=where, skips="relation")
    ways = {"right": [ends], "left": [ends[::-1]], "bi": [ends, ends[::-1]]}[direction]
    if direction == "bi":
        report.note("relations in both directions: one each way", place=place)
    score = get_score(item, default=None) if is_prediction else 1.0
    for label in labels:
        annotated.relations += [AnnotatedRelation(head, tail, label, score) for head, tail in ways]


def _to_task(annotated: Annotated, report: Report) -> Record:
    # Label Studio gives tasks new ids and keeps their data, so that is where ours goes.
    data = {key: value for key, value in annotated.meta.items() if key != _TEXT}
    task: Record = {"data": {_TEXT: annotated.text, **data}}
    if _TEXT in annotated.meta:
        task["meta"] = {_TEXT: annotated.meta[_TEXT]}
    names = string_ids([mention.id for mention in annotated.mentions])
    result = [_region(annotated, mention, names) for mention in annotated.mentions]
    is_prediction = any(relation.score != 1.0 for relation in annotated.relations)
    for relation in annotated.relations:
        item: Record = {
            "type": "relation",
            "from_id": names[relation.head],
            "to_id": names[relation.tail],
            "direction": "right",
            "labels": [relation.label],
        }
        if is_prediction and relation.score is not None:
            item["score"] = relation.score
        result.append(item)
    if is_prediction:
        task["predictions"] = [{"model_version": MODEL_VERSION, "result": result}]
    else:
        task["annotations"] = [{"result": result}]
    return task


def _region(annotated: Annotated, mention: AnnotatedMention, names: Dict[MentionId, str]) -> Record:
    region: Record = {
        "id": names[mention.id],
        "from_name": "label",
        "to_name": _TEXT,
        "type": "labels",
        "value": {
            "start": mention.start,
            "end": mention.end,
            "text": (annotated.text or "")[mention.start : mention.end],
            "labels": [mention.label],
        },
    }
    if mention.attributes:
        region["meta"] = mention.attributes
    return region


def _looks_like(head: str) -> bool:
    tasks = first_records(head)
    if tasks and all(_is_minimal(task) for task in tasks):
        return True
    keys = ("annotations", "completions", "predictions")
    return all(isinstance(task.get("data"), dict) for task in tasks) and any(
        isinstance(task.get(key), list) for task in tasks for key in keys
    )


def _is_minimal(task: Record) -> bool:
    """True for a task of an export as JSON-MIN."""
    return "data" not in task and "annotation_id" in task


FORMAT = AnnotationFormat(
    name="label_studio",
    description="Label Studio's JSON",
    read=json_reader(_read, lines=False),
    write=json_writer(_to_task, lines=False),
    looks_like=_looks_like,
    holds=frozenset({"mention_attributes", "scores", "id", "meta"}),
    sample="""\
[{"id": 7, "data": {"text": "Jobs founded Apple", "source": "example"},
  "annotations": [{"id": 1, "was_cancelled": false, "result": [
    {"id": "a", "from_name": "label", "to_name": "text", "type": "labels",
     "value": {"start": 0, "end": 4, "text": "Jobs", "labels": ["PERSON"]}},
    {"id": "b", "from_name": "label", "to_name": "text", "type": "labels",
     "value": {"start": 13, "end": 18, "text": "Apple", "labels": ["ORG"]}},
    {"type": "relation", "from_id": "b", "to_id": "a", "direction": "right",
     "labels": ["FOUNDED_BY"]}]}],
  "predictions": []}]
""",
)
