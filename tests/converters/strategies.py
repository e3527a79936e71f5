"""Generated annotated documents."""

from dataclasses import replace

from hypothesis import strategies as st

from rel_component.converters.annotated import (
    Annotated,
    AnnotatedEvent,
    AnnotatedMention,
    AnnotatedRelation,
    in_characters,
)

CHARACTERS = st.one_of(
    st.sampled_from(" \n\t\"',;<>{}[]\\ab1"),
    st.sampled_from("\ufeff\r\u0301\u200d\u2028\x85\x00éß😄💩👩🏽"),
    st.characters(exclude_categories=["Cs"]),
)
SHORT = st.text(CHARACTERS, max_size=6)
TEXTS = st.lists(
    st.one_of(SHORT, st.sampled_from(["Nordwind ", "😄 ", "a\nb ", "Ilse "])), max_size=9
).map(lambda parts: "".join(parts).lstrip("\ufeff"))
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Z", "Cc"], exclude_characters="\ufeff"),
    min_size=1,
    max_size=8,
)
NAMES = st.text(st.sampled_from("ABCxyz-_09"), min_size=1, max_size=6)
LABELS = st.text(CHARACTERS, min_size=1, max_size=6)
SCORES = st.one_of(st.just(1.0), st.none(), st.floats(0, 1))
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(0, 1), SHORT),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(SHORT, inner, max_size=2)),
    max_leaves=4,
)
MAPPINGS = st.dictionaries(LABELS, PLAIN, max_size=2)
IDS = st.one_of(st.integers(0, 999), LABELS)
SOME = st.sampled_from([4, 3, 2, 1, 0])
NONE, EMPTY, NO_KB_ID, ANNOTATED = st.just(None), st.builds(dict), st.just(""), st.just(1.0)


@st.composite
def documents(
    draw,
    *,
    texts=TEXTS,
    ids=IDS,
    labels=LABELS,
    kb_ids=NO_KB_ID,
    mention_attributes=EMPTY,
    scores=ANNOTATED,
    relation_ids=NONE,
    relation_attributes=EMPTY,
    metas=EMPTY,
    clusters=False,
    fragments=False,
    sentences=False,
    tokens=False,
    n_mentions=SOME,
    overlapping=True,
    max_relations=4,
    events=False,
):
    """A valid document, with what a format holds."""
    if tokens:
        words = draw(st.lists(WORDS, max_size=draw(st.sampled_from([8, 0]))))
        spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
        units = words
    else:
        units = draw(texts)
    ranges = draw(_ranges(units, draw(n_mentions), overlapping))
    names = draw(st.lists(ids, min_size=len(ranges), max_size=len(ranges), unique=True))
    mentions = [
        AnnotatedMention(
            name,
            start,
            end,
            draw(labels),
            kb_id=draw(kb_ids),
            attributes=draw(mention_attributes),
        )
        for name, (start, end) in zip(names, ranges)
    ]
    if fragments:
        mentions = [draw(_fragmented(mention, units)) for mention in mentions]
    pairs = st.tuples(*[st.sampled_from(mentions or [None])] * 2).filter(lambda p: p[0] != p[1])
    n_relations = min(draw(SOME), max_relations) if len(mentions) > 1 else 0
    drawn = draw(st.lists(pairs, min_size=n_relations, max_size=n_relations))
    relation_names = draw(
        st.lists(
            relation_ids, min_size=len(drawn), max_size=len(drawn), unique=relation_ids != NONE
        )
    )
    starts = None
    if sentences:
        starts = sorted({0, *draw(st.sets(st.integers(0, max(len(units) - 1, 0)), max_size=3))})
    evidence = st.lists(st.integers(0, len(starts or [0]) - 1), max_size=2, unique=True)
    relations = [
        AnnotatedRelation(
            head.id,
            tail.id,
            draw(labels),
            score=draw(scores),
            id=name,
            evidence=tuple(sorted(draw(evidence))) if sentences else (),
            attributes=draw(relation_attributes),
        )
        for (head, tail), name in zip(drawn, relation_names)
    ]
    records = []
    if events and names:
        fillers = st.lists(st.tuples(NAMES, st.sampled_from(names)), min_size=1, max_size=3)
        trigger = draw(st.one_of(st.none(), st.sampled_from(names)))
        records = [AnnotatedEvent(draw(NAMES), tuple(dict.fromkeys(draw(fillers))), trigger)]
    return Annotated(
        place="generated",
        text=None if tokens else units,
        words=words if tokens else None,
        spaces=spaces if tokens else None,
        mentions=mentions,
        relations=relations,
        clusters=[names[:2], *([names[2:]] if names[2:] else [])] if clusters and names else [],
        sentence_starts=starts,
        meta=draw(metas),
        events=records,
    )


def everything(**options):
    """Documents with whatever a document may have."""
    full = {
        "kb_ids": SHORT,
        "mention_attributes": MAPPINGS,
        "scores": SCORES,
        "relation_ids": IDS,
        "relation_attributes": MAPPINGS,
        "metas": st.tuples(MAPPINGS, NAMES).map(lambda both: {**both[0], "id": f"d{both[1]}"}),
        "clusters": True,
        "fragments": True,
        "sentences": True,
        "events": True,
    }
    return documents(**{**full, **options})


@st.composite
def pairs(draw, *, tokens):
    """Documents of one sentence with two mentions and a relation between them."""
    words = draw(st.lists(WORDS, min_size=2, max_size=6))
    places = draw(st.permutations(range(len(words))))[:2]
    annotated = Annotated(
        place="generated",
        words=words,
        spaces=[True] * (len(words) - 1) + [False],
        mentions=[AnnotatedMention(i, i, i + 1, draw(NAMES)) for i in places],
        relations=[AnnotatedRelation(*places, draw(NAMES))],
        sentence_starts=[0],
        meta={"id": draw(st.integers(0, 99))},
    )
    return annotated if tokens else replace(in_characters(annotated), sentence_starts=None)


@st.composite
def _ranges(draw, units, n, overlapping):
    """Different ranges that neither begin nor end with white space."""
    solid = [i for i, unit in enumerate(units) if unit.strip()]
    if not solid:
        return []
    ends = draw(st.lists(st.sampled_from(solid), min_size=2 * n, max_size=2 * n))
    if overlapping:
        pairs = zip(ends[::2], ends[1::2])
        return list(dict.fromkeys((min(pair), max(pair) + 1) for pair in pairs))
    ends.sort()
    pairs, after = zip(ends[::2], ends[1::2]), [*ends[2::2], len(units)]
    return [(start, end + 1) for (start, end), other in zip(pairs, after) if end < other]


@st.composite
def _fragmented(draw, mention, text):
    """The mention as it is, or in two fragments with more than white space between them."""
    solid = [i for i in range(mention.start, mention.end) if text[i].strip()]
    if len(solid) < 3 or not draw(st.booleans()):
        return mention
    left_out = draw(st.integers(1, len(solid) - 2))
    end, start = solid[left_out - 1] + 1, solid[left_out + 1]
    return replace(mention, fragments=((mention.start, end), (start, mention.end)))
