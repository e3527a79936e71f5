"""The JSONL of DyGIE++, in which SciERC is distributed: one document a line.

Offsets are tokens of the document, the last one inclusive; ``ner`` and ``relations`` have one list for
each sentence. Members of clusters need not be in ``ner``: these are mentions without a label. Events
and predictions are not read. Described at https://github.com/dwadden/dygiepp/blob/master/doc/data.md.
"""

from bisect import bisect_right
from typing import Any, Dict, List

from ..annotated import Annotated, AnnotatedMention, MentionId
from ..format import AnnotationFormat
from ..records import (
    Record,
    get_items,
    json_detector,
    json_reader,
    json_writer,
    read_meta,
    write_meta,
)
from ..report import Report
from ._sentences import read_sentences, sentence_starts, split_sentences
from ._token_spans import (
    TokenRange,
    ids_by_range,
    ranges_by_id,
    read_mentions,
    read_range,
    read_relation,
)

_FIELDS = frozenset({"sentences", "ner", "relations", "clusters", "events"})
_NAME = "doc_key"


def _read(record: Record, place: str, report: Report) -> Annotated:
    sentences = read_sentences(record, "sentences")
    mentions = read_mentions(_flat(record, "ner"), place, report)
    ids = ids_by_range(mentions)
    clusters = _read_clusters(record, mentions, ids, place, report)
    relations = []
    for item in _flat(record, "relations"):
        with report.skipping("relation", place):
            relations.append(read_relation(item, ids))
    events = sum(len(sentence) for sentence in get_items(record, "events", list))
    if events:
        report.note("events, which are not read", place=place, count=events)
    kept = {key: value for key, value in record.items() if not key.startswith("predicted_")}
    if len(kept) < len(record):
        report.note("documents with predictions, which are not read", place=place)
    return Annotated(
        place=place,
        words=sentences.words,
        mentions=mentions,
        relations=relations,
        clusters=clusters,
        sentence_starts=sentences.starts,
        meta=read_meta(kept, _FIELDS, _NAME),
    )


def _flat(record: Record, key: str) -> List[List[Any]]:
    """The items of all sentences."""
    sentences = get_items(record, key, list)
    return [item for sentence in sentences for item in get_items({key: sentence}, key, list)]


def _read_clusters(
    record: Record,
    mentions: List[AnnotatedMention],
    ids: Dict[TokenRange, MentionId],
    place: str,
    report: Report,
) -> List[List[MentionId]]:
    """The clusters; adds to the mentions those members that are none."""
    clusters = []
    for items in get_items(record, "clusters", list):
        cluster = []
        for item in get_items({"clusters": items}, "clusters", list):
            with report.skipping("mention", place):
                first, last = read_range(item)
                if (first, last) not in ids:
                    ids[first, last] = len(mentions)
                    mentions.append(AnnotatedMention(len(mentions), first, last + 1, ""))
                cluster.append(ids[first, last])
        clusters.append(cluster)
    return clusters


def _to_record(annotated: Annotated, report: Report) -> Record:
    starts = sentence_starts(annotated)
    ends = ranges_by_id(annotated, "dygie", report)

    def sentence_of(key: MentionId) -> int:
        return bisect_right(starts, ends[key][0]) - 1

    ner = [(m.id, [*ends[m.id], m.label]) for m in annotated.mentions if m.label]
    relations = [(r.head, [*ends[r.head], *ends[r.tail], r.label]) for r in annotated.relations]
    crossing = sum(sentence_of(r.head) != sentence_of(r.tail) for r in annotated.relations)
    if crossing:
        message = "relations between two sentences, which the program DyGIE++ does not take"
        report.note(message, place=annotated.place, count=crossing)
    record = write_meta(annotated, _FIELDS, _NAME)
    record["sentences"] = split_sentences(annotated)
    for name, items in (("ner", ner), ("relations", relations)):
        record[name] = [[] for _ in starts]
        for key, item in items:
            record[name][sentence_of(key)].append(item)
    if annotated.clusters:
        record["clusters"] = [[ends[key] for key in cluster] for cluster in annotated.clusters]
    return record


def _fits(record: Record) -> bool:
    sentences = record.get("sentences")
    return (
        isinstance(sentences, list)
        and not record.keys().isdisjoint({"ner", "relations", "doc_key"})
        and all(isinstance(sentence, list) for sentence in sentences)
    )


FORMAT = AnnotationFormat(
    name="dygie",
    description="the JSONL of DyGIE++, e.g. SciERC",
    read=json_reader(_read, name=_NAME),
    write=json_writer(_to_record),
    looks_like=json_detector(_fits),
    holds=frozenset(
        {"tokens", "sentences", "several_sentences", "clusters", "unlabelled", "id", "meta"}
    ),
    unit="tokens",
    sample="""\
{"doc_key": "d1", "dataset": "news", \
"sentences": [["Jobs", "founded", "Apple", "."], ["He", "left", "."]], \
"ner": [[[0, 0, "Person"], [2, 2, "Company"]], []], \
"relations": [[[2, 2, 0, 0, "Founded-By"]], []], "clusters": [[[0, 0], [4, 4]]]}
""",
)
