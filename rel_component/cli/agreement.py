"""``spacy rel agreement``."""

from math import isnan
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

import spacy
import srsly
from spacy.cli._util import Arg, Opt
from spacy.tokens import Doc
from wasabi.printer import Printer
from wasabi.tables import table

from ..errors import ConfigError
from ..evaluation.agreement.disagreements import Disagreement, find_disagreements
from ..evaluation.agreement.documents import SharedDocuments, match_documents
from ..evaluation.agreement.measures import Agreement, Coefficients, Pairwise, measure_agreement
from ..evaluation.agreement.merging import Merged, merge_agreed
from ..evaluation.agreement.pairs import PairLimits
from ..evaluation.intervals import Estimate
from ..schema import RelationSchema
from ..spacy_files import read_docs, write_docs
from .messages import clear_errors, printer, progress

MAX_PROBLEMS_SHOWN = 20

_F1_ROWS = {
    "mentions, span and type": ("mentions", "strict"),
    "mentions, span": ("mentions", "span"),
    "relations, strict": ("relations", "strict"),
    "relations, undirected": ("relations", "undirected"),
    "relations of agreed mentions": ("relations", "agreed_mentions"),
}

_Show = Callable[[float], str]


class Comparison(NamedTuple):
    """How far annotators agree, what they disagree on, and what is agreed if that was asked for."""

    agreement: Agreement
    disagreements: List[Disagreement]
    merged: Optional[Merged]


def agreement_cli(
    paths: List[Path] = Arg(
        ..., help="Documents of each annotator, .spacy files or folders, two or more", exists=True
    ),
    names: Optional[str] = Opt(
        None,
        "--names",
        help="A name for each path, separated by commas; paths of one name are of one annotator",
    ),
    schema: Optional[Path] = Opt(None, "--schema", help="Schema that says what is symmetric"),
    output: Optional[Path] = Opt(None, "--output", "-o", help="JSON file for the figures"),
    disagreements: Optional[Path] = Opt(
        None, "--disagreements", "-d", help="JSONL file for what is to be adjudicated"
    ),
    merged: Optional[Path] = Opt(None, "--merged", "-m", help=".spacy file for what is agreed"),
    min_votes: Optional[int] = Opt(
        None, "--min-votes", help="Annotators who have to agree for --merged; all if not given"
    ),
    spans_key: Optional[str] = Opt(None, "--spans-key", help="Span group that holds the mentions"),
    allowed_pairs: bool = Opt(
        False, "--allowed-pairs", help="Coefficients only over pairs that the schema allows"
    ),
    max_sentence_distance: Optional[int] = Opt(
        None, "--max-sentence-distance", help="Coefficients only over pairs so many sentences apart"
    ),
    resamples: int = Opt(1000, "--resamples", help="Resampled documents for intervals; 0 for none"),
    seed: int = Opt(0, "--seed", help="Seed of the resampling"),
    show: int = Opt(5, "--show", "-n", help="Disagreements to show"),
    lang: str = Opt("en", "--lang", "-l", help="Language of the documents"),
    json: bool = Opt(False, "--json", help="Print the figures as JSON"),
) -> None:
    """Agreement of annotators of the same documents: F1, kappa, alpha, and what they disagree on."""
    msg = printer(json=json)
    with clear_errors():
        result = compare_annotators(
            paths,
            names=names.split(",") if names else None,
            schema=schema,
            merged=merged,
            min_votes=min_votes,
            spans_key=spans_key,
            allowed_pairs=allowed_pairs,
            max_sentence_distance=max_sentence_distance,
            resamples=resamples,
            seed=seed,
            lang=lang,
        )
    figures = {
        **result.agreement.to_dict(),
        "options": {
            "allowed_pairs": allowed_pairs,
            "max_sentence_distance": max_sentence_distance,
            "resamples": resamples,
            "seed": seed,
        },
    }
    if result.merged is not None:
        figures["merged"] = result.merged.to_dict()
    for path in (output, disagreements):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    if output is not None:
        srsly.write_json(output, figures)
    if disagreements is not None:
        srsly.write_jsonl(disagreements, [item.to_json() for item in result.disagreements])
    if json:
        print(srsly.json_dumps(figures))
        return
    _print_documents(msg, result.agreement)
    _print_figures(msg, result.agreement)
    _print_disagreements(msg, result.disagreements, show)
    if result.merged is not None:
        _print_merged(msg, result.merged, merged)


def compare_annotators(
    paths: Sequence[Path],
    *,
    names: Optional[Sequence[str]] = None,
    schema: Optional[Path] = None,
    merged: Optional[Path] = None,
    min_votes: Optional[int] = None,
    spans_key: Optional[str] = None,
    allowed_pairs: bool = False,
    max_sentence_distance: Optional[int] = None,
    resamples: int = 1000,
    seed: int = 0,
    lang: str = "en",
) -> Comparison:
    """How far annotators agree, and what they disagree on.

    Args:
        paths: a ``.spacy`` file, or a folder of them, of each annotator.
        names: names of the annotators, one for each path; files of one name belong together. None:
            the names of the files, or their paths if these are equal.
        schema: file of the schema.
        merged: ``.spacy`` file for what is agreed.
        min_votes, spans_key: see :func:`rel_component.evaluation.agreement.merging.merge_agreed`.
        allowed_pairs: whether the coefficients are only over pairs that the schema allows.
        max_sentence_distance: see :class:`rel_component.evaluation.agreement.pairs.PairLimits`.
        resamples, seed: see :func:`rel_component.evaluation.agreement.measures.measure_agreement`.
        lang: language of the documents.

    Raises:
        ConfigError: if options do not fit together.
        DataError: if documents cannot be read.
    """
    relation_schema = RelationSchema.from_file(schema) if schema is not None else RelationSchema()
    if allowed_pairs and schema is None:
        raise ConfigError("--allowed-pairs needs a schema: add --schema")
    if min_votes is not None and merged is None:
        raise ConfigError("--min-votes is for what is merged: add --merged")
    if resamples < 0:
        raise ConfigError(f"--resamples must be 0 or more, got {resamples}")
    shared = _read(paths, names, relation_schema, spans_key, lang)
    agreement = measure_agreement(
        shared,
        limits=PairLimits(relation_schema if allowed_pairs else None, max_sentence_distance),
        n_resamples=resamples,
        seed=seed,
    )
    result = None
    if merged is not None:
        result = merge_agreed(shared, min_votes=min_votes, spans_key=spans_key)
        write_docs(result.docs, merged)
    return Comparison(agreement, find_disagreements(shared), result)


def _read(
    paths: Sequence[Path],
    names: Optional[Sequence[str]],
    schema: RelationSchema,
    spans_key: Optional[str],
    lang: str,
) -> SharedDocuments:
    if names is None:
        names = [path.stem for path in paths]
        if len(set(names)) < len(names):
            names = [str(path) for path in paths]
        if len(set(names)) < len(names):
            raise ConfigError(f"a path is given twice: {', '.join(names)}; set --names")
    if len(names) != len(paths):
        raise ConfigError(f"{len(names)} names for {len(paths)} paths: {', '.join(names)}")
    nlp = spacy.blank(lang)
    annotators: Dict[str, List[Doc]] = {}
    for name, path in zip(names, paths):
        annotators.setdefault(name, []).extend(progress(read_docs(path, nlp), unit="docs"))
    return match_documents(annotators, symmetric=schema.symmetric_labels, spans_key=spans_key)


def _print_documents(msg: Printer, agreement: Agreement) -> None:
    counts = ", ".join(f"{name} {n}" for name, n in agreement.n_docs.items())
    msg.divider(f"{agreement.n_shared} documents in common")
    msg.info(f"documents: {counts}")
    for problem in agreement.problems[:MAX_PROBLEMS_SHOWN]:
        msg.warn(str(problem))
    if len(agreement.problems) > MAX_PROBLEMS_SHOWN:
        msg.warn(f"and {len(agreement.problems) - MAX_PROBLEMS_SHOWN} more; --json lists them all")


def _print_figures(msg: Printer, agreement: Agreement) -> None:
    msg.divider("F1 between annotators")
    groups = {"mentions": agreement.mentions, "relations": agreement.relations}
    rows = {title: groups[part][key].overall for title, (part, key) in _F1_ROWS.items()}
    print(_pairwise(rows, _percent))
    msg.divider("Mentions by type, F1")
    print(_pairwise(agreement.mentions["strict"].per_label, _percent))
    msg.divider("Relations by type, F1, strict")
    print(_pairwise(agreement.relations["strict"].per_label, _percent))
    msg.divider("Beyond chance, pairs of agreed mentions")
    print(_coefficients({"all labels": agreement.coefficients, **agreement.per_label}))
    if agreement.n_pairs:
        share = 100 * agreement.n_unrelated / agreement.n_pairs
        msg.info(
            f"{agreement.n_pairs} pairs of mentions, {agreement.n_complete} of them rated by all; "
            f"{share:.1f} % are NO_RELATION for everyone",
            "so many easy pairs make the agreement look high; see the labels, and F1, too",
        )
    for name, n in agreement.relation_counts.items():
        msg.info(
            f"relations of {name}: {n.entering} on these pairs, {n.not_agreed} with a mention that is "
            f"not agreed, {n.outside} outside the limits"
        )
    if len(agreement.annotators) > 2:
        msg.divider("Cohen's kappa of each pair")
        print(_pairwise({"all labels": agreement.coefficients.cohen}, _decimal))


def _pairwise(rows: Dict[str, Pairwise], show: _Show) -> str:
    """The mean of pairs of annotators, and where there are more than one, each of them."""
    pairs = next(iter(rows.values())).pairs if rows else {}
    several = [names for names in pairs if len(pairs) > 1]
    counts = len(pairs) == 1 and any(row.counts for row in rows.values())
    lines = []
    for title, row in rows.items():
        line = [title, show(row.mean.value), _interval(row.mean, show)]
        line += [show(row.pairs[names].value) for names in several]
        if counts:
            line += [str(n) for n in next(iter(row.counts.values()))]
        lines.append(line)
    header = ["", "mean" if several else "", "95 %", *(", ".join(names) for names in several)]
    if counts:
        first, second = next(iter(pairs))
        header += ["both", f"only {first}", f"only {second}"]
    return str(table(lines, header=header, divider=True, aligns=["l", *"r" * (len(header) - 1)]))


def _coefficients(rows: Dict[str, Coefficients]) -> str:
    lines = []
    for title, row in rows.items():
        figures = [row.cohen.mean, row.fleiss, row.alpha]
        line = [title]
        for figure in figures:
            line += [_decimal(figure.value), _interval(figure, _decimal)]
        reasons = [figure.reason for figure in figures if figure.reason]
        lines.append([*line, reasons[0] if reasons else ""])
    header = ["", "Cohen", "95 %", "Fleiss", "95 %", "alpha", "95 %", ""]
    return str(table(lines, header=header, divider=True, max_col=60, aligns=["l", *"rrrrrr", "l"]))


def _print_disagreements(msg: Printer, disagreements: Sequence[Disagreement], show: int) -> None:
    msg.divider(f"{len(disagreements)} disagreements")
    counts: Dict[str, int] = {}
    for item in disagreements:
        title = f"{item.kind}: {item.reason}"
        counts[title] = counts.get(title, 0) + 1
    if counts:
        rows = [[title, str(n)] for title, n in sorted(counts.items())]
        print(table(rows, aligns=["l", "r"]))
    for item in disagreements[: max(show, 0)]:
        place, text = item.id or f"document {item.doc}", " ".join(item.text.split())
        print(f"{place}, {item.kind}, {item.reason}: {text}")
        for name in item.says:
            print(f"    {name}: {item.describe(name)}")


def _print_merged(msg: Printer, merged: Merged, path: Optional[Path]) -> None:
    left_out = merged.to_dict()["left_out"]
    parts = [f"{left_out['documents']} documents"]
    for kind in ("mentions", "relations"):
        reasons = ", ".join(f"{reason} {n}" for reason, n in left_out[kind].items())
        parts.append(
            f"{sum(left_out[kind].values())} {kind}" + (f" ({reasons})" if reasons else "")
        )
    msg.good(
        f"{path}: {len(merged.docs)} documents, {merged.mentions} mentions, "
        f"{merged.relations} relations",
        f"left out: {'; '.join(parts)}",
    )


def _percent(value: float) -> str:
    return "-" if isnan(value) else f"{100 * value:.2f}"


def _decimal(value: float) -> str:
    # not -0.000
    return "-" if isnan(value) else f"{round(value, 3) + 0.0:.3f}"


def _interval(figure: Estimate, show: _Show) -> str:
    return "-" if isnan(figure.low) else f"{show(figure.low)} to {show(figure.high)}"
