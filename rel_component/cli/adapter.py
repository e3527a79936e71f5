"""``spacy rel adapter`` and ``spacy rel apply-adapter``."""

from pathlib import Path
from typing import Annotated, Optional

from typer import Argument, Option

from .messages import msg, print_json
from .options import Json, Model


def adapter_cli(
    model: Model,
    folder: Annotated[Path, Argument(help="Folder for the difference, new or empty")],
    encoder: Annotated[
        str,
        Option(help="Folder of the public encoder, or its name on a hub; auto: of the config"),
    ] = "auto",
    half: Annotated[
        bool, Option("--half", help="Round to numbers of 16 bits, for half of the size")
    ] = False,
    rank: Annotated[
        Optional[int],
        Option(
            min=1,
            help="Rank of the matrices that stand for what those of the encoder have learned, for "
            "pipelines trained without adapters; 64 is enough for most",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write what a pipeline has learned beside its public encoder, with a card, to share it."""
    from ..inference.adapter import save_adapter

    found = save_adapter(
        model, folder, encoder=None if encoder == "auto" else encoder, half=half, rank=rank
    )
    if json:
        print_json(found.to_dict())
        return
    msg.good(
        f"{folder}: {found.n_bytes / 1e6:.1f} MB in place of {found.n_bytes_before / 1e6:.1f}, without "
        f"{found.n_shared} of the encoder's arrays"
    )
    msg.info(
        f"A pipeline again: python -m spacy rel apply-adapter {folder} {found.encoder} PIPELINE. The "
        "card README.md says what the pipeline's meta.json does: data, licence, limits"
    )


def apply_adapter_cli(
    difference: Annotated[Path, Argument(exists=True, help='Folder of "rel adapter"')],
    encoder: Annotated[str, Argument(help="Folder of the public encoder, or its name on a hub")],
    folder: Annotated[Path, Argument(help="Folder for the pipeline, new or empty")],
    json: Json = False,
) -> None:
    """Put a pipeline together of what was learned and the public encoder."""
    from ..inference.adapter import apply_adapter

    apply_adapter(difference, encoder, folder)
    if json:
        print_json({"folder": str(folder)})
    else:
        msg.good(f"{folder}: a pipeline like any other")
