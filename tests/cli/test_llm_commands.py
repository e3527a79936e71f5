"""``spacy rel prompt``, ``annotate`` and ``compare``, with recorded answers."""

import json

import pytest
import spacy

from rel_component import compare, evaluate
from rel_component.errors import ConfigError, LLMError
from rel_component.pipelines import load_pipeline
from rel_component.spacy_files import write_docs

from ..helpers import make_doc
from .conftest import FOUNDED, TEXTS, lines, reply
from .helpers import run, run_json, run_rows

FAILED = {"error": "LLMRefused", "text": "no key"}


def test_prompt_shows_what_would_be_sent(config):
    output = run("prompt", config, "--text", TEXTS[0])
    assert "<M1>Acme</M1> was founded by <M2>Ada Bell</M2>." in output
    assert "Initech" in output
    assert '"enum":["FOUNDED_BY"]' in output.replace(" ", "").replace("\n", "")


def test_prompt_says_that_nothing_would_be_sent(config):
    assert "nothing would be sent" in run("prompt", config, "--text", "Nobody.")


def test_prompt_as_json(config, texts):
    first, *others = run("prompt", config, texts, "-n", 3, "--json").splitlines()
    roles = [message["role"] for message in json.loads(first)["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert len(others) == 2


def test_extract_takes_a_config(config):
    assert run_rows("extract", config, "--text", TEXTS[0]) == [
        ["1", "Acme", "FOUNDED_BY", "Ada Bell", "-", TEXTS[0]]
    ]
    output = run("extract", config, "--text", TEXTS[0], "--min-score", 0.1)
    assert "1 documents, 0 relations; 1 left out" in output


def test_rows_say_what_is_negated(config, tmp_path):
    text = config.read_text(encoding="utf8")
    section = "[components.llm_relation_extractor]\n"
    polar = tmp_path / "polar.cfg"
    polar.write_text(
        text.replace(section, section + 'polarity = true\nkeep = ["asserted", "negated"]\n'),
        encoding="utf8",
    )
    lines(tmp_path / "replies.jsonl", [reply({**FOUNDED, "polarity": "negated"})])
    (row,) = run_rows("extract", polar, "--text", TEXTS[0])
    assert row[2] == "FOUNDED_BY (negated)"


def test_documents_without_an_answer_are_said(config, texts, tmp_path):
    replies = lines(tmp_path / "replies.jsonl", [reply(), FAILED, FAILED])
    output = run("extract", config, texts, code=3)
    assert "LLMRefused: no key (2 times)" in output
    assert "3 documents, 0 relations" in output
    output = run("annotate", config, texts, tmp_path / "silver.spacy", code=3)
    assert "LLMRefused: no key (2 times)" in output
    assert "1 documents to train on" in " ".join(output.split())
    lines(replies, [FAILED] * 3)
    before = (tmp_path / "silver.spacy").read_bytes()
    run("annotate", config, texts, tmp_path / "silver.spacy", "--review", tmp_path / "r", code=1)
    assert (tmp_path / "silver.spacy").read_bytes() == before
    assert not (tmp_path / "r").exists()


def test_what_is_dropped_is_said(config, texts):
    output = run("extract", config, texts)
    assert (
        "3 documents, 2 relations; statements of the language model dropped: 1 unknown_label"
        in (" ".join(output.split()))
    )


def test_an_annotation_goes_on_where_it_was(config, texts, tmp_path):
    lines(tmp_path / "replies.jsonl", [reply(FOUNDED), reply(FOUNDED), FAILED])
    arguments = ("annotate", config, texts, tmp_path / "silver.spacy")
    first = run_json(*arguments, code=3)
    second = run_json(*arguments)
    assert (first["usage"]["requests"], first["usage"]["cache_hits"]) == (2, 0)
    assert (second["usage"]["requests"], second["usage"]["cache_hits"]) == (1, 2)


def test_annotate_looks_at_its_outputs_first(config, texts, tmp_path):
    (tmp_path / "folder").mkdir()
    for output, *more in (
        ["folder"],
        ["a", "--review", "folder"],
        ["a", "--review", "a"],
        ["a", "--review", "b", "--review-format", "no_such_format"],
    ):
        args = ("annotate", config, texts, tmp_path / output)
        run(*args, *(tmp_path / m if m in "ab folder" else m for m in more), code=1)
        assert not (tmp_path / f"{output}.replies").exists()


def test_annotate_parts_what_is_sure(config, texts, tmp_path):
    arguments = ["annotate", config, texts, tmp_path / "silver.spacy"]
    counts = run_json(*arguments, "--review", tmp_path / "review.jsonl")
    assert (counts["sure"], counts["unsure"]) == (2, 1)
    assert counts["reasons"] == {"statements were dropped": 1}
    (record,) = (tmp_path / "review.jsonl").read_text(encoding="utf8").splitlines()
    assert json.loads(record)["text"] == TEXTS[1]
    report = run_json("convert", tmp_path / "review.jsonl", tmp_path / "reviewed.spacy")
    assert (report["documents"], report["mentions"], report["relations"]) == (1, 2, 1)


def test_annotate_with_a_least_score(config, texts, tmp_path):
    output = run("annotate", config, texts, tmp_path / "silver.spacy", "--min-score", 0.5)
    output = " ".join(output.split())
    assert "1 documents to train on" in output  # the one without relations
    assert "1 for review: relations without a score" in output
    assert "documents for review were left out" in output


@pytest.mark.slow
def test_compare_pipelines(config, texts, tmp_path):
    vocab = spacy.blank("en").vocab
    docs = [
        make_doc(vocab, "Acme was founded by Ada Bell .", [(0, 1, "ORG"), (4, 6, "PERSON")]),
        make_doc(vocab, "Orbit was founded by Bo Lee .", [(0, 1, "ORG"), (4, 6, "PERSON")]),
        make_doc(vocab, "Nobody founded Acme .", [(0, 1, "PERSON"), (2, 3, "ORG")]),
    ]
    for doc in docs[:2]:
        doc._.rel = [(doc.ents[0], "FOUNDED_BY", doc.ents[1])]
    write_docs(docs, tmp_path / "gold.spacy")
    silent = tmp_path / "silent.cfg"
    empty = lines(tmp_path / "none.jsonl", [reply()] * 3)
    text = config.read_text(encoding="utf8")
    silent.write_text(text.replace(str(tmp_path / "replies.jsonl"), str(empty)), encoding="utf8")
    names = ("--name", "good", "--name", "silent")
    arguments = ["compare", config, silent, tmp_path / "gold.spacy", *names]
    results = run_json(*arguments)
    assert [result["name"] for result in results] == ["good", "silent"]
    assert results[0]["scores"]["micro_f"]["value"] == 1.0
    assert results[0]["valid"] == pytest.approx(2 / 3)  # one has a label outside the schema
    assert results[0]["dropped"] == {"unknown_label": 1}
    assert results[1]["difference"]["value"] == -1.0
    table = run(*arguments, "--gold-entities", "--markdown", tmp_path / "new" / "table.md")
    assert "100.00" in table
    assert "against first: micro F1 less that of good" in " ".join(table.split())
    assert max(map(len, table.splitlines())) < 100
    assert "cost / 1,000" not in table  # there are no prices
    rows = (tmp_path / "new" / "table.md").read_text(encoding="utf8").splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["good", "silent"]


def test_no_relations_in_an_answer_of_another_form_are_not_sure(config, texts, tmp_path):
    replies = ["[[]]", "None.", '{"relations": []}']
    lines(tmp_path / "replies.jsonl", [{"text": text} for text in replies])
    counts = run_json("annotate", config, texts, tmp_path / "silver.spacy")
    assert counts["sure"] == 1
    assert counts["reasons"] == {
        "no relations, in an answer of another form": 1,
        "statements were dropped": 1,
    }


def test_a_pipeline_without_any_answer_has_no_scores(config, tmp_path):
    lines(tmp_path / "replies.jsonl", [FAILED] * 3)
    gold = tmp_path / "gold.spacy"
    doc = make_doc(
        spacy.blank("en").vocab, "Acme was founded by Ada Bell .", [(0, 1, "ORG"), (4, 6, "PERSON")]
    )
    write_docs([doc], gold)
    (result,) = compare([config], gold, gold_entities=True)
    assert (result.scores, result.failed) == ({}, 1)
    assert result.failures == {"LLMRefused: no key": 1}
    output = run("compare", config, gold, "--gold-entities", code=1)
    assert "no key (1 times)" in output
    assert "0.00" not in output
    with pytest.raises(LLMError, match=r"None of 1 documents has a whole answer.*no key"):
        evaluate(config, gold, gold_entities=True)


@pytest.mark.parametrize("place", ["configs", "."])
def test_paths_of_a_config_may_lead_to_files_of_its_project(config, tmp_path, monkeypatch, place):
    text = config.read_text(encoding="utf8")
    for name, file in (("schema", "schema.json"), ("replies", "replies.jsonl")):
        text = text.replace(f'"{tmp_path / file}"', f"${{paths.{name}}}")
    project = tmp_path / place / "prompted.cfg"
    project.parent.mkdir(exist_ok=True)
    paths = '[paths]\nschema = "schema.json"\nreplies = "replies.jsonl"\n'
    project.write_text(paths + text, encoding="utf8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_pipeline(project).get_pipe("llm_relation_extractor").labels == ("FOUNDED_BY",)
    (tmp_path / "schema.json").unlink()
    places = (
        rf"paths\.schema.*{tmp_path / 'elsewhere'}/schema\.json nor {project.parent}/schema\.json"
    )
    with pytest.raises(ConfigError, match=places):
        load_pipeline(project)


def test_compare_needs_as_many_names(config, tmp_path):
    gold = tmp_path / "gold.spacy"
    write_docs([make_doc(spacy.blank("en").vocab, "Acme")], gold)
    output = run("compare", config, gold, "--name", "a", "--name", "b", code=1)
    assert "2 names for 1 pipelines" in output


def test_prompted_pipelines_extract_to_files(config, texts, tmp_path):
    replies = lines(tmp_path / "replies.jsonl", [reply(FOUNDED), FAILED, reply(FOUNDED)])
    output = run("extract", config, texts, "-o", tmp_path / "out.jsonl", "--batch-size", 1, code=3)
    assert "2 documents, 2 relations" in output
    assert "line 2, document t1: LLMRefused: no key" in output  # the replies came in order
    assert "t1" not in (tmp_path / "out.jsonl").read_text(encoding="utf8")
    lines(replies, [reply(FOUNDED)] * 3)
    given = ("extract", config, texts, "-o", tmp_path / "out.jsonl")
    assert "3 documents, 3 relations" in run(*given)
    assert not (tmp_path / "out.jsonl.failures.jsonl").exists()


@pytest.mark.slow
def test_one_process_asks_a_language_model(config, texts, tmp_path):
    given = ("extract", config, texts, "-o", tmp_path / "out.jsonl", "--n-process", 2)
    assert "asked by the one process that has loaded it" in run(*given, code=1)


@pytest.mark.slow
def test_a_batch_is_written_and_its_answers_are_read(config, texts, tmp_path):
    text = config.read_text(encoding="utf8")
    replay = f'@rel_llm_backends = "rel_component.replay.v1"\npath = "{tmp_path / "replies.jsonl"}"'
    hosted = tmp_path / "hosted.cfg"
    openai = '@rel_llm_backends = "rel_component.openai.v1"\nmodel = "m"\napi_key_env = "NONE"'
    hosted.write_text(text.replace(replay, openai), encoding="utf8")
    batch = tmp_path / "requests.jsonl"
    run("prompt", hosted, texts, "--batch", batch)
    requests = [json.loads(line) for line in batch.read_text(encoding="utf8").splitlines()]
    assert len({request["custom_id"] for request in requests}) == len(requests) == 3
    assert {request["url"] for request in requests} == {"/v1/chat/completions"}
    body = requests[0]["body"]
    assert (body["model"], body["response_format"]["type"]) == ("m", "json_schema")
    assert "<M1>Acme</M1>" in body["messages"][-1]["content"]
    run("prompt", hosted, texts, "--batch", batch, "--limit", 1)
    assert len(batch.read_text(encoding="utf8").splitlines()) == 1

    def answer(request, status=200, **body):
        response = {"status_code": status, "request_id": "r", "body": body}
        return {"id": "x", "custom_id": request["custom_id"], "response": response, "error": None}

    message = {"role": "assistant", "content": reply(FOUNDED)["text"]}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    lines(
        tmp_path / "replies.jsonl",
        [
            answer(requests[1], 400, error={"message": "too long"}),
            answer(
                requests[0], choices=choices, usage={"prompt_tokens": 5, "completion_tokens": 2}
            ),
        ],
    )
    output = run("extract", config, texts, "-o", tmp_path / "out.jsonl", code=3)
    assert "1 documents, 1 relations" in output
    assert "document t1: LLMRefused: status 400 of the batch: too long" in output
    assert "document t2: LLMRefused" in output
    assert "has no record for this request" in output
    assert "has no batches" in run("prompt", config, texts, "--batch", batch, code=1)
    for odd in ({"custom_id": 1}, {"custom_id": "a", "response": []}):
        lines(tmp_path / "replies.jsonl", [odd])
        assert "no line of answers to a batch" in run("extract", config, texts, code=1)
