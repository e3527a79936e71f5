"""Whatever this package registers makes things that can be pickled, so that processes can be spawned.

Language models are left out: they are asked by the process that has loaded them, and say so.
"""

import inspect
import pickle
from importlib.metadata import entry_points

import pytest
import spacy

from rel_component.corpora.corpus import make_relation_corpus

from ..encoders import TINY_TOK2VEC, tiny_encoder

GROUPS = [
    "spacy_architectures",
    "spacy_augmenters",
    "spacy_callbacks",
    "spacy_misc",
    "spacy_readers",
    "spacy_scorers",
    "thinc_losses",
    "thinc_optimizers",
]
ENTRIES = {
    f"{group} {entry.name}": entry
    for group in GROUPS
    for entry in entry_points(group=group)
    if entry.value.startswith("rel_component.")
}


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_what_is_made_can_be_pickled(name):
    function = ENTRIES[name].load()
    given = {
        "encoder": tiny_encoder,
        "corpus": lambda: make_relation_corpus(None),
        "name": tiny_encoder,
        "path": lambda: "corpus.spacy",
        "tok2vec": lambda: spacy.registry.resolve({"tok2vec": TINY_TOK2VEC})["tok2vec"],
    }
    wanted = [key for key in inspect.signature(function).parameters if key in given]
    if "schema" in name:  # which reads its file at once
        wanted.remove("path")
    made = function(**{key: given[key]() for key in wanted})
    assert type(pickle.loads(pickle.dumps(made))) is type(made)
