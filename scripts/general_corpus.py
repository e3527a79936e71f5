"""A corpus of many relation types for configs/general.cfg, from public data and sentences of our own.

    python scripts/general_corpus.py DATA OUTPUT [--parts fewrel ...] [--leave-out P26 ...]

DATA holds the folders fewrel_train64, redocred, semeval2010_task8 and wikidata_properties, and
knowledgenet if it is asked for; the business corpus and sentences of many domains are in assets/.
OUTPUT is given train.spacy, dev.spacy and schema.yaml. Test parts are not read, nor CoNLL04, whose
licence is for research.

Documents are sentences or short passages. Each is asked about the labels of its own data set. What is
annotated completely teaches rejection: the other pairs of a sentence, and the other direction of a pair.
Sentences of which nothing holds are made of templates, and asked about all labels.
Labels of Wikidata have the names, descriptions and aliases that people gave them there. FewRel's pairs
have inverse labels too (assets/inverse_relations.yaml), so that the order of two mentions says nothing.
"""

import argparse
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple

import spacy
import srsly
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span
from wikidata_properties import held_together, read_inverses, read_properties

from rel_component.annotations import get_relations, set_relations
from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.documents import ask_only, asked_labels, bare_copy
from rel_component.relation_types import RelationType
from rel_component.schema import RelationSchema
from rel_component.spacy_files import write_docs
from rel_component.types import Relation

ASSETS = Path(__file__).parent.parent / "assets"
PARTS = ("fewrel", "redocred", "semeval", "business", "domains", "unrelated")
SHARE_ALIKE = ("knowledgenet",)  # its licence may extend to what is made of it
N_FILLED = 12  # sentences of a template
BUSINESS_TYPES = {"GPE": "LOC", "PRODUCT": "MISC"}
SEMEVAL = {
    "Cause-Effect": "the head causes the tail, or leads to it",
    "Instrument-Agency": "the head is a tool or instrument that the tail uses",
    "Product-Producer": "the head is made, written or produced by the tail",
    "Content-Container": "the head is stored or carried inside of the tail",
    "Entity-Origin": "the head comes or is made from the tail",
    "Entity-Destination": "the head moves, is put or sent into the tail",
    "Component-Whole": "the head is a component or part of the tail",
    "Member-Collection": "the head is a member of the group or collection that is the tail",
    "Message-Topic": "the head, a text or speech, is about the tail",
}
KNOWLEDGENET = {
    "CEO": ("the tail is chief executive of the head", "organization", "person"),
    "CHILD_OF": ("the head is son or daughter of the tail", "person", "person"),
    "DATE_FOUNDED": ("the head was founded on the tail", "organization", "date"),
    "DATE_OF_BIRTH": ("the head was born on the tail", "person", "date"),
    "DATE_OF_DEATH": ("the head died on the tail", "person", "date"),
    "EDUCATED_AT": ("the head studied or was a student at the tail", "person", "school"),
    "EMPLOYEE_OR_MEMBER_OF": (
        "the head works for the tail, or is or was a member of it",
        "person",
        "organization",
    ),
    "FOUNDED_BY": ("the head was founded or started by the tail", "organization", "person"),
    "HEADQUARTERS": ("the seat of the head is in the tail", "organization", "place"),
    "NATIONALITY": ("the head is a citizen of the tail", "person", "country"),
    "PLACE_OF_BIRTH": ("the head was born in the tail", "person", "place"),
    "PLACE_OF_RESIDENCE": ("the head lives or lived in the tail", "person", "place"),
    "POLITICAL_AFFILIATION": ("the head belongs to the political party tail", "person", "party"),
    "SPOUSE": ("the head is married to the tail", "person", "person"),
    "SUBSIDIARY_OF": ("the head belongs to the company tail", "organization", "organization"),
}
_MARKED = re.compile(r"\[([^\[\]]+)\]\((\w+)\)")


class Part(NamedTuple):
    """Documents of one data set, and the types that they are annotated with."""

    docs: List[Doc]
    types: List[RelationType]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder with the public data sets")
    parser.add_argument("output", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS + SHARE_ALIKE, default=list(PARTS))
    parser.add_argument("--leave-out", nargs="*", default=[], help="properties, or domains")
    parser.add_argument(
        "--most", nargs="*", default=[], metavar="PART=N", help="the most documents of a part"
    )
    parser.add_argument(
        "--repeat", nargs="*", default=[], metavar="PART=N", help="how often a part is trained on"
    )
    parser.add_argument("--dev", type=float, default=0.03, help="share of the documents")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    nlp = spacy.blank("en")
    find_sentences = Sentencizer()
    properties = read_properties(args.data)
    rng = random.Random(args.seed)
    most, repeat = numbers(args.most), numbers(args.repeat)
    train: List[Doc] = []
    dev: List[Doc] = []
    types: Dict[str, RelationType] = {}
    for name in args.parts:
        part = READERS[name](args.data, nlp, properties, set(args.leave_out))
        for kind in part.types:
            if types.setdefault(kind.label, kind) != kind:
                raise SystemExit(f"{name}: {kind.label} means something else in another part")
        labels = [kind.label for kind in part.types]
        rng.shuffle(part.docs)
        del part.docs[most.get(name, len(part.docs)) :]
        n_dev = round(args.dev * len(part.docs))
        for doc in part.docs:
            if not doc.has_annotation("SENT_START"):
                find_sentences(doc)
            if part.types and asked_labels(doc) is None:
                ask_only(doc, labels)
        dev += part.docs[:n_dev]
        train += part.docs[n_dev:] * repeat.get(name, 1)
        n_relations = sum(len(get_relations(doc)) for doc in part.docs)
        print(f"{name}: {len(part.docs)} documents, {n_relations} relations, {len(labels)} labels")
    rng.shuffle(train)
    args.output.mkdir(parents=True, exist_ok=True)
    write_docs(train, args.output / "train.spacy")
    write_docs(dev, args.output / "dev.spacy")
    RelationSchema(types.values()).to_file(args.output / "schema.yaml")


def numbers(items: Sequence[str]) -> Dict[str, int]:
    """Numbers by the names of parts, from ``PART=N``."""
    return {name: int(n) for name, _, n in (item.partition("=") for item in items)}


def read_fewrel(
    data: Path, nlp: Language, properties: Dict[str, RelationType], left_out: Set[str]
) -> Part:
    """Sentences of one pair each, which have the property and its inverse.

    They are not asked about what else may hold of the pair, since nobody has annotated it.
    """
    path = data / "fewrel_train64" / "train_wiki_sample.json"
    ids = {key for key in srsly.read_json(path) if key not in left_out}
    types = {key: [properties[key]] for key in sorted(ids)}
    for key, inverse in read_inverses(ids).items():
        types[key].append(inverse)
    together = held_together(data, ids)
    docs = []
    for doc in convert_file(path, "fewrel", nlp, Report()):
        for rel in get_relations(doc):
            if rel.label in ids:
                copy = bare_copy(doc, sentences=True)
                ends = [Span(copy, x.start, x.end, label=x.label) for x in (rel.head, rel.tail)]
                copy.ents = spacy.util.filter_spans(ends)
                forth, *back = (kind.label for kind in types[rel.label])
                found = [Relation(ends[0], forth, ends[1], 1.0)]
                found += [Relation(ends[1], label, ends[0], 1.0) for label in back]
                set_relations(copy, found)
                asked = ids - together[rel.label] | {rel.label}
                ask_only(copy, [kind.label for key in sorted(asked) for kind in types[key]])
                docs.append(copy)
    return Part(docs, [kind for kinds in types.values() for kind in kinds])


def read_redocred(
    data: Path, nlp: Language, properties: Dict[str, RelationType], left_out: Set[str]
) -> Part:
    """The sentences of Re-DocRED's dev part; a relation counts in a sentence that shows it.

    Where no evidence is annotated, any sentence with both entities is taken to show it. A sentence
    with a relation that is left out is left out: its pair would be taken for unrelated.
    """
    docs, ids = [], set()
    for record in srsly.read_json(data / "redocred" / "dev_revised.json"):
        related: Dict[Tuple[int, int], List[Any]] = {}
        for item in record["labels"]:
            ids.add(item["r"])
            related.setdefault((item["h"], item["t"]), []).append(item)
        for number, words in enumerate(record["sents"]):
            doc = Doc(nlp.vocab, words=words, sent_starts=[i == 0 for i in range(len(words))])
            spans: Dict[Tuple[int, int], Tuple[int, Span]] = {}
            for entity, mentions in enumerate(record["vertexSet"]):
                for mention in mentions:
                    if mention["sent_id"] == number:
                        start, end = mention["pos"]
                        spans[start, end] = (entity, Span(doc, start, end, label=mention["type"]))
            chosen = [pair for _, pair in sorted(spans.items())]
            kept = {id(span) for span in spacy.util.filter_spans([span for _, span in chosen])}
            chosen = [pair for pair in chosen if id(pair[1]) in kept]
            if len({entity for entity, _ in chosen}) < 2:
                continue
            doc.ents = [span for _, span in chosen]
            shown = [
                (head, item["r"], tail)
                for h, head in chosen
                for t, tail in chosen
                for item in related.get((h, t), ())
                if not item.get("evidence") or number in item["evidence"]
            ]
            if not left_out & {key for _, key, _ in shown}:
                set_relations(
                    doc, [Relation(h, properties[key].label, t, 1.0) for h, key, t in shown]
                )
                docs.append(doc)
    return Part(docs, [properties[key] for key in sorted(ids - left_out)])


def read_knowledgenet(
    data: Path, nlp: Language, properties: Dict[str, RelationType], left_out: Set[str]
) -> Part:
    """Passages of KnowledgeNet; a label that another part has gets a name of its own."""
    taken = {kind.label for kind in read_domains(data, nlp, properties, left_out).types}
    taken.update(business_schema())
    names = {label: free_name(label, taken) for label in KNOWLEDGENET if label not in left_out}
    types = [
        RelationType(name, text, (head,), (tail,), symmetric=label == "SPOUSE", inferred=True)
        for label, name in names.items()
        for text, head, tail in [KNOWLEDGENET[label]]
    ]
    docs = list(passages(data / "knowledgenet" / "folds123.jsonl", nlp, [1, 2, 3], set(names)))
    for doc in docs:
        found = [Relation(x.head, names[x.label], x.tail, 1.0) for x in get_relations(doc)]
        set_relations(doc, found)
        ask_only(doc, sorted(names[label] for label in asked_labels(doc) or ()))
    return Part(docs, types)


def passages(path: Path, nlp: Language, folds: Sequence[int], labels: Set[str]) -> Iterator[Doc]:
    """Passages of KnowledgeNet with the arguments of their facts as entities."""
    for record in srsly.read_jsonl(path):
        if record["fold"] not in folds:
            continue
        doc = nlp.make_doc(record["text"])
        facts = [
            (doc.char_span(*fact["head"]), fact["label"], doc.char_span(*fact["tail"]))
            for fact in record["facts"]
            if fact["label"] in labels
        ]
        facts = [fact for fact in facts if fact[0] and fact[2]]
        spans = {
            (span.start, span.end): Span(doc, span.start, span.end, label="ENTITY")
            for head, _, tail in facts
            for span in (head, tail)
        }
        doc.ents = spacy.util.filter_spans(spans.values())
        known = {(span.start, span.end): span for span in doc.ents}
        found = [
            (known.get((head.start, head.end)), label, known.get((tail.start, tail.end)))
            for head, label, tail in facts
        ]
        relations = {
            (head.start, label, tail.start): Relation(head, label, tail, 1.0)
            for head, label, tail in found
            if head and tail and head != tail
        }
        set_relations(doc, relations.values())
        asked = [label for label in record["annotated_properties"] if label in labels]
        if asked and len(doc.ents) > 1:
            ask_only(doc, asked)
            yield doc


def read_semeval(
    data: Path, nlp: Language, properties: Dict[str, RelationType], left_out: Set[str]
) -> Part:
    path = data / "semeval2010_task8" / "TRAIN_FILE.TXT"
    docs = list(convert_file(path, "semeval", nlp, Report(on_error="skip"), alignment="expand"))
    return Part(docs, [RelationType(label, text) for label, text in SEMEVAL.items()])


def read_business(
    data: Path, nlp: Language, properties: Dict[str, RelationType], left_out: Set[str]
) -> Part:
    docs = list(convert_file(ASSETS / "business_train.jsonl", "auto", nlp, Report(on_error="skip")))
    return Part(docs, list(business_schema().values()))


def business_schema() -> RelationSchema:
    return RelationSchema.from_file(ASSETS / "business_schema.yaml")


def read_domains(
    data: Path, nlp: Language, properties: Dict[str, RelationType], left_out: Set[str]
) -> Part:
    """Sentences with the relations of many domains, each asked about those of its own."""
    docs: List[Doc] = []
    types: Dict[str, RelationType] = {}
    taken = {kind.label for kind in properties.values()} | {*business_schema()}
    taken.update(kind.label for kind in read_inverses(properties).values())
    for path in sorted((ASSETS / "domains").glob("*.yaml")):
        if path.stem in left_out:
            continue
        schema = RelationSchema.from_file(path)
        names = {}
        for kind in schema.values():
            name = free_name(kind.label, taken)
            taken.add(name)
            names[kind.label] = name
            types[name] = replace(kind, label=name, inferred=True)
        docs += read_marked(path.with_suffix(".txt"), nlp, names)
    return Part(docs, list(types.values()))


def free_name(label: str, taken: Set[str]) -> str:
    """The name of a label, with underscores at its end, which are no words, where others have it."""
    while label in taken:
        label += "_"
    return label


def read_marked(path: Path, nlp: Language, labels: Mapping[str, str]) -> Iterator[Doc]:
    """Sentences with mentions marked as ``[words](TYPE)``, and their relations.

    Args:
        path: the file: a sentence on a line, and a line ``head | LABEL | tail`` for each of its
            relations. Empty lines stand between sentences.
        nlp: the pipeline whose tokenizer is used.
        labels: names of the labels in the documents, which are asked about these, by those in the file.
    """
    for block in path.read_text(encoding="utf8").strip().split("\n\n"):
        marked, *lines = block.splitlines()
        text, places, end = "", {}, 0
        for match in _MARKED.finditer(marked):
            text += marked[end : match.start()]
            places[match[1]] = (len(text), len(text) + len(match[1]), match[2])
            text, end = text + match[1], match.end()
        text += marked[end:]
        doc = nlp.make_doc(text)
        spans = {
            words: doc.char_span(start, end, label=label)
            for words, (start, end, label) in places.items()
        }
        doc.ents = spans.values()
        relations = []
        for line in lines:
            head, label, tail = (part.strip() for part in line.split(" | "))
            relations.append(Relation(spans[head], labels[label], spans[tail], 1.0))
        set_relations(doc, relations)
        ask_only(doc, labels.values())
        yield doc


def read_unrelated(
    data: Path, nlp: Language, properties: Dict[str, RelationType], left_out: Set[str]
) -> Part:
    """Sentences of which no label holds, with names of the business corpus."""
    names: Dict[str, List[str]] = {}
    for record in srsly.read_jsonl(ASSETS / "business_train.jsonl"):
        for ent in record["entities"]:
            name = record["text"][ent["start"] : ent["end"]]
            names.setdefault(BUSINESS_TYPES.get(ent["label"], ent["label"]), []).append(name)
    rng = random.Random(0)
    docs = []
    for template in (ASSETS / "unrelated_templates.txt").read_text(encoding="utf8").splitlines():
        for _ in range(N_FILLED):
            text, spans = "", []
            for i, piece in enumerate(re.split(r"[{}]", template)):
                if i % 2:  # the type of a name
                    name = rng.choice(names[piece])
                    spans.append((len(text), len(text) + len(name), piece))
                    piece = name
                text += piece
            doc = nlp.make_doc(text)
            found = [doc.char_span(start, end, label=label) for start, end, label in spans]
            doc.ents = [span for span in found if span]
            docs.append(doc)
    return Part(docs, [])


READERS = {
    "fewrel": read_fewrel,
    "redocred": read_redocred,
    "knowledgenet": read_knowledgenet,
    "semeval": read_semeval,
    "business": read_business,
    "domains": read_domains,
    "unrelated": read_unrelated,
}

if __name__ == "__main__":
    main()
