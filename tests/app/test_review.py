import json

import pytest
from spacy.training import Example

from rel_component import convert
from rel_component.app.documents import compared_documents, found_documents
from rel_component.app.options import RenderOptions
from rel_component.app.review import Review, ReviewStore, reviewed
from rel_component.converters.formats.jsonl import to_record
from rel_component.errors import DataError
from rel_component.evaluation.mistakes import find_mistakes
from rel_component.events import Event

from ..helpers import make_doc

WORDS = "Ann leads Acme in Rome"
ANN, ACME, ROME = (0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "GPE")


@pytest.fixture
def document(vocab):
    doc = make_doc(vocab, WORDS, [ANN, ACME, ROME], [(0, "LEADS", 1, 0.5), (0, "IN", 2, 0.25)])
    doc.user_data["meta"] = {"id": 1234567890123456789}
    (document,) = found_documents([doc], RenderOptions())
    return document


def decision(origin, head, label, tail, state="accepted"):
    return {"origin": origin, "head": head, "label": label, "tail": tail, "state": state}


def review_of(document, *relations, done=True):
    return Review.read({"done": done, "relations": list(relations)}, document, "here")


def facts(annotated):
    return [(rel.head, rel.label, rel.tail, rel.score) for rel in annotated.relations]


def test_decisions_become_annotations(document):
    review = review_of(
        document,
        decision(0, 1, "LED_BY", 0),  # another type, reversed
        decision(1, 0, "IN", 2, "open"),
        decision(None, 1, "BASED_IN", 2),
    )
    assert facts(reviewed(document, review)) == [
        ("T2", "LED_BY", "T1", 1.0),
        ("T1", "IN", "T3", 0.25),
        ("T2", "BASED_IN", "T3", 1.0),
    ]
    review = review_of(document, decision(0, 0, "LEADS", 1, "rejected"), decision(1, 0, "IN", 2))
    assert facts(reviewed(document, review)) == [("T1", "IN", "T3", 1.0)]


def test_what_the_pipeline_has_missed_counts_if_it_is_accepted(vocab):
    gold = make_doc(vocab, WORDS, [ANN, ACME, ROME], [(0, "LEADS", 1), (1, "IN", 2)])
    found = make_doc(vocab, WORDS, [ANN, ACME], [(0, "LEADS", 1, 0.9), (1, "LEADS", 0, 0.3)])
    (document,) = compared_documents(find_mistakes([Example(found, gold)]))
    assert document.statuses == ("right", "spurious", "missed")
    assert document.reasons[1:] == ("wrong direction: (Ann, LEADS, Acme)", "entity missed")
    assert document.missed == {2}
    relations = [
        decision(0, 0, "LEADS", 1, "open"),
        decision(1, 1, "LEADS", 0, "open"),
        decision(2, 1, "IN", 2, "open"),
    ]
    kept = reviewed(document, review_of(document, *relations))
    assert [mention.id for mention in kept.mentions] == ["T1", "T2"]
    assert len(kept.relations) == 2
    relations[2]["state"] = "accepted"
    kept = reviewed(document, review_of(document, *relations))
    assert [mention.label for mention in kept.mentions] == ["PERSON", "ORG", "GPE"]
    assert facts(kept)[2] == ("T2", "IN", "G3", 1.0)


def test_mentions_are_added(document, tmp_path):
    value = {
        "done": True,
        "relations": [
            decision(0, 0, "LEADS", 1),
            decision(1, 0, "IN", 2),
            decision(None, 3, "A", 1),
        ],
        "mentions": [{"start": 4, "end": 9, "label": "VERB"}],
    }
    kept = reviewed(document, Review.read(value, document, "here"))
    assert vars(kept.mentions[3]) | {"attributes": 0} == {
        **{"id": "N4", "start": 4, "end": 9, "label": "VERB"},
        **{"kb_id": "", "fragments": (), "attributes": 0},
    }
    assert facts(kept)[2] == ("N4", "A", "T2", 1.0)
    store = ReviewStore([document], tmp_path / "a.jsonl")
    store.save({document.key: value})
    assert ReviewStore([document], store.path).to_json() == {document.key: value}


@pytest.mark.parametrize(
    ("mention", "message"),
    [
        ((0, 3, "PERSON"), r"here: mentions: \(0, 3, 'PERSON'\) is there already"),
        ((4, 4, "VERB"), "not in the text"),
        ((9, 4, "VERB"), "not in the text"),
        ((0, 23, "X"), "not in the text"),
        ((-1, 3, "X"), "mentions.0.start: Input should be greater"),
        ((0, 1.5, "X"), "mentions.0.end"),
        ((4, 9, " "), "label ' '"),
        ((4, 9, "x" * 201), "label 'xxx"),
        ((4, 9, "\ud800"), "half a surrogate pair|unicode"),
        ((4, 9, ""), "mentions.0.label"),
    ],
)
def test_mentions_that_do_not_fit_are_refused(document, mention, message):
    added = dict(zip(("start", "end", "label"), mention))
    value = {"done": True, "relations": [], "mentions": [added]}
    with pytest.raises(DataError, match=message):
        Review.read(value, document, "here")
    value["mentions"] = [{"start": 4, "end": 9, "label": "VERB"}] * 2
    with pytest.raises(DataError, match="there already"):
        Review.read(value, document, "here")


@pytest.mark.parametrize(
    ("relation", "message"),
    [
        (decision(0, 0, "LEADS", 3), "here: head, tail: there are 3 mentions"),
        (decision(2, 0, "LEADS", 1), "here: origin: expected each of 2 relations once"),
        (decision(None, 0, "NO_RELATION", 1), "label 'NO_RELATION': expected 1 to 200 char"),
        (decision(None, 0, " ", 1), "label ' ': expected"),
        (decision(None, 0, "x" * 201, 1), "label 'xxx"),
        (decision(None, 0, "\ud800", 1), "half a surrogate pair|unicode"),
        (decision(None, 1, "IN", 1), "head and tail are the same mention"),
        (decision(0, -1, "LEADS", 1), r"relations.0.head: Input should be greater"),
        (decision(0, 0, "LEADS", True), "relations.0.tail: Input should be a valid int"),
        (decision(0, 0, "LEADS", 1, "maybe"), "relations.0.state"),
        ({**decision(0, 0, "LEADS", 1), "x": 1}, "relations.0.x: Extra inputs"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(document, relation, message):
    with pytest.raises(DataError, match=message):
        review_of(document, relation)


def test_each_relation_is_decided_once(document):
    with pytest.raises(DataError, match="origin"):
        review_of(document, decision(0, 0, "LEADS", 1), decision(0, 0, "LEADS", 1))


def test_a_review_goes_on_where_it_was(document, tmp_path):
    path = tmp_path / "new" / "reviewed.jsonl"
    store = ReviewStore([document], path)
    value = {"done": False, "relations": [decision(0, 0, "LEADS", 1)]}
    assert store.save({document.key: value}) == {"documents": 1, "done": 0}
    assert path.read_text(encoding="utf8").strip() == ""
    again = ReviewStore([document], path)
    assert again.to_json() == {document.key: value}
    assert again.save({document.key: {**value, "done": True}}) == {"documents": 1, "done": 1}
    record = json.loads(path.read_text(encoding="utf8"))
    assert record == to_record(reviewed(document, again.reviews[document.key]))
    assert record["id"] == 1234567890123456789
    convert(path, tmp_path / "train.spacy")


def test_decisions_about_documents_that_are_not_here_are_kept(document, tmp_path):
    state = tmp_path / "a.jsonl.state"
    state.write_text('{"other.1": {"done": true}}', encoding="utf8")
    ReviewStore([document], tmp_path / "a.jsonl").write()
    assert json.loads(state.read_text(encoding="utf8")) == {"other.1": {"done": True}}


def test_a_file_does_not_lose_documents_that_are_not_here(vocab, document, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n", encoding="utf8")
    with pytest.raises(DataError, match="name another file"):
        ReviewStore([document], path)
    path.unlink()
    ReviewStore([document], path).save({document.key: {"done": True, "relations": []}})
    (other,) = found_documents([make_doc(vocab, "Acme", [])], RenderOptions())
    with pytest.raises(DataError, match="1 documents of it, which are done"):
        ReviewStore([other], path)
    ReviewStore([other, document], path)


@pytest.mark.parametrize("content", ["", "[]", "{", "\ud800", '{"KEY": 1}', "[" * 50_000])
def test_a_file_that_holds_no_decisions_is_an_error_that_names_it(document, tmp_path, content):
    state = tmp_path / "a.jsonl.state"
    content = content.replace("KEY", document.key)
    state.write_bytes(content.encode("utf8", "surrogatepass"))
    with pytest.raises(DataError, match=r"a\.jsonl\.state"):
        ReviewStore([document], tmp_path / "a.jsonl")


def test_a_failed_write_leaves_the_files_as_they_were(document, tmp_path):
    path = tmp_path / "a.jsonl"
    store = ReviewStore([document], path)
    store.save({document.key: {"done": True, "relations": []}})
    before = path.read_bytes()
    with pytest.raises(DataError, match="no document 'nothing'"):
        store.save({document.key: {"done": False, "relations": []}, "nothing": {}})
    assert path.read_bytes() == before
    assert store.reviews[document.key].done


def test_keys_tell_documents_apart(vocab):
    docs = [make_doc(vocab, WORDS, [ANN]) for _ in range(2)] + [make_doc(vocab, WORDS, [ACME])]
    keys = [document.key for document in found_documents(docs, RenderOptions())]
    assert len(set(keys)) == 3
    assert keys[0][:-1] == keys[1][:-1] != keys[2][:-1]


def with_events(doc, *events):
    doc._.events = [
        Event(label, (("who", doc.ents[i]),), doc.ents[j], *score) for label, i, j, *score in events
    ]
    return doc


def compare_events(vocab, found, gold):
    """A document of events that were found, compared with annotated ones."""
    mentions = [ANN, ACME] + [ROME] * any(2 in event for event in found)
    predicted = with_events(make_doc(vocab, WORDS, mentions), *found)
    reference = with_events(make_doc(vocab, WORDS, [ANN, ACME, ROME]), *gold)
    (document,) = compared_documents(find_mistakes([Example(predicted, reference)]))
    return document


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ([], [("JOB", 0.5), ("MOVE", 0.5)]),
        (["open", "open", "open"], [("JOB", 0.5), ("MOVE", 0.5)]),
        (["rejected", "accepted", "open"], [("MOVE", 1.0)]),
        (["rejected", "rejected", "accepted"], [("MOVE", 1.0)]),
    ],
)
def test_events_are_decided_one_by_one(vocab, states, kept):
    found = [("JOB", 0, 1, 0.5), ("MOVE", 0, 1, 0.5)]
    document = compare_events(vocab, found, [("JOB", 0, 1), ("MOVE", 0, 2)])
    assert document.event_statuses == ("right", "spurious", "missed")
    review = Review.read({"done": True, "relations": [], "events": states}, document, "here")
    annotated = reviewed(document, review)
    assert [(event.label, event.score) for event in annotated.events] == kept
    assert {key for e in annotated.events for key in e.mentions} <= {
        m.id for m in annotated.mentions
    }


def test_each_event_has_a_state(vocab):
    document = compare_events(vocab, [("JOB", 0, 1)], [])
    value = {"done": True, "relations": [], "events": ["open", "open"]}
    with pytest.raises(DataError, match="events: expected a state of each of 1 events"):
        Review.read(value, document, "here")
