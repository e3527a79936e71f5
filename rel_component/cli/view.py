"""``spacy rel view``."""

import webbrowser
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Dict, Optional

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
from .options import GpuId, Json, Reading, Schema, SpansKey, TextLang, given_schema, with_reading

if TYPE_CHECKING:
    from ..app.server import PageServer


@with_reading
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
    *,
    reading: Reading,
    schema: Schema = None,
    spans_key: SpansKey = None,
    lang: TextLang = "auto",
    browser: Annotated[bool, Option("--browser/--no-browser", help="Open the browser")] = True,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Show relations in their texts: one HTML page, to search, to filter, and to review."""
    from ..app.page import make_page
    from ..app.review import ReviewStore
    from ..app.server import PageServer
    from ..app.view import ViewOptions, see
    from ..files import check_ending

    if output is None and not serve:
        raise ConfigError("give --output page.html, or --serve to open it in a browser")
    if review is not None and not serve:
        raise ConfigError("--review needs --serve; a page alone offers what is done as a download")
    check_outputs(output, review, inputs=[source, data_path, schema])
    check_ending(review, docs=False)
    use_device(gpu_id)
    options = ViewOptions(
        **reading.arguments(),
        spans_key=spans_key,
        lang=lang,
        schema=given_schema(schema),
        progress=progress,
    )
    report = reading.report()
    seen = see(source, data_path, options=options, report=report)
    if not json:
        print_report(report)
    paths = [Path(path).name for path in (source, data_path) if path is not None]
    make = partial(
        make_page, seen.documents, title=title or " and ".join(paths), labels=seen.labels
    )
    store = None if review is None else ReviewStore(seen.documents, review)
    page = make() if output is not None or store is None else ""
    if output is not None:
        write_text(output, page)
    told = {
        "documents": len(seen.documents),
        "relations": sum(len(document.drawing.relations) for document in seen.documents),
        "output": None if output is None else str(output),
    }
    if output is not None and not json:
        msg.good(f"{output}: {len(seen.documents)} documents")
    if json and not serve:
        print_json(told)
    if serve:
        page = page if store is None else make(review=True, served=True)
        with PageServer(page, store, port) as server:
            _serve(server, told if json else None, browser)
    if serve and not json:
        msg.info(
            "closed" if store is None else f"{review}: {store.counts()['done']} documents done"
        )


def _serve(server: "PageServer", told: Optional[Dict[str, Any]], browser: bool) -> None:
    """Tell where the page is, and answer requests until an interrupt."""
    if told is not None:
        print_json({**told, "address": server.address})
        print(end="", flush=True)
    else:
        msg.info("served until Ctrl+C to whoever knows this address:")
        print(server.address, flush=True)  # on one line, however narrow the terminal is
    if browser:
        webbrowser.open(server.address)
    with suppress(KeyboardInterrupt):
        server.serve_forever()
