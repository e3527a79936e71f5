"""What a language model has annotated, to train on and to review."""

import srsly

from rel_component.inference.annotate import annotate

from ..llm.pipelines import ENTITIES, TEXT, answer, make_pipeline, replay

NEGATED = {"head": "M1", "label": "FOUNDED_BY", "tail": "M2", "polarity": "negated"}


def test_what_is_negated_is_sure(tmp_path):
    triage = annotate(make_pipeline(replay(tmp_path, answer(NEGATED)), polarity=True), [TEXT])
    assert (len(triage.sure), triage.reasons) == (1, [])


def test_mentions_of_a_span_group_are_there_in_review(tmp_path):
    nlp = make_pipeline(replay(tmp_path, {"text": "?"}), ruler=False, spans_key="mentions")
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "mentions"}, first=True)
    ruler.add_patterns([{"label": label, "pattern": text} for text, label in ENTITIES])
    triage = annotate(nlp, [TEXT])
    triage.write_review(tmp_path / "review.jsonl")
    (record,) = srsly.read_jsonl(tmp_path / "review.jsonl")
    assert [TEXT[e["start_offset"] : e["end_offset"]] for e in record["entities"]] == [
        text for text, _ in ENTITIES
    ]
