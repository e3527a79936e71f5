"""``spacy rel explain``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, List, Optional

from typer import Option

from ..errors import ConfigError
from .messages import (
    check_outputs,
    msg,
    notice,
    percent,
    print_json,
    print_table,
    printable,
    progress,
    use_device,
    write_text,
)
from .options import GpuId, Json, Limit, Model, OneText, TextLang, TextsPath, given_texts

if TYPE_CHECKING:
    from ..explain.explanation import Explanation


_LAST_LAYER = -1

Methods = Annotated[
    Optional[List[str]],
    Option(
        "--method",
        help="gradient, occlusion, pooling, evidence or counterfactuals; may be repeated; all, but "
        "occlusion only where there is no gradient",
    ),
]
Labels = Annotated[
    Optional[List[str]], Option("--label", help="Only relations of this type; may be repeated")
]
GivenDocs = Annotated[
    Optional[Path],
    Option(exists=True, help="A .spacy file or folder, whose mentions are given to the pipeline"),
]
IndexPath = Annotated[
    Optional[Path], Option(exists=True, help="Vectors of training pairs, to show similar ones")
]
IndexedDocs = Annotated[
    Optional[Path],
    Option("--build-index", exists=True, help="Annotated documents; --output gets their vectors"),
]
IndexOutput = Annotated[
    Optional[Path], Option("--output", "-o", help="File for the vectors of --build-index")
]
Layer = Annotated[
    int, Option(help="Layer of --attention, counted from 0, or from the last one: -1")
]


def explain_cli(
    model: Model,
    input_path: TextsPath = None,
    text: OneText = None,
    docs: GivenDocs = None,
    methods: Methods = None,
    labels: Labels = None,
    attention: Annotated[
        bool, Option("--attention", help="Show the attention of head and tail as well")
    ] = False,
    layer: Layer = _LAST_LAYER,
    index: IndexPath = None,
    build_index: IndexedDocs = None,
    output: IndexOutput = None,
    html: Annotated[Optional[Path], Option(help="HTML file for the explanations")] = None,
    lang: TextLang = "auto",
    limit: Limit = 0,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Explain relations: which words and sentences, what would change them, similar training pairs."""
    from ..explain.explanation import explain_document
    from ..explain.neighbours import PairIndex
    from ..explain.page import render_explanations
    from ..pipelines import load_pipeline

    if layer != _LAST_LAYER and not attention:
        raise ConfigError("--layer needs --attention, which shows that of a layer")
    if build_index is None and output is not None:
        raise ConfigError("--output needs --build-index; explanations are written to --html FILE")
    if build_index is not None:
        unused = {
            **{"a file of texts": input_path, "--text": text, "--docs": docs, "--html": html},
            **{"--index": index, "--method": methods, "--label": labels, "--limit": limit},
            **{"--attention": attention},
        }
        for option, value in unused.items():
            if value:
                raise ConfigError(f"--build-index and {option}: explain relations in another call")
    check_outputs(html, output, inputs=[input_path, docs, index, build_index])
    use_device(gpu_id)
    nlp = load_pipeline(model, lang)
    if build_index is not None:
        _build_index(nlp, build_index, output, json)
        return
    options: Any = {
        "labels": labels or (),
        "index": None if index is None else PairIndex.load(index),
        "attention_layer": layer if attention else None,
    }
    explanations: List[Explanation] = []
    n_found = 0
    for doc in progress(_documents(nlp, input_path, text, docs, limit)):
        for found in explain_document(nlp, doc, methods or None, **options):
            n_found += 1
            if json:
                print_json(found.to_json())
            else:
                _print_explanation(found)
            if html is not None:
                explanations.append(found)
    if not n_found:
        notice("no relation was found, and there is nothing to explain", "yellow")
    if html is not None:
        write_text(html, render_explanations(explanations))


def _build_index(nlp: Any, docs: Path, output: Optional[Path], json: bool) -> None:
    from ..explain.neighbours import build_index

    if output is None:
        raise ConfigError("--build-index needs --output FILE for the vectors")
    n_pairs = build_index(nlp, docs, output)
    if json:
        print_json({"pairs": n_pairs, "output": str(output)})
    else:
        msg.good(f"{n_pairs} pairs in {output}; explain relations with --index {output}")


def _documents(
    nlp: Any, input_path: Optional[Path], text: Optional[str], docs: Optional[Path], limit: int
) -> Any:
    from ..evaluation.evaluate import predict
    from ..inference.extract import extract_docs

    if docs is None:
        return extract_docs(nlp, given_texts(input_path, text, limit, max_length=nlp.max_length))
    if input_path is not None or text is not None:
        raise ConfigError(
            "--docs takes the place of a file of texts and of --text: give one of them"
        )
    examples, _ = predict(
        nlp, docs, gold_entities=True, gold_tokens=True, limit=limit, progress=iter
    )
    return [eg.predicted for eg in examples]


def _print_explanation(found: "Explanation") -> None:
    rel = found.relation
    msg.divider(f"{rel.head.text} {rel.label} {rel.tail.text}: {found.probability:.3f}")
    for method, weights in found.attributions.items():
        top = max(abs(weights).max(initial=0.0), 1e-9)
        words = [
            f"{word}({weight:+.2f})" if abs(weight) >= 0.1 * top else word
            for word, weight in zip(found.words, weights)
        ]
        name = f"{method} of {found.gradient_of}" if method == "gradient" else method
        print(printable(f"{name}: {' '.join(words)}"))
    rows = [
        [f"sentence {part.sentence + 1} masked", percent(part.without, 1), part.text]
        for part in found.evidence
    ]
    rows += [
        [change.change, percent(change.probability, 1), change.text]
        for change in found.counterfactuals
    ]
    if rows:
        print_table(rows, ["change", "%", "text"])
    if found.neighbours:
        print_table(
            [
                [f"{pair.head} {pair.label} {pair.tail}", f"{pair.similarity:.3f}", pair.text]
                for pair in found.neighbours
            ],
            ["training pair", "cosine", "text"],
        )
