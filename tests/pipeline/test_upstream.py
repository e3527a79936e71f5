"""Components that read the vectors of another one, in the pipelines they are put into."""

import pickle
import re
import warnings
from pathlib import Path

import pytest
import spacy
from spacy.tokens.underscore import Underscore
from thinc.api import Adam

from rel_component.errors import ConfigError

from ..encoders import TINY_TOK2VEC
from ..helpers import make_doc, make_example

LISTENERS = {
    "tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": TINY_TOK2VEC["width"]},
    "shared_encoder": {"@architectures": "rel_component.EncoderListener.v1"},
}
TEXT = "Acme hired Ada"
ENTITIES = [(0, 1, "ORG"), (2, 3, "PERSON")]

pytestmark = pytest.mark.filterwarnings("ignore:.*W113.*")


def examples_of(nlp):
    return [make_example(make_doc(nlp.vocab, TEXT, ENTITIES, [(1, "WORKS_AT", 0)]))]


@pytest.fixture
def encoder():
    return "shared_encoder"


@pytest.fixture
def trained(encoder):
    """A pipeline whose relation extractor and recogniser read the vectors of an encoder."""
    spacy.util.fix_random_seed(1)
    nlp = spacy.blank("en")
    nlp.add_pipe(encoder, config={"model": TINY_TOK2VEC})
    scorer = {"@architectures": "rel_component.SpanScorer.v1", "tok2vec": LISTENERS[encoder]}
    nlp.add_pipe("span_recognizer", config={"model": scorer})
    pairs = {"@architectures": "rel_component.SpanPair.v1", "tok2vec": LISTENERS[encoder]}
    nlp.add_pipe("relation_extractor", config={"model": pairs})
    nlp.initialize(lambda: examples_of(nlp))
    return nlp


def other_pipeline():
    """A pipeline that has vectors of the same width already."""
    spacy.util.fix_random_seed(2)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", name="other", config={"model": TINY_TOK2VEC})
    nlp.initialize(lambda: examples_of(nlp))
    return nlp


def reloaded(nlp):
    return spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())


@pytest.mark.parametrize(
    ("encoder", "component"),
    [("shared_encoder", "span_recognizer"), ("tok2vec", "relation_extractor")],
)
def test_vectors_of_another_encoder_are_refused(trained, encoder, component):
    nlp = other_pipeline()
    nlp.add_pipe(component, source=trained)
    message = rf"{component} was trained with the vectors of '{encoder}'.*source=trained.*Or give"
    for wrong in (nlp, reloaded(nlp)):  # reloaded before it was ever used
        with pytest.raises(ConfigError, match=message):
            wrong(TEXT)
    trained(TEXT)  # the component is in both pipelines
    for wrong in (nlp, reloaded(nlp)):
        with pytest.raises(ConfigError, match=message):
            wrong(TEXT)


def test_an_encoder_further_away_is_of_no_use(trained, encoder):
    nlp = other_pipeline()
    nlp.add_pipe(encoder, source=trained, first=True)
    nlp.add_pipe("relation_extractor", source=trained)
    with pytest.raises(ConfigError, match="nearer to 'relation_extractor'"):
        nlp(TEXT)


def test_without_any_encoder(trained, encoder):
    nlp = spacy.blank("en")
    nlp.add_pipe("relation_extractor", source=trained)
    with pytest.raises(ConfigError, match=f"reads the vectors of '{encoder}', and there are none"):
        nlp(TEXT)


def test_a_disabled_encoder_is_one_warning_for_each_component(trained, encoder):
    with trained.select_pipes(disable=[encoder]), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(trained.pipe([TEXT] * 3, batch_size=1))
    assert [f"vectors of '{encoder}'" in str(warning.message) for warning in caught] == [True] * 2
    trained(TEXT)


def test_the_vectors_of_all_documents_of_a_batch_are_checked(trained, encoder):
    pipe = trained.get_pipe("relation_extractor")
    right = trained.get_pipe(encoder)(trained.make_doc(TEXT))
    with pytest.raises(ConfigError, match="the documents have others"):
        pipe.check_docs([right, other_pipeline()(TEXT)])
    with pytest.warns(UserWarning, match="and there are none"):
        pipe.check_docs([right, trained.make_doc(TEXT)])


def test_vectors_are_looked_at_once(trained, monkeypatch):
    """Those of spacy-transformers, too, which are in no tensor."""
    monkeypatch.setitem(Underscore.doc_extensions, "trf_data", (None, None, None, None))
    trained(TEXT)
    pipe, docs = trained.get_pipe("relation_extractor"), [trained.make_doc(TEXT) for _ in range(3)]
    for doc in docs[1:]:
        doc._.trf_data = "its output"
    read = []
    forward = pipe._listener._func

    def count(model, batch, is_train):
        read.extend(batch)
        return forward(model, batch, is_train)

    monkeypatch.setattr(pipe._listener, "_func", count)
    pipe.check_docs(docs[1:])
    assert read == []
    with pytest.warns(UserWarning, match="and there are none"):
        pipe.check_docs(docs)
    assert read == docs[:1]


def test_a_text_of_blanks_is_no_disabled_encoder(trained, encoder):
    assert len(trained("\u3000" * 5)._.rel) == 0


DOCS = Path(__file__).parents[2] / "docs" / "components.md"
BLOCKS = re.findall(r"```python\n([^`]*source=trained[^`]*)```", DOCS.read_text(encoding="utf8"))


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.slow
def test_what_the_documentation_says(trained, block, tmp_path, monkeypatch):
    (tmp_path / "training" / "business").mkdir(parents=True)
    trained.to_disk(tmp_path / "training" / "business" / "model-best")
    other_pipeline().to_disk(tmp_path / "my_pipeline")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block, names)
    assert names["nlp"](TEXT)._.rel is not None


def test_what_a_pipeline_lacks_is_told(trained):
    nlp = spacy.blank("en")
    nlp.add_pipe("relation_extractor")
    for pipeline, problems in ((nlp, ["doc.ents"]), (trained, [])):
        assert pipeline.analyze_pipes()["problems"]["relation_extractor"] == problems


def all_sourced(trained):
    nlp = other_pipeline()
    for name in trained.pipe_names:
        nlp.add_pipe(name, source=trained)
    return nlp


def with_encoders_of_their_own(trained):
    encoder, *listening = trained.pipe_names
    nlp = other_pipeline()
    for name in listening:
        trained.replace_listeners(encoder, name, ["model.tok2vec"])
        nlp.add_pipe(name, source=trained)
    return nlp


def renamed(trained):
    for name in trained.pipe_names:
        trained.rename_pipe(name, f"my_{name}")
    return trained


def enabled_again(trained):
    encoder = trained.pipe_names[0]
    disabled = spacy.util.load_model_from_config(trained.config, disable=[encoder])
    disabled.from_bytes(trained.to_bytes()).enable_pipe(encoder)
    return disabled


def trained_further(trained):
    nlp = other_pipeline()
    nlp.add_pipe("relation_extractor", source=trained)
    nlp.update(examples_of(nlp), sgd=Adam(0.01))
    return nlp


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [all_sourced, with_encoders_of_their_own, renamed, enabled_again, trained_further],
)
def test_what_is_right_stays_right(trained, change):
    nlp = change(trained)
    nlp(TEXT)
    loaded = reloaded(nlp)
    loaded(TEXT)
    pickle.loads(pickle.dumps(loaded))(TEXT)


def test_a_component_with_an_encoder_that_is_trained_on_goes_with_it(trained, encoder):
    nlp = reloaded(trained)
    batch = examples_of(nlp)
    for _ in range(3):
        nlp.update(batch, sgd=Adam(0.1), exclude=["relation_extractor"])
    nlp.get_pipe(encoder).finish_update(Adam(0.1))
    reloaded(nlp)(TEXT)


def test_a_pipeline_of_two_checkpoints_is_refused(trained, encoder, tmp_path):
    """As training leaves one that is killed when it has saved the encoder, and not all after it."""
    trained.to_disk(tmp_path)
    listening = [name for name in trained.pipe_names if name != encoder]
    bytes_before = {name: trained.get_pipe(name).to_bytes() for name in listening}
    for _ in range(2):  # nothing comes back to the encoder from new layers
        trained.update(examples_of(trained), sgd=Adam(1e-5))  # too little for the vectors to tell
    apart = {name: trained.get_pipe(name).to_bytes() for name in listening}
    trained.get_pipe(encoder).to_disk(tmp_path / encoder)
    with pytest.raises(ConfigError, match=r"another model of 'shared_encoder'.*Take another copy"):
        spacy.load(tmp_path)
    loaded = spacy.load(tmp_path, exclude=listening)
    for name in listening:
        loaded.add_pipe(name, source=trained)
        with pytest.raises(ConfigError, match=f"{name}, cfg cannot be loaded.*two pipelines"):
            loaded.get_pipe(name).from_bytes(bytes_before[name])
        loaded.get_pipe(name).from_bytes(apart[name])
    trained.to_disk(tmp_path)
    spacy.load(tmp_path)(TEXT)
