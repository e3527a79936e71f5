"""Dependency parses as lists, in one form for both kinds of labels that parsers of spaCy have.

The form is that of the CLEAR labels (Choi and Palmer 2012): prepositions and copulas govern. A parse in
Universal Dependencies is turned into it by :mod:`.universal`, so that there is one set of rules.
"""

from dataclasses import dataclass, field
from typing import Container, Dict, FrozenSet, List, Optional

from spacy.attrs import DEP, HEAD, LEMMA, POS, TAG
from spacy.tokens import Doc

from ..errors import AnnotationError
from ..relation_forms import describe
from .universal import governed, is_universal
from .words import Words, words_of

# what an argument is without: clauses say something of their own, and become tuples
_OUTSIDE = frozenset(
    [
        "relcl",
        "acl",
        "appos",
        "advcl",
        "ccomp",
        "parataxis",
        "mark",
        "meta",
        "csubj",
        "discourse",
        "vocative",
        "intj",
        "dep",
    ]
)
_JOINING = frozenset({"cc", "preconj", "conj"})


@dataclass
class Parse:
    """The parse of a document, positions of tokens in lists.

    Attributes:
        doc: the document.
        words: the words of its language.
        heads: the governor of each token; of a root, the token itself.
        deps: CLEAR label of each token.
        children: the dependents of each token, in order.
        pos: coarse part of speech.
        tags: fine part of speech.
        lemmas: lemma, in lower case; the word where the pipeline has none.
        texts: word, in lower case.
        roots: the root of the sentence of each token.
        order: the tokens, governors first.
        edges: first and last token of the argument that each token is the head of.
        single: the same without what is joined with it by "and".
        ends: first and last token of all that depends on each token.
    """

    doc: Doc
    words: Words
    heads: List[int]
    deps: List[str]
    pos: List[str]
    tags: List[str]
    lemmas: List[str]
    texts: List[str]
    children: List[List[int]] = field(default_factory=list)
    roots: List[int] = field(default_factory=list)
    order: List[int] = field(default_factory=list)
    edges: List[List[int]] = field(default_factory=list)
    single: List[List[int]] = field(default_factory=list)
    ends: List[List[int]] = field(default_factory=list)

    def having(self, token: int, deps: FrozenSet[str]) -> List[int]:
        """The dependents of a token that have one of some labels."""
        return [child for child in self.children[token] if self.deps[child] in deps]

    def morph(self, token: int, part: str) -> List[str]:
        """The values of one part of the morphology of a token, such as ``Tense``."""
        return self.doc[token].morph.get(part, [])

    def first(self, token: int, deps: FrozenSet[str]) -> Optional[int]:
        """The first dependent of a token that has one of some labels."""
        return next((child for child in self.children[token] if self.deps[child] in deps), None)


def read_parse(doc: Doc, universal: Optional[bool] = None) -> Parse:
    """Read the parse of a document.

    Args:
        doc: the document.
        universal: whether its labels are those of Universal Dependencies; None: as they look.

    Raises:
        AnnotationError: if it has no parse, or no parts of speech.
    """
    missing = [
        (what, component)
        for what, component, attr in (
            ("dependency parse", "parser", "DEP"),
            ("parts of speech", "tagger and attribute_ruler, or morphologizer", "POS"),
        )
        if not doc.has_annotation(attr)
    ]
    if missing and len(doc):
        what, component = missing[0]
        raise AnnotationError(
            f"{describe(doc)} has no {what}, which open_relation_extractor reads. Add {component} "
            "before it, of a pipeline such as en_core_web_sm."
        )
    table = doc.to_array([HEAD, DEP, POS, TAG, LEMMA])
    strings = doc.vocab.strings
    names: Dict[int, str] = {}

    def name(key: int) -> str:
        if key not in names:
            names[key] = strings[key] if key else ""
        return names[key]

    offsets = table[:, 0].astype("int64").tolist()
    heads = [i + offset for i, offset in enumerate(offsets)]
    deps, pos, tags, lemmas = ([name(key) for key in column] for column in table[:, 1:].T.tolist())
    texts = [token.lower_ for token in doc]
    lemmas = [(lemma or text).lower() for lemma, text in zip(lemmas, texts)]
    deps = [dep.lower() for dep in deps]
    words = words_of(doc.lang_ or doc.vocab.lang)
    if is_universal(deps) if universal is None else universal:
        heads, deps = governed(doc, heads, deps, pos)
    parse = Parse(doc, words, heads, deps, pos, tags, lemmas, texts)
    _arrange(parse)
    return parse


def _arrange(parse: Parse) -> None:
    """Find the dependents of each token, and the edges of the argument that it is the head of."""
    n = len(parse.heads)
    parse.children = [[] for _ in range(n)]
    roots = []
    for i, head in enumerate(parse.heads):
        if head == i:
            roots.append(i)
        else:
            parse.children[head].append(i)
    order = list(roots)
    parse.roots = list(range(n))
    for i in order:  # grows while it is read
        parse.roots[i] = parse.roots[parse.heads[i]]
        order += parse.children[i]
    parse.order = order
    parse.edges = [[i, i] for i in range(n)]
    parse.single = [[i, i] for i in range(n)]
    parse.ends = [[i, i] for i in range(n)]
    for i in reversed(order):
        if parse.heads[i] != i:
            mine, above = parse.ends[i], parse.ends[parse.heads[i]]
            above[0], above[1] = min(above[0], mine[0]), max(above[1], mine[1])
        _grow(parse, i, parse.edges, ())
        _grow(parse, i, parse.single, _JOINING)


def _grow(parse: Parse, i: int, edges: List[List[int]], without: Container[str]) -> None:
    """Widen the argument of a token over its dependents, as far as they are a part of it."""
    children = parse.children[i]
    left = [child for child in reversed(children) if child < i]
    right = [child for child in children if child > i]
    for side, step, others in ((0, -1, left), (1, 1, right)):
        reached = i
        for child in others:
            dep = parse.deps[child]
            near, far = parse.edges[child][1 - side], parse.edges[child][side]
            if parse.pos[child] == "SPACE":
                reached = far
                continue
            if parse.texts[child] in parse.words.sources:
                break
            if dep in _OUTSIDE or dep in without or near != reached + step:
                break
            reached = far
            if dep not in ("punct", "cc"):
                edges[i][side] = far
