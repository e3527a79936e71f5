"""Links to knowledge bases on public data, and names to entities without one.

    python benchmarks/linking.py DATA [--encoder FOLDER]

DATA holds the folders biored, mesh and wiki_fair. BioRED's mentions of diseases and chemicals are given
and linked to MeSH, with the names of the training part; ``all`` counts every mention, also those whose
concept neither MeSH nor the training part has, as the dictionary does that looks names up. The mentions
of wiki_fair, pronouns among them, are given without types, and its knowledge base without aliases, which
were collected from these very mentions. The entities of BioRED are found again without MeSH, over all
documents of dev. Figures are printed as Markdown; only dev parts are read.
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Tuple

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from rel_component.converters.formats.pubtator import FORMAT
from rel_component.converters.report import Report
from rel_component.linking.build import build_kb
from rel_component.linking.canonical import Canonicalizer
from rel_component.linking.corpus import compare_ids
from rel_component.linking.knowledge_base import KnowledgeBase, load_kb
from rel_component.mentions import normalize_name

_TYPES = {"DiseaseOrPhenotypicFeature": ["Disease"], "ChemicalEntity": ["Chemical"]}
_NO_ENTITY = {"DATETIME", "QUANTITY"}

Mentions = List[Span]


class Corpus(NamedTuple):
    """Documents with their mentions, which may overlap, and whose kb_id is the annotated one."""

    docs: List[Doc]
    mentions: List[Mentions]

    @property
    def spans(self) -> Mentions:
        return [span for spans in self.mentions for span in spans]


def read_biored(nlp: Language, path: Path, labels: Iterable[str]) -> Corpus:
    corpus = Corpus([], [])
    for annotated in FORMAT.read(path, Report()):
        doc = nlp.make_doc(annotated.text)
        spans = [
            doc.char_span(m.start, m.end, label=m.label, kb_id=m.kb_id, alignment_mode="expand")
            for m in annotated.mentions
            if m.label in labels
        ]
        corpus.docs.append(doc)
        corpus.mentions.append(spans)
    return corpus


def read_wiki_fair(nlp: Language, path: Path, entities: KnowledgeBase) -> Corpus:
    corpus = Corpus([], [])
    with path.open(encoding="utf8") as lines:
        for record in map(json.loads, lines):
            doc = nlp.make_doc(record["text"])
            spans = []
            for label in record["labels"]:
                name = label["entity_id"]
                if name in _NO_ENTITY:
                    continue
                kb_id = name if entities.find(name) is not None else ""
                spans.append(doc.char_span(*label["span"], kb_id=kb_id, alignment_mode="expand"))
            corpus.docs.append(doc)
            corpus.mentions.append(spans)
    return corpus


def link(nlp: Language, corpus: Corpus) -> Tuple[List[List[Dict[str, Any]]], float]:
    """The candidates of each mention, and the mentions in a second."""
    docs = [bare(nlp, doc, spans) for doc, spans in zip(corpus.docs, corpus.mentions)]
    for name, pipe in nlp.pipeline:
        if name != "kb_linker":
            docs = list(pipe.pipe(docs, batch_size=16))
    linker = nlp.get_pipe("kb_linker")
    start = time.process_time()
    links = [found for of_doc in linker.predict(docs) for found in of_doc]
    return links, len(links) / (time.process_time() - start)


def bare(nlp: Language, doc: Doc, spans: Mentions) -> Doc:
    copy = nlp.make_doc(doc.text)
    copy.spans["mentions"] = [Span(copy, s.start, s.end, label=s.label_) for s in spans]
    return copy


def examples(nlp: Language, corpus: Corpus) -> List[Example]:
    made = []
    for doc, spans in zip(corpus.docs, corpus.mentions):
        doc.spans["mentions"] = spans
        made.append(Example(bare(nlp, doc, spans), doc))
    return made


def figures(
    spans: Sequence[Span], links: List[List[Dict[str, Any]]], kb: KnowledgeBase, threshold: float
) -> Dict[str, float]:
    counts = dict.fromkeys(
        ("all", "linkable", "right", "hit", "nil", "nil_linked", "at1", "at10", "at50"), 0
    )
    for span, found in zip(spans, links):
        chosen = found[0]["id"] if found and found[0]["score"] >= threshold else ""
        counts["all"] += 1
        counts["right"] += bool(chosen) and chosen == span.kb_id_
        if kb.find(span.kb_id_) is None:
            counts["nil"] += 1
            counts["nil_linked"] += bool(chosen)
            continue
        counts["linkable"] += 1
        counts["hit"] += chosen == span.kb_id_
        ids = [row["id"] for row in found]
        for n in (1, 10, 50):
            counts[f"at{n}"] += span.kb_id_ in ids[:n]
    n = max(counts["linkable"], 1)
    nil_right = counts["nil"] - counts["nil_linked"]
    n_nil = sum(not (found and found[0]["score"] >= threshold) for found in links)
    return {
        "mentions": counts["all"],
        "right of all": counts["right"] / max(counts["all"], 1),
        "right of linkable": counts["hit"] / n,
        "recall at 1": counts["at1"] / n,
        "recall at 10": counts["at10"] / n,
        "recall at 50": counts["at50"] / n,
        "without entity, linked": counts["nil_linked"] / max(counts["nil"], 1),
        "no link, F1": 2 * nil_right / max(n_nil + counts["nil"], 1),
        "micro F1": 2 * counts["hit"] / max(counts["linkable"] + counts["all"] - n_nil, 1),
    }


def dictionary(spans: Sequence[Span], kb: KnowledgeBase, seen: Sequence[Span] = ()) -> List[Any]:
    """Links by the name alone: that of the training part, or else of the knowledge base."""
    names: Dict[str, Dict[str, int]] = {}
    for span in seen:
        counts = names.setdefault(normalize_name(span.text), {})
        counts[span.kb_id_] = counts.get(span.kb_id_, 0) + 1
    found = []
    for span in spans:
        counts = names.get(normalize_name(span.text))
        equal = [kb.entity_id(int(kb.entities_of([n])[0])) for n in kb.exact(span.text)]
        best = max(counts, key=counts.get) if counts else equal[0] if equal else ""
        found.append([{"id": best, "score": 1.0}] if best else [])
    return found


def show(title: str, rows: Dict[str, Dict[str, float]]) -> None:
    names = list(next(iter(rows.values())))
    print(f"\n### {title}\n\n| | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for name, row in rows.items():
        cells = [f"{v:.0f}" if k == "mentions" else f"{100 * v:.1f}" for k, v in row.items()]
        print(f"| {name} | {' | '.join(cells)} |")


def make_pipeline(kb: Path, encoder: str, **options: Any) -> Language:
    nlp = spacy.blank("en")
    if encoder:
        model = {"@architectures": "rel_component.Encoder.v1", "name": encoder}
        one = [Example.from_dict(nlp.make_doc("text"), {})]
        nlp.add_pipe("shared_encoder", config={"model": model}).initialize(lambda: one, nlp=nlp)
    config = {"kb": str(kb), "n_candidates": 50, "spans_key": "mentions", **options}
    nlp.add_pipe("kb_linker", config=config)
    return nlp


def biored(data: Path, folder: Path, encoder: str) -> None:
    start = time.perf_counter()
    built = build_kb(data / "mesh" / "entities.jsonl", folder / "mesh")
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    kb = load_kb(folder / "mesh")
    print(
        f"MeSH: {len(built)} entities, {built.n_names} names, built in {seconds:.1f} s, "
        f"loaded in {time.perf_counter() - start:.2f} s"
    )
    nlp = make_pipeline(folder / "mesh", encoder, types=_TYPES)
    linker: Any = nlp.get_pipe("kb_linker")
    train = read_biored(nlp, data / "biored" / "Train.PubTator", _TYPES)
    dev = read_biored(nlp, data / "biored" / "Dev.PubTator", _TYPES)
    rows: Dict[str, Dict[str, float]] = {}

    def add(name: str, links: List[Any], known: KnowledgeBase) -> None:
        for label in _TYPES:
            chosen = [i for i, span in enumerate(dev.spans) if span.label_ == label]
            rows[f"{name}, {_TYPES[label][0].lower()}s"] = figures(
                [dev.spans[i] for i in chosen], [links[i] for i in chosen], known, linker.threshold
            )

    if encoder:
        linker.encode_entities(nlp)
    add("kb_linker, fixed weights, names of MeSH", link(nlp, dev)[0], kb)
    start = time.perf_counter()
    pairs = examples(nlp, train)
    if encoder:
        list(nlp.get_pipe("shared_encoder").pipe([eg.predicted for eg in pairs], batch_size=16))
    linker.initialize(lambda: pairs, nlp=nlp)
    print(f"learned from {len(train.spans)} mentions in {time.perf_counter() - start:.0f} s")
    add("kb_linker, trained", link(nlp, dev)[0], linker.kb)
    add("dictionary", dictionary(dev.spans, kb, train.spans), linker.kb)
    show("BioRED dev, MeSH", rows)
    linker.n_candidates = 10
    linker.set_kb(linker.kb)
    _, speed = link(nlp, dev)
    print(f"\n{speed:.0f} mentions in a second of one core")


def wiki_fair(data: Path, folder: Path, encoder: str) -> None:
    rows = map(json.loads, (data / "wiki_fair" / "entities.jsonl").open(encoding="utf8"))
    names = [json.dumps({**row, "aliases": []}) for row in rows]
    (folder / "entities.jsonl").write_text("\n".join(names), encoding="utf8")
    kb = build_kb(folder / "entities.jsonl", folder / "wiki_fair")
    nlp = make_pipeline(folder / "wiki_fair", encoder)
    linker: Any = nlp.get_pipe("kb_linker")
    dev = read_wiki_fair(nlp, data / "wiki_fair" / "dev.jsonl", kb)
    if encoder:
        linker.encode_entities(nlp)
    links, _ = link(nlp, dev)
    table = {"dictionary": figures(dev.spans, dictionary(dev.spans, kb), kb, 0.5)}
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7):
        table[f"kb_linker, threshold {threshold}"] = figures(dev.spans, links, kb, threshold)
    show("wiki_fair dev", table)


def canonical(data: Path) -> None:
    nlp = spacy.blank("en")
    labels = {*_TYPES, "GeneOrGeneProduct"}
    dev = read_biored(nlp, data / "biored" / "Dev.PubTator", labels)
    canonicalizer = Canonicalizer(spans_key="mentions")
    found, names = [], []
    start = time.process_time()
    for doc, spans in zip(dev.docs, dev.mentions):
        doc.spans["mentions"] = spans = [span for span in spans if span.kb_id_]
        ids = canonicalizer.add(doc)
        found += [(span.kb_id_, ids[span.start, span.end]) for span in spans]
        names += [(span.kb_id_, f"{span.label_} {normalize_name(span.text)}") for span in spans]
    seconds = time.process_time() - start
    print("\n### BioRED dev, entities over all documents without MeSH: B3\n")
    print("| | entities | P | R | F1 |\n|---|---|---|---|---|")
    for name, pairs in (("equal names", names), ("canonicalize", found)):
        b3 = compare_ids(pairs)
        n = len({given for _, given in pairs})
        print(f"| {name} | {n} | " + " | ".join(f"{100 * b3[k]:.1f}" for k in "prf") + " |")
    print(f"\n{len(found) / seconds:.0f} mentions in a second of one core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", default="")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        biored(arguments.data, Path(folder), arguments.encoder)
        wiki_fair(arguments.data, Path(folder), arguments.encoder)
    canonical(arguments.data)


if __name__ == "__main__":
    main()
