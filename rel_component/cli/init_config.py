"""``spacy rel init-config``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

from typer import Argument, Option

from .messages import msg, print_json, print_report, print_table, printable, progress
from .options import (
    Alignment,
    Format,
    GoldEntities,
    GpuId,
    Json,
    OnError,
    Schema,
    Seed,
    SpansKey,
)

if TYPE_CHECKING:
    from ..recipes.init_config import Outcome


def init_config_cli(
    train: Annotated[
        Path, Argument(exists=True, help="Documents to learn from, of spaCy's or any other format")
    ],
    output: Annotated[
        Optional[Path],
        Option("--output", "-o", help="Folder for config, schema and converted documents"),
    ],
    dev: Annotated[
        Optional[Path], Option(exists=True, help="Documents that choose the best pipeline")
    ] = None,
    held_out: Annotated[
        Optional[Path],
        Option(exists=True, help="Documents to evaluate with, converted alike"),
    ] = None,
    schema: Schema = None,
    recipe: Annotated[
        str, Option(help="Name of a recipe, e.g. cpu; auto: by what is annotated")
    ] = "auto",
    pipeline: Annotated[
        Optional[str],
        Option(
            help="Name or folder of a general pipeline, which goes on learning between given mentions "
            "(recipe adapt)"
        ),
    ] = None,
    gold_entities: GoldEntities = False,
    encoder: Annotated[
        str,
        Option(
            help="A folder, or the name of one on a hub; auto: for English the best in encoders/ "
            "(business for joint and up to 4,000 documents, else general, else MiniLM), for other "
            "languages a multilingual one"
        ),
    ] = "auto",
    format_name: Format = "auto",
    lang: Annotated[
        str, Option("--lang", help="Language of the documents; auto: by their words")
    ] = "auto",
    spans_key: SpansKey = None,
    alignment: Alignment = "strict",
    on_error: OnError = "stop",
    gpu_id: GpuId = -1,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Write a config that fits annotated documents, and trains on them as it stands.

    Without development documents, a part of the others is held out.
    """
    from ..errors import ConfigError
    from ..recipes.init_config import init_config

    if output is None:  # typer requires it, though its type is that of all commands
        raise ConfigError("say with --output which folder to write to")
    outcome = init_config(
        train,
        output,
        dev=dev,
        held_out=held_out,
        schema=schema,
        recipe=recipe,
        pipeline=pipeline,
        gold_entities=gold_entities,
        encoder=encoder,
        format_name=format_name,
        lang=lang,
        spans_key=spans_key,
        alignment=alignment,
        on_error=on_error,
        gpu_id=gpu_id,
        seed=seed,
        progress=progress,
    )
    if json:
        print_json(outcome.to_dict())
    else:
        _print(outcome)


def _print(outcome: "Outcome") -> None:
    found, settings = outcome.found, outcome.settings
    msg.divider("Found")
    parts = ", ".join(f"{n} in {name}" for name, n in outcome.documents.items())
    print_table([["documents", parts], ["schema", outcome.schema_source]])
    for name, counts in (("mentions", found.mentions), ("relations", found.relations)):
        first = ", ".join(f"{label or 'untyped'} {n}" for label, n in counts.most_common(12))
        more = f" and {len(counts) - 12} more" if len(counts) > 12 else ""
        msg.text(f"{sum(counts.values())} {name} in train: {first}{more}")
    msg.divider("Chosen")
    chosen = {
        "recipe": settings.recipe,
        "lang": settings.lang,
        "encoder": settings.paths["encoder"],
        "spans_key": settings.spans_key,
        **settings.options,
    }
    for name, why in outcome.reasons.items():
        value = "" if chosen.get(name) is None else f" = {chosen[name]}"
        msg.text(f"{name}{value}: {why}")
    for name, report in outcome.reports.items():
        print_report(report, name)
    for warning in outcome.warnings:
        msg.warn(warning)
    msg.good(", ".join(map(str, outcome.files)))
    msg.divider("Next")
    for command in outcome.commands:
        print(printable(command))
