"""Splits of a corpus."""

from collections import Counter

import pytest
import spacy

from rel_component.corpora.splitting import group_by_meta, split_docs, split_files
from rel_component.errors import ConfigError
from rel_component.spacy_files import read_docs, write_docs

from ..cli.helpers import run, run_json
from ..helpers import make_doc

SHARES = {"train": 0.6, "dev": 0.2, "test": 0.2}


def doc(vocab, i, *labels, group=None):
    mentions = [(0, 1, "ORG"), (2, 3, "GPE")]
    made = make_doc(vocab, f"Acme{i} in Oslo", mentions, [(0, label, 1) for label in labels])
    if group is not None:
        made.user_data["meta"] = {"article": group}
    return made


@pytest.fixture
def docs(vocab):
    """50 documents with COMMON, 10 with RARE, 20 without relations."""
    labels = ["COMMON"] * 50 + ["RARE"] * 10 + [None] * 20
    return [doc(vocab, i, *([label] if label else [])) for i, label in enumerate(labels)]


def counts(docs):
    return Counter(rel.label for doc in docs for rel in doc._.rel)


def test_every_split_has_its_share_of_every_type(docs):
    splits = split_docs(docs, SHARES)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 48,
        "dev": 16,
        "test": 16,
    }
    assert counts(splits["train"]) == {"COMMON": 30, "RARE": 6}
    assert counts(splits["dev"]) == counts(splits["test"]) == {"COMMON": 10, "RARE": 2}


def test_nothing_is_lost_or_doubled_and_the_order_stays(docs):
    splits = split_docs(docs, SHARES)
    texts = [doc.text for doc in docs]
    assert sorted(doc.text for split in splits.values() for doc in split) == sorted(texts)
    for split in splits.values():
        places = [texts.index(doc.text) for doc in split]
        assert places == sorted(places)


def test_the_same_seed_gives_the_same_splits(docs):
    first, again, other = (
        [doc.text for doc in split_docs(docs, SHARES, seed=seed)["test"]] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_groups_and_equal_texts_stay_together(vocab):
    docs = [doc(vocab, i, "A", group=str(i // 4)) for i in range(40)]
    docs += [doc(vocab, 0, "A"), doc(vocab, 1, "A")]  # texts of the first article again
    splits = split_docs(docs, SHARES, group=group_by_meta("article"))
    where = {}
    for name, split in splits.items():
        for made in split:
            key = made.user_data.get("meta", {}).get("article", "0")
            assert where.setdefault(key, name) == name
    assert all(splits.values())


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({}, "above 0"),
        ({"train": 1.0, "dev": 0.0}, "above 0"),
        ({"train": 0.5, "dev": 0.4}, "add up to 1, got 0.9"),
    ],
)
def test_shares_are_checked(docs, shares, message):
    with pytest.raises(ConfigError, match=message):
        split_docs(docs, shares)


def test_no_documents():
    assert split_docs([], {"train": 1.0}) == {"train": []}


def test_a_key_to_group_by_must_be_in_the_meta(vocab, tmp_path):
    made = [doc(vocab, i, "A", group=f"g{i}" if i else None) for i in range(4)]
    write_docs(made, tmp_path / "all.spacy")
    with pytest.raises(ConfigError, match="the keys there are: article"):
        split_files(tmp_path / "all.spacy", tmp_path, SHARES, group_by="artikel")
    with pytest.warns(UserWarning, match="1 of 4 documents have no 'article'"):
        split_files(tmp_path / "all.spacy", tmp_path / "splits", SHARES, group_by="article")


def test_command(docs, vocab, tmp_path):
    write_docs(docs, tmp_path / "all.spacy")
    arguments = [
        "split",
        tmp_path / "all.spacy",
        tmp_path / "splits",
        *("--share", "train=0.9", "--share", "dev=0.1"),
    ]
    result = run_json(*arguments)
    assert result["dev"] == {"documents": 8, "COMMON": 5, "RARE": 1}
    assert len(list(read_docs(tmp_path / "splits" / "dev.spacy", spacy.blank("en")))) == 8
    assert "fewer than 10 relations in dev: COMMON, RARE" in run(*arguments)
    output = " ".join(run("split", tmp_path, tmp_path / "splits", code=1).split())
    assert "would be read with the other documents" in output
    assert "NAME=SHARE" in run(
        "split", tmp_path / "all.spacy", tmp_path / "x", "--share", "a", code=1
    )
