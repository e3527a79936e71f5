"""``spacy rel convert-config``."""

from pathlib import Path
from typing import Annotated, Optional

from typer import Argument, Option

from .messages import msg, print_json, print_table
from .options import Json


def convert_config_cli(
    config: Annotated[Path, Argument(exists=True, dir_okay=False, help="The config to read")],
    output: Annotated[
        Optional[Path],
        Option("--output", "-o", help="Folder for config.cfg, and schema.yaml if there are labels"),
    ],
    json: Json = False,
) -> None:
    """Write a config for this package for one of Explosion's tutorial or of spacy-llm."""
    from ..errors import ConfigError
    from ..recipes.foreign import convert_config

    if output is None:  # typer requires it, though its type is that of all commands
        raise ConfigError("say with --output which folder to write to")
    converted = convert_config(config, output)
    if json:
        print_json(converted.to_dict())
        return
    msg.info(f"A config for {converted.source}")
    print_table(converted.differences, ("setting", "was", "now"), aligns=("l", "l", "l"))
    msg.good(f"Written: {', '.join(map(str, converted.files))}")
