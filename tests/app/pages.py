"""Documents that try to break out of a page, and a reader of pages that notices it."""

from html.parser import HTMLParser

from spacy.tokens import Doc, Span

from rel_component.annotations import set_relations
from rel_component.events import Event, set_events
from rel_component.types import Relation

_KINDS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "</style><svg onload=alert(1)>",
    "</title></textarea></details><iframe src=javascript:alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "${alert(1)}`",
    "{text.__class__}",
    "\\u003cscript\\u003e\\",
    "&lt;script&gt;&#60;&amp;lt;",
    "a\u2028b\u2029c",
    "\u202egnp.exe\u2066",
    "\x00\x01\x1b[31m\x7f",
    "__proto__",
    "constructor",
    "\ufeff\u200d\U0001f469\u200d\U0001f4bb e\u0301",
    "x" * 3000,
]
_PAIRS = [first + second for first in _KINDS[:-1] for second in _KINDS[:-1]]
HOSTILE = [*_KINDS, *_PAIRS[:: len(_PAIRS) // 180][: 200 - len(_KINDS)]]
"""Texts, labels, names and ids of a corpus that somebody else has made."""

VOID = {"meta", "input", "br", "link"}


def hostile_docs(vocab, texts=HOSTILE, n=10):
    """Documents of n hostile texts, each also a type of entity, relation and event, and an id."""
    return [_hostile_doc(vocab, texts[i : i + n]) for i in range(0, len(texts), n)]


def _hostile_doc(vocab, texts):
    words = [word for text in texts for word in (text, "and", f"{text}2", "end")]
    doc = Doc(vocab, words=words)
    doc.ents = [
        Span(doc, 4 * i + k, 4 * i + k + 1, label=text, kb_id=text)
        for i, text in enumerate(texts)
        for k in (0, 2)
    ]
    for i, token in enumerate(doc):
        token.is_sent_start = i % 4 == 0
    pairs = zip(doc.ents[::2], texts, doc.ents[1::2])
    set_relations(
        doc, [Relation(*pair, score=0.5, evidence=(i, 0)) for i, pair in enumerate(pairs)]
    )
    pairs = zip(texts, doc.ents[::2], doc.ents[1::2])
    set_events(doc, [Event(text, ((text, tail),), head, 0.5) for text, head, tail in pairs])
    doc.user_data["title"] = texts[0]
    doc.user_data["meta"] = {"id": texts[-1], **dict.fromkeys(texts, texts[0])}
    return doc


class Page(HTMLParser):
    """The tags, attributes and texts of a page, whose tags have to be closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attrs, self.texts, self.scripts = [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attrs += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        is_script = self.open and self.open[-1] in ("script", "style")
        (self.scripts if is_script else self.texts).append(data)

    @property
    def text(self):
        return "".join(self.texts)
