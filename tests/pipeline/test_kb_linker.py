"""The component ``kb_linker``."""

import pickle

import numpy
import pytest
import spacy
from spacy.kb import InMemoryLookupKB
from spacy.tokens import DocBin, Span
from spacy.training import Example

from rel_component.annotations import get_relations, set_relations
from rel_component.errors import ConfigError, DataError, ExtensionConflict
from rel_component.evaluation.links import score_links
from rel_component.linking.entities import Entity
from rel_component.linking.knowledge_base import build, load_kb, save_kb
from rel_component.linking.spacy_kb import to_spacy_kb
from rel_component.mentions import set_clusters

from ..helpers import make_doc, make_example
from ..linking.entities import make_kb

TEXT = "Bernie Sanders met Big Blue in Los Altos and Foo Bar"
MENTIONS = [(0, 2, "PERSON"), (3, 5, "ORG"), (6, 8, "GPE"), (9, 11, "ORG")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("kb") / "kb"
    save_kb(make_kb(), path)
    return path


@pytest.fixture
def nlp(folder):
    nlp = spacy.blank("en")
    nlp.add_pipe("kb_linker", config={"kb": str(folder)})
    return nlp


def linker_of(nlp):
    return nlp.get_pipe("kb_linker")


def linked(nlp, text=TEXT, mentions=MENTIONS):
    doc = linker_of(nlp)(make_doc(nlp.vocab, text, mentions))
    return [ent.kb_id_ for ent in doc.ents]


def example(nlp, text, mentions):
    docs = [make_doc(nlp.vocab, text) for _ in range(2)]
    for doc, with_links in zip(docs, (False, True)):
        doc.ents = [
            Span(doc, start, end, label, kb_id=name if with_links else "")
            for start, end, label, name in mentions
        ]
    return Example(*docs)


def test_links_without_training(nlp):
    doc = linker_of(nlp)(make_doc(nlp.vocab, TEXT, MENTIONS))
    assert [ent.kb_id_ for ent in doc.ents] == ["Q3", "Q1", "Q4", ""]
    best, *_ = doc.ents[1]._.kb_candidates
    assert (best["id"], best["name"]) == ("Q1", "International Business Machines")
    assert 0.5 <= best["score"] <= 1.0


def test_a_shared_family_name_is_no_link_and_a_misspelling_is(nlp):
    mentions = [(0, 2, "PERSON"), (3, 5, "PERSON")]
    assert linked(nlp, "Alan Sanders met Berny Sanders", mentions) == ["", "Q3"]


def test_candidates_survive_a_doc_bin(nlp):
    doc = linker_of(nlp)(make_doc(nlp.vocab, TEXT, MENTIONS))
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (loaded,) = DocBin().from_bytes(data).get_docs(spacy.blank("en").vocab)
    assert list(loaded.ents[0]._.kb_candidates) == list(doc.ents[0]._.kb_candidates)
    assert loaded.ents[0].kb_id_ == "Q3"


def test_pipe_is_call_and_documents_without_entities_are_fine(nlp):
    docs = [make_doc(nlp.vocab, *args) for args in ((TEXT, MENTIONS), ("",), ("no name",))]
    piped = list(linker_of(nlp).pipe(docs, batch_size=2))
    assert [ent.kb_id_ for ent in piped[0].ents] == linked(nlp)


def test_one_link_for_a_cluster(nlp):
    doc = make_doc(nlp.vocab, "Bernie Sanders won . He did", [(0, 2, "PERSON"), (4, 5, "PERSON")])
    set_clusters(doc, [list(doc.ents)])
    linker_of(nlp)(doc)
    assert [ent.kb_id_ for ent in doc.ents] == ["Q3", "Q3"]
    assert doc.ents[0]._.kb_candidates == doc.ents[1]._.kb_candidates


def test_span_groups_and_types(folder):
    nlp = spacy.blank("en")
    config = {"kb": str(folder), "spans_key": "mentions", "labels": ["PERSON"]}
    nlp.add_pipe("kb_linker", config=config)
    doc = make_doc(nlp.vocab, TEXT, MENTIONS, spans_key="mentions")
    doc.spans["mentions"].attrs["scores"] = [0.5] * 4
    linker_of(nlp)(doc)
    group = doc.spans["mentions"]
    assert [span.kb_id_ for span in group] == ["Q3", "", "", ""]
    assert group.attrs["scores"] == [0.5] * 4


def test_candidates_of_an_entity_are_not_those_of_a_span_with_its_tokens(folder):
    nlp = spacy.blank("en")
    linker = nlp.add_pipe("kb_linker", config={"kb": str(folder), "spans_key": "mentions"})
    doc = make_doc(nlp.vocab, "Lead", [(0, 1, "CHEMICAL")])
    doc.spans["mentions"] = [Span(doc, 0, 1, "GPE")]
    ((expected, other),) = linker.predict([doc])
    linker(doc)
    assert expected != other
    assert doc.ents[0]._.kb_candidates == expected


def test_training_teaches_names_types_and_weights(nlp):
    text = "Bernie works for Blue Corp ."
    mentions = [(0, 1, "PER", "Q3"), (3, 5, "FIRM", "Q1")]
    examples = [example(nlp, text, mentions), example(nlp, text, mentions)]
    assert linked(nlp, text, [row[:3] for row in mentions]) != ["Q3", "Q1"]
    optimizer = nlp.initialize(lambda: examples)
    assert linked(nlp, text, [row[:3] for row in mentions]) == ["Q3", "Q1"]
    assert linker_of(nlp).state["types"] == {"FIRM": ["ORG"], "PER": ["PERSON"]}
    first = nlp.update(examples, sgd=optimizer)["kb_linker"]
    for _ in range(20):
        last = nlp.update(examples, sgd=optimizer)["kb_linker"]
    assert last < first
    assert nlp.evaluate(examples)["links_f"] == 1.0
    nlp.initialize(lambda: examples)  # which learns no name twice
    assert linker_of(nlp).kb.names(2) == ["Bernie Sanders", "Bernie"]


def test_initialising_again_learns_from_the_knowledge_base_as_it_was_given(nlp):
    linker = linker_of(nlp)
    linker.set_kb(build([Entity("Q3", "Bernie Sanders"), Entity("Q8", "Sam")]))
    for name in ("Bernie", "Bob"):
        nlp.initialize(lambda name=name: [example(nlp, name, [(0, 1, "PER", "Q3")])])
        assert list(linker.kb.names(0)) == ["Bernie Sanders", name]
        assert linker.state["given"] == []


def test_initialising_can_give_the_first_knowledge_base(folder):
    linker = spacy.blank("en").add_pipe("kb_linker")
    linker.initialize(lambda: [make_example(make_doc(linker.vocab, "Bernie"))], kb=str(folder))
    assert linker.kb.find("Q3") is not None


def test_saved_pipelines_hold_the_knowledge_base(nlp, tmp_path, folder):
    nlp.initialize(lambda: [example(nlp, "Bernie", [(0, 1, "PER", "Q3")])])
    text, mentions = "Bernie of Los Altos", [(0, 1, "PER"), (2, 4, "GPE")]
    expected = linked(nlp, text, mentions)
    nlp.to_disk(tmp_path / "pipeline")
    nlp.to_disk(tmp_path / "pipeline")
    nlp.config["components"]["kb_linker"]["kb"] = "elsewhere"
    by_bytes = spacy.blank("en")
    by_bytes.add_pipe("kb_linker")
    by_bytes.from_bytes(nlp.to_bytes())
    for other in (spacy.load(tmp_path / "pipeline"), by_bytes):
        assert linked(other, text, mentions) == expected == ["Q3", "Q4"]
    assert len(load_kb(tmp_path / "pipeline" / "kb_linker" / "kb")) == 7


def test_a_saved_pipeline_does_not_read_the_folder_that_it_was_made_of(tmp_path):
    nlp, folder = spacy.blank("en"), tmp_path / "kb"
    save_kb(make_kb(), folder)
    nlp.add_pipe("kb_linker", config={"kb": str(folder)})
    nlp.to_disk(tmp_path / "pipeline")
    expected = linked(nlp)
    (folder / "names.npy").write_bytes(b"")
    assert linked(spacy.load(tmp_path / "pipeline")) == expected
    damaged = spacy.blank("en")
    damaged.add_pipe("kb_linker", config={"kb": str(folder)})
    with pytest.raises(DataError, match=r"names\.npy"):
        linked(damaged)


def test_damage_is_noticed(nlp, tmp_path):
    nlp.to_disk(tmp_path)
    file = tmp_path / "kb_linker" / "kb" / "names.npy"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ConfigError, match=r"names\.npy"):
        spacy.load(tmp_path)


@pytest.mark.parametrize(
    "state",
    [
        {"names": {"a": {"Q1": -1}}},
        {"names": [], "types": {}},
        {"types": {"A": "B"}},
        {"given": [1]},
    ],
)
def test_saved_state_is_checked(nlp, state):
    with pytest.raises(ConfigError, match="expected"):
        linker_of(nlp).take_state({"names": {}, "types": {}, "given": [], **state})


def test_no_knowledge_base():
    nlp = spacy.blank("en")
    linker = nlp.add_pipe("kb_linker")
    assert linker(make_doc(nlp.vocab, "no entity")).ents == ()
    with pytest.raises(ConfigError, match="build-kb"):
        linker(make_doc(nlp.vocab, TEXT, MENTIONS))
    with pytest.raises(DataError, match="missing"):
        linker.set_kb("missing")


@pytest.mark.parametrize("options", [{"threshold": 2.0}, {"n_candidates": 0}])
def test_options_out_of_range(options):
    with pytest.raises(ConfigError, match="must"):
        spacy.blank("en").add_pipe("kb_linker", config=options)


def test_the_context_decides_among_equal_names():
    nlp = spacy.blank("en")
    nlp.add_pipe("shared_encoder", config={"model": {**TOK2VEC}})
    linker = nlp.add_pipe("kb_linker")
    linker.set_kb(build([Entity("Q1", "Jaguar", description="car")]))
    nlp.initialize(lambda: [example(nlp, "Jaguar", [])])
    assert linker.kb.vectors.shape == (1, 8)
    assert numpy.linalg.norm(linker.kb.vectors.astype("float32"), axis=1) == pytest.approx(
        1, abs=0.01
    )
    doc = nlp("Jaguar . car")
    doc.ents = [Span(doc, 0, 1, "X")]
    (links,) = linker.predict([doc])
    doc.tensor = -doc.tensor
    (other,) = linker.predict([doc])
    assert links[0][0]["score"] > other[0][0]["score"]
    doc.tensor = doc.tensor[:, :4]
    with pytest.raises(ConfigError, match="encode_entities"):
        linker.predict([doc])


def test_encode_entities_needs_an_encoder(nlp):
    with pytest.raises(ConfigError, match=r"doc\.tensor"):
        linker_of(nlp).encode_entities(nlp)


def test_a_conflict_of_extensions(nlp):
    linked(nlp)
    Span.set_extension("kb_candidates", getter=len, force=True)
    try:
        with pytest.raises(ExtensionConflict, match="kb_candidates"):
            linked(nlp)
    finally:
        Span.remove_extension("kb_candidates")


@pytest.mark.slow
def test_processes_are_given_the_knowledge_base(nlp):
    copy = pickle.loads(pickle.dumps(linker_of(nlp)))
    doc = copy(make_doc(nlp.vocab, TEXT, MENTIONS))
    assert [ent.kb_id_ for ent in doc.ents] == ["Q3", "Q1", "Q4", ""]


def test_the_entity_linker_of_spacy_in_its_place(folder):
    """The same knowledge base, links, relations that carry them, and scores."""
    nlp = spacy.blank("en")
    linker = nlp.add_pipe("entity_linker", config={"incl_context": False, "incl_prior": True})
    examples = [
        example(nlp, "Big Blue met Bernie Sanders", [(0, 2, "ORG", "Q1"), (3, 5, "PER", "Q3")])
    ]

    def make(vocab):
        kb = to_spacy_kb(load_kb(folder), vocab, entity_vector_length=4)
        assert isinstance(kb, InMemoryLookupKB)
        return kb

    linker.set_kb(make)
    nlp.initialize(lambda: examples)
    doc = make_doc(nlp.vocab, TEXT, MENTIONS, sent_starts=[0])
    assert [ent.kb_id_ for ent in linker(doc).ents] == ["Q3", "Q1", "Q4", "NIL"]
    set_relations(doc, [(doc.ents[0], "MET", doc.ents[1])])
    (relation,) = get_relations(doc)
    assert (relation.head.kb_id_, relation.tail.kb_id_) == ("Q3", "Q1")
    text, mentions = "Big Blue met Bernie Sanders", [(0, 2, "ORG"), (3, 5, "PER")]
    predicted = linker(make_doc(nlp.vocab, text, mentions, sent_starts=[0]))
    assert score_links([Example(predicted, examples[0].reference)])["links_f"] == 1.0


TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 8,
    "depth": 1,
    "embed_size": 50,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}
