"""``spacy rel schema``."""

from pathlib import Path
from typing import List, Optional

import spacy
import srsly
from spacy.cli._util import Arg, Opt

from ..schema import RelationSchema, SchemaViolation
from ..spacy_files import read_docs
from .messages import clear_errors, printer


def schema_cli(
    data_path: Path = Arg(..., help="Annotated documents, a .spacy file or folder", exists=True),
    output: Optional[Path] = Opt(None, "--output", "-o", help="YAML or JSON file to write"),
    check: Optional[Path] = Opt(None, "--check", "-c", help="Schema to check the documents with"),
    lang: str = Opt("en", "--lang", "-l", help="Language of the documents"),
) -> None:
    """Infer a schema from annotated documents, or check documents against one."""
    with clear_errors():
        if check is not None:
            violations = check_schema(data_path, check, lang=lang)
            msg = printer(json=False)
            for violation in violations:
                msg.warn(f"document {violation.doc}: {violation.relation}: {violation.message}")
            if violations:
                msg.fail(f"{len(violations)} relations are against the schema", exits=1)
            msg.good("all relations satisfy the schema")
            return
        schema = infer_schema(data_path, lang=lang)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        schema.to_file(output)
    else:
        print(srsly.yaml_dumps(schema.to_dict()), end="")


def infer_schema(data_path: Path, *, lang: str = "en") -> RelationSchema:
    """The labels and argument types that occur in a ``.spacy`` file or folder."""
    return RelationSchema.from_docs(read_docs(data_path, spacy.blank(lang)))


def check_schema(data_path: Path, schema_path: Path, *, lang: str = "en") -> List[SchemaViolation]:
    """The relations in a ``.spacy`` file or folder that a schema does not allow."""
    schema = RelationSchema.from_file(schema_path)
    return schema.validate(read_docs(data_path, spacy.blank(lang)))
