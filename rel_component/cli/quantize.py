"""``spacy rel quantize``."""

from pathlib import Path
from typing import Annotated, Optional

from typer import Argument, Option

from .messages import msg, percent, print_json, print_table, progress
from .options import Json, Model


def quantize_cli(
    model: Model,
    folder: Annotated[Path, Argument(help="Folder for the pipeline in int8, new or empty")],
    dev: Annotated[
        Optional[Path],
        Option("--dev", exists=True, help="Annotated documents to measure F1 and speed on"),
    ] = None,
    max_loss: Annotated[
        float,
        Option("--max-loss", help="Points of F1 that may be lost there; else nothing is written"),
    ] = 0.5,
    json: Json = False,
) -> None:
    """Save a trained pipeline with its encoder in int8, about twice as fast on a CPU."""
    from ..inference.quantize import quantize
    from ..threads import set_torch_threads

    set_torch_threads()
    found = quantize(model, folder, dev=dev, max_loss=max_loss, progress=progress)
    if json:
        print_json(found.to_dict())
        return
    rows = [["size in MB", *(f"{n / 1e6:.1f}" for n in found.n_bytes)]]
    if found.f1 is not None:
        rows.append(["F1 of relations", *(percent(value, 2) for value in found.f1)])
    if found.speed is not None:
        rows.append(["speed", "1.00", f"{found.speed:.2f}"])
    print_table(rows, ["", "before", "int8"])
    msg.good(f"{folder}: {', '.join(found.encoders)} in int8")
    if found.f1 is None:
        msg.info("F1 was not measured: --dev FILE does, and refuses a loss above --max-loss")
