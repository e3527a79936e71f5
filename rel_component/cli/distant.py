"""``spacy rel distant``."""

from pathlib import Path
from typing import Annotated, Optional

from typer import Argument, Option

from ..errors import ConfigError
from .messages import check_outputs, msg, print_json, print_table, progress, use_device
from .options import TEXTS, GpuId, Json, Limit, MaxLength, Model, TextLang, given_texts

_MIN_AGREEMENT = 0.3


def distant_cli(
    model: Model,
    facts: Annotated[
        Path,
        Argument(exists=True, help="CSV file of facts: head, label, tail; names, or ids of --kb"),
    ],
    input_path: Annotated[Path, Argument(help=TEXTS)],
    output: Annotated[Path, Argument(help="The .spacy file for the annotated documents")],
    kb: Annotated[
        Optional[Path], Option("--kb", exists=True, help="Knowledge base of spacy rel build-kb")
    ] = None,
    agree: Annotated[
        Optional[str],
        Option("--agree", help="A trained pipeline that has to find it probable, too"),
    ] = None,
    min_agreement: Annotated[
        float, Option("--min-agreement", help="The least probability of a relation to it")
    ] = _MIN_AGREEMENT,
    negatives: Annotated[
        float, Option("--negatives", help="Documents without relations for each one with some")
    ] = 1.0,
    lang: TextLang = "auto",
    limit: Limit = 0,
    max_length: MaxLength = None,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Annotate raw texts by facts that are known; MODEL finds the mentions, and may link them."""
    from ..evolution.weak_labels import Facts, weak_labels
    from ..files import check_ending
    from ..linking.knowledge_base import load_kb
    from ..pipelines import load_pipeline
    from ..spacy_files import write_docs

    if agree is None and min_agreement != _MIN_AGREEMENT:
        raise ConfigError("--min-agreement needs --agree, the pipeline that has to agree")
    check_outputs(output, inputs=[facts, input_path, kb])
    check_ending(output, docs=True)
    use_device(gpu_id)
    known = Facts.read(facts, None if kb is None else load_kb(kb))
    nlp = load_pipeline(model, lang)
    nlp.max_length = max_length or nlp.max_length
    texts = given_texts(input_path, limit=limit, max_length=nlp.max_length)
    found = weak_labels(
        nlp, progress(texts), known, agree=agree, min_score=min_agreement, negatives=negatives
    )
    write_docs(found.docs, output)
    if json:
        print_json(found.to_dict())
        return
    rows = [[label, str(found.counts[label]), str(found.dropped[label])] for label in known.labels]
    print_table(rows, ["label", "relations", "dropped"])
    if not found.docs:
        dropped = "no relation is probable enough to the pipeline that has to agree"
        named = "no text names both ends of a fact in one sentence"
        msg.warn(dropped if found.dropped else named)
    msg.good(
        f"{output}: {len(found.docs)} of {found.n_read} documents, which may state {found.n_facts} facts"
    )
    msg.info("next: spacy rel audit finds what is likely wrong in them")
