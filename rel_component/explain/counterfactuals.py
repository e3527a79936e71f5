"""What would change a relation: other names, no negation, the other direction, one sentence less."""

from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy

from ..documents import sentence_numbers
from ..mentions import mention_spans
from .probe import Probe, Variant, probability

_NEGATION_WORDS = (
    "no not n't never neither nor none nobody nothing without cannot denied denies "  # English
    "nicht kein keine keinen keiner nie niemals ohne weder "  # German
    "ne pas jamais aucun aucune sans "  # French
    "sin nunca jamás tampoco não sem "  # Spanish, Portuguese
    "non mai senza né niet geen nooit zonder inte aldrig utan"  # Italian, Dutch, Swedish
)
_NEGATIONS = frozenset(_NEGATION_WORDS.split())
_INVENTED = ("Zorvan", "Kelmir", "Tavoll", "Brunik", "Ostrel", "Fendar", "Quillon", "Marsik")
_LEAST_SHARE = 0.2  # of the log-odds that are lost, for a sentence to be evidence


class Counterfactual(NamedTuple):
    """A change, and what it does.

    Attributes:
        change: what was changed.
        text: the changed text; empty if only the question was.
        probability: of the relation then; nan if the pair is no candidate then.
    """

    change: str
    text: str
    probability: float


class SentenceEvidence(NamedTuple):
    """A sentence, and what the relation loses without it.

    Attributes:
        sentence: its number, from 0.
        text: its text.
        without: probability of the relation if all of its words are masked.
        is_evidence: whether it has at least a fifth of the log-odds that are lost without one of the
            sentences, all of them together.
    """

    sentence: int
    text: str
    without: float
    is_evidence: bool


def counterfactuals(probe: Probe) -> List[Counterfactual]:
    """Changes that a person would try, with the probability of the relation after each.

    - ``names masked``: the words of head and tail, wherever they are mentioned with them;
    - ``names invented``: made-up ones in their place, so that nothing is known of them;
    - ``negation removed``: without words such as "not", if there are any outside of mentions;
    - ``direction reversed``: from tail to head.
    """
    variants = changed_copies(probe)
    scores = probe.score(list(variants.values()))
    (opposite,) = probe.score([probe.base], reverse=True)
    found = [
        Counterfactual(change, variant.doc.text, probability(score))
        for (change, variant), score in zip(variants.items(), scores)
    ]
    return [*found, Counterfactual("direction reversed", "", probability(opposite))]


def changed_copies(probe: Probe) -> Dict[str, Variant]:
    """The copies of the document that :func:`counterfactuals` asks about."""
    document, names = probe.document, _name_tokens(probe)
    words = {i: (_INVENTED[n % len(_INVENTED)],) for n, i in _numbered_words(probe, names)}
    variants = {
        "names masked": document.masked(names),
        "names invented": document.varied(words),
    }
    negations = _negations(probe)
    if negations:
        variants["negation removed"] = document.varied(dict.fromkeys(negations, ()))
    return variants


def evidence_of(probes: Sequence[Probe]) -> List[List[SentenceEvidence]]:
    """What relations of a document lose without each sentence; none where sentences are not known.

    Args:
        probes: the relations, of one document.

    Returns:
        the sentences, for each relation.
    """
    if not probes:
        return []
    document, relations = probes[0].document, [probe.relation for probe in probes]
    numbers = sentence_numbers(document.doc)
    if numbers is None or not len(numbers):
        return [[] for _ in probes]
    parts = [numpy.flatnonzero(numbers == n) for n in range(int(numbers[-1]) + 1)]
    scores = document.ask([document.masked(part.tolist()) for part in parts], relations)
    texts = [document.doc[int(part[0]) : int(part[-1]) + 1].text for part in parts]
    found = []
    for probe, without in zip(probes, scores.T):
        losses = numpy.maximum(probe.log_odds - without, 0.0)
        enough = (losses > 0) & (losses >= _LEAST_SHARE * losses.sum())
        found.append(
            [
                SentenceEvidence(n, text, probability(score), bool(is_evidence))
                for n, (text, score, is_evidence) in enumerate(zip(texts, without, enough))
            ]
        )
    return found


def _name_tokens(probe: Probe) -> List[int]:
    """The tokens of all mentions with the words of head or tail."""
    names = {span.text for span in (probe.relation.head, probe.relation.tail)}
    spans = [*mention_spans(probe.doc, probe.extractor.spans_key)]
    spans += [probe.relation.head, probe.relation.tail]
    return sorted({i for span in spans if span.text in names for i in range(span.start, span.end)})


def _numbered_words(probe: Probe, tokens: Sequence[int]) -> List[Tuple[int, int]]:
    """A number for each token, the same for the same word."""
    numbers: Dict[str, int] = {}
    return [(numbers.setdefault(probe.doc[i].text, len(numbers)), i) for i in tokens]


def _negations(probe: Probe) -> List[int]:
    spans = mention_spans(probe.doc, probe.extractor.spans_key)
    inside = {i for span in spans for i in range(span.start, span.end)}
    context = probe.relation.context
    return [
        token.i
        for token in context
        if token.i not in inside and (token.dep_ == "neg" or token.lower_ in _NEGATIONS)
    ]
