"""Relations of texts over HTTP: the same as without it."""

import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

from rel_component import extract
from rel_component.errors import ConfigError, LLMRefused

from ...llm.backends import FunctionBackend, client_of, question
from ...llm.pipelines import make_pipeline, replay
from .conftest import RELEASE, TEXTS, serving


@pytest.fixture(scope="module")
def expected(nlp):
    return list(extract(nlp, [(text, {"id": i}) for i, text in enumerate(TEXTS)]))


def rounded(value):
    """A value whose numbers do not show what a batch does to their last digits."""
    return json.loads(json.dumps(value), parse_float=lambda digits: round(float(digits), 5))


def test_one_text_is_answered_as_the_command_writes_it(client, expected):
    assert any(record["relations"] for record in expected)
    assert not all(record["relations"] for record in expected)
    status, headers, text = client.ask("/extract", {"text": TEXTS[0], "id": 0})
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert rounded(json.loads(text)) == rounded(expected[0])


def test_texts_are_answered_in_order_with_what_is_known_of_them(client, expected):
    texts = [{"text": text, "id": i} for i, text in enumerate(TEXTS)]
    status, answer = client.json("/extract", {"texts": texts})
    assert (status, rounded(answer["documents"])) == (200, rounded(expected))
    one = {"text": "Nothing.", "id": "a", "meta": {"source": "x"}, "date": 1}
    _, answer = client.json("/extract", {"texts": ["Nothing.", one]})
    assert answer["documents"][0].keys() == {"text", "entities", "relations"}
    assert answer["documents"][1]["id"] == "a"
    assert answer["documents"][1]["meta"] == {"source": "x", "date": 1}
    assert client.json("/extract", {"texts": []}) == (200, {"documents": []})


def test_only_some_relations(client, expected):
    found = [relation for record in expected for relation in record["relations"]]
    middle = sorted(relation["score"] for relation in found)[len(found) // 2]
    _, answer = client.json("/extract", {"texts": TEXTS, "min_score": middle - 1e-4})
    kept = [relation for record in answer["documents"] for relation in record["relations"]]
    assert len(kept) == len([r for r in found if r["score"] >= middle - 1e-4]) < len(found)
    _, answer = client.json("/extract", {"texts": TEXTS, "labels": ["FOUNDED_BY"]})
    assert rounded(answer["documents"][0]["relations"]) == rounded(expected[0]["relations"])


def test_requests_at_once_share_batches_and_get_their_own_answers(nlp, expected):
    RELEASE.clear()
    with serving(nlp) as client, ThreadPoolExecutor(len(TEXTS) + 1) as pool:
        first = pool.submit(client.json, "/extract", {"text": "WAIT"})
        while client.metric("rel_batch_texts_count") < 1:
            pass
        others = [
            pool.submit(client.json, "/extract", {"text": text, "id": i})
            for i, text in enumerate(TEXTS)
        ]
        while client.metric("rel_waiting_texts") < len(TEXTS):
            pass
        RELEASE.set()
        assert first.result()[0] == 200
        assert rounded([other.result()[1] for other in others]) == rounded(expected)
        assert client.metric("rel_batch_texts_count") == 2
        assert client.metric('rel_texts_total{outcome="answered"}') == len(TEXTS) + 1


def test_a_text_that_fails_harms_no_other(client, expected):
    texts = [{"text": text, "id": i} for i, text in enumerate(TEXTS[:6])]
    texts[2:4] = [{"text": "FAIL", "id": "bad"}, "FAIL again"]
    status, answer = client.json("/extract", {"texts": texts})
    error = "the pipeline could not process this text"
    assert answer["documents"][2:4] == [{"id": "bad", "error": error}, {"error": error}]
    del answer["documents"][2:4]
    assert (status, rounded(answer["documents"])) == (200, rounded(expected[:2] + expected[4:6]))
    assert client.json("/extract", {"text": "FAIL"}) == (500, {"error": error})


def test_texts_that_a_language_model_has_answered_are_not_asked_about_again(tmp_path):
    def answer(request):
        return LLMRefused("no") if "Acme" in question(request) else '{"relations": []}'

    backend = FunctionBackend(answer)
    nlp = make_pipeline(replay(tmp_path), mentions="found", on_failure="raise")
    nlp.get_pipe("llm_relation_extractor").client = client_of(backend)
    with serving(nlp) as client:
        _, answers = client.json("/extract", {"texts": ["Acme.", "Orbit.", "Initech."]})
        status, _ = client.json("/extract", {"text": "Acme."})
    assert ["error" in item for item in answers["documents"]] == [True, False, False]
    assert (status, len(backend.calls)) == (502, 4)


def test_components_raise_failures_as_before_when_they_are_used_without_the_server(tmp_path):
    nlp = make_pipeline(replay(tmp_path), mentions="found", on_failure="raise")
    extractor = nlp.get_pipe("llm_relation_extractor")
    extractor.client = client_of(FunctionBackend(lambda request: LLMRefused("no")))
    with serving(nlp) as client:
        assert client.json("/extract", {"text": "Acme."})[0] == 502
    with pytest.raises(LLMRefused):
        nlp("Acme.")


def test_whoever_leaves_costs_nothing_more_than_a_batch(nlp):
    RELEASE.clear()
    with serving(nlp, batch_size=1) as client:
        connections = [HTTPConnection("127.0.0.1", client.port) for _ in range(4)]
        for connection in connections:
            body = json.dumps({"texts": ["WAIT", "more"]})
            connection.request("POST", "/extract", body, {"Content-Type": "application/json"})
        while not client.metric("rel_batch_texts_count") or client.metric("rel_waiting_texts") < 7:
            pass
        for connection in connections:
            connection.close()
        while client.metric('rel_requests_total{route="/extract",status="499"}') < 4:
            pass
        RELEASE.set()
        assert client.json("/extract", {"text": "After them."})[0] == 200
        assert client.metric("rel_batch_texts_count") == 2


def test_new_words_are_not_kept(nlp, client):
    words = [f"word{i}" for i in range(50)]
    assert client.json("/extract", {"text": " ".join(words)})[0] == 200
    assert not any(word in nlp.vocab.strings for word in words)


def test_what_the_pipeline_finds(client):
    status, schema = client.json("/schema")
    assert status == 200
    assert [relation["label"] for relation in schema["relations"]] == ["FOUNDED_BY"]
    assert schema["entities"] == ["ORG", "PERSON"]


def test_explanations(client, expected):
    text = TEXTS[0]
    ends = {"head": [0, 4], "tail": [text.index("Ada"), text.index("Ada") + 8]}
    body = {"text": text, "relation": {**ends, "label": "FOUNDED_BY"}, "methods": ["occlusion"]}
    status, answer = client.json("/explain", body)
    assert (status, answer["relation"]["score"]) == (
        200,
        pytest.approx(expected[0]["relations"][0]["score"]),
    )
    assert len(answer["attributions"]["occlusion"]) == len(answer["words"])
    assert "html" not in answer
    assert "<h1>Why</h1>" in client.json("/explain", {**body, "page": True})[1]["html"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head": [0, 3]}, "the pipeline finds no mention from character 0 to 3"),
        ({"tail": [0, 4]}, "'Acme' and 'Acme' are no candidate pair of this pipeline"),
        ({"label": "NONE"}, "the pipeline does not know the label 'NONE'"),
        ({"head": [0]}, "relation.head: List should have at least 2 items"),
    ],
)
def test_what_cannot_be_explained(client, change, message):
    text = TEXTS[0]
    start = text.index("Ada")
    relation = {"head": [0, 4], "tail": [start, start + 8], "label": "FOUNDED_BY", **change}
    status, answer = client.json("/explain", {"text": text, "relation": relation})
    assert status == 422
    assert answer["error"].startswith(message)


def test_a_description_without_pages_from_elsewhere(client):
    status, answer = client.json("/openapi.json")
    assert status == 200
    assert {"/extract", "/extract/stream", "/explain", "/schema", "/health", "/metrics"} == set(
        answer["paths"]
    )
    assert client.json("/docs") == (404, {"error": "Not Found"})


def test_pipelines_without_relations_are_refused():
    import spacy

    from rel_component import create_app

    with pytest.raises(ConfigError, match="no component that finds relations"):
        create_app(spacy.blank("en"))
