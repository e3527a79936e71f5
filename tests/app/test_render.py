import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

import rel_component
from rel_component import render
from rel_component.app.drawing import MAX_DEPTH, cut
from rel_component.errors import ConfigError
from rel_component.events import Event, set_events
from rel_component.types import Relation

from ..helpers import make_doc
from .pages import HOSTILE, Page, hostile_docs

TAGS = {
    *{"style", "script", "div", "p", "span", "small", "details", "summary"},
    *{"table", "thead", "tbody", "tr", "th", "td", "bdi"},
}
ATTRIBUTES = {
    *{"class", "style", "role", "aria-label", "dir", "open", "scope", "tabindex", "title"},
    *{"data-relations", "data-m", "data-r", "data-e", "data-c"},
}


@pytest.fixture
def doc(vocab):
    words = [
        "Ann",
        "Lee",
        "founded",
        "Acme",
        "Ltd",
        "in",
        "Rome",
        ".",
        "She",
        "lives",
        "there",
        ".",
    ]
    mentions = [(0, 2, "PERSON"), (3, 5, "ORG"), (6, 7, "GPE")]
    doc = make_doc(vocab, words, mentions, [(1, "FOUNDED_BY", 0, 0.75), (1, "LOCATED_IN", 2)])
    doc.spans["coref_clusters_1"] = [doc[0:2], doc[8:9]]
    doc.user_data["title"] = "One & only"
    return doc


def arcs(html):
    return [json.loads(value) for name, value in Page(html).attrs if name == "data-relations"]


def test_mentions_relations_and_clusters_are_in_the_page(doc):
    html = render(doc)
    page = Page(html)
    assert page.text.count("Ann LeePERSON #1 founded Acme LtdORG in RomeGPE . She#1 lives") == 1
    assert "FOUNDED_BY" in page.text  # for those without a script
    assert "0.750" in page.text
    (drawn,) = arcs(html)
    assert [(arc["head"], arc["tail"], arc["label"], arc["score"]) for arc in drawn] == [
        (1, 0, "FOUNDED_BY", 0.75),
        (1, 2, "LOCATED_IN", 1.0),
    ]
    label = dict(page.attrs)["aria-label"]
    assert label == "One & only: 4 mentions, 2 relations"


def test_evidence_is_listed_and_given_to_the_script(doc):
    acme, ann = doc.ents[1], doc.ents[0]
    for token in doc:
        token.is_sent_start = token.i in (0, 8)
    doc._.rel = [Relation(acme, "FOUNDED_BY", ann, 0.75, evidence=(1,)), (acme, "R", ann)]
    html = render(doc)
    assert [arc.get("evidence") for arc in arcs(html)[0]] == [[[35, 52]], None]
    assert "<td><bdi>She lives there .</bdi> </td></tr>" in html
    assert Page(html).tags.count("th") == 5


def test_what_is_negated_or_planned_says_so(doc):
    acme, ann, rome = doc.ents[1], doc.ents[0], doc.ents[2]
    doc._.rel = [
        Relation(acme, "FOUNDED_BY", ann, 0.75, polarity="negated"),
        Relation(acme, "LOCATED_IN", rome, 0.75, polarity="asserted"),
    ]
    html = render(doc)
    assert [arc["polarity"] for arc in arcs(html)[0]] == ["negated", ""]
    assert "<bdi>FOUNDED_BY</bdi> <small>negated</small>" in html
    assert "asserted" not in html


@pytest.mark.parametrize(
    ("options", "n_mentions", "labels"),
    [
        ({"labels": ["LOCATED_IN"]}, 4, ["LOCATED_IN"]),
        ({"labels": []}, 4, []),
        ({"min_score": 0.8}, 4, ["LOCATED_IN"]),
        ({"ents": ["org", "PERSON"]}, 2, ["FOUNDED_BY"]),
        ({"clusters": False}, 3, ["FOUNDED_BY", "LOCATED_IN"]),
        ({"attr": "others"}, 4, []),
    ],
)
def test_options_choose_what_is_drawn(doc, options, n_mentions, labels):
    html = render(doc, options=options)
    assert len([name for name, _ in Page(html).attrs if name == "data-m"]) == n_mentions
    assert [arc["label"] for arc in arcs(html)[0]] == labels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color": "red; } body { display: none"}, "option color: .*expected a value of CSS"),
        ({"bg": "url(https://example.com)"}, "option bg: .*without url"),
        ({"colors": {"ORG": "url (x)"}}, "option colors: .*'ORG'"),
        ({"label": ["A"]}, 'no option label, did you mean "labels"'),
        ({"labels": "A"}, "option labels: .*list, got 'A'"),
        ({"min_score": 2}, "option min_score"),
        ({"theme": "sepia"}, "option theme"),
        ({"template": "<b>{text.__class__}</b>"}, "option template: .*expected HTML with"),
        ({"template": "<b>{label}</b>"}, "option template"),
        ({"kb_url_template": "javascript:alert('{}')"}, "option kb_url_template: .*address"),
    ],
)
def test_options_that_are_not_valid_are_refused(doc, options, message):
    with pytest.raises(ConfigError, match=message):
        render(doc, options=options)


def test_colors_are_those_of_displacy_and_of_the_user(doc):
    html = render(doc, options={"colors": {"GPE": "rebeccapurple", "founded_by": "#123456"}})
    styles = [value for name, value in Page(html).attrs if name == "style"]
    assert "--rel-c:#7aecec" in styles  # ORG of displaCy
    assert "--rel-c:rebeccapurple" in styles
    assert arcs(html)[0][0]["style"] == {"--rel-c": "#123456"}
    assert "--rel-h" in arcs(html)[0][1]["style"]


def test_a_template_of_the_user_is_filled_with_escaped_texts(vocab):
    (doc,) = hostile_docs(vocab, ["<b>&"])
    html = render(doc, options={"template": '<mark style="color: {bg}">{text}|{label}</mark>'})
    assert '">&lt;b&gt;&amp;|&lt;b&gt;&amp;</mark>' in html


def test_links_lead_to_the_knowledge_base(vocab):
    (doc,) = hostile_docs(vocab, ['"><a&'])
    html = render(doc, options={"kb_url_template": "https://example.com/{}?x"})
    links = [value for name, value in Page(html).attrs if name == "href"]
    assert links == ["https://example.com/%22%3E%3Ca%26?x"] * 2


def test_nothing_of_a_document_becomes_markup(vocab):
    html = render(hostile_docs(vocab))
    page = Page(html)
    assert set(page.tags) == TAGS
    assert {name for name, _ in page.attrs} == ATTRIBUTES - {"data-c"}
    assert page.tags.count("script") == 1
    labels = [arc["label"] for drawing in arcs(html) for arc in drawing]
    assert labels == HOSTILE
    assert len(set(HOSTILE)) == 200


def test_a_page_is_whole_and_can_be_minified_without_changing_texts(vocab):
    doc = make_doc(vocab, ["a", "    ", "//", "\n\n", "  /* b */"], [(0, 1, "X")])
    whole, short = render(doc, page=True), render(doc, page=True, minify=True)
    assert whole.startswith("<!DOCTYPE html>")
    assert len(short) < 0.9 * len(whole)
    assert "// Draws" in whole
    assert "// Draws" not in short
    assert f"aX{doc.text[1:]}".rstrip() in Page(short).text


def test_spans_and_lists_are_drawn(doc):
    assert len(arcs(render([doc, doc[0:5]]))) == 2
    assert [arc["label"] for arc in arcs(render(doc[0:5]))[0]] == ["FOUNDED_BY"]
    assert arcs(render([])) == []


def test_what_cannot_be_drawn_is_refused(doc):
    with pytest.raises(ConfigError, match="no style 'dep'"):
        render(doc, style="dep")
    with pytest.raises(ConfigError, match="expected a Doc, a Span or a list of them, got 1"):
        render([1])


def test_mentions_of_a_span_group_may_nest_and_cross(vocab):
    doc = make_doc(
        vocab, ["a", "b", "c", "d"], [(0, 4, "L"), (0, 2, "M"), (1, 3, "N")], spans_key="s"
    )
    html = render(doc, options={"spans_key": "s"})
    assert 'class="rel-mention rel-opens" data-m="1"' not in html
    assert 'class="rel-mention rel-opens" data-m="2"' in html
    assert 'class="rel-mention rel-goes-on" data-m="2"' in html
    doc.spans["s"].attrs["scores"] = [0.9, 0.1, 0.6]
    assert 'data-m="2"' not in render(doc, options={"spans_key": "s"})


def test_arabic_is_written_from_right_to_left(doc):
    arabic = Doc(Vocab(writing_system={"direction": "rtl"}), words=["أسس", "ستيف", "شركة"])
    assert ("dir", "rtl") in Page(render(arabic)).attrs
    assert ("dir", "auto") in Page(render(doc)).attrs


def test_notebooks_show_relations(doc):
    html = doc._.rel._repr_html_()
    assert arcs(html) == arcs(render(doc))
    assert rel_component.RelationView(doc, "others")._repr_html_().count("<details") == 0


def test_jupyter_shows_instead_of_returning(doc, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.instance()
    with capture_output() as shown:
        assert render(doc, jupyter=True) is None
    (output,) = shown.outputs
    assert output.data["text/html"] == f'<span class="tex2jax_ignore">{render(doc)}</span>'
    InteractiveShell.clear_instance()


def test_a_label_has_the_same_color_in_two_calls(doc, vocab):
    other = make_doc(vocab, "a b", [(0, 1, ""), (1, 2, "")], [(0, "LOCATED_IN", 1), (1, "Z", 0)])
    styles = [{arc["label"]: arc["style"] for arc in arcs(render(d))[0]} for d in (doc, other)]
    assert styles[0]["LOCATED_IN"] == styles[1]["LOCATED_IN"]


def test_the_example_of_the_docs_runs():
    text = (Path(__file__).parents[2] / "docs" / "viewer.md").read_text(encoding="utf8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    found = {}
    exec(example, found)
    assert [arc["label"] for arc in arcs(found["html"])[0]] == ["FOUNDED_BY"]


spans = st.tuples(st.integers(0, 9), st.integers(1, 5)).map(lambda pair: (pair[0], sum(pair)))


@settings(max_examples=30)
@given(st.lists(spans, max_size=2 * MAX_DEPTH))
def test_pieces_hold_every_character_once_with_the_mentions_around_it(spans):
    pieces = cut(14, spans)
    characters = [(i, piece.mentions) for piece in pieces for i in range(piece.start, piece.end)]
    assert [i for i, _ in characters] == list(range(14))
    for i, around in characters:
        covering = {k for k, (start, end) in enumerate(spans) if start <= i < end}
        assert set(around) <= covering
        assert len(around) <= MAX_DEPTH
        if len(spans) <= MAX_DEPTH:
            assert set(around) == covering
        starts = [spans[k][0] for k in around]
        assert starts == sorted(starts)


def test_an_option_of_a_span_keeps_its_document(doc):
    before = doc.to_bytes()
    render(Span(doc, 0, 5))
    render(doc)
    assert doc.to_bytes() == before


def test_events_are_listed(doc):
    assert "1 event" not in render(doc)
    roles = (("founder", doc.ents[0]), ("<b>", doc.ents[1]))
    set_events(doc, [Event("FOUNDING", roles, doc[2:3], 0.75)])
    html = render(doc)
    assert "<summary>1 event</summary>" in html
    assert "<td><bdi>FOUNDING</bdi></td><td><bdi>founded</bdi></td>" in html
    assert "<small>&lt;b&gt;</small> <bdi>Acme Ltd</bdi>" in html
