"""``spacy rel evaluate``"""

from pathlib import Path
from typing import Any, Dict, List, Optional

import srsly
from spacy import util
from spacy.cli._util import Arg, Opt, setup_gpu
from wasabi.tables import table

from ..corpus import make_relation_corpus
from .messages import clear_errors, printer, progress

_ROWS = {
    "strict": "rel",
    "boundaries": "rel_boundaries",
    "undirected": "rel_undirected",
    "within one sentence": "rel_within_sentence",
    "across sentences": "rel_across_sentences",
    "pairs, with NO_RELATION": "rel_with_none",
}


def evaluate_cli(
    model: str = Arg(..., help="Name or path of a trained pipeline"),
    data_path: Path = Arg(..., help="Annotated documents, a .spacy file or folder", exists=True),
    output: Optional[Path] = Opt(None, "--output", "-o", help="JSON file for the scores"),
    gold_entities: bool = Opt(
        False, "--gold-entities", "-G", help="Give the pipeline the annotated mentions"
    ),
    gold_tokens: bool = Opt(
        True, "--gold-tokens/--own-tokens", help="Give it the annotated tokens"
    ),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU, -1 for CPU"),
    json: bool = Opt(False, "--json", help="Print the scores as JSON"),
) -> None:
    """Evaluate a pipeline end to end, or with the annotated mentions."""
    msg = printer(json=json)
    setup_gpu(gpu_id, silent=json)
    with clear_errors():
        scores = evaluate(model, data_path, gold_entities=gold_entities, gold_tokens=gold_tokens)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        srsly.write_json(output, scores)
    if json:
        print(srsly.json_dumps(scores))
        return
    mentions = "annotated mentions" if gold_entities else "mentions as predicted"
    msg.divider(f"Relations, {mentions}")
    print(_overview(scores))
    msg.divider("Relations by type, strict")
    print(_per_type(scores["rel_per_type"]))
    if not gold_entities and scores.get("ents_per_type"):
        msg.divider("Entities by type")
        total = {"p": scores["ents_p"], "r": scores["ents_r"], "f": scores["ents_f"]}
        print(_per_type({**scores["ents_per_type"], "all": total}))


def evaluate(
    model: str, data_path: Path, *, gold_entities: bool = False, gold_tokens: bool = True
) -> Dict[str, Any]:
    """Scores of a pipeline on annotated documents.

    model: name or path of a trained pipeline.
    data_path: a ``.spacy`` file or a folder of them.
    gold_entities: whether the pipeline is given the annotated mentions; components that find
        entities are then left out.
    gold_tokens: whether it is given the annotated tokens.

    :raises DataError: if the documents cannot be read.
    """
    nlp = util.load_model(model)
    extractor = nlp.get_pipe("relation_extractor") if nlp.has_pipe("relation_extractor") else None
    corpus = make_relation_corpus(
        data_path,
        gold_entities=gold_entities,
        gold_tokens=gold_tokens,
        spans_key=getattr(extractor, "spans_key", None),
    )
    examples = list(progress(corpus(nlp), unit="docs"))
    finders = [name for name in nlp.pipe_names if "doc.ents" in nlp.get_pipe_meta(name).assigns]
    with nlp.select_pipes(disable=finders if gold_entities else []):
        scores = nlp.evaluate(examples)
    scores["n_docs"] = len(examples)
    return scores


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
