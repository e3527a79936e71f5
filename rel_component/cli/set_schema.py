"""``spacy rel set-schema``."""

from pathlib import Path
from typing import Annotated, Optional

from typer import Argument, Option

from .messages import msg, print_json
from .options import Json, Model


def set_schema_cli(
    model: Model,
    schema: Annotated[Path, Argument(exists=True, help="The relation types, a YAML or JSON file")],
    folder: Annotated[Path, Argument(help="Folder for the pipeline, new or empty")],
    offset: Annotated[
        Optional[float],
        Option(help="Added to the log-odds of every label: more finds more; what it was"),
    ] = None,
    json: Json = False,
) -> None:
    """Save a pipeline that asks about other labels, without training, if its model reads labels."""
    from ..errors import ConfigError, SchemaError
    from ..files import complete_folder
    from ..pipelines import find_extractor, found_types, load_pipeline, missing_types
    from ..schema import RelationSchema

    relations = RelationSchema.from_file(schema)
    with complete_folder(folder) as part:
        nlp = load_pipeline(model)
        extractor = find_extractor(nlp)
        set_schema = getattr(extractor, "set_schema", None)
        if set_schema is None:
            raise ConfigError(f"{model}: no component of this pipeline reads labels (set_schema)")
        try:
            set_schema(relations, offset=offset)
        except SchemaError as err:
            raise SchemaError(f"{schema}: {err}") from err
        nlp.to_disk(part)
    labels = relations.labels
    if json:
        missing = missing_types(relations, found_types(nlp))
        print_json({"folder": str(folder), "labels": list(labels), "missing_types": missing})
    else:
        msg.good(f"{folder}: asks about {', '.join(labels)}")
