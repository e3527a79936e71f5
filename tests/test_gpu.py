"""The same results on a GPU as on a CPU."""

import numpy
import pytest
import spacy
from thinc.api import NumpyOps, get_current_ops, prefer_gpu, set_current_ops

from .helpers import make_doc, make_example

pytestmark = pytest.mark.gpu

TEXT = "Acme was founded by Ann Lee in Oslo"
MENTIONS = [(0, 1, "ORG"), (4, 6, "PERSON"), (7, 8, "GPE")]


@pytest.fixture
def gpu():
    pytest.importorskip("cupy")
    before = get_current_ops()
    if not prefer_gpu():
        pytest.skip("needs a GPU")
    yield
    set_current_ops(before)


def trained():
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    extractor = nlp.add_pipe("relation_extractor")
    reference = make_doc(nlp.vocab, TEXT, MENTIONS, [(0, "FOUNDED_BY", 1), (0, "LOCATED_IN", 2)])
    examples = [make_example(reference)]
    sgd = nlp.initialize(lambda: examples)
    losses = [nlp.update(examples, sgd=sgd)["relation_extractor"] for _ in range(20)]
    scored = extractor.predict([examples[0].predicted])
    return losses, extractor.model.ops.to_numpy(scored.values)


def test_training_and_prediction(gpu):
    on_gpu = trained()
    set_current_ops(NumpyOps())
    on_cpu = trained()
    assert on_gpu[0][-1] < 0.1 * on_gpu[0][0]
    numpy.testing.assert_allclose(on_gpu[1].argmax(axis=1), on_cpu[1].argmax(axis=1))
