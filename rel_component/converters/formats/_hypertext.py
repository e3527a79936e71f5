"""Label Studio's regions of a HyperText as regions of its text.

Their ``start`` and ``end`` are XPaths, but ``globalOffsets`` count characters of the text that a browser
shows: that of the body, white space and all, with a character for each ``<br>``.
"""

from html.parser import HTMLParser
from typing import List, Optional, Tuple

from ..records import Record


def visible_text(html: str) -> str:
    """The text of a page, or of a piece of one, as ``globalOffsets`` count it."""
    parser = _Text()
    parser.feed(html.replace("\r\n", "\n"))
    parser.close()
    return "".join(parser.parts)


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


class _Text(HTMLParser):
    """Collects the text of the body, or of everything if there is none."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: List[str] = []

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        if tag == "body":
            self.parts.clear()
        elif tag == "br":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:  # that of scripts and styles is not shown
            self.parts.append(data)
