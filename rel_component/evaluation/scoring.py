"""Scores of relations against a reference.

Every relation of the reference counts: one whose mentions were not found, or that no candidate pair
stands for, is a miss. Mentions are compared by their characters.
"""

import warnings
from collections import defaultdict
from typing import Any, Collection, Dict, Iterable, List, Optional, Set, Tuple

import numpy
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Span
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import RelationKey, relation_keys, sentence_starts
from ..errors import listed
from ..mentions import char_range, mention_spans, probable_mentions, typed_key
from ..pipelines import RelationComponent
from ..types import NO_RELATION, Int32Array, ScorerFunction
from .counts import PRF, Key, LabelScores
from .known_facts import Fact, fact_of

RELATION_SCORE_WEIGHTS: Dict[str, Optional[float]] = {
    "rel_micro_f": 1.0,
    "rel_micro_p": 0.0,
    "rel_micro_r": 0.0,
    "rel_macro_f": 0.0,
    "rel_boundaries_micro_f": None,
    "rel_with_none_micro_f": None,
    "rel_per_type": None,
}
"""Weights of the scores in training; None: the score is not shown in the table."""

MENTION_SCORE_WEIGHTS: Dict[str, Optional[float]] = {
    "ents_f": 1.0,
    "ents_p": 0.0,
    "ents_r": 0.0,
    "ents_per_type": None,
    "mentions_f": None,
    "mentions_p": None,
    "mentions_r": None,
    "mentions_per_type": None,
}

_GROUPS = (
    "rel",
    "rel_boundaries",
    "rel_undirected",
    "rel_within_sentence",
    "rel_across_sentences",
    "rel_with_none",
)


def make_relation_scorer() -> ScorerFunction:
    """The scorer of relation components (``rel_component.relation_scorer.v1``)."""
    return score_relations


def score_extractor(
    component: Any, examples: Iterable[Example], *, nlp: Optional[Language] = None, **options: Any
) -> Dict[str, Any]:
    """Scores of predicted documents by the scorer of a component that extracts relations.

    Args:
        component: the component; its `scorer`, `schema`, `spans_key` and `attr` count.
        examples: predicted and reference documents.
        nlp: its pipeline, of which ``nlp.evaluate`` reports one score of each name; None: not known.
        options: options of the scorer, in place of those of the component.
    """
    if component.scorer is None:
        return {}
    if nlp is not None:
        _warn_of_equal_names(nlp, component.scorer)
    settings = {
        "symmetric": component.schema.symmetric_labels,
        "spans_key": component.spans_key,
        "attr": component.attr,
        **options,
    }
    return dict(component.scorer(examples, **settings))


def _warn_of_equal_names(nlp: Language, scorer: ScorerFunction) -> None:
    pipes: List[Tuple[str, Any]] = nlp.pipeline
    scored = {
        name: pipe.attr
        for name, pipe in pipes
        if isinstance(pipe, RelationComponent) and getattr(pipe, "scorer", None) is scorer
    }
    if len(set(scored.values())) > 1:
        *others, last = scored
        warnings.warn(
            f"{listed(others)} and {last} have scores of the same names, of which those of {last} are "
            "reported: set scorer = null for all but one of them",
            stacklevel=3,
        )


def make_mention_scorer() -> ScorerFunction:
    """The scorer of span recognizers (``rel_component.mention_scorer.v1``)."""
    return score_mentions


def score_mentions(
    examples: Iterable[Example], *, spans_key: Optional[str] = None, **_: Any
) -> Dict[str, Any]:
    """Compare the entities of predicted documents with those of the reference.

    ``ents_p``, ``ents_r``, ``ents_f`` and ``ents_per_type`` are those of spaCy; those of the span
    group are added, see :func:`score_span_group`.

    Args:
        examples: predicted and reference documents.
        spans_key: name of the span group.
    """
    examples = list(examples)
    return {**get_ner_prf(examples), **score_span_group(examples, spans_key)}


def score_span_group(examples: Iterable[Example], spans_key: Optional[str]) -> Dict[str, Any]:
    """Compare the mentions of predicted documents with the span group of the reference.

    ``mentions_p``, ``mentions_r``, ``mentions_f`` and ``mentions_per_type`` count nested and
    overlapping mentions like any other, and of the predicted ones those that are at least as
    probable as not. Where no reference has the group they are None.

    Args:
        examples: predicted and reference documents.
        spans_key: name of the span group.
    """
    scores = LabelScores()
    for eg in examples:
        scores.update(count_span_group(eg, spans_key))
    per_type = {label: prf.to_dict() for label, prf in sorted(scores.counts.items())}
    micro = scores.micro.to_dict() if per_type else dict.fromkeys("prf")
    named = {f"mentions_{key}": value for key, value in micro.items()}
    return {**named, "mentions_per_type": per_type or None}


def count_span_group(eg: Example, spans_key: Optional[str]) -> LabelScores:
    """Counts of the mentions of one document by type; see :func:`score_span_group`."""
    scores = LabelScores()
    if spans_key is not None and spans_key in eg.reference.spans:
        scores.add(
            _mention_keys(mention_spans(eg.reference, spans_key)),
            _mention_keys(probable_mentions(eg.predicted, spans_key)),
        )
    return scores


def count_entities(eg: Example) -> LabelScores:
    """Counts of the entities of one document by type, as spaCy's ``get_ner_prf`` counts them."""
    scores = LabelScores()
    if not eg.reference.has_annotation("ENT_IOB"):
        return scores
    gold = {((ent.start, ent.end), ent.label_, ()) for ent in eg.reference.ents}
    predicted = set()
    for ent in eg.predicted.ents:
        tokens = eg.alignment.x2y[ent.start : ent.end]
        if len(tokens):
            start, end = int(tokens[0]), int(tokens[-1]) + 1
            if all(token.ent_iob for token in eg.reference[start:end]):  # else it is not known
                predicted.add(((start, end), ent.label_, ()))
    scores.add(gold, predicted)
    return scores


def _mention_keys(spans: Iterable[Span]) -> Set[Key]:
    """Keys like those of relations, so that types of mentions are counted as labels are."""
    return {(char_range(span), span.label_, ()) for span in spans}


def score_relations(
    examples: Iterable[Example],
    *,
    symmetric: Collection[str] = (),
    spans_key: Optional[str] = None,
    attr: str = DEFAULT_ATTR,
    known_facts: Collection[Fact] = (),
    **_: Any,
) -> Dict[str, Any]:
    """Compare the relations of predicted documents with those of the reference.

    Each group has micro and macro precision, recall and F1, as ``<group>_micro_f`` and so on:

    - ``rel``: strict. Spans and entity types of both mentions, label and direction are right.
    - ``rel_boundaries``: the same without the entity types.
    - ``rel_undirected``: strict, but head and tail may be exchanged.
    - ``rel_within_sentence``, ``rel_across_sentences``: strict, for the relations whose mentions lie
      in one sentence, or in two, of the reference; documents without sentences are left out.
    - ``rel_with_none``: boundaries, over ordered pairs of mentions, where having no relation is a
      class of its own. Most pairs are easy, which makes these scores high.
    - ``rel_new_facts``: strict, without the relations of the reference whose facts are known from
      training, so that it says how well relations are found that cannot have been learnt by heart:
      the Ign F1 of DocRED (Yao et al. 2019, https://aclanthology.org/P19-1074/), which leaves known
      facts out of the precision only. A predicted relation is left out if it is right and known;
      one that repeats a known fact where the text does not state it is wrong. Only with
      `known_facts`.

    ``rel_per_type`` has the strict scores of each label. ``<group>_n``, and ``n`` of a label, are the
    numbers of annotated relations. A group without any relation, annotated or predicted, has None
    for its scores, but for ``rel``, which has 0.

    Args:
        examples: predicted and reference documents.
        symmetric: labels whose direction does not count.
        spans_key: span group of the mentions; None: the entities. Only ``rel_with_none`` reads it.
        attr: name of the extension attribute.
        known_facts: facts of the training data, see :func:`.known_facts.read_facts`.
    """
    groups = {name: LabelScores() for name in _GROUPS}
    if known_facts:
        groups["rel_new_facts"] = LabelScores()
    for eg in examples:
        counts = count_relations(
            eg, symmetric=symmetric, spans_key=spans_key, attr=attr, known_facts=known_facts
        )
        for name, group in counts.items():
            groups[name].update(group)
    scores: Dict[str, Any] = {}
    for name, group in groups.items():
        # spaCy selects the best pipeline by the strict scores, and takes no None for them
        scores.update(group.to_dict(name, empty=0.0 if name == "rel" else None))
    scores["rel_per_type"] = {
        label: {**prf.to_dict(), "n": prf.tp + prf.fn}
        for label, prf in sorted(groups["rel"].counts.items())
    }
    return scores


def count_relations(
    eg: Example,
    *,
    symmetric: Collection[str] = (),
    spans_key: Optional[str] = None,
    attr: str = DEFAULT_ATTR,
    known_facts: Collection[Fact] = (),
) -> Dict[str, LabelScores]:
    """Counts of the relations of one document in each group; see :func:`score_relations`."""
    groups: Dict[str, LabelScores] = defaultdict(LabelScores)
    both_ways = set(symmetric)
    gold, predicted = (list(get_relations(doc, attr)) for doc in (eg.reference, eg.predicted))
    everything = both_ways | {rel.label for rel in gold + predicted}
    strict, boundaries, undirected = (
        (relation_keys(gold, labels, key), relation_keys(predicted, labels, key))
        for labels, key in (
            (both_ways, typed_key),
            (both_ways, char_range),
            (everything, typed_key),
        )
    )
    groups["rel"].add(*strict)
    groups["rel_boundaries"].add(*boundaries)
    groups["rel_undirected"].add(*undirected)
    if known_facts:
        repeated = [rel for rel in gold if fact_of(rel, both_ways) in known_facts]
        known = relation_keys(repeated, both_ways)
        groups["rel_new_facts"].add(*(keys - known for keys in strict))
    starts = sentence_starts(eg.reference)
    if starts is not None:
        within = [{key for key in keys if _in_one_sentence(key, starts)} for keys in strict]
        groups["rel_within_sentence"].add(*within)
        groups["rel_across_sentences"].add(*(keys - inside for keys, inside in zip(strict, within)))
    mentions = {char_range(span) for span in mention_spans(eg.reference, spans_key)}
    _add_with_none(groups["rel_with_none"], mentions, *boundaries)
    return dict(groups)


def _in_one_sentence(key: RelationKey, starts: Int32Array) -> bool:
    head, tail = numpy.searchsorted(starts, (key[0][0], key[2][0]), side="right")
    return bool(head == tail)


def _add_with_none(
    group: LabelScores, mentions: Set[Tuple[int, int]], gold: Set[Key], predicted: Set[Key]
) -> None:
    group.add(gold, predicted)
    gold_pairs = {(head, tail) for head, _, tail in gold}
    predicted_pairs = {(head, tail) for head, _, tail in predicted}
    related = gold_pairs | predicted_pairs
    # Pairs of annotated mentions, and pairs that a relation names beyond them.
    n_pairs = len(mentions) * (len(mentions) - 1) + sum(
        not (head in mentions and tail in mentions and head != tail) for head, tail in related
    )
    none = PRF(
        tp=n_pairs - len(related),
        fp=len(gold_pairs - predicted_pairs),
        fn=len(predicted_pairs - gold_pairs),
    )
    if none != PRF():  # a class that does not occur is none of the macro mean
        group.counts[NO_RELATION] += none
