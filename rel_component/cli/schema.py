"""``spacy rel schema``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Dict, List, Optional

from typer import Exit, Option

from .messages import check_outputs, msg, percent, print_json, print_table, print_yaml
from .options import DataPath, Json, Lang

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from ..schema import RelationSchema, SchemaViolation
    from ..schema_fit import SchemaFit


def schema_cli(
    data_path: DataPath,
    output: Annotated[
        Optional[Path], Option("--output", "-o", help="YAML or JSON file to write the schema to")
    ] = None,
    check: Annotated[Optional[Path], Option(help="Schema to check the documents with")] = None,
    test: Annotated[
        Optional[List[Path]],
        Option(help="Other documents: count what the schema forbids there; repeat the option"),
    ] = None,
    lang: Lang = "en",
    json: Json = False,
) -> None:
    """Infer a schema from annotated documents, or check documents against one."""
    from ..errors import ConfigError
    from ..files import name_files
    from ..pipelines import blank_pipeline
    from ..schema import RelationSchema
    from ..schema_fit import count_fit
    from ..spacy_files import read_docs

    if check is not None and test:
        raise ConfigError("--check and --test: give the documents to check in place of --test")
    if check is not None and output is not None:
        raise ConfigError("--check and --output: a check makes no schema; leave out one of them")
    check_outputs(output, inputs=[data_path, check, *(test or ())])
    nlp = blank_pipeline(lang)
    if check is not None:
        _check(RelationSchema.from_file(check), list(read_docs(data_path, nlp)), json=json)
        return
    schema = RelationSchema.from_docs(read_docs(data_path, nlp))
    parts = test or []
    fits = {
        name: count_fit(schema, read_docs(path, nlp))
        for name, path in zip(name_files(parts), parts)
    }
    if output is not None:
        schema.to_file(output)
    if json:
        counts = {"parts": {name: fit.to_dict() for name, fit in fits.items()}} if fits else {}
        print_json({**schema.to_dict(), **counts})
    elif fits:
        _print_fits(fits)
    elif output is None:
        print_yaml(schema.to_dict(), schema.to_yaml())


def _print_fits(fits: "Dict[str, SchemaFit]") -> None:
    from ..errors import listed

    rows = [
        [
            name,
            str(fit.n_relations),
            str(fit.forbidden.total()),
            percent(fit.forbidden_share, 1),
            str(fit.unexpected.total()),
            percent(fit.unexpected_share, 1),
        ]
        for name, fit in fits.items()
    ]
    print_table(rows, header=["part", "relations", "forbidden", "%", "not expected", "%"])
    for name, fit in fits.items():
        for kind, counts in (("forbidden", fit.forbidden), ("not expected", fit.unexpected)):
            causes = [f"{n} {cause}" for cause, n in counts.most_common()]
            if causes:
                print_notice = msg.warn if kind == "forbidden" else msg.info
                print_notice(f"{name}, {kind}: {listed(causes, 5)}")


def _check(schema: "RelationSchema", docs: "List[Doc]", *, json: bool) -> None:
    """Check documents, and exit with 1 if the schema forbids some of their relations."""
    from ..annotations import get_relations

    violations, unexpected = schema.validate(docs), schema.find_unexpected(docs)
    if json:
        print_json(
            [
                {
                    "doc": v.doc,
                    "id": v.id or None,
                    "kind": "forbidden" if v.forbidden else "unexpected",
                    "message": v.message,
                    **v.relation.to_json(),
                }
                for v in [*violations, *unexpected]
            ]
        )
    else:
        n = sum(len(get_relations(doc)) for doc in docs)
        _print_causes(violations)
        _print_causes(unexpected)
        if violations:
            share = percent(len(violations) / n, 1)
            msg.fail(f"{len(violations)} of {n} relations ({share} %) are against the schema")
        elif unexpected:
            share = percent(len(unexpected) / n, 1)
            msg.good(
                f"all relations satisfy the schema; {len(unexpected)} of {n} ({share} %) are between "
                "types that it does not expect"
            )
        else:
            msg.good("all relations satisfy the schema")
    if violations:
        raise Exit(1)


def _print_causes(violations: "List[SchemaViolation]") -> None:
    from ..errors import listed

    causes: Dict[str, List[SchemaViolation]] = {}
    for violation in violations:
        causes.setdefault(violation.message, []).append(violation)
    for message, found in sorted(causes.items(), key=lambda item: -len(item[1])):
        places = dict.fromkeys(v.id or f"document {v.doc}" for v in found)
        print_notice = msg.warn if found[0].forbidden else msg.info
        print_notice(
            f"{message}: {len(found)} times, in {listed(places, 5)}; the first: {found[0].relation}"
        )
