"""``rel_component.render``: relations as HTML, in the manner of ``displacy.render``."""

import json
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Dict, Iterable, List, Mapping, Optional, Union
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup, escape
from spacy.tokens import Doc, Span
from spacy.util import is_in_jupyter

from ..annotations import RelationView
from ..errors import ConfigError, shown
from ..html_templates import html_environment
from ..types import shown_polarity
from .drawing import Drawing
from .options import RenderOptions, Style

STYLE = "rel"

Drawable = Union[Doc, Span]
"""What can be drawn: a document, or a part of one."""


def render(
    docs: Union[Drawable, Iterable[Drawable]],
    style: str = STYLE,
    page: bool = False,
    minify: bool = False,
    jupyter: Optional[bool] = None,
    options: Mapping[str, Any] = {},
) -> Optional[str]:
    """Draw documents with their mentions and relations, as HTML that needs nothing else.

    Lines break where the reader's browser breaks them, and a small script draws arcs over them. Where no
    script runs, and for screen readers, there is a list of the relations.

    Args:
        docs: one or more documents or spans.
        style: ``rel``.
        page: whether the result is a page of its own.
        minify: whether style and script are shortened.
        jupyter: whether it is shown in a notebook, and not returned; None: if this is one.
        options: see :class:`.RenderOptions`.

    Returns:
        the HTML; None if it is shown in a notebook.

    Raises:
        ConfigError: if an option is not valid, or something is no document.
    """
    if style != STYLE:
        raise ConfigError(f"render: no style {shown(style)}; expected rel. displaCy has the others")
    checked = RenderOptions.from_dict(options)
    given = [docs] if isinstance(docs, (Doc, Span)) else list(docs)
    drawings = []
    for i, item in enumerate(given):
        if not isinstance(item, (Doc, Span)):
            raise ConfigError(
                f"render: expected a Doc, a Span or a list of them, got {shown(item)}"
            )
        doc = item.as_doc(copy_user_data=True) if isinstance(item, Span) else item
        drawings.append(Drawing.from_doc(doc, checked, f"document {i}"))
    html = draw(drawings, checked, page=page, minify=minify)
    if jupyter or (jupyter is None and is_in_jupyter()):
        from IPython.display import HTML, display

        display(HTML(f'<span class="tex2jax_ignore">{html}</span>'))  # no formulas in the text
        return None
    return html


def render_view(view: RelationView) -> str:
    """The HTML that a notebook shows for ``doc._.rel``."""
    options = RenderOptions(attr=view.attr)
    return draw([Drawing.from_doc(view.doc, options)], options, page=False, minify=True)


def draw(drawings: List[Drawing], options: RenderOptions, *, page: bool, minify: bool) -> str:
    """The HTML of drawings; see :func:`render`."""
    views = _views(drawings, options)
    css, js = asset("draw.css"), asset("draw.js") + "RelView.start();\n"
    return template("render").render(
        views=views,
        page=page,
        options=options,
        css=Markup(_minified(css) if minify else css),
        js=Markup("{" + (_minified(js) if minify else js) + "}"),
    )


def draw_views(drawings: List[Drawing], options: RenderOptions) -> str:
    """The HTML of drawings without their style and script, for a page that has these already."""
    return str(template("views").render(views=_views(drawings, options), options=options))


def _views(drawings: List[Drawing], options: RenderOptions) -> List[Dict[str, Any]]:
    relation_styles = options.relation_styles(
        rel.label for drawing in drawings for rel in drawing.relations
    )
    entity_styles = options.entity_styles(
        mention.label for drawing in drawings for mention in drawing.mentions
    )
    return [
        {
            "drawing": drawing,
            "text": _text(drawing, options, entity_styles),
            "rows": rows,
            "events": event_rows(drawing),
            "relations": json.dumps([_arc(row, relation_styles) for row in rows]),
        }
        for drawing in drawings
        for rows in [relation_rows(drawing)]
    ]


def relation_rows(drawing: Drawing) -> List[Dict[str, Any]]:
    """The relations of a drawing for a table: head and tail, label, score, and evidence."""
    places = drawing.places()
    rows = []
    for rel in drawing.relations:
        head, tail = places[rel.head], places[rel.tail]
        texts = [drawing.text[m.start : m.end] for m in (drawing.mentions[i] for i in (head, tail))]
        rows.append(
            {
                "head": head,
                "tail": tail,
                "head_text": texts[0],
                "tail_text": texts[1],
                "head_type": drawing.mentions[head].label,
                "tail_type": drawing.mentions[tail].label,
                "label": rel.label,
                "polarity": shown_polarity(rel.attributes.get("polarity")),
                "score": rel.score,
                "evidence": [
                    {
                        "text": drawing.text[start:end],
                        "place": [_utf16(drawing.text[:start]), _utf16(drawing.text[:end])],
                    }
                    for start, end in drawing.evidence(rel)
                ],
            }
        )
    return rows


def event_rows(drawing: Drawing) -> List[Dict[str, Any]]:
    """The events of a drawing for a table: label, text of the trigger, roles with texts, score.

    ``mentions`` are the positions of all its mentions.
    """
    texts = {m.id: drawing.text[m.start : m.end] for m in drawing.mentions}
    places = drawing.places()
    return [
        {
            "label": event.label,
            "trigger": "" if event.trigger is None else texts[event.trigger],
            "arguments": [(role, texts[key]) for role, key in event.arguments],
            "score": event.score,
            "mentions": [places[key] for key in event.mentions],
        }
        for event in drawing.annotated.events
    ]


def css(style: Style) -> str:
    """The attribute ``style`` of HTML."""
    return ";".join(f"{name}:{value}" for name, value in style.items())


@cache
def asset(name: str) -> str:
    """A file of style or script."""
    return (resources.files(__package__) / "static" / name).read_text(encoding="utf8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return html_environment(__package__, {"css": css})


def template(name: str) -> Any:
    """A template of Jinja, which escapes whatever is put into it."""
    return _environment().get_template(f"{name}.html.jinja")


def _arc(row: Dict[str, Any], styles: Dict[str, Style]) -> Dict[str, Any]:
    """A relation as the script draws it."""
    title = f"{row['head_text']:.80} {row['label']} {row['tail_text']:.80}"
    kept = {key: row[key] for key in ("head", "tail", "label", "score", "polarity")}
    if row["evidence"]:
        kept["evidence"] = [sentence["place"] for sentence in row["evidence"]]
    return {**kept, "title": title, "style": styles[row["label"]]}


def _utf16(text: str) -> int:
    """The length of a text as scripts count it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _text(drawing: Drawing, options: RenderOptions, styles: Dict[str, Style]) -> Markup:
    """The text with its mentions, each inside of those around it."""
    # the HTML of each mention that is open, from the outermost one on; the text itself is the first
    open_parts: List[List[Markup]] = [[]]
    open_mentions: List[int] = []
    clusters = drawing.clusters()

    def close(n_kept: int, end: int) -> None:
        while len(open_mentions) > n_kept:
            i = open_mentions.pop()
            inner = Markup("").join(open_parts.pop())
            starts = begun.get(i, False)
            begun[i] = False
            closed = _mention(drawing, i, inner, starts, end, clusters.get(i), options, styles)
            open_parts[-1].append(closed)

    begun: Dict[int, bool] = {}
    for piece in drawing.pieces():
        same = 0
        for i, j in zip(open_mentions, piece.mentions):
            if i != j:
                break
            same += 1
        close(same, piece.start)
        for i in piece.mentions[same:]:
            begun.setdefault(i, True)
            open_mentions.append(i)
            open_parts.append([])
        open_parts[-1].append(escape(drawing.text[piece.start : piece.end]))
    close(0, len(drawing.text))
    return Markup("").join(open_parts[0])


def _mention(
    drawing: Drawing,
    index: int,
    inner: Markup,
    starts: bool,
    end: int,
    cluster: Optional[int],
    options: RenderOptions,
    styles: Dict[str, Style],
) -> Markup:
    """The HTML of a mention, or of a part of it where another mention crosses it."""
    mention = drawing.mentions[index]
    style = styles[mention.label]
    ends = end >= mention.end
    classes = ["rel-mention"]
    classes += [] if mention.label else ["rel-untyped"]
    classes += [] if starts else ["rel-goes-on"]
    classes += [] if ends else ["rel-opens"]
    if options.template is not None:
        background = style.get("--rel-c") or f"oklch(85% 0.1 {style['--rel-h']})"
        inner = Markup(options.template).format(
            text=inner, label=mention.label if ends else "", bg=background, kb_id=mention.kb_id
        )
        classes = ["rel-own"]
    elif ends:
        url = options.kb_url_template
        kb_url = url.replace("{}", quote(mention.kb_id)) if url and mention.kb_id else None
        values = {"label": mention.label, "kb_id": mention.kb_id, "kb_url": kb_url}
        inner += Markup(template("mention").render(**values, cluster=cluster))
    return Markup('<span class="{}" data-m="{}"{}{}>{}</span>').format(
        " ".join(classes),
        index,
        Markup(' data-c="{}"').format(cluster) if cluster else "",
        "" if options.template is not None else Markup(' style="{}"').format(css(style)),
        inner,
    )


def _minified(text: str) -> str:
    """Style or script without indentation, empty lines and lines of comments."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))
