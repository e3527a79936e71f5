"""Data sets of the Hugging Face hub as JSON lines, of three forms.

::

    {"sentence": "<e1>Jobs</e1> founded <e2>Apple</e2>", "relation": "Founder(e1,e2)"}
    {"tokens": ["Jobs", "founded", "Apple"], "relation": "P112",
     "head": {"text": "apple", "type": "Q312", "indices": [[2]]}, "tail": {...}}
    {"tokens": ["Jobs", "founded", "Apple"], "ner_tags": ["B-PER", "O", "B-ORG"],
     "relations": [{"head": 1, "tail": 0, "type": "FOUNDED_BY"}]}

The first is SemEval-2010 Task 8 or KBP37, the second FewRel, or OpenNRE's with ``token``, ``h``, ``t``
and the ``pos`` of these: first token and the one after the last. Beside an ``id``, ``type`` is the
type of the entity. In the third form, tags say where mentions are, and relations name mentions by
their position. Lists of objects may be stored by column, and labels be numbers; see
:mod:`rel_component.converters.class_labels`. Sets of the form of another format, such as CoNLL04's, are
read as that.
"""

import re
from dataclasses import replace
from typing import Any, List, Tuple

from spacy.training.iob_utils import iob_to_biluo, tags_to_entities

from ...errors import DataError, shown
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..format import AnnotationFormat
from ..records import Record, get, get_items, json_detector, json_reader, read_meta
from ..report import Report
from ._sentences import read_words
from .fewrel import ENTITY, read_tokens
from .semeval import OTHER, read_marked

NO_RELATIONS = frozenset({OTHER, "NA"})
"""Labels that say there is no relation, beside those of all formats."""

_DIRECTED = re.compile(r"(.+)\((e[12]),(e[12])\)")
_LABELS = ("relation", "label", "type")
_TAGS = ("ner_tags", "tags")
_ROLES = (("head", "tail"), ("h", "t"))
_PREFIXES = {"S": "U", "E": "L", "M": "I"}


def _read(record: Record, place: str, report: Report) -> Annotated:
    annotated = Annotated(place, sentence_starts=[0])
    if "sentence" in record:
        used = _read_sentence(record, annotated, report)
    elif any(role in record for roles in _ROLES for role in roles):
        used = _read_pair(record, annotated, report)
    else:
        used = _read_tags(record, annotated, report)
    annotated.meta = read_meta(record, used)
    return annotated


def _read_sentence(record: Record, annotated: Annotated, report: Report) -> List[str]:
    """Read a sentence with two marked mentions; the names of the fields."""
    annotated.text, annotated.mentions = read_marked(get(record, "sentence", str))
    key, label = _label(record)
    match = _DIRECTED.fullmatch(label)
    head, tail = (match[2], match[3]) if match else ("e1", "e2")
    _add_relation(annotated, match[1] if match else label, head, tail, report)
    return ["sentence", key]


def _read_pair(record: Record, annotated: Annotated, report: Report) -> List[str]:
    """Read tokens with two entities; the names of the fields."""
    words = "tokens" if "tokens" in record else "token"
    annotated.words = read_words(record, words)
    roles = next(roles for roles in _ROLES if roles[0] in record or roles[1] in record)
    for role in roles:
        mentions = _read_entity(get(record, role, dict), role)
        annotated.mentions += mentions
        if len(mentions) > 1:
            annotated.clusters.append([mention.id for mention in mentions])
    key, label = _label(record)
    _add_relation(annotated, label, f"{roles[0]}0", f"{roles[1]}0", report)
    return [words, *roles, key]


def _read_entity(entity: Record, role: str) -> List[AnnotatedMention]:
    names = [name for key in ("id", "type") if isinstance(name := entity.get(key), str) and name]
    kb_id = names[0] if names else ""  # FewRel has ids of Wikidata under "type"
    label = names[1] if len(names) > 1 else ENTITY
    if "pos" not in entity:
        lists = get_items(entity, "indices", list)
        if not lists:
            raise DataError(f'"{role}": expected the tokens of a mention under "indices"')
        found = [read_tokens(tokens, f"{role}{i}", kb_id, role) for i, tokens in enumerate(lists)]
        return [replace(mention, label=label) for mention in found]
    position = get_items(entity, "pos", int)
    if len(position) != 2:
        raise DataError(f'"{role}": expected the first token and an end, got {shown(position)}')
    return [AnnotatedMention(f"{role}0", position[0], position[1], label, kb_id=kb_id)]


def _read_tags(record: Record, annotated: Annotated, report: Report) -> List[str]:
    """Read tokens with tags of entities and relations between these; the names of the fields."""
    annotated.words = read_words(record, "tokens")
    key = next((key for key in _TAGS if key in record), _TAGS[0])
    get(record, key, list)
    tags = [get({"tags": tag}, "tags", str) for tag in record[key]]
    if len(tags) != len(annotated.words):
        raise DataError(f'"{key}": expected {len(annotated.words)} tags, got {len(tags)}')
    annotated.mentions = _mentions_of(tags)
    for i, item in enumerate(get_items(record, "relations", dict)):
        with report.skipping("relation", f"{annotated.place}, relation {i}"):
            ends = get(item, "head", int), get(item, "tail", int)
            annotated.relations.append(AnnotatedRelation(*ends, _label(item)[1]))
    return ["tokens", key, "relations"]


def _mentions_of(tags: List[str]) -> List[AnnotatedMention]:
    changed = [
        _PREFIXES.get(tag[:1], tag[:1]) + tag[1:] if tag[1:2] == "-" else tag for tag in tags
    ]
    try:
        found = tags_to_entities(iob_to_biluo(changed))
    except ValueError as err:
        raise DataError(f"expected tags such as B-PER, I-PER and O, got {shown(tags)}") from err
    return [
        AnnotatedMention(i, first, last + 1, label) for i, (label, first, last) in enumerate(found)
    ]


def _label(record: Record) -> Tuple[str, str]:
    key = next((key for key in _LABELS if key in record), _LABELS[0])
    return key, get(record, key, str)


def _add_relation(annotated: Annotated, label: str, head: str, tail: str, report: Report) -> None:
    if label in NO_RELATIONS:
        report.negatives += 1
    else:
        annotated.relations.append(AnnotatedRelation(head, tail, label))


def _fits(record: Record) -> bool:
    sentence: Any = record.get("sentence")
    if isinstance(sentence, str):
        return "<e1>" in sentence and "<e2>" in sentence and "relation" in record
    if not isinstance(record.get("tokens", record.get("token")), list) or "text" in record:
        return False
    has_pair = any(all(isinstance(record.get(x), dict) for x in roles) for roles in _ROLES)
    return has_pair or ("entities" not in record and any(key in record for key in _TAGS))


FORMAT = AnnotationFormat(
    name="hub",
    description="data sets of the Hugging Face hub: SemEval-2010 Task 8, KBP37, FewRel, tagged tokens",
    read=json_reader(_read),
    looks_like=json_detector(_fits),
    sample="""\
{"tokens": ["Jobs", "founded", "Apple"], "ner_tags": ["B-PER", "O", "B-ORG"], \
"relations": [{"head": 1, "tail": 0, "type": "FOUNDED_BY"}]}
{"sentence": "<e1>Jobs</e1> founded <e2>Apple</e2>", "relation": "Founder(e1,e2)"}
""",
)
