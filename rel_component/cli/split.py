"""``spacy rel split``."""

from pathlib import Path
from typing import Annotated, Dict, List, Optional

from typer import Argument, Option

from ..errors import ConfigError
from .messages import keep_folders, keep_inputs, msg, print_json, print_table
from .options import DataPath, Json, Seed

_FEW = 10  # relations of a label: hardly learned, and each of them is ten points of recall


def split_cli(
    data_path: DataPath,
    output_path: Annotated[Path, Argument(help="Folder for the splits, NAME.spacy")],
    shares: Annotated[
        List[str], Option("--share", help="Name and share of a split; repeat the option for each")
    ] = ["train=0.8", "dev=0.1", "test=0.1"],  # noqa: B006 (typer copies it)
    group_by: Annotated[
        Optional[str], Option(help="Key of the documents' meta whose equal values stay together")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Split a corpus: every relation type in every split, groups and equal texts kept together."""
    from ..corpora.splitting import split_files

    parts = _read(shares)
    outputs = [output_path / f"{name}.spacy" for name in parts]
    keep_inputs(outputs, [data_path])
    keep_folders(outputs, [data_path])
    counts = split_files(data_path, output_path, parts, group_by=group_by, seed=seed)
    if json:
        print_json(counts)
        return
    names = list(counts)
    rows = [
        [key, *(str(counts[name].get(key, 0)) for name in names)]
        for key in sorted({key for count in counts.values() for key in count})
    ]
    print_table(rows, ["", *names])
    labels = {key for count in counts.values() for key in count} - {"documents"}
    for name in names:
        rare = sorted(label for label in labels if counts[name].get(label, 0) < _FEW)
        if rare:
            msg.warn(f"fewer than {_FEW} relations in {name}: {', '.join(rare)}")
    show = msg.good if any(count["documents"] for count in counts.values()) else msg.warn
    show(f"{output_path}: {', '.join(f'{name}.spacy' for name in names)}")


def _read(shares: List[str]) -> Dict[str, float]:
    read: Dict[str, float] = {}
    for text in shares:
        name, _, share = text.partition("=")
        if name in read:
            raise ConfigError(f"--share {text}: the split {name} is given twice")
        try:
            read[name] = float(share)
        except ValueError:
            raise ConfigError(f"--share {text}: expected NAME=SHARE, e.g. train=0.8") from None
    return read
