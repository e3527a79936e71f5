"""``spacy rel migrate``."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .messages import keep_inputs, msg, print_json, print_table
from .options import Json, Lang


def migrate_cli(
    source: Annotated[
        str, Argument(help="A pipeline, .spacy files, the package's own JSONL, or a schema file")
    ],
    migration: Annotated[
        Path, Argument(exists=True, help="YAML or JSON file: what to rename, merge, split, remove")
    ],
    output: Annotated[Path, Argument(help="The new pipeline, corpus or schema file")],
    attr: Annotated[str, Option("--attr", help="Extension attribute of the relations")] = "rel",
    lang: Lang = "en",
    json: Json = False,
) -> None:
    """Rename, merge, split and remove labels in a trained pipeline, a corpus or a schema."""
    from ..evolution.migrate import migrate

    keep_inputs([output], [source, migration])
    found = migrate(source, migration, output, attr=attr, lang=lang)
    if json:
        print_json(found.to_dict())
        return
    if found.kind == "corpus":
        rows = [
            [old, new or "-", str(n)] for (old, new), n in sorted(found.counts.items(), key=str)
        ]
        print_table(rows, ["before", "afterwards", "relations"])
    else:
        rows = [[old, ", ".join(new) or "-"] for old, new in found.becomes.items()]
        print_table(rows, ["before", "afterwards"], aligns=["l", "l"])
    for note in found.notes:
        msg.warn(note)
    msg.good(f"{output}: {found.kind}" + (f" of {found.n_docs} documents" if found.n_docs else ""))
