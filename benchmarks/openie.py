"""Open information extraction on the dev part of CaRB (Bhardwaj et al. 2019), by its scorer made anew.

    python benchmarks/openie.py evaluate DATA [--parser en_core_web_sm] [--textacy]
    python benchmarks/openie.py fit DATA [--parser en_core_web_sm]

DATA holds carb/dev.tsv: sentence, predicate and arguments of each tuple. `evaluate` prints precision,
recall and F1 where F1 is best, the area under the curve of precision and recall, and sentences a CPU
second, the parser's included; and the precision of tuples by their confidence, for which each fifth of
the sentences has weights from the others. `fit` writes the weights that the package has.
"""

import argparse
import re
import string
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Tuple

import numpy
import spacy
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from spacy.language import Language
from spacy.tokens import Doc

from rel_component.openie import weights
from rel_component.openie.clauses import ROLES
from rel_component.openie.confidence import features
from rel_component.openie.parses import read_parse
from rel_component.openie.relations import open_relations
from rel_component.openie.tuples import Choices, find_tuples
from rel_component.types import Relation

BE = ("be", "is", "am", "are", "was", "were", "been", "being")
SAID = ("said", "told", "added", "adds", "says")
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}


class Extraction(NamedTuple):
    """A tuple: predicate, arguments, confidence."""

    predicate: str
    arguments: Tuple[str, ...]
    confidence: float = 1.0


Found = Dict[str, List[Extraction]]
"""Tuples by sentence."""


class Score(NamedTuple):
    """Precision, recall and F1 where F1 is best, and the area under the curve."""

    precision: float
    recall: float
    f1: float
    auc: float


def read_gold(path: Path) -> Found:
    """The tuples of each sentence."""
    gold: Dict[str, List[Extraction]] = defaultdict(list)
    with path.open(encoding="utf8") as file:
        for line in file:
            text, predicate, *arguments = line.strip().split("\t")
            gold[text.strip()].append(Extraction(predicate, tuple(a.strip() for a in arguments)))
    return dict(gold)


def match(gold: Extraction, found: Extraction) -> Tuple[float, float]:
    """Precision and recall of words: the default match of CaRB, of two arguments."""
    gold, found = (x._replace(arguments=_two(x.arguments)) for x in (gold, found))
    straight = _match(gold, found)
    if not any(word in gold.predicate for word in SAID) or len(found.arguments) < 2:
        return straight
    return max(straight, _match(gold, found._replace(arguments=found.arguments[::-1])))


def _two(arguments: Sequence[str]) -> Tuple[str, ...]:
    return (arguments[0], " ".join(arguments[1:])) if len(arguments) > 1 else tuple(arguments)


def _match(gold: Extraction, found: Extraction) -> Tuple[float, float]:
    wanted, given = gold.predicate.split(), Counter(found.predicate.split())
    common = (Counter(wanted) & given).total()
    if (given - Counter(wanted))["be"] and any(form in wanted for form in BE):
        common += 1
    if not common:
        return 0.0, 0.0
    n_found, n_gold = given.total(), len(wanted)
    for i, argument in enumerate(gold.arguments):
        n_gold += len(argument.split())
        if i >= len(found.arguments):
            if i < 2:
                return 0.0, 0.0
            continue
        n_found += len(found.arguments[i].split())
        common += (Counter(argument.split()) & Counter(found.arguments[i].split())).total()
    return common / n_found if n_found else 0.0, common / n_gold if n_gold else 0.0


def _key(text: str) -> str:
    text = text.replace(" ", "")
    for escape, bracket in _BRACKETS.items():
        text = text.replace(escape, bracket)
    return _PUNCTUATION.sub("", text)


def assign(scores: numpy.ndarray) -> List[Tuple[int, int]]:
    """Pairs of gold and found tuples, the most precise first, each tuple in one pair at most."""
    scores = scores.copy()
    pairs = []
    for _ in range(min(scores.shape)):
        i, j = numpy.unravel_index(int(scores.argmax()), scores.shape)
        pairs.append((int(i), int(j)))
        scores[i, :] = scores[:, j] = -1.0
    return pairs


def score(gold: Found, found: Found) -> Score:
    """Score the tuples of sentences."""
    by_key = {_key(text): rows for text, rows in found.items()}
    levels = sorted({row.confidence for rows in found.values() for row in rows})
    if not levels:
        return Score(0.0, 0.0, 0.0, 0.0)
    place = {level: i for i, level in enumerate(levels)}
    sums = numpy.zeros((4, len(levels)))  # right and found words, right and gold words
    for text, wanted in {_key(text): rows for text, rows in gold.items()}.items():
        rows = by_key.get(text, [])
        table = numpy.asarray([[match(g, f) for f in rows] for g in wanted]).reshape(
            len(wanted), len(rows), 2
        )
        previous = 0
        for level in sorted({row.confidence for row in rows}):
            kept = [j for j, row in enumerate(rows) if row.confidence >= level]
            part = table[:, kept]
            exact = sum(part[i, j, 0] for i, j in assign(part[:, :, 0]))
            i = place[level]
            sums[:, previous : i + 1] += numpy.asarray(
                [exact, len(kept), part[:, :, 1].max(axis=1).sum(), len(wanted)]
            )[:, None]
            previous = i + 1
        sums[3, previous:] += len(wanted)
    right, n_found, covered, n_gold = sums
    precision = numpy.where(n_found > 0, right / numpy.maximum(n_found, 1), 1.0)
    recall = numpy.where(n_gold > 0, covered / numpy.maximum(n_gold, 1), 0.0)
    f1 = 2 * precision * recall / numpy.maximum(precision + recall, 1e-12)
    best = int(f1.argmax())
    p, r = numpy.append(precision, 1.0), numpy.append(recall, 0.0)
    area = abs(numpy.trapezoid(p, r))
    return Score(*(float(x) for x in (precision[best], recall[best], f1[best], area)))


def tuple_of(relation: Relation) -> Extraction:
    """An open relation as CaRB writes it: words of the predicate, arguments with their prepositions."""
    statement = relation.statement
    predicate = " ".join(span.text for span in statement.predicate)
    if relation.label.split()[0] == "be" and not (set(predicate.split()) & set(BE)):
        predicate = f"be {predicate}"
    others = (
        span.text if role in ROLES.values() else f"{role} {span.text}"
        for role, span in statement.arguments
    )
    arguments = (relation.head.text, relation.tail.text, *others)
    return Extraction(_plain(predicate), tuple(map(_plain, arguments)), relation.score)


def _plain(text: str) -> str:
    return " ".join(text.split())


def make_pipeline(name: str, **config: Any) -> Language:
    """The parser, and the extractor after it."""
    nlp = spacy.load(name, exclude=["ner"])
    nlp.add_pipe("open_relation_extractor", config=config)
    return nlp


def parse(nlp: Language, texts: Iterable[str]) -> Tuple[List[Doc], float]:
    """The documents, and the CPU seconds that they took."""
    begin = time.process_time()
    docs = list(nlp.pipe(texts, batch_size=64))
    return docs, time.process_time() - begin


def extractions(docs: Iterable[Doc], gold: Found) -> Found:
    """The tuples of each sentence."""
    return {text: [tuple_of(rel) for rel in doc._.rel] for text, doc in zip(gold, docs)}


def show(name: str, found: Found, gold: Found, seconds: float) -> None:
    """Print a row of the table."""
    scores = score(gold, found)
    rate = len(gold) / seconds
    print(f"| {name} | " + " | ".join(f"{x:.3f}" for x in scores) + f" | {rate:.0f} |", flush=True)


def evaluate(data: Path, parser: str, with_textacy: bool) -> None:
    """Print the scores of the extractor with its choices, and of textacy."""
    gold = read_gold(data / "carb" / "dev.tsv")
    print("| system | precision | recall | F1 | AUC | sentences a CPU second |")
    print("|---" * 6 + "|")
    choices: Dict[str, Dict[str, Any]] = {
        "open_relation_extractor": {},
        "the same, arguments joined by 'and' kept": {"coordination": "keep"},
        "without appositions": {"appositions": False},
        "with possessives": {"possessives": True},
    }
    for name, config in choices.items():
        docs, seconds = parse(make_pipeline(parser, **config), gold)
        show(name, extractions(docs, gold), gold, seconds)
        if not config:
            show_out_of_fold(docs, gold, seconds)
    if with_textacy:
        show_textacy(spacy.load(parser, exclude=["ner"]), gold)


def show_textacy(nlp: Language, gold: Found) -> None:
    """The same for the subject-verb-object triples of textacy."""
    from textacy.extract import subject_verb_object_triples

    begin = time.process_time()
    found: Found = {}
    for text, doc in zip(gold, nlp.pipe(gold, batch_size=64)):
        rows = []
        for triple in subject_verb_object_triples(doc):
            subject, verb, thing = (" ".join(t.text for t in part) for part in triple)
            rows.append(Extraction(verb, (subject, thing)))
        found[text] = rows
    show("textacy, subject_verb_object_triples", found, gold, time.process_time() - begin)


class Tuples(NamedTuple):
    """All tuples: facts, precision, number of the sentence, and as CaRB writes them."""

    facts: List[Dict[str, float]]
    precision: numpy.ndarray
    sentences: numpy.ndarray
    rows: List[Extraction]


def read_tuples(docs: Sequence[Doc], gold: Found) -> Tuples:
    """The tuples of the documents, each with the precision of the gold tuple that it is paired with."""
    facts: List[Dict[str, float]] = []
    rows: List[Extraction] = []
    values: List[float] = []
    sentences: List[int] = []
    for number, (wanted, doc) in enumerate(zip(gold.values(), docs)):
        parsed = read_parse(doc)
        facts += [features(parsed, found) for found in find_tuples(parsed, Choices())]
        found = [tuple_of(rel) for rel in open_relations(doc)]
        table = numpy.asarray([[match(g, f)[0] for f in found] for g in wanted])
        table = table.reshape(len(wanted), len(found))
        paired = {j: table[i, j] for i, j in assign(table)}
        values += [paired.get(j, 0.0) for j in range(len(found))]
        sentences += [number] * len(found)
        rows += found
    return Tuples(facts, numpy.asarray(values), numpy.asarray(sentences), rows)


def train(facts: numpy.ndarray, values: numpy.ndarray) -> LogisticRegression:
    """A logistic regression on precisions: each tuple counts as found and not found by its share."""
    both, n = numpy.concatenate([facts, facts]), len(values)
    classes = numpy.repeat([1, 0], n)
    model = LogisticRegression(C=0.3, max_iter=2000)
    return model.fit(both, classes, sample_weight=numpy.concatenate([values, 1 - values]))


def show_out_of_fold(docs: Sequence[Doc], gold: Found, seconds: float) -> None:
    """Scores with confidences that no sentence has taught for itself, and their precision."""
    tuples = read_tuples(docs, gold)
    facts = DictVectorizer(sparse=False).fit_transform(tuples.facts)
    confidences = numpy.zeros(len(facts))
    folds = GroupKFold(5, shuffle=True, random_state=0)
    for known, held_out in folds.split(facts, groups=tuples.sentences):
        model = train(facts[known], tuples.precision[known])
        confidences[held_out] = model.predict_proba(facts[held_out])[:, 1]
    found: Found = {text: [] for text in gold}
    texts = list(gold)
    for number, row, value in zip(tuples.sentences, tuples.rows, confidences):
        found[texts[number]].append(row._replace(confidence=float(value)))
    show("the same, confidence of five folds", found, gold, seconds)
    fifths = numpy.array_split(confidences.argsort(), 5)
    told = ", ".join(
        f"{confidences[i].mean():.2f}: {tuples.precision[i].mean():.2f}" for i in fifths
    )
    print(f"|   confidence: precision of fifths | {told} |" + " |" * 4)


def fit(data: Path, parser: str) -> None:
    """Write the weights."""
    gold = read_gold(data / "carb" / "dev.tsv")
    docs, _ = parse(make_pipeline(parser), gold)
    tuples = read_tuples(docs, gold)
    vectorizer = DictVectorizer(sparse=False)
    model = train(vectorizer.fit_transform(tuples.facts), tuples.precision)
    path = Path(weights.__file__)
    lines = [
        '"""Weights of :mod:`.confidence`, written by ``benchmarks/openie.py fit``."""\n',
        f"BIAS = {model.intercept_[0]:.4f}\n",
        "WEIGHTS = {",
        *(
            f'    "{name}": {value:.4f},'
            for name, value in zip(vectorizer.get_feature_names_out(), model.coef_[0])
        ),
        "}\n",
    ]
    path.write_text("\n".join(lines), encoding="utf8")
    print(f"{len(tuples.rows)} tuples, {len(model.coef_[0])} weights: {path}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("command", choices=["evaluate", "fit"])
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--parser", default="en_core_web_sm")
    arguments.add_argument("--textacy", action="store_true")
    options = arguments.parse_args()
    if options.command == "fit":
        fit(options.data, options.parser)
    else:
        evaluate(options.data, options.parser, options.textacy)
