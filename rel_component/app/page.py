"""The viewer: one page that needs nothing else, to search, filter and review relations."""

import hashlib
from base64 import b64encode
from typing import Any, Collection, Dict, Optional, Sequence

from markupsafe import Markup

from ..converters.records import to_json
from .documents import PageDocument
from .options import RenderOptions
from .render import asset, template

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer of a server of pages, beside the policy of the page."""

_ESCAPES = str.maketrans(
    {c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}  # what HTML and older scripts read as theirs
)
_SCRIPTS = ("draw.js", "review.js", "keeper.js", "mentions.js", "events.js", "page.js")
_STYLES = ("draw.css", "page.css")


def make_page(
    documents: Sequence[PageDocument],
    *,
    title: str = "Relations",
    labels: Collection[str] = (),
    review: bool = False,
    served: bool = False,
    report: Optional[Dict[str, Any]] = None,
    status: str = "",
) -> str:
    """Make the page.

    Everything that comes from documents is data in it, as JSON that HTML cannot take for its own; its
    policy lets no script run but its own, and lets it send nothing but, if it is served, to its server.

    Args:
        documents: the documents.
        title: what stands above.
        labels: relation types to choose from in review, beside those of the documents.
        review: whether it is open for review from the beginning.
        served: whether decisions go to the server that has sent the page.
        report: figures of an evaluation; see :func:`.evaluation_page.make_report`.
        status: which relations are shown at first, ``mistakes`` or all.
    """
    statuses = any(document.statuses or document.event_statuses for document in documents)
    compared = statuses or report is not None
    drawings = [document.drawing for document in documents]
    found = {rel.label for drawing in drawings for rel in drawing.relations}
    types = {mention.label for drawing in drawings for mention in drawing.mentions}
    options = RenderOptions()
    keys = "\n".join(document.key for document in documents)
    known = {*labels, *found}
    data = {
        "key": hashlib.sha256(keys.encode("utf8")).hexdigest()[:20],
        "review": review,
        "served": served,
        "compared": compared,
        "status": status,
        "labels": sorted(known),
        "styles": options.relation_styles(known),
        "types": options.entity_styles(types),
        "documents": [document.to_json() for document in documents],
    }
    script = '"use strict";\n' + "\n".join(map(asset, _SCRIPTS))
    return str(
        template("page").render(
            title=title,
            data=embedded_json(data),
            policy=script_policy(script, served),
            css=Markup("\n".join(map(asset, _STYLES))),
            js=Markup(script),
            compared=compared,
            report=report,
        )
    )


def embedded_json(value: Any) -> Markup:
    """A value as JSON that can stand in a script element: nothing in it ends the element."""
    return Markup(to_json(value).translate(_ESCAPES))


def script_policy(script: str, served: bool) -> str:
    """The content security policy of a page: its own script and style, and nothing from elsewhere."""
    digest = b64encode(hashlib.sha256(script.encode("utf8")).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{digest}'",
            "style-src 'unsafe-inline'",
            "connect-src 'self'" if served else "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
