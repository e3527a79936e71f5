"""``spacy rel evaluate``."""

from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

import srsly
from spacy.cli._util import Arg, Opt, setup_gpu
from spacy.scorer import Scorer
from spacy.training import Example
from wasabi.tables import table

from ..annotations import DEFAULT_ATTR
from ..corpora.corpus import make_relation_corpus
from ..evaluation.mistakes import REASONS, Mistakes, find_mistakes
from ..pipelines import entity_finders, find_extractor, load_pipeline
from .messages import clear_errors, printer, progress

_ROWS = {
    "strict": "rel",
    "boundaries": "rel_boundaries",
    "undirected": "rel_undirected",
    "within one sentence": "rel_within_sentence",
    "across sentences": "rel_across_sentences",
    "pairs, with NO_RELATION": "rel_with_none",
}


class Evaluation(NamedTuple):
    """Scores of a pipeline, and the mistakes behind them."""

    scores: Dict[str, Any]
    mistakes: Mistakes


def evaluate_cli(
    model: str = Arg(..., help="Name or path of a pipeline, or a config of one"),
    data_path: Path = Arg(..., help="Annotated documents, a .spacy file or folder", exists=True),
    output: Optional[Path] = Opt(None, "--output", "-o", help="JSON file for the scores"),
    mistakes: Optional[Path] = Opt(
        None, "--mistakes", "-m", help="JSONL file for every missed and every spurious relation"
    ),
    gold_entities: bool = Opt(
        False, "--gold-entities", "-G", help="Only with the annotated mentions given"
    ),
    gold_tokens: bool = Opt(
        True, "--gold-tokens/--own-tokens", help="Give it the annotated tokens"
    ),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU, -1 for CPU"),
    json: bool = Opt(False, "--json", help="Print the scores as JSON"),
) -> None:
    """Evaluate a pipeline: entities, relations end to end and between annotated mentions, mistakes."""
    msg = printer(json=json)
    setup_gpu(gpu_id, silent=json)
    with clear_errors():
        scores, found = evaluate(
            model, data_path, gold_entities=gold_entities, gold_tokens=gold_tokens
        )
    for path in (output, mistakes):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    if output is not None:
        srsly.write_json(output, scores)
    if mistakes is not None:
        srsly.write_jsonl(mistakes, [mistake.to_json() for mistake in found.mistakes])
    if json:
        print(srsly.json_dumps(scores))
        return
    if not gold_entities and scores.get("ents_per_type"):
        msg.divider("Entities by type")
        print(_per_type({**scores["ents_per_type"], **_totals(scores["ents_per_type"], scores)}))
    msg.divider(f"Relations, mentions {'annotated' if gold_entities else 'as predicted'}")
    print(_overview(scores))
    if "gold_entities" in scores:
        msg.divider("Relations, mentions annotated")
        print(_overview(scores["gold_entities"]))
    msg.divider("Relations by type, strict")
    print(_per_type(scores["rel_per_type"]))
    msg.divider("Where mistakes come from, strict")
    print(_reasons(scores["mistakes"]))


def evaluate(
    model: str, data_path: Path, *, gold_entities: bool = False, gold_tokens: bool = True
) -> Evaluation:
    """Scores of a pipeline on annotated documents, and its mistakes.

    Where the pipeline finds the mentions itself, the scores end to end are joined by those of a
    second pass over annotated mentions, as ``scores["gold_entities"]``. ``scores["mistakes"]``
    counts the mistakes by reason.

    Args:
        model: name or path of a trained pipeline.
        data_path: a ``.spacy`` file or a folder of them.
        gold_entities: whether the pipeline is only given the annotated mentions; components that
            find mentions are then left out.
        gold_tokens: whether it is given the annotated tokens.

    Raises:
        DataError: if the documents cannot be read.
    """
    nlp = load_pipeline(model)
    extractor = find_extractor(nlp)
    spans_key = getattr(extractor, "spans_key", None)

    def examples(given: bool) -> List[Example]:
        corpus = make_relation_corpus(
            data_path, gold_entities=given, gold_tokens=gold_tokens, spans_key=spans_key
        )
        return list(progress(corpus(nlp), unit="docs"))

    finders = entity_finders(nlp, spans_key)
    scorer = _KeepingScorer(nlp)
    with nlp.select_pipes(disable=finders if gold_entities else []):
        scores = nlp.evaluate(examples(gold_entities), scorer=scorer)
    scores["n_docs"] = len(scorer.examples)
    mistakes = find_mistakes(
        scorer.examples,
        symmetric=extractor.schema.symmetric_labels if extractor is not None else (),
        spans_key=spans_key,
        attr=getattr(extractor, "attr", DEFAULT_ATTR),
    )
    scores["mistakes"] = mistakes.to_dict()
    if finders and not gold_entities:
        with nlp.select_pipes(disable=finders):
            given = nlp.evaluate(examples(True))
        scores["gold_entities"] = {k: v for k, v in given.items() if k.startswith("rel_")}
    return Evaluation(scores, mistakes)


class _KeepingScorer(Scorer):
    """Keeps the examples with what was predicted; ``nlp.evaluate`` predicts on copies."""

    def score(self, examples: Iterable[Example], *, per_component: bool = False) -> Dict[str, Any]:
        self.examples = list(examples)
        return super().score(self.examples, per_component=per_component)


def _percent(value: Optional[float]) -> str:
    return "-" if value is None else f"{100 * value:.2f}"


def _overview(scores: Dict[str, Any]) -> str:
    rows: List[List[str]] = []
    for title, group in _ROWS.items():
        keys = [f"{group}_{kind}_{key}" for kind in ("micro", "macro") for key in ("p", "r", "f")]
        rows.append([title, *(_percent(scores.get(key)) for key in keys)])
    header = ["", "micro P", "R", "F1", "macro P", "R", "F1"]
    return str(table(rows, header=header, divider=True, aligns=["l", *"rrrrrr"]))


def _per_type(per_type: Dict[str, Dict[str, float]]) -> str:
    rows = [[label, *(_percent(prf[key]) for key in "prf")] for label, prf in per_type.items()]
    return str(table(rows, header=["", "P", "R", "F1"], divider=True, aligns=["l", *"rrr"]))


def _totals(
    per_type: Dict[str, Dict[str, float]], scores: Dict[str, Any]
) -> Dict[str, Dict[str, float]]:
    n_types = max(len(per_type), 1)
    return {
        "all, micro": {key: scores[f"ents_{key}"] for key in "prf"},
        "all, macro": {key: sum(prf[key] for prf in per_type.values()) / n_types for key in "prf"},
    }


def _reasons(counts: Dict[str, Any]) -> str:
    missed, spurious = counts["missed"], counts["spurious"]
    rows = [
        [reason, *(str(part.get(reason, "")) for part in (missed, spurious))]
        for reason in REASONS
        if reason in missed or reason in spurious
    ]
    rows.append(["all", *(str(sum(part.values())) for part in (missed, spurious))])
    rows.append(["right", str(counts["right"]), str(counts["right"])])
    header = ["", "missed", "spurious"]
    return str(table(rows, header=header, divider=True, aligns=["l", "r", "r"]))
