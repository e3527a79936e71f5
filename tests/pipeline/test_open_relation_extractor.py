"""The component open_relation_extractor on hand-made parses."""

import json

import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span

from rel_component.converters.convert import convert
from rel_component.converters.from_doc import to_annotated
from rel_component.errors import AnnotationError, ConfigError
from rel_component.graph.facts import read_facts
from rel_component.graph.names import KnownNames
from rel_component.inference.extract import to_record
from rel_component.pipelines import find_extractor, load_pipeline
from rel_component.spacy_files import read_docs

from ..lines import most_runs_of_a_line

# word, head, label, coarse and fine part of speech, lemma
SENTENCE = [
    ("Officials", 1, "nsubj", "NOUN", "NNS", "official"),
    ("said", 1, "ROOT", "VERB", "VBD", "say"),
    ("Jobs", 5, "nsubj", "PROPN", "NNP", "Jobs"),
    ("may", 5, "aux", "AUX", "MD", "may"),
    ("have", 5, "aux", "AUX", "VB", "have"),
    ("founded", 1, "ccomp", "VERB", "VBN", "found"),
    ("Apple", 5, "dobj", "PROPN", "NNP", "Apple"),
    ("in", 5, "prep", "ADP", "IN", "in"),
    ("Cupertino", 7, "pobj", "PROPN", "NNP", "Cupertino"),
    (".", 1, "punct", "PUNCT", ".", "."),
]
ENTITIES = ["O", "O", "B-PERSON", "O", "O", "O", "B-ORG", "O", "B-GPE", "O"]


def make_doc(vocab, rows=SENTENCE, ents=ENTITIES):
    words, heads, deps, pos, tags, lemmas = (list(column) for column in zip(*rows))
    return Doc(
        vocab, words=words, heads=heads, deps=deps, pos=pos, tags=tags, lemmas=lemmas, ents=ents
    )


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    nlp.add_pipe("open_relation_extractor")
    return nlp


@pytest.fixture
def doc(nlp):
    return nlp(make_doc(nlp.vocab))


def make(nlp, **config):
    return spacy.blank("en", vocab=nlp.vocab).add_pipe("open_relation_extractor", config=config)


def found(doc):
    return [(rel.head.text, rel.label, rel.tail.text) for rel in doc._.rel]


def test_a_relation_has_the_words_that_state_it(doc):
    said, founded = doc._.rel
    assert str(said) == "(Officials, say, Jobs may have founded Apple in Cupertino)"
    assert str(founded) == "(Jobs, found, Apple)"
    assert founded.polarity == ""
    assert founded.to_json()["statement"] == {
        "predicate": [
            {"text": "may have founded", "start": 3, "end": 6, "start_char": 20, "end_char": 36}
        ],
        "arguments": [
            {
                **{"role": "in", "text": "Cupertino"},
                **{"start": 8, "end": 9, "start_char": 46, "end_char": 55},
            }
        ],
        "modality": "possible",
        "attribution": {
            "word": "say",
            "source": {"text": "Officials", "start": 0, "end": 1, "start_char": 0, "end_char": 9},
        },
    }
    assert 0 < founded.score < 1


def test_arguments_that_are_mentions_have_their_types(doc):
    rel = doc._.rel[1]
    assert (rel.head.label_, rel.tail.label_) == ("PERSON", "ORG")


def test_labels_enter_no_schema(nlp, doc):
    assert len(nlp.get_pipe("open_relation_extractor").schema) == 0
    assert find_extractor(nlp) is nlp.get_pipe("open_relation_extractor")


def test_entities_are_related_by_each_argument(nlp):
    doc = make(nlp, arguments="entities")(make_doc(nlp.vocab))
    assert found(doc) == [("Jobs", "found", "Apple"), ("Jobs", "found in", "Cupertino")]
    assert {rel.statement.attribution.word for rel in doc._.rel} == {"say"}


def test_entities_may_be_those_of_a_span_group(nlp):
    doc = make_doc(nlp.vocab, ents=None)
    doc.spans["given"] = [Span(doc, 2, 3, "A"), Span(doc, 8, 9, "B")]
    doc = make(nlp, arguments="entities", spans_key="given")(doc)
    assert found(doc) == [("Jobs", "found in", "Cupertino")]


def test_the_head_of_an_entity_is_named_by_the_noun(nlp):
    rows = [
        ("Cook", 1, "nsubj", "PROPN", "NNP", "Cook"),
        ("leads", 1, "ROOT", "VERB", "VBZ", "lead"),
        ("parts", 1, "dobj", "NOUN", "NNS", "part"),
        ("of", 2, "prep", "ADP", "IN", "of"),
        ("Apple", 3, "pobj", "PROPN", "NNP", "Apple"),
    ]
    doc = make_doc(nlp.vocab, rows, ["B-PERSON", "O", "O", "O", "B-ORG"])
    assert found(make(nlp, arguments="entities")(doc)) == [("Cook", "lead part of", "Apple")]


def test_a_threshold_leaves_out_what_is_not_sure(nlp):
    assert found(make(nlp, threshold=1.0)(make_doc(nlp.vocab))) == []


def test_relations_survive_a_doc_bin(nlp, doc):
    (read,) = DocBin(docs=[doc], store_user_data=True).get_docs(nlp.vocab)
    assert read._.rel.to_json() == doc._.rel.to_json()


def test_relations_survive_jsonl(nlp, doc, tmp_path):
    srsly.write_jsonl(tmp_path / "docs.jsonl", [to_record(doc)])
    convert(tmp_path / "docs.jsonl", tmp_path / "docs.spacy")
    (read,) = read_docs(tmp_path / "docs.spacy", nlp)
    assert [rel.statement.to_json() for rel in read._.rel] == [
        rel.statement.to_json() for rel in doc._.rel
    ]
    assert to_record(read)["relations"] == to_record(doc)["relations"]


def test_assigning_the_json_form_gives_the_same(nlp, doc):
    other = make_doc(nlp.vocab)
    other._.rel = json.loads(json.dumps(doc._.rel.to_json()))
    assert other._.rel.to_json() == doc._.rel.to_json()


def test_a_cut_document_keeps_what_is_inside(doc):
    (cut,) = doc[2:7].as_doc(copy_user_data=True)._.rel
    assert [span.text for span in cut.statement.predicate] == ["may have founded"]
    assert cut.statement.arguments == ()
    assert cut.statement.attribution.source is None


def test_joined_documents_keep_their_statements(doc):
    joined = Doc.from_docs([doc, doc])
    assert [span.text for span in joined._.rel[3].statement.spans] == [
        *("may have founded", "Cupertino", "Officials")
    ]


@pytest.mark.parametrize(
    "statement",
    [
        *(5, "x", [], {}, {"predicate": 5}, {"predicate": [{"start_char": 0}]}),
        {"predicate": [{"start_char": 1, "end_char": 3}]},
        {"predicate": [{"start_char": 0, "end_char": 10**30}]},
        {"predicate": [], "modality": "sure"},
        {"predicate": [], "arguments": [{"role": 5, "start_char": 0, "end_char": 9}]},
        {"predicate": [], "attribution": {"word": []}},
        {"predicate": [], "attribution": {"word": "say", "polarity": "yes"}},
    ],
)
def test_a_statement_that_is_none_is_refused(doc, statement):
    data = {**doc._.rel.to_json()[1], "statement": statement}
    with pytest.raises(AnnotationError, match="The statement of"):
        doc._.rel = [data]


def test_a_statement_of_another_document_is_refused(nlp, doc):
    other = nlp(make_doc(nlp.vocab))
    rel, mine = other._.rel[1], doc._.rel[1]
    mixed = type(rel)(mine.head, mine.label, mine.tail, 1.0, (), "", rel.statement)
    with pytest.raises(AnnotationError, match="belongs to another Doc"):
        doc._.rel = [mixed]


@pytest.mark.parametrize("row", [5, (), ((), ()), (((0, 0),), (), "", ()), ((), (), "sure", ())])
def test_damaged_stored_statements_are_an_error(doc, row):
    key = next(iter(key for key in doc.user_data if key[1] == "rel_component.rel"))
    doc.user_data[key] = tuple(
        (*values[:6], "", "", (), "", row or 5) for values in doc.user_data[key]
    )
    with pytest.raises(AnnotationError, match="holds no relations as this package writes them"):
        list(doc._.rel)


def test_what_only_may_be_is_no_fact_of_a_graph(doc):
    facts = list(read_facts(to_annotated(doc), KnownNames([])))
    assert [fact.label for fact in facts] == ["say"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "."])
def test_nothing_is_found_in_nothing(nlp, text):
    doc = nlp.make_doc(text)
    for token in doc:
        token.dep_, token.pos_ = "ROOT", "X"
    assert found(nlp(doc)) == []


def test_a_document_without_parse_names_what_to_add(nlp):
    with pytest.raises(AnnotationError, match=r"no dependency parse.*Add parser before it"):
        nlp("Jobs founded Apple.")


def test_a_document_without_parts_of_speech_names_what_to_add(nlp):
    doc = Doc(nlp.vocab, words=["Jobs", "left"], heads=[1, 1], deps=["nsubj", "ROOT"])
    with pytest.raises(AnnotationError, match=r"no parts of speech.*Add tagger"):
        nlp(doc)


def test_a_threshold_has_to_be_a_probability(nlp):
    with pytest.raises(ConfigError, match="threshold"):
        make(nlp, threshold=2.0)


def deep(vocab, n, dep):
    heads = [max(i - 1, 0) for i in range(n)]
    pos = ["VERB", "NOUN"] * (n // 2)
    deps = ["ROOT"] + [dep] * (n - 1)
    return Doc(vocab, words=["w"] * n, heads=heads, deps=deps, pos=pos, tags=["VB"] * n)


def flat(vocab, n, dep):
    pos, deps = ["VERB"] + ["NOUN"] * (n - 1), ["ROOT"] + [dep] * (n - 1)
    return Doc(vocab, words=["w"] * n, heads=[0] * n, deps=deps, pos=pos, tags=["VB"] * n)


@pytest.mark.parametrize("dep", ["ccomp", "conj", "xcomp", "relcl"])
def test_a_parse_may_be_deeper_than_the_stack(nlp, dep):
    nlp(deep(nlp.vocab, 1_200, dep))


@pytest.mark.parametrize("make_parse", [deep, flat])
@pytest.mark.parametrize(
    "dep", ["conj", "xcomp", "ccomp", "advcl", "dobj", "prep", "nsubj", "punct"]
)
def test_the_time_is_linear_in_the_tokens(nlp, make_parse, dep):
    docs = [make_parse(nlp.vocab, n, dep) for n in (60, 120)]
    short, long = (most_runs_of_a_line(lambda doc=doc: nlp(doc)) for doc in docs)
    assert long < 2.5 * short + 100


def test_the_component_is_saved_with_its_config(nlp, tmp_path):
    other = spacy.blank("en")
    other.add_pipe("open_relation_extractor", config={"arguments": "entities", "threshold": 0.1})
    other.to_disk(tmp_path / "pipeline")
    loaded = load_pipeline(tmp_path / "pipeline").get_pipe("open_relation_extractor")
    assert (loaded.mentions, loaded.options.threshold) == ("given", 0.1)


@pytest.mark.parametrize("arguments", ["phrases", "entities"])
@pytest.mark.parametrize(("kind", "label"), [("GPE", "be in"), ("PERSON", "be")])
def test_a_place_that_stands_beside_a_place_contains_it(nlp, arguments, kind, label):
    rows = [
        ("Murray", 0, "ROOT", "PROPN", "NNP", "Murray"),
        (",", 0, "punct", "PUNCT", ",", ","),
        ("Utah", 0, "appos", "PROPN", "NNP", "Utah"),
    ]
    doc = make_doc(nlp.vocab, rows, [f"B-{kind}", "O", f"B-{kind}"])
    assert found(make(nlp, arguments=arguments)(doc)) == [("Murray", label, "Utah")]


def test_a_component_that_replaces_the_relations_of_another_is_told():
    nlp = spacy.blank("en")
    nlp.add_pipe("open_relation_extractor", "apart", config={"attr": "stated"})
    for name in ("first", "second"):
        source = spacy.blank("en")
        source.add_pipe("open_relation_extractor", name)
        nlp.add_pipe(name, source=source)
    with pytest.warns(UserWarning, match=r"^second and first both write doc\._\.rel"):
        nlp(make_doc(nlp.vocab))
