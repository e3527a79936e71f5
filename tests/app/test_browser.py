"""The pages in a real browser; these tests skip where Chromium or Playwright is missing."""

import json
import shutil
from threading import Thread

import numpy
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from rel_component import render
from rel_component.annotations import set_relations
from rel_component.app.documents import compared_documents, found_documents
from rel_component.app.drawing import cut
from rel_component.app.evaluation_page import render_evaluation
from rel_component.app.options import RenderOptions
from rel_component.app.page import make_page
from rel_component.app.review import ReviewStore
from rel_component.app.server import PageServer
from rel_component.audit.html import render_html
from rel_component.audit.label_noise import check_label_noise
from rel_component.audit.name_bias import check_name_bias
from rel_component.audit.report import CHECKS, AuditReport
from rel_component.converters.formats.jsonl import FORMAT
from rel_component.converters.report import Report
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.evaluation.calibrate import CalibrationReport
from rel_component.evaluation.calibration import measure_calibration
from rel_component.evaluation.calibration_page import render_calibration
from rel_component.evaluation.calibration_run import Trust
from rel_component.evaluation.conformal import Coverage, LabelSets
from rel_component.evaluation.counts import PRF
from rel_component.evaluation.mistakes import find_mistakes
from rel_component.events import Event
from rel_component.explain.counterfactuals import Counterfactual, SentenceEvidence
from rel_component.explain.explanation import Explanation
from rel_component.explain.neighbours import Neighbour
from rel_component.explain.page import render_explanations
from rel_component.pipelines import blank_pipeline
from rel_component.probabilities import Temperature
from rel_component.schema import RelationSchema
from rel_component.types import Relation

from ..audit.corpora import make_context
from ..cli.helpers import run
from ..encoders import TINY_TOK2VEC
from ..helpers import make_doc, make_example
from .pages import HOSTILE, hostile_docs

pytestmark = pytest.mark.slow

NAMES = ["Ann", "Acme", "Rome", "Bob", "Orbit"]
TINY_SPAN_PAIR = {"@architectures": "rel_component.SpanPair.v1", "hidden_size": 32}
LABELS = ["FOUNDED_BY", "LOCATED_IN", "WORKS_FOR"]


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Window:
    """A page of the browser, with the errors and dialogs that it has had."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(accept_downloads=True, **options)
        self.context.set_default_timeout(200_000)  # for machines that do much else
        self.page = self.context.new_page()
        self.troubles, self.requests = [], []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("dialog", lambda dialog: (self.troubles.append("dialog"), dialog.dismiss()))

    def _note(self, message):
        if message.type == "error":
            self.troubles.append(message.text)

    def show(self, html, tmp_path, name="page.html"):
        (tmp_path / name).write_text(html, encoding="utf8")
        self.page.goto((tmp_path / name).as_uri())
        return self.page

    def show_drawn(self, html, tmp_path):
        """Show a page, and wait until what is in sight of it is drawn."""
        page = self.show(html, tmp_path)
        page.locator(".rel-line").first.wait_for()
        return page

    def keys(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)


@pytest.fixture
def window(browser):
    window = Window(browser, viewport={"width": 800, "height": 700})
    yield window
    window.context.close()
    assert window.troubles == []


def chain(vocab, n, number=0):
    """A document with n relations between neighbours in a text of many lines."""
    words = [word for i in range(n + 1) for word in (f"{NAMES[i % 5]}{i}", "and", "so", "on", ",")]
    mentions = [(5 * i, 5 * i + 1, "PERSON" if i % 2 else "ORG") for i in range(n + 1)]
    relations = [(i, LABELS[i % 3], i + 1, 0.5 + (i % 10) / 20) for i in range(n)]
    doc = make_doc(vocab, words, mentions, relations)
    doc.user_data["meta"] = {"id": f"doc {number}", "tweet": 1234567890123456789}
    return doc


def is_joined(page):
    """Whether each relation begins once, at its head, and has one arrow head, at its tail."""
    return page.evaluate(
        """() => Array.from(RelView_views(), (view) => view.relations.map((relation, i) => {
          const near = (shape, m) => {
            const box = shape.getBoundingClientRect();
            return Array.from(view.lines.querySelectorAll(`[data-m="${m}"]`)).some((node) => {
              const other = node.getBoundingClientRect();
              return box.left >= other.left - 5 && box.right <= other.right + 5
                && Math.abs(box.bottom - other.top) < 5;
            });
          };
          const find = (name) => Array.from(view.lines.querySelectorAll(`[data-r="${i}"] ${name}`));
          const [tips, dots] = [find(".rel-tip"), find(".rel-dot")];
          return tips.length === 1 && dots.length === 1
            && near(tips[0], relation.tail) && near(dots[0], relation.head);
        }))"""
    )


def drawn(html):
    """The page, whose script tells its views to tests."""
    return html.replace("RelView.start();", "RelView.start(); window.RelView_views = RelView.all;")


@pytest.mark.parametrize("width", [900, 400])
def test_arcs_join_their_mentions_at_any_width(window, tmp_path, vocab, width):
    far = chain(vocab, 60)
    ents = far.ents
    set_relations(far, [*far._.rel, *((ents[i], "FAR", ents[59 - i], 0.5) for i in range(10))])
    cross = make_doc(vocab, "a b c d", [(0, 4, "L"), (0, 2, "M"), (1, 3, "N")], spans_key="s")
    spans = cross.spans["s"]
    cross._.rel = [(spans[0], "X", spans[1]), (spans[1], "Y", spans[2]), (spans[2], "Z", spans[2])]
    arabic = Doc(
        Vocab(writing_system={"direction": "rtl"}),
        words=["أسس", "ستيف", "شركة", "أبل", "في", "كوبرتينو"],
    )
    a, b = Span(arabic, 1, 2, label="PERSON"), Span(arabic, 3, 4, label="ORG")
    arabic.ents = [a, b]
    arabic._.rel = [(b, "FOUNDED_BY", a)]
    emoji = make_doc(
        vocab,
        ["\U0001f469\u200d\U0001f4bb", "e\u0301cole", "\n", "\U0001f3e2" * 90, "x"],
        [(1, 2, "A"), (3, 4, "B")],
        [(0, "R", 1)],
    )
    page = window.show(
        drawn(render([far, cross, arabic, emoji], page=True, options={"spans_key": "s"})), tmp_path
    )
    for new_width in (width, 650):
        page.set_viewport_size({"width": new_width, "height": 700})
        for name in ("beforeprint", "afterprint"):  # all are drawn, also those out of sight
            page.evaluate(f"dispatchEvent(new Event('{name}'))")
        page.wait_for_function(
            "Array.from(RelView_views()).every((view) => view.width === view.root.clientWidth)"
        )
        joined = is_joined(page)
        assert [len(view) for view in joined] == [70, 3, 1, 1]
        assert all(all(view) for view in joined)
        assert page.evaluate("document.documentElement.scrollWidth") <= new_width


def test_the_text_is_whole_in_lines_and_on_paper(window, tmp_path, vocab):
    doc = chain(vocab, 60)
    page = window.show_drawn(drawn(render(doc, page=True)), tmp_path)
    text = page.evaluate("document.querySelector('.rel-text').textContent")
    lines = page.evaluate(
        """() => Array.from(document.querySelectorAll(".rel-line"), (line) => {
          const copy = line.cloneNode(true);
          copy.querySelectorAll("svg").forEach((svg) => svg.remove());
          return copy.textContent;
        })"""
    )
    assert "".join(lines) == text
    assert len(lines) > 10
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelector('.rel-view').clientWidth") == 660
    assert all(is_joined(page)[0])


def test_arcs_that_fill_the_margins_pass_a_line_as_one_path(window, tmp_path, vocab):
    doc = chain(vocab, 60)
    ends = [(head, tail) for head in doc.ents[:11] for tail in doc.ents[-11:]]
    set_relations(doc, [(head, "FAR", tail, 0.5) for head, tail in ends])
    page = window.show_drawn(drawn(render(doc, page=True)), tmp_path)
    assert page.locator(".rel-line").nth(5).locator("g").count() == 1
    assert all(is_joined(page)[0])


def test_without_scripts_the_relations_are_listed(browser, tmp_path, vocab):
    window = Window(browser, java_script_enabled=False)
    page = window.show(render(chain(vocab, 3), page=True), tmp_path)
    assert page.locator("tbody tr").count() == 3
    assert page.locator("tbody tr").first.is_visible()
    window.context.close()


def test_a_relation_is_brought_out_by_its_row(window, tmp_path, vocab):
    page = window.show_drawn(render(chain(vocab, 3), page=True), tmp_path)
    page.locator("summary").click()
    page.locator("tbody tr").nth(1).focus()
    assert page.locator(".rel-line .rel-mention.rel-on").count() == 2


def evidence(page):
    """The texts that are brought out as evidence."""
    return page.evaluate(
        "() => Array.from(CSS.highlights.get('rel-evidence') ?? [], String).join('')"
    )


def test_evidence_is_brought_out_with_its_relation(window, tmp_path, vocab):
    words = ["\U0001f469\u200d\U0001f4bb", "Ann", "led", "Acme", ".", *["It", "rained", "."] * 30]
    words += ["She", "founded", "it", "."]
    starts = [0, *range(5, 96, 3)]
    doc = make_doc(vocab, words, [(1, 2, "PERSON"), (3, 4, "ORG")], sent_starts=starts)
    ann, acme = doc.ents
    doc._.rel = [
        Relation(acme, "FOUNDED_BY", ann, 0.5, evidence=(0, 31)),
        Relation(acme, "LED_BY", ann, 0.5),
    ]
    shown = "\U0001f469\u200d\U0001f4bb Ann led Acme .She founded it ."
    page = window.show_drawn(render(doc, page=True), tmp_path)
    page.locator("summary").click()
    rows = page.locator("tbody tr")
    rows.nth(0).focus()
    assert evidence(page) == shown
    page.set_viewport_size({"width": 400, "height": 700})
    page.wait_for_timeout(200)
    rows.nth(1).focus()
    assert evidence(page) == ""
    assert rows.nth(0).locator("td").last.text_content().replace(" ", "") == shown.replace(" ", "")
    page = window.show_drawn(make_page(found_documents([doc], RenderOptions())), tmp_path)
    window.keys("j")
    assert evidence(page) == shown
    page.locator("summary").click()
    assert page.locator("th").all_text_contents()[-1] == "Evidence"
    window.keys("j")
    assert evidence(page) == ""


def hostile_pages(docs):
    """All pages that somebody else's corpus can come into, but those of a viewer and of a drawing."""
    everything = "".join(HOSTILE)
    examples = [make_example(doc) for doc in docs]
    yield render_evaluation(find_mistakes(examples), title=everything)
    corpus = make_context(docs, docs[:2], schema=RelationSchema())
    sections = [
        check(corpus) for check in CHECKS if check not in (check_label_noise, check_name_bias)
    ]
    yield render_html(AuditReport(sections, len(docs)), title=everything)
    numbers = numpy.arange(len(HOSTILE))
    measured = measure_calibration(numbers / len(HOSTILE), numbers % 2 == 0, numbers, n_resamples=2)
    trust = Trust(measured, measured, measured, PRF())
    temperature = Temperature(1.0, dict.fromkeys(HOSTILE, 2.0))
    report = CalibrationReport(
        *(temperature, {}, 1, 1, 1, everything, trust, trust, None),
        *(LabelSets(0.9, 0.5, 0.5), Coverage(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)),
    )
    yield render_calibration(report, title=everything)
    relations = [rel for doc in docs for rel in doc._.rel]
    yield render_explanations(
        [
            Explanation(
                relation=rel,
                words=tuple(HOSTILE),
                probability=0.5,
                attributions={"gradient": numbers - 9.0, rel.label: numbers - 9.0},
                gradient_of=rel.label,
                evidence=(SentenceEvidence(0, rel.label, 0.5, True),),
                counterfactuals=(Counterfactual(rel.label, rel.label, 0.5),),
                neighbours=(Neighbour(0.5, *[rel.label] * 5),),
            )
            for rel in relations[:: len(relations) // 20]
        ],
        title=everything,
    )


def is_harmless(page):
    """Whether nothing is in a page that could run, or be fetched."""
    page.wait_for_load_state()
    wrong = "img, iframe, object, embed, link, base, form[action], [onload], [onerror], [onfocus]"
    places = "document.querySelectorAll('[href], [src]')"
    links = page.evaluate(f"() => Array.from({places}, (node) => node.href || node.src)")
    own = [link for link in links if link.startswith("file:") and "#" in link]
    return page.locator(wrong).count() == 0 and links == own


def test_nothing_hostile_runs(window, tmp_path, vocab):
    docs = hostile_docs(vocab)
    window.page.on("request", lambda request: window.requests.append(request.url))
    page = window.show(render(docs, page=True), tmp_path)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # all are drawn
    assert page.locator(".rel-tip").count() == len(HOSTILE)
    assert is_harmless(page)
    documents = found_documents(docs, RenderOptions())
    html = make_page(documents, title="".join(HOSTILE), labels=HOSTILE, review=True)
    page = window.show(html, tmp_path)
    page.locator("article").nth(len(docs) - 1).wait_for(state="attached")
    window.keys("j", "l", "Escape", "a", "?")
    assert page.locator(".rel-tip").count() == len(HOSTILE)
    page.evaluate("document.querySelector('#help').close()")
    for text in HOSTILE[:8]:  # each as the type of a mention, and of a relation from it
        n = page.evaluate("review.mentions(docs[0]).length")
        window.keys("m")
        page.fill("#words", "and")
        page.fill("#type", text)
        window.keys("Enter", "Enter")
        page.locator('article >> nth=0 >> .rel-line [data-m="0"]').first.focus()
        window.keys("Enter")
        page.fill("#label", text)
        window.keys("Enter")
        added = page.evaluate("review.mentions(docs[0])")[n:]
        assert [mention["label"] for mention in added] == [text.strip()]
    assert is_harmless(page)
    page = window.show(
        make_page(compared_documents(find_mistakes(map(make_example, docs)))), tmp_path
    )
    assert is_harmless(page)
    for html in hostile_pages(docs):
        assert is_harmless(window.show(html, tmp_path))
    assert {url for url in window.requests if not url.startswith("file:")} == set()


def test_search_and_filters(window, tmp_path, vocab):
    docs = [chain(vocab, i % 4, i) for i in range(200)]
    page = window.show(make_page(found_documents(docs, RenderOptions())), tmp_path)
    page.wait_for_selector("article")
    assert page.locator("article").count() < 60  # only what is near
    page.fill("#search", "DOC 19")
    page.locator("#count", has_text="11 of 200").wait_for()
    page.locator("#labels button", has_text="WORKS_FOR").click()
    assert page.locator("#count").text_content() == "4 of 200 documents"
    assert page.locator("tbody tr").count() == 4
    page.fill("#search", "nowhere")
    page.wait_for_selector("#none")


def test_events_are_shown_filtered_and_decided(window, tmp_path, vocab):
    docs = [make_doc(vocab, "Ann left Acme in Rome", [(0, 1, "P"), (2, 3, "ORG")]) for _ in "ab"]
    ann, acme = docs[0].ents
    docs[0]._.events = [
        Event("LEAVING", (("who", ann),), acme, 0.5),
        Event("MOVE", (("who", ann), ("where", acme)), score=0.25),
    ]
    documents = found_documents(docs, RenderOptions())
    page = window.show_drawn(make_page(documents, review=True), tmp_path)
    page.locator("#labels button", has_text="LEAVING").click()
    assert page.locator("#count").text_content() == "1 of 2 documents"
    row = page.locator("tr[data-e]")
    assert row.text_content() == "LEAVINGAcme ORGwho Ann0.500✓✕"
    row.focus()
    assert page.locator(".rel-line .rel-on").all_text_contents() == ["AnnP", "AcmeORG"]
    page.locator("#labels button", has_text="LEAVING").click()
    window.keys("j", "x", "j", "a")
    assert page.locator("tr[data-e]").evaluate_all("rows => rows.map((row) => row.className)") == [
        "rejected",
        "accepted rel-on",
    ]
    assert page.locator("#progress").text_content() == "1 of 2 done"
    [event] = json.loads(page.evaluate("review.lines()"))["events"]
    arguments = [{"role": "who", "mention": "T1"}]
    assert event == {"label": "LEAVING", "trigger": "T2", "arguments": arguments}
    by_page = json.loads(page.evaluate("JSON.stringify(review.record(0))"))
    store = ReviewStore(documents, tmp_path / "server.jsonl")
    store.save(json.loads(page.evaluate("JSON.stringify(Object.fromEntries(review.decisions))")))
    assert json.loads((tmp_path / "server.jsonl").read_text()) == by_page


def correct_twenty(window, page):
    """20 corrections of a document with 16 relations: with keys, then with the mouse."""
    page.wait_for_selector("article")
    window.keys("n")
    for keys in (["a"], ["x"], ["r"], ["a"], ["x"], ["r"]):
        window.keys(*keys, "j")
    for part in ("LOCATED", "OWNS"):  # one that is known, and a new one
        window.keys("l")
        name_type(page, part)
        window.keys("j")
    rows = page.locator("article").first.locator("tbody tr")
    for i, button in enumerate([0, 1, 2, 0, 1, 2, 0, 1], start=8):
        rows.nth(i).locator("button").nth(button).click()
    for head, tail in ((0, 2), (4, 9)):
        for mention in (head, tail):
            page.locator(f'article >> nth=0 >> .rel-line [data-m="{mention}"]').first.click()
        name_type(page, "FOUNDED")
    for mention in (3, 7):
        page.locator(f'article >> nth=0 >> .rel-line [data-m="{mention}"]').first.focus()
        window.keys("Enter")
    name_type(page, "MADE")
    window.keys("u", "U")
    rows.nth(0).locator("button").nth(1).click()  # a change of mind


def name_type(page, text):
    """Answer the dialog for a type of relation, which a busy browser opens after a while."""
    page.wait_for_selector("#relabel[open]")
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_selector("#relabel:not([open])", state="attached")


def facts_of_twenty():
    """What should be left: head, label, tail by number of the mention."""
    kept = [
        (2, 3, 2),
        (3, 3, 4),
        (5, 6, 5),
        (6, 6, 7),
        (7, 7, 8),
        (8, 8, 9),
        (10, 11, 10),
        (11, 11, 12),
    ]
    kept += [(13, 14, 13), (14, 14, 15)]
    own = {6: "LOCATED_IN", 7: "OWNS"}
    facts = {(head, own.get(i, LABELS[i % 3]), tail) for i, head, tail in kept}
    return facts | {(0, "FOUNDED_BY", 2), (4, "FOUNDED_BY", 9), (3, "MADE", 7)}


def read_back(path, tmp_path):
    """The relations of the first document of a file, through conversion and the corpus reader."""
    run("convert", path, tmp_path / "train.spacy")
    examples = list(make_relation_corpus(tmp_path / "train.spacy")(blank_pipeline("en")))
    doc = examples[0].reference
    number = {ent.start_char: i for i, ent in enumerate(doc.ents)}
    assert {rel.score for rel in doc._.rel} == {1.0}
    return {
        (number[rel.head.start_char], rel.label, number[rel.tail.start_char]) for rel in doc._.rel
    }


def learn(path):
    """What a small pipeline finds in the documents of a file after it was trained on them."""
    nlp = spacy.blank("en")
    config = {"model": {**TINY_SPAN_PAIR, "tok2vec": TINY_TOK2VEC}}
    nlp.add_pipe("relation_extractor", config=config)
    examples = list(make_relation_corpus(path)(nlp))
    assert [len(eg.reference.ents) for eg in examples] == [17]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    (doc,) = nlp.pipe([eg.predicted for eg in make_relation_corpus(path)(nlp)])
    number = {ent.start_char: i for i, ent in enumerate(doc.ents)}
    return {
        (number[rel.head.start_char], rel.label, number[rel.tail.start_char]) for rel in doc._.rel
    }


def test_review_with_a_server(window, tmp_path, vocab):
    documents = found_documents([chain(vocab, 16), chain(vocab, 2, 1)], RenderOptions())
    store = ReviewStore(documents, tmp_path / "reviewed.jsonl")
    html = make_page(documents, labels=LABELS, review=True, served=True)
    with PageServer(html, store) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            page = window.page
            page.goto(server.address)
            correct_twenty(window, page)
            page.locator("#saved", has_text="saved").wait_for()
            page.reload()  # nothing is lost
            page.locator("#progress", has_text="1 of 2 done").wait_for()
            assert page.locator("tr.rejected").count() == 6
        finally:
            server.shutdown()
            thread.join()
    assert read_back(store.path, tmp_path) == facts_of_twenty()
    learned = learn(tmp_path / "train.spacy")
    assert learned == facts_of_twenty()
    assert {"OWNS", "MADE"} <= {label for _, label, _ in learned}  # no pipeline has known them
    again = ReviewStore(documents, store.path)
    assert again.counts() == {"documents": 2, "done": 1}


def test_review_of_a_page_alone(window, tmp_path, vocab):
    documents = found_documents([chain(vocab, 16), chain(vocab, 2, 1)], RenderOptions())
    page = window.show(make_page(documents, labels=LABELS), tmp_path)
    page.click("#review")
    correct_twenty(window, page)
    page.locator("#saved", has_text="kept in this browser").wait_for()
    page.reload()
    page.click("#review")
    page.locator("#progress", has_text="1 of 2 done").wait_for()
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "reviewed.jsonl")
    assert read_back(tmp_path / "reviewed.jsonl", tmp_path) == facts_of_twenty()
    # and it is letter by letter what the server would have written
    value = page.evaluate("JSON.stringify(Object.fromEntries(review.decisions))")
    store = ReviewStore(documents, tmp_path / "server.jsonl")
    store.save(json.loads(value))
    by_page, by_server = (
        list(FORMAT.read(tmp_path / f"{name}.jsonl", Report())) for name in ("reviewed", "server")
    )
    assert [vars(doc) | {"place": ""} for doc in by_page] == [
        vars(doc) | {"place": ""} for doc in by_server
    ]
    assert by_page[0].meta["tweet"] == 1234567890123456789


def select(page, words):
    """Select words in the lines of the first document, as the mouse does."""
    page.evaluate(
        """(words) => {
          const walker = document.createTreeWalker(document.querySelector("article .rel-lines"), 4);
          while (!walker.nextNode().data.includes(words));
          const node = walker.currentNode;
          const at = node.data.indexOf(words);
          getSelection().setBaseAndExtent(node, at, node, at + words.length);
        }""",
        words,
    )


def test_mentions_are_added_in_review(window, tmp_path, vocab):
    text = "\U0001f469\u200d\U0001f4bb Ann led Acme . The Acme of Rome , Orbit , was sold ."
    doc = make_doc(vocab, text, [(1, 2, "PERSON"), (3, 4, "ORG")], [(0, "LED", 1, 0.5)])
    documents = found_documents([doc], RenderOptions())
    page = window.show(make_page(documents, labels=LABELS, review=True), tmp_path)
    page.wait_for_selector(".rel-line")
    select(page, "Acme of Rome ")
    page.click("#mention")
    assert page.input_value("#words") == "Acme of Rome"
    page.keyboard.type("ORG")
    window.keys("Enter", "Enter")  # the new mention has the focus: it is the head
    page.locator('.rel-line [data-m="0"]').first.click()
    name_type(page, "FOUNDED")
    window.keys("m")  # and by keys alone, the second of two places, inside of another one
    page.locator("#words").wait_for()
    page.keyboard.type("Acme")
    window.keys("Tab", "ArrowDown", "Enter")
    page.keyboard.type("NAME")
    window.keys("Enter", "m")
    page.locator("#words").wait_for()
    page.keyboard.type("Orbit")
    window.keys("Enter")
    page.keyboard.type("ORG")
    window.keys("Enter", "Enter")
    page.locator('.rel-line [data-m="3"]').first.focus()
    window.keys("Enter")
    name_type(page, "OWNS")
    added = page.locator("button.chip[title]")
    assert added.all_text_contents() == ["✕ Acme of Rome ORG", "✕ Acme NAME", "✕ Orbit ORG"]
    assert page.locator('.rel-line [data-m="2"] [data-m="3"]').count() == 1
    page.locator('.rel-line [data-m="4"]').first.click()
    assert page.text_content("#hint").startswith("New relation from “Orbit”")
    added.nth(0).click()  # with its relation; the numbers of others follow, and no head is picked
    assert page.text_content("#hint") == ""
    window.keys("d")
    value = page.evaluate("JSON.stringify(Object.fromEntries(review.decisions))")
    store = ReviewStore(documents, tmp_path / "server.jsonl")
    store.save(json.loads(value))
    saved = json.loads(store.path.read_text(encoding="utf8"))
    assert page.evaluate("review.record(0)") == saved
    mentions = {
        m["id"]: (saved["text"][m["start"] : m["end"]], m["start"]) for m in saved["entities"]
    }
    assert [(name, at > 20) for name, at in mentions.values()] == [
        *(("Ann", False), ("Acme", False), ("Acme", True), ("Orbit", True))
    ]
    facts = [(r["label"], mentions[r["head"]], mentions[r["tail"]]) for r in saved["relations"]]
    assert facts[1:] == [("OWNS", mentions["N4"], mentions["N3"])]
    assert page.evaluate("review.of(0).relations.length") == 2
    page.reload()
    page.wait_for_selector("button.chip[title]")
    assert added.all_text_contents() == ["✕ Acme NAME", "✕ Orbit ORG"]


def test_the_page_cuts_texts_as_drawings_are_cut(window, tmp_path):
    random = numpy.random.default_rng(0)
    page = window.show(make_page([]), tmp_path)
    for _ in range(20):
        spans = [
            (int(start), int(start + length))
            for start, length in random.integers(1, 9, size=(int(random.integers(40)), 2))
        ]
        mentions = [{"start": start, "end": end} for start, end in spans]
        expected = [[*piece[:2], list(piece.mentions)] for piece in cut(20, spans)]
        assert page.evaluate("(mentions) => cut(20, mentions)", mentions) == expected
