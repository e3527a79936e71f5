"""``spacy rel view``."""

import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

from typer import Argument, Option

from ..errors import ConfigError
from .messages import (
    check_outputs,
    msg,
    print_json,
    print_report,
    progress,
    use_device,
    write_text,
)
from .options import Format, GoldEntities, GpuId, Json, Lang, Limit, OnError, SpansKey

if TYPE_CHECKING:
    from ..app.server import PageServer


def view_cli(
    source: Annotated[
        str, Argument(help="Annotated documents of any format, or name or path of a pipeline")
    ],
    data_path: Annotated[
        Optional[Path],
        Argument(help="Texts or annotated documents for the pipeline; annotations to compare with"),
    ] = None,
    output: Annotated[Optional[Path], Option("--output", "-o", help="HTML page to write")] = None,
    serve: Annotated[
        bool, Option("--serve", help="Show the page in a browser of this machine")
    ] = False,
    port: Annotated[int, Option(help="Port for --serve; 0: a free one", min=0, max=65535)] = 0,
    review: Annotated[
        Optional[Path],
        Option(help="JSONL file for the documents that are reviewed in the page; with --serve"),
    ] = None,
    title: Annotated[Optional[str], Option(help="Title of the page")] = None,
    gold_entities: GoldEntities = False,
    format_name: Format = "auto",
    on_error: OnError = "stop",
    limit: Limit = 0,
    spans_key: SpansKey = None,
    lang: Lang = "en",
    browser: Annotated[bool, Option("--browser/--no-browser", help="Open the browser")] = True,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Show relations in their texts: one HTML page, to search, to filter, and to review."""
    from ..app.page import make_page
    from ..app.review import ReviewStore
    from ..app.server import PageServer
    from ..app.view import ViewOptions, see
    from ..converters.report import SKIP_HINT, Report

    if output is None and not serve:
        raise ConfigError("give --output page.html, or --serve to open it in a browser")
    if review is not None and not serve:
        raise ConfigError("--review needs --serve; a page alone offers what is done as a download")
    check_outputs(output, review)
    use_device(gpu_id)
    report = Report(on_error=on_error, hint=SKIP_HINT)
    options = ViewOptions(limit, format_name, gold_entities, spans_key, lang, progress)
    seen = see(source, data_path, options=options, report=report)
    if not json:
        print_report(report)
    name = title or " and ".join(
        Path(path).name for path in (source, data_path) if path is not None
    )
    store = None if review is None else ReviewStore(seen.documents, review)
    if output is not None:
        write_text(output, make_page(seen.documents, title=name, labels=seen.labels))
        if not json:
            msg.good(f"{output}: {len(seen.documents)} documents")
    shown = {
        "documents": len(seen.documents),
        "relations": sum(len(document.drawing.relations) for document in seen.documents),
        "output": None if output is None else str(output),
    }
    if not serve:
        if json:
            print_json(shown)
        return
    page = make_page(
        seen.documents,
        title=name,
        labels=seen.labels,
        review=store is not None,
        served=store is not None,
    )
    with PageServer(page, store, port) as server:
        if json:
            print_json({**shown, "address": server.address})
            print(end="", flush=True)
        else:
            msg.info("served until Ctrl+C to whoever knows this address:")
            print(server.address, flush=True)  # on one line, however narrow the terminal is
        if browser:
            webbrowser.open(server.address)
        _serve(server)
    if not json:
        msg.info(
            "closed" if store is None else f"{review}: {store.counts()['done']} documents done"
        )


def _serve(server: "PageServer") -> None:
    """Answer requests until an interrupt."""
    with suppress(KeyboardInterrupt):
        server.serve_forever()
