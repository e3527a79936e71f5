import re
from html.parser import HTMLParser

import pytest

from rel_component.audit.html import format_cell, render_html
from rel_component.audit.report import run_audit

from ..helpers import make_doc
from .corpora import make_context

EVIL = "<script>alert(1)</script>"
VOID = {"meta"}


class Checker(HTMLParser):
    """Collects tags and attributes, and checks that tags are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attrs, self.text = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attrs += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attrs += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def page(vocab):
    mentions = [(0, 1, '"><img src=x onerror=alert(2)>'), (2, 3, "ORG")]
    docs = [
        make_doc(vocab, [EVIL, "leads", "Acme"], mentions, [(0, EVIL, 1), (1, EVIL, 0)])
        for _ in range(3)
    ]
    docs[0].user_data["meta"] = {"id": EVIL}
    return render_html(run_audit(make_context(docs, docs[:1])), title=EVIL)


@pytest.fixture
def parsed(page):
    checker = Checker()
    checker.feed(page)
    return checker


def test_what_is_in_the_corpus_does_not_run(page, parsed):
    assert "script" not in parsed.tags
    assert "img" not in parsed.tags
    assert "<script" not in page
    assert any(EVIL in text for text in parsed.text)


def test_the_page_is_well_formed_and_needs_nothing_else(page, parsed):
    assert parsed.open == []
    assert not {name for name, _ in parsed.attrs} & {"src", "onerror", "onclick", "style"}
    links = [value for name, value in parsed.attrs if name == "href"]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"@import|url\(|https?:", page)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_places_show_the_arguments(page):
    assert '<mark class="tail">Acme<small>ORG</small></mark>' in page


@pytest.mark.parametrize(
    ("value", "share", "text"),
    [
        (None, False, "-"),
        (0.1234, True, "12.3%"),
        (1.5, False, "1.50"),
        (12345, True, "12,345"),
        ("x", False, "x"),
    ],
)
def test_cells(value, share, text):
    assert format_cell(value, share) == text


def test_long_texts_are_cut_around_the_place(vocab):
    words = ["w"] * 200
    words[100], words[110] = "Ada", "Acme"
    doc = make_doc(vocab, words, [(100, 101, "ORG"), (110, 111, "PERSON")], [(0, "LEADS", 1)])
    context = make_context([doc])
    section = run_audit(context).sections[1]
    segments = section.groups[0].findings[0].places[0].segments()
    assert [s.text for s in segments if s.role] == ["Ada", "Acme"]
    assert segments[0].text == "… "
    assert segments[-1].text == " …"
    assert sum(len(s.text.split()) for s in segments) < 70
