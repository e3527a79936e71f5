"""What is answered about a processed document: its relations, its drawing, why a relation was found."""

from typing import Any, Dict, List, Optional, Sequence, Set

from spacy.language import Language
from spacy.tokens import Doc

from ...annotations import get_relations
from ...converters.records import to_json
from ...errors import DataError, LLMUnavailable
from ...explain.explanation import explain
from ...explain.page import render_explanations
from ...inference.extract import choose_relations, to_record
from ...llm.types import REPORT_KEY
from ...mentions import char_range, mention_spans
from ...pipelines import entity_finders, find_extractor, mentions_key, relation_attr
from ...types import Relation
from ..drawing import Drawing
from ..options import RenderOptions
from ..render import draw_views
from .bodies import Choice, WantedRelation


def relations_json(doc: Doc, attr: str, choice: Choice) -> str:
    """The record of a document, as ``rel extract`` writes it.

    Raises:
        LLMUnavailable: if a language model was asked, and has not answered.
    """
    _choose(doc, attr, choice)
    return to_json(to_record(doc, attr))


def drawing_json(doc: Doc, attr: str, choice: Choice) -> str:
    """The record of a document as ``document``, and its drawing as ``html``."""
    _choose(doc, attr, choice)
    options = RenderOptions(attr=attr)
    html = draw_views([Drawing.from_doc(doc, options)], options)
    return to_json({"document": to_record(doc, attr), "html": html})


def explanation_json(
    nlp: Language, doc: Doc, wanted: WantedRelation, methods: Optional[Sequence[str]], page: bool
) -> str:
    """The explanation of a relation, and if asked for as a page, ``html``.

    Raises:
        DataError: if head or tail is no mention.
        ConfigError: if the pipeline cannot explain it.
    """
    explanation = explain(nlp, doc, _find_relation(nlp, doc, wanted), methods)
    answer = explanation.to_json()
    if page:
        answer["html"] = render_explanations([explanation], title="Why")
    return to_json(answer)


def _choose(doc: Doc, attr: str, choice: Choice) -> None:
    if doc.user_data.get(REPORT_KEY, {}).get("failures"):
        raise LLMUnavailable("the language model has not answered all questions about this text")
    if choice.labels or choice.min_score is not None:
        choose_relations(doc, attr, labels=choice.labels or (), min_score=choice.min_score)


def _find_relation(nlp: Language, doc: Doc, wanted: WantedRelation) -> Relation:
    ends: Any = (tuple(wanted.head), tuple(wanted.tail))
    relations = get_relations(doc, relation_attr(nlp))
    for rel in relations:
        if rel.label == wanted.label and (char_range(rel.head), char_range(rel.tail)) == ends:
            return rel
    spans = {char_range(span): span for span in mention_spans(doc, mentions_key(nlp))}
    for start, end in ends:
        if (start, end) not in spans:
            raise DataError(f"the pipeline finds no mention from character {start} to {end}")
    return Relation(spans[ends[0]], wanted.label, spans[ends[1]], None)


def schema_of(nlp: Language) -> Dict[str, Any]:
    """What a pipeline finds: its relation types, as schema files have them, and its entity types."""
    extractor = find_extractor(nlp)
    key = mentions_key(nlp)
    types: Set[str] = set()
    for name in entity_finders(nlp, key):
        types.update(getattr(nlp.get_pipe(name), "labels", ()))
    relations: List[Any] = [] if extractor is None else extractor.schema.to_dict()["relations"]
    return {"relations": relations, "entities": sorted(types)}
