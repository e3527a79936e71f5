"""``spacy rel schema``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Dict, List, Optional

from typer import Exit, Option

from .messages import check_outputs, msg, print_json, print_yaml
from .options import DataPath, Json, Lang

if TYPE_CHECKING:
    from ..schema import SchemaViolation


def schema_cli(
    data_path: DataPath,
    output: Annotated[
        Optional[Path], Option("--output", "-o", help="YAML or JSON file to write the schema to")
    ] = None,
    check: Annotated[Optional[Path], Option(help="Schema to check the documents with")] = None,
    lang: Lang = "en",
    json: Json = False,
) -> None:
    """Infer a schema from annotated documents, or check documents against one."""
    from ..errors import listed
    from ..files import read_docs
    from ..pipelines import blank_pipeline
    from ..schema import RelationSchema

    check_outputs(output)
    docs = read_docs(data_path, blank_pipeline(lang))
    if check is None:
        schema = RelationSchema.from_docs(docs)
        if output is not None:
            schema.to_file(output)
        if json:
            print_json(schema.to_dict())
        elif output is None:
            print_yaml(schema.to_dict())
        return
    violations = RelationSchema.from_file(check).validate(docs)
    if json:
        print_json(
            [
                {"doc": v.doc, "id": v.id or None, "message": v.message, **v.relation.to_json()}
                for v in violations
            ]
        )
    else:
        causes: Dict[str, List[SchemaViolation]] = {}
        for violation in violations:
            causes.setdefault(violation.message, []).append(violation)
        for message, found in sorted(causes.items(), key=lambda item: -len(item[1])):
            places = dict.fromkeys(v.id or f"document {v.doc}" for v in found)
            msg.warn(
                f"{message}: {len(found)} times, in {listed(places, 5)}; the first: "
                f"{found[0].relation}"
            )
        if violations:
            msg.fail(f"{len(violations)} relations are against the schema")
        else:
            msg.good("all relations satisfy the schema")
    if violations:
        raise Exit(1)
