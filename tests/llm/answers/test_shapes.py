"""Names and nestings in which models and graph builders state two relations, all read alike."""

import json

import pytest

from rel_component.llm.answers.parsing import read_statements
from rel_component.llm.types import Reply

FACTS = [("Ann Lee", "FOUNDED", "Acme"), ("Bob Ray", "WORKS_FOR", "Acme")]
ITEMS = [dict(zip(("head", "label", "tail"), fact)) for fact in FACTS]
ENTITIES = [{"name": "Ann Lee", "type": "PERSON"}, {"name": "Acme", "type": "ORG"}]

NAMES = [
    "subject/predicate/object", "subj/pred/obj", "sub/relation/obj", "source/relation/target",
    "src/rel/dst", "s/p/o", "h/r/t", "from/type/to", "start/type/end",
    "start_node/relationship_type/end_node", "startNode/type/endNode",
    "source_entity/relationship/target_entity", "sourceNodeId/type/targetNodeId",
    "node_1/edge/node_2", "e1/relation/e2", "entityA/relation/entityB", "concept1/relation/concept2",
    "headEntity/relationType/tailEntity", "Subject/Verb/Object", "subject/action/object",
    "source/kind/target", "source/property/target", "id1/relation/id2",
    "subject_name/predicate_name/object_name", "relation_head/relation/relation_tail",
    "head.name/relation/tail.name", "source_label/relation/target_label",
    "first_entity/relation/second_entity", "source/relationship/destination",
]  # fmt: skip

LISTS = [
    "relations", "relationships", "edges", "triples", "triplets", "knowledge_graph", "output",
    "results", "data", "graph", "statements", "extracted_relations", "relation_list",
    "knowledge_triplets", "new_relations", "anything",
]  # fmt: skip


def read(text):
    return read_statements(Reply(text))


def stated(text):
    statements = read(text)
    assert statements.problems == {}
    return [(rel.head.name, rel.label, rel.tail.name) for rel in statements.relations]


@pytest.mark.parametrize("names", NAMES)
def test_names_of_parts(names):
    assert stated(json.dumps([dict(zip(names.split("/"), fact)) for fact in FACTS])) == FACTS


@pytest.mark.parametrize("name", LISTS)
def test_names_of_the_list(name):
    assert stated(json.dumps({name: ITEMS})) == FACTS
    assert stated(json.dumps({"entities": ENTITIES, name: ITEMS})) == FACTS


@pytest.mark.parametrize(
    "reply",
    [
        {"head": ["Ann Lee", "Bob Ray"], "label": ["FOUNDED", "WORKS_FOR"], "tail": ["Acme"] * 2},
        {"columns": ["head", "relation", "tail"], "data": [list(fact) for fact in FACTS]},
        [{"relation": fact[1], "pairs": [[fact[0], fact[2]]]} for fact in FACTS],
        [{"relation": fact[1], "entities": [fact[0], fact[2]]} for fact in FACTS],
        [{"type": fact[1], "arguments": {"from": fact[0], "to": fact[2]}} for fact in FACTS],
        {"output": {"FOUNDED": [["Ann Lee", "Acme"]], "WORKS_FOR": [["Bob Ray", "Acme"]]}},
        [
            {
                "type": "relationship",
                "label": label,
                "start": {"labels": ["PERSON"], "properties": {"name": head}},
                "end": {"labels": ["ORG"], "properties": {"name": tail}},
            }
            for head, label, tail in FACTS
        ],
    ],
)
def test_nestings(reply):
    assert stated(json.dumps(reply)) == FACTS


@pytest.mark.parametrize(
    "node",
    [
        {"id": "n1", "label": "PERSON", "properties": {"name": "Ann Lee"}},
        {"data": {"id": "n1", "label": "Ann Lee"}},
        {"id": "n1", "label": "Ann Lee"},
    ],
)
def test_nodes_with_ids(node):
    (entity,) = read(json.dumps({"nodes": [node], "edges": []})).entities
    assert (entity.text, entity.id) == ("Ann Lee", "n1")


def test_offsets_are_no_head_and_tail():
    (entity,) = read(
        '{"entities": [{"text": "Ann", "type": "PERSON", "start": 0, "end": 3}]}'
    ).entities
    assert (entity.text, entity.type) == ("Ann", "PERSON")


@pytest.mark.parametrize(
    "line",
    [
        "{2}({0}, {1})",
        '{2}(head="{0}", tail="{1}")',
        'Relation(head="{0}", label="{2}", tail="{1}")',
        '<relation label="{2}" head="{0}" tail="{1}"/>',
        "<edge><source>{0}</source><target>{1}</target><type>{2}</type></edge>",
        "- **Relation:** {2}\n- **Head:** {0}\n- **Tail:** {1}",
        "- source: {0}\n  target: {1}\n  type: {2}",
        "- **{0}** - **{2}** - **{1}**",
        "{0}\t{2}\t{1}",
        "({0}; {2}; {1})",
        "{0} - {2} -> {1}",
        "{0} \u2014{2}→ {1}",
        "({1})<-[:{2}]-({0})",
        "MERGE (a:PERSON {{name: '{0}'}})\nMERGE (b {{name: '{1}'}})\nMERGE (a)-[:{2}]->(b)",
        "CREATE (:PERSON {{name: '{0}'}})-[:{2}]->(:ORG {{name: '{1}'}})",
        '("relationship"|{0}|{1}|{2}|9)',
        "tp_XX<triplet> {0} <per> {1} <org> {2}",
    ],
)
def test_notations(line):
    lines = [line.format(head, tail, label) for head, label, tail in FACTS]
    assert stated("\n".join(lines)) == FACTS


@pytest.mark.parametrize("bar", ["|", ",", ";", "\t"])
def test_tables_have_columns_in_any_order(bar):
    rows = [("#", "Source", "Target", "Note", "Relationship")]
    rows += [("1", head, tail, "-", label) for head, label, tail in FACTS]
    assert stated("\n".join(bar.join(row) for row in rows)) == FACTS


def test_triplets_with_the_same_head():
    text = "<triplet> Ann Lee <subj> Acme <obj> FOUNDED <subj> Paris <obj> LIVES_IN"
    assert stated(text) == [FACTS[0], ("Ann Lee", "LIVES_IN", "Paris")]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[[[[[",
            "{{{",
            "[[]]",
            "[null]",
            '[""]',
            "[{}]",
            "[[], []]",
            "[[[]]]",
            '{"',
            "{]",
            "[}",
            "",
        ),
        *('{"relations": [null]}', '{"relations": [[]]}', '{"FOUNDED": [null]}', "```json\n```"),
        *("I cannot help with that.", "[", '{"relations": [{', "}}}}", '{"error": "no"}', "..."),
        *('{"relations": false}', '{"entity": "Ann", "attribute": "AGE", "value": "3"}', "true"),
        '{"entities": [], "relations": [{"head": "Ann"}]}',
    ],
)
def test_what_cannot_be_read_is_counted(text):
    statements = read(text)
    assert statements.relations == ()
    assert sum(statements.problems.values()) > 0


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"FOUNDED": [], "SUED": []}', '{"output": {"relations": []}}', "None."]
)
def test_what_says_that_there_is_nothing_is_no_problem(text):
    assert (read(text).relations, read(text).problems) == ((), {})
