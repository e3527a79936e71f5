"""The functions behind the commands, called from Python: they return values and print nothing."""

import json

import pytest
import spacy

from rel_component import annotate, audit_files, compare, convert, evaluate, extract, read_texts
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.errors import ConfigError, DataError
from rel_component.evaluation.agreement.annotators import compare_annotators
from rel_component.inference.prompts import prompts
from rel_component.pipelines import source_names
from rel_component.schema import RelationSchema
from rel_component.spacy_files import read_docs, write_docs

from .conftest import TEXT, TEXTS


@pytest.fixture(scope="module")
def nlp(model):
    return spacy.load(model)


@pytest.fixture(autouse=True)
def prints_nothing(capfd):
    yield
    assert capfd.readouterr() == ("", "")


def test_extract(nlp, model):
    (loaded,), (by_path,) = extract(nlp, [TEXT]), extract(model, [TEXT])
    assert loaded == by_path
    assert [relation["label"] for relation in loaded["relations"]] == ["FOUNDED_BY", "LOCATED_IN"]


def test_evaluate_leaves_the_pipeline_as_it_was(nlp, data):
    names = nlp.pipe_names
    scores, mistakes = evaluate(nlp, data)
    assert (scores["rel_micro_f"], scores["n_docs"], scores["speed"] > 0) == (1.0, 1, True)
    assert scores["gold_entities"]["rel_micro_f"] == 1.0
    assert mistakes.mistakes == []
    given = evaluate(nlp, str(data), gold_entities=True).scores
    assert "gold_entities" not in given
    assert given["mistakes"] == {"right": 2, "missed": {}, "spurious": {}}
    assert nlp.pipe_names == names
    json.dumps(scores)


def test_evaluate_shows_what_it_has_predicted(nlp, data):
    seen = []

    def progress(docs):
        for doc in docs:
            seen.append(doc.text)
            yield doc

    evaluate(nlp, data, gold_entities=True, progress=progress)
    assert seen == [TEXT]


def test_evaluate_gives_the_scores_of_spacy(nlp, data):
    expected = nlp.evaluate(make_relation_corpus(data, gold_entities=False)(nlp))
    del expected["speed"]
    assert evaluate(nlp, data).scores.items() >= expected.items()


def test_evaluate_gives_intervals(nlp, data, tmp_path):
    docs = list(read_docs(data, spacy.blank("en")))
    write_docs([docs[0], nlp.make_doc("Nothing here.")] * 3, tmp_path / "six.spacy")
    scores = evaluate(nlp, tmp_path / "six.spacy", n_resamples=50).scores
    exact = {"value": 1.0, "low": 1.0, "high": 1.0}
    assert (
        scores["rel_macro_r_interval"] == scores["gold_entities"]["rel_macro_r_interval"] == exact
    )
    assert scores["ents_f_interval"] == scores["ents_macro_p_interval"] == exact
    assert scores["rel_per_type_interval"]["FOUNDED_BY"] == dict.fromkeys("prf", exact)
    none = evaluate(nlp, tmp_path / "six.spacy", n_resamples=0).scores["rel_micro_f_interval"]
    assert none == {"value": 1.0, "low": None, "high": None}
    with pytest.raises(ConfigError, match="0 or more"):
        evaluate(nlp, data, n_resamples=-1)


def test_limit(nlp, data, tmp_path):
    docs = list(read_docs(data, spacy.blank("en")))
    write_docs(docs * 3, tmp_path / "three.spacy")
    assert evaluate(nlp, tmp_path / "three.spacy", limit=2).scores["n_docs"] == 2
    (result,) = compare([nlp], tmp_path / "three.spacy", limit=2)
    assert result.n_docs == 2


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["runs/cpu/model-best", "runs/joint/model-best", "a.cfg"], ["cpu", "joint", "a"]),
        (["cpu/model-best", "cpu/model-last"], ["cpu/model-best", "cpu/model-last"]),
        (["one/model", "two/model", "b"], ["one/model", "two/model", "b"]),
    ],
)
def test_pipelines_of_equal_names_are_told_apart(sources, names):
    assert source_names(sources) == names


def test_compare_takes_loaded_pipelines_and_paths(nlp, model, data):
    first, second = compare([nlp, model], data, names=["a", "b"], gold_entities=True)
    assert first.scores["micro_f"].value == second.scores["micro_f"].value == 1.0
    assert nlp.pipe_names == ["entity_ruler", "relation_extractor"]


def test_compare_needs_relations(data):
    with pytest.raises(ConfigError, match="no component that extracts relations"):
        compare([spacy.blank("en")], data)


def test_annotate_and_write_what_is_to_be_reviewed(config, texts, tmp_path):
    triage = annotate(config, read_texts(texts))
    assert [doc.text for doc in triage.sure] == [TEXTS[0], TEXTS[2]]
    assert [doc.user_data["meta"]["id"] for doc in triage.unsure] == ["t1"]
    assert triage.to_dict()["usage"]["requests"] == 3
    with pytest.raises(ConfigError, match="no_such_format"):
        triage.write_review(tmp_path / "review", "no_such_format")


def test_prompts_are_made_one_after_the_other(config):
    def endless():
        while True:
            yield TEXTS[0]

    assert "<M1>Acme</M1>" in next(prompts(config, endless()))["messages"][-1]["content"]
    with pytest.raises(ConfigError, match="add llm_relation_extractor"):
        prompts(spacy.blank("en"), TEXTS)


def test_audit(nlp, data):
    schema = RelationSchema.from_docs(read_docs(data, spacy.blank("en")))
    report = audit_files([data], schema=schema, model=nlp)
    assert [section.name for section in report.sections][-2:] == ["model", "swaps"]


def test_annotators(data):
    result = compare_annotators([data, data], names=["a", "b"], n_resamples=0)
    assert result.agreement.relations["strict"].overall.mean.value == 1.0
    with pytest.raises(ConfigError, match="0 or more"):
        compare_annotators([data, data], names=["a", "b"], n_resamples=-1)


def test_unknown_languages_are_errors_of_the_options(data, tmp_path):
    with pytest.raises(ConfigError, match="'xyz'"):
        convert(data, tmp_path / "out.jsonl", to="jsonl", lang="xyz")


def test_documents_that_are_not_there(nlp, tmp_path):
    for use in (evaluate, lambda nlp, path: compare([nlp], path)):
        with pytest.raises(DataError, match=r"no \.spacy file there"):
            use(nlp, tmp_path / "missing.spacy")
