"""``spacy rel split``."""

from pathlib import Path
from typing import Dict, Optional

import spacy
import srsly
from spacy.cli._util import Arg, Opt
from wasabi.tables import table

from ..annotations import get_relations
from ..corpora.splitting import group_by_meta, split_docs
from ..errors import ConfigError
from ..spacy_files import read_docs, write_docs
from .messages import clear_errors, printer


def split_cli(
    data_path: Path = Arg(..., help="Annotated documents, a .spacy file or folder", exists=True),
    output: Path = Arg(..., help="Folder for the parts, PART.spacy"),
    parts: str = Opt("train=0.8,dev=0.1,test=0.1", "--parts", "-p", help="Parts and their shares"),
    group_by: Optional[str] = Opt(
        None, "--group-by", "-g", help="Key of the documents' meta whose equal values stay together"
    ),
    seed: int = Opt(0, "--seed", help="Seed of the choice between equals"),
    json: bool = Opt(False, "--json", help="Print the counts as JSON"),
) -> None:
    """Split a corpus: every relation type in every part, groups and equal texts kept together."""
    with clear_errors():
        counts = split(data_path, output, parts=parts, group_by=group_by, seed=seed)
    if json:
        print(srsly.json_dumps(counts))
        return
    names = list(counts)
    rows = [
        [key, *(str(counts[name].get(key, 0)) for name in names)]
        for key in sorted({key for part in counts.values() for key in part})
    ]
    print(table(rows, header=["", *names], divider=True, aligns=("l", *"r" * len(names))))
    printer(json=False).good(f"{output}: {', '.join(f'{name}.spacy' for name in names)}")


def split(
    data_path: Path,
    output: Path,
    *,
    parts: str = "train=0.8,dev=0.1,test=0.1",
    group_by: Optional[str] = None,
    seed: int = 0,
) -> Dict[str, Dict[str, int]]:
    """Split annotated documents and write the parts; returns their counts.

    Args:
        data_path: a ``.spacy`` file or a folder of them.
        output: folder for the parts.
        parts: ``NAME=SHARE,...``.
        group_by: key of the meta of documents; those with equal values stay together.
        seed: see :func:`rel_component.corpora.splitting.split_docs`.

    Raises:
        ConfigError: if the parts cannot be read or their shares do not add up to 1.
        DataError: if the documents cannot be read.
    """
    docs = list(read_docs(data_path, spacy.blank("xx")))
    group = group_by_meta(group_by) if group_by is not None else lambda doc: None
    counts: Dict[str, Dict[str, int]] = {}
    for name, part in split_docs(docs, _read_shares(parts), group=group, seed=seed).items():
        write_docs(part, output / f"{name}.spacy")
        counts[name] = {"documents": len(part)}
        for doc in part:
            for rel in get_relations(doc):
                counts[name][rel.label] = counts[name].get(rel.label, 0) + 1
    return counts


def _read_shares(text: str) -> Dict[str, float]:
    shares: Dict[str, float] = {}
    for item in text.split(","):
        name, _, share = item.strip().partition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            raise ConfigError(f"--parts {text}: expected NAME=SHARE,..., got {item!r}") from None
    return shares
