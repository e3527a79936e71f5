"""Label Studio's regions of a HyperText as regions of its text.

Their ``start`` and ``end`` are XPaths, but ``globalOffsets`` count characters of the text that a browser
shows: that of the body, white space and all, with a character for each ``<br>``.
"""

import re
from html import unescape
from typing import List

from ..records import Record

_HIDDEN = ("script", "style")
_MARKUP = re.compile(r"<!--|-->|<([/!?a-zA-Z][^<>]*)>")


def visible_text(html: str) -> str:
    """The text of a page, or of a piece of one, as ``globalOffsets`` count it.

    Time is linear in the page, where that of the parser of the standard library is quadratic in broken
    ones.
    """
    html = html.replace("\r\n", "\n")
    parts: List[str] = []
    position, hidden_until = 0, ""
    for match in _MARKUP.finditer(html):
        if hidden_until:
            if match[0].lower().startswith(hidden_until):
                position, hidden_until = match.end(), ""
            continue
        parts.append(unescape(html[position : match.start()]))
        position = match.end()
        name = (match[1] or "").partition(" ")[0].strip("/ \t\n").lower()
        is_start = not (match[1] or "").startswith("/")
        if match[0] == "<!--":
            hidden_until = "-->"
        elif name in _HIDDEN and is_start:
            hidden_until = f"</{name}"
        elif name == "body" and is_start:
            parts.clear()
        elif name == "br":
            parts.append("\n")
    return "".join(parts) + ("" if hidden_until else unescape(html[position:]))


def is_hypertext(item: Record) -> bool:
    """Whether a result is a region of a HyperText whose offsets are known."""
    value = item.get("value")
    return (
        isinstance(value, dict)
        and isinstance(value.get("start"), str)
        and isinstance(value.get("globalOffsets"), dict)
    )


def as_text_region(item: Record) -> Record:
    """The region of a text that a region of a HyperText is; other results as they are."""
    if not is_hypertext(item):
        return item
    value = item["value"]
    labels = next((value[key] for key in value if key.endswith("labels")), None)
    offsets = {key: value["globalOffsets"].get(key) for key in ("start", "end")}
    return {**item, "type": "labels", "value": {**value, **offsets, "labels": labels}}
