"""Documents that try to break out of a page, and a reader of pages that notices it."""

from html.parser import HTMLParser

from spacy.tokens import Doc, Span

from rel_component.annotations import set_relations

HOSTILE = [
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
"""Texts, labels, names and ids of a corpus that somebody else has made."""

VOID = {"meta", "input", "br", "link"}


def hostile_doc(vocab, text, number=0):
    """A document in which everything is the same hostile text."""
    doc = Doc(vocab, words=[text, "and", f"{text}{number}", "end"])
    head, tail = (Span(doc, i, i + 1, label=text, kb_id=text) for i in (0, 2))
    if text.strip():
        doc.ents = [head, tail]
        set_relations(doc, [(head, text, tail, 0.5)])
    doc.user_data["title"] = text
    doc.user_data["meta"] = {"id": f"{text}{number}", text: text}
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
