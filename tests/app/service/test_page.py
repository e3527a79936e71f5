"""The page of a service: it extracts, draws and explains, and nothing of a text becomes a part of it."""

import re

import pytest
import spacy
from spacy.language import Language

from rel_component.annotations import set_relations

from ..pages import HOSTILE, Page
from ..test_browser import browser, window
from .conftest import TEXTS, serving

__all__ = ["browser", "window"]  # fixtures


@Language.component("names_all")
def names_all(doc):
    """Take each third token for an entity of a type of its own name, related to the next one."""
    ents = [doc[i : i + 1] for i in range(1, len(doc), 3)]
    doc.ents = [spacy.tokens.Span(doc, ent.start, ent.end, label=ent.text) for ent in ents]
    pairs = zip(doc.ents, doc.ents[1:])
    set_relations(doc, [(head, head.text, tail, 0.5) for head, tail in pairs])
    return doc


@pytest.fixture(scope="module")
def hostile():
    """A client of a server whose labels are what stands in the texts."""
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: spacy.tokens.Doc(nlp.vocab, words=text.split("|"))
    nlp.add_pipe("names_all")
    with serving(nlp) as client:
        yield client


def hostile_text(texts):
    return "".join(f"a|{text.replace('|', ' ')}|b|" for text in texts) + "end"


def test_the_page_has_no_script_but_its_files(client):
    status, headers, html = client.ask("/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = Page(html)
    assert page.scripts == []
    assert "token" not in html
    for name in re.findall(r'(?:src|href)="(static/[\w.]+)"', html):
        status, headers, _ = client.ask(f"/{name}")
        assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")


def test_texts_and_labels_are_text_in_drawings(hostile):
    for i in range(0, len(HOSTILE), 20):
        text = hostile_text(HOSTILE[i : i + 20])
        status, answer = hostile.json("/draw", {"text": text})
        assert status == 200, answer
        page = Page(answer["html"])
        assert page.scripts == []
        assert {"script", "img", "iframe", "svg"}.isdisjoint(page.tags)
        assert not any(name.startswith("on") for name, _ in page.attrs)
        found = {label["label"] for label in answer["document"]["relations"]}
        assert len(found) > 10


@pytest.mark.slow
def test_a_text_is_drawn_and_its_relations_are_explained(nlp, window):
    with serving(nlp, token="s3cret") as client:
        page = window.page
        page.goto(client.address)
        page.fill("#token", "s3cret")
        page.fill("#text", TEXTS[0])
        page.click("button")
        page.wait_for_selector(".rel-line-path")
        assert page.inner_text("#status") == "1 relation; choose one to see why"
        assert page.locator(".rel-line .rel-mention").count() == 2
        page.click("summary")
        page.click("tr[data-r='0']")
        frame = page.frame_locator("#explanation")
        assert frame.locator("h1").inner_text() == "Why"
        assert "FOUNDED_BY" in frame.locator("h2").inner_text()
        assert frame.locator(".for").count() > 0
        assert page.evaluate("document.getElementById('explanation').clientHeight") > 300
        page.fill("#text", TEXTS[0].replace("Ada", "<img src=x onerror=alert(1)>Ada"))
        page.focus("button")
        window.keys("Enter")
        page.locator(".rel-lines", has_text="<img").wait_for()
        assert page.is_hidden("#why")
        assert page.locator("#drawing img").count() == 0


@pytest.mark.slow
def test_what_is_wrong_is_told(nlp, window):
    with serving(nlp, token="s3cret", max_length=100) as client:
        page = window.page
        page.goto(client.address)
        page.fill("#token", "wrong")
        page.fill("#text", "a")
        page.click("button")
        page.wait_for_selector("#status.bad")
        assert "Bearer" in page.inner_text("#status")
        page.fill("#token", "s3cret")
        page.fill("#text", "b" * 101)
        page.click("button")
        page.locator("#status", has_text="101 characters").wait_for()
    # the browser reports answers of 4xx on its console
    assert all("Failed to load resource" in trouble for trouble in window.troubles)
    window.troubles.clear()


@pytest.mark.slow
def test_hostile_labels_run_nothing(hostile, window):
    page = window.page
    page.goto(hostile.address)
    texts = [text.replace("\n", " ") for text in HOSTILE[:50]]
    page.fill("#text", hostile_text(texts))
    page.click("button")
    page.locator("#status", has_text="49 relation").wait_for()
    assert page.locator("#drawing script, #drawing img, #drawing iframe").count() == 0
