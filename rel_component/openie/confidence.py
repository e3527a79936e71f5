"""How sure a tuple is: a logistic regression over facts of its parse.

The weights are fitted by ``benchmarks/openie.py fit``.
"""

import math
from typing import Dict

from .parses import Parse
from .tuples import OpenTuple
from .weights import BIAS, WEIGHTS


def features(parse: Parse, found: OpenTuple) -> Dict[str, float]:
    """The facts of a tuple that tell how sure it is.

    Args:
        parse: the parse.
        found: the tuple.
    """
    clause = found.clause
    lengths = [end - start for start, end in (found.head, found.tail)]
    others = sum(end - start for _, (start, end) in found.others)
    gap = max(found.tail[0] - found.head[1], found.head[0] - found.tail[1], 0)
    start, end = parse.ends[parse.roots[clause.verb]]
    pronoun = parse.pos[found.head_token] == "PRON"
    tail_pos = parse.pos[found.tail_token]
    return {
        f"kind={clause.kind}": 1.0,
        f"source={clause.source}": 1.0,
        f"first={found.first.dep}": 1.0,
        "head pronoun": float(pronoun),
        "head name": float(parse.pos[found.head_token] == "PROPN"),
        "tail pronoun": float(tail_pos == "PRON"),
        "tail name": float(tail_pos == "PROPN"),
        "tail clause": float(found.first.whole),
        "head length": math.log1p(lengths[0]),
        "tail length": math.log1p(lengths[1]),
        "others length": math.log1p(others),
        "others": float(min(len(found.others), 4)),
        "predicate length": math.log1p(len(clause.predicate)),
        "verbs": float(len(clause.verbs) - 1),
        "gap": math.log1p(gap),
        "tail before head": float(found.tail[0] < found.head[0]),
        "tail before verb": float(found.tail[0] < clause.verb),
        "negated": float(bool(clause.negations)),
        "implied": float(clause.implied),
        "sentence length": math.log1p(end - start),
        "be": float(clause.predicate != [] and parse.lemmas[clause.verbs[-1]] in parse.words.be),
    }


def confidence(parse: Parse, found: OpenTuple) -> float:
    """The probability that people find a tuple in its sentence.

    Args:
        parse: the parse.
        found: the tuple.
    """
    facts = features(parse, found)
    logit = BIAS + sum(WEIGHTS.get(name, 0.0) * value for name, value in facts.items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
