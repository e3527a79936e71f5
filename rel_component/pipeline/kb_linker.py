"""The trainable component ``kb_linker``."""

from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Union, cast

import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_get_examples
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import ConfigError, shown
from ..files import complete_files
from ..linking.candidates import FEATURES, CandidateFinder
from ..linking.context import context_cosines, encode_descriptions
from ..linking.knowledge_base import KnowledgeBase, load_kb, write_kb
from ..linking.learning import carried, learn_links, right_candidates, seen_in
from ..linking.links import Link, best_links, write_links
from ..linking.scorer import fit, link_loss
from ..mentions import mention_spans
from ..types import NO_LINK, ScorerFunction
from .learning import LearningPipe
from .saving import loading

_KB = "kb"  # part of the saved component
_N_FOUND = 20  # candidates of a mention, also where fewer are kept
_N_FITTED = 16  # candidates of a mention that the weights are fitted to

LINK_SCORE_WEIGHTS: Dict[str, Optional[float]] = {
    "links_f": 1.0,
    "links_p": 0.0,
    "links_r": 0.0,
    "links_accuracy": None,
    "links_nil_f": None,
}


@Language.factory(
    "kb_linker",
    requires=["doc.ents"],
    assigns=["token.ent_kb_id"],
    default_config={
        "model": {"@architectures": "rel_component.CandidateScorer.v1"},
        "scorer": {"@scorers": "rel_component.link_scorer.v1"},
        "kb": None,
        "types": {},
        "labels": None,
        "threshold": 0.5,
        "n_candidates": 10,
        "spans_key": None,
    },
    default_score_weights=LINK_SCORE_WEIGHTS,
)
class KbLinker(LearningPipe):
    """Links mentions to the entities of a knowledge base, or to none.

    It writes ``ent.kb_id_``, and the candidates with their scores to ``ent._.kb_candidates``. All
    mentions of a coreference cluster get the same link. It can be used without training; annotated
    links teach it names, types and the weights of what speaks for a candidate.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        model: scores candidates; see :func:`.build_candidate_scorer`.
        kb: folder of the knowledge base, as ``spacy rel build-kb`` makes it. A saved pipeline holds
            its knowledge base and does not read the folder, which is otherwise read when it is first
            needed. None: :meth:`set_kb` gives it.
        types: for types of mentions the types of entities that they may mean. A type with the same
            name needs no entry, and annotated links teach others.
        labels: types of the mentions that are linked; None: all.
        threshold: the least probability of a link, in [0, 1].
        n_candidates: how many candidates ``ent._.kb_candidates`` keeps.
        spans_key: span group whose mentions are linked too; None: the entities alone.
        scorer: see :func:`.score_links`.

    Raises:
        ConfigError: if an option is out of range.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        model: Model[Floats2d, Floats2d],
        *,
        kb: Optional[str],
        types: Dict[str, List[str]],
        labels: Optional[List[str]],
        threshold: float,
        n_candidates: int,
        spans_key: Optional[str],
        scorer: Optional[ScorerFunction],
    ) -> None:
        if not 0.0 <= threshold <= 1.0:
            raise ConfigError(f"{name}: threshold must lie in [0, 1], got {threshold}")
        if n_candidates < 1:
            raise ConfigError(f"{name}: n_candidates must be 1 or more, got {n_candidates}")
        self.vocab = nlp.vocab
        self.name = name
        self.model = model
        self.types = types
        self.only = labels
        self.threshold = threshold
        self.n_candidates = n_candidates
        self.spans_key = spans_key
        self.scorer = scorer
        self.state: Dict[str, Any] = {"names": {}, "types": {}, "given": []}
        self._path = kb
        self._kb: Optional[KnowledgeBase] = None
        self._given: Optional[KnowledgeBase] = None  # without learned names; None: not known
        self._finder: Optional[CandidateFinder] = None

    @property
    def outputs(self) -> Dict[str, Any]:
        """See :meth:`.CheckedPipe.outputs`."""
        return {"columns": ["link"], "features": list(FEATURES)}

    @property
    def kb(self) -> KnowledgeBase:
        """The knowledge base, with the names that were learned.

        Raises:
            ConfigError: if there is none.
            DataError: if the folder of the config holds none.
        """
        if self._kb is None and self._path is not None:
            self._kb = load_kb(self._path)  # not earlier: a saved pipeline holds its own
        if self._kb is None:
            raise ConfigError(
                f'{self.name} has no knowledge base: make one with "python -m spacy rel build-kb FILE '
                f'FOLDER", and give it with nlp.get_pipe({self.name!r}).set_kb(FOLDER)'
            )
        return self._kb

    def set_kb(self, kb: Union[str, Path, KnowledgeBase]) -> None:
        """Use a knowledge base, and forget what was learned for another one.

        Args:
            kb: the knowledge base or its folder.

        Raises:
            DataError: if the folder holds none.
        """
        self._kb = self._given = kb if isinstance(kb, KnowledgeBase) else load_kb(kb)
        self._finder = None
        self.state.update({"names": {}, "types": {}, "given": []})

    def encode_entities(self, nlp: Language) -> None:
        """Compute the vectors of the entities, with which the context of a mention is compared.

        Call it again after the encoder of the pipeline was trained.

        Args:
            nlp: the pipeline; what writes ``doc.tensor`` before this component encodes the names and
                descriptions.

        Raises:
            ConfigError: if nothing before this component writes ``doc.tensor``.
        """
        vectors = encode_descriptions(nlp, self.name, self.kb)
        if vectors is None:
            raise ConfigError(
                f"nothing before {self.name} writes doc.tensor, which a shared_encoder or tok2vec does"
            )
        self._kb = self.kb.with_vectors(vectors)
        self._finder = None

    def take_state(self, state: Dict[str, Any]) -> None:
        """See :meth:`.CheckedPipe.take_state`."""
        names, types, given = (state.get(key) for key in ("names", "types", "given"))
        if not isinstance(names, dict) or not all(_is_counts(ids) for ids in names.values()):
            raise ConfigError(f"names {shown(names)}; expected for each name the counts of its ids")
        if not isinstance(types, dict) or not all(map(_is_texts, types.values())):
            raise ConfigError(f"types {shown(types)}; expected a list of types for each type")
        if not isinstance(given, list) or not all(_is_texts(x) and len(x) == 2 for x in given):
            raise ConfigError(f"given {shown(given)}; expected pairs of a name and an id")
        super().take_state(state)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        kb: Optional[str] = None,
        learn: bool = True,
    ) -> None:
        """Take the knowledge base, and learn from the annotated links of the examples.

        Names that they have are added to it, and the weights of the features are fitted to all of them
        at once, each document without the names that it alone has taught.

        Args:
            get_examples: returns the training examples.
            nlp: the pipeline; where something before this component writes ``doc.tensor``, the vectors
                of the entities are computed.
            kb: folder of the knowledge base; None: that of the component.
            learn: whether to learn from annotated links, if there are any.

        Raises:
            ConfigError: if there is no knowledge base.
            DataError: if the folder holds none.
        """
        validate_get_examples(get_examples, "KbLinker.initialize")
        if kb is not None:
            self.set_kb(kb)
        elif self.state["names"]:
            self.set_kb((self._path or self.kb) if self._given is None else self._given)
        examples = list(get_examples()) if learn else []
        docs = [eg.predicted for eg in examples]
        gold = [self._gold(eg) for eg in examples]
        spans = [span for of_doc in gold for span in of_doc]
        if any(span.kb_id_ not in NO_LINK for span in spans):
            learned = learn_links(self.kb, spans)
            self._kb, self._finder = learned.kb, None
            self.state["names"], self.state["types"] = learned.names, learned.types
            self.state["given"] = sorted(map(list, learned.given))
            hidden = [seen_in(of_doc) for of_doc in gold]
            finder = self._make_finder(_N_FITTED)
            candidates = finder.find(docs, gold, hidden=hidden)
            right = right_candidates(self.kb, candidates, [span.kb_id_ for span in spans])
            fit(self.model, candidates, right)
        vectors = encode_descriptions(nlp, self.name, self.kb) if nlp is not None else None
        if vectors is not None:
            self._kb, self._finder = self.kb.with_vectors(vectors), None

    def predict(self, docs: Iterable[Doc]) -> List[List[List[Link]]]:
        """The candidates of each mention of each document, the best first.

        Returns:
            for each document and mention the candidates; of mentions that are not linked none.
        """
        docs = list(docs)
        mentions = [self._mentions(doc) for doc in docs]
        if not any(mentions):
            return [[] for _ in docs]
        candidates = self._find(docs, mentions)
        scores = self.model.ops.alloc2f(0, 1)
        if len(candidates.entities):
            scores = self.model.predict(self.model.ops.asarray2f(candidates.features))
        logits = self.model.ops.to_numpy(scores)[:, 0]
        return best_links(self.kb, docs, mentions, candidates, logits, self.n_candidates)

    def set_annotations(self, docs: Iterable[Doc], scores: List[List[List[Link]]]) -> None:
        """Write the links and the candidates."""
        for doc, links in zip(docs, scores):
            write_links(doc, self._mentions(doc), links, self.threshold, self.spans_key)

    def learn(self, examples: List[Example]) -> Optional[float]:
        """See :meth:`.LearningPipe.learn`; documents without annotated links teach nothing."""
        gold = [self._gold(eg) for eg in examples]
        spans = [span for of_doc in gold for span in of_doc]
        if not any(span.kb_id_ not in NO_LINK for span in spans):
            return None
        candidates = self._find(
            [eg.predicted for eg in examples], gold, hidden=[seen_in(of_doc) for of_doc in gold]
        )
        if not len(candidates.entities):
            return None
        right = right_candidates(self.kb, candidates, [span.kb_id_ for span in spans])
        logits, backprop = self.model.begin_update(self.model.ops.asarray2f(candidates.features))
        loss, gradient = link_loss(self.model.ops.to_numpy(logits)[:, 0], candidates, right)
        backprop(self.model.ops.asarray2f(cast(Floats2d, gradient[:, None] / len(spans))))
        return loss / len(spans)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score predicted documents against the reference; see :func:`.score_links`."""
        if self.scorer is None:
            return {}
        return self.scorer(examples, **{**self.score_options, **kwargs})

    @property
    def score_options(self) -> Dict[str, Any]:
        """Options of :func:`.score_links`: the ids that are known, and the types that count."""
        known = self.kb.find if self._has_kb else None
        return {"known": known and (lambda name: known(name) is not None), "labels": self.only}

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialise the component; a part that may be excluded is ``kb``."""
        parts = {"component": super().to_bytes(exclude=exclude)}
        if self._has_kb and _KB not in exclude:
            parts[_KB] = self.kb.to_bytes()
        return bytes(srsly.msgpack_dumps(parts))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "KbLinker":
        """Load the component; see :meth:`to_bytes`."""
        with loading(self.name):
            parts = srsly.msgpack_loads(bytes_data)
            component = parts["component"]
        super().from_bytes(component, exclude=exclude)
        self._finder = None
        if _KB in parts and _KB not in exclude:
            with loading(f"{self.name}, {_KB}"):
                self._kb, self._given = KnowledgeBase.from_bytes(parts[_KB]), None
        return self

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> None:
        """Save the component, with its knowledge base in the folder ``kb``."""
        super().to_disk(path, exclude=exclude)
        if self._has_kb and _KB not in exclude:
            with complete_files(Path(path) / _KB, last="kb.json") as folder:
                write_kb(self.kb, folder)

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> "KbLinker":
        """Load the component; see :meth:`to_disk`."""
        super().from_disk(path, exclude=exclude)
        folder = Path(path) / _KB
        self._finder = None
        if _KB not in exclude and folder.exists():
            with loading(folder):
                self._kb, self._given = load_kb(folder), None
        return self

    @property
    def _has_kb(self) -> bool:
        """Whether there is a knowledge base, be it only in the folder of the config."""
        return self._kb is not None or (self._path is not None and Path(self._path).exists())

    def _find(self, docs: Sequence[Doc], mentions: Sequence[Sequence[Span]], **options: Any) -> Any:
        if self._finder is None:
            self._finder = self._make_finder(max(_N_FOUND, self.n_candidates))
        context = None
        if self.kb.vectors is not None and all(doc.tensor.size for doc in docs if len(doc)):
            context = partial(context_cosines, self.kb.vectors, self.model.ops, self.name)
        return self._finder.find(docs, mentions, context=context, **options)

    def _make_finder(self, n_candidates: int) -> CandidateFinder:
        return CandidateFinder(
            self.kb,
            learned=self.state["names"],
            given={(name, entity_id) for name, entity_id in self.state["given"]},
            types={**self.state["types"], **self.types},
            n_candidates=n_candidates,
        )

    def _mentions(self, doc: Doc) -> List[Span]:
        spans = list(doc.ents)
        if self.spans_key is not None:
            known = {(span.start, span.end, span.label) for span in spans}
            group = mention_spans(doc, self.spans_key)
            spans += [s for s in group if (s.start, s.end, s.label) not in known]
        return [span for span in spans if self.only is None or span.label_ in self.only]

    def _gold(self, eg: Example) -> List[Span]:
        """The annotated mentions in the predicted document."""
        return carried(eg.reference, eg.predicted, self._mentions(eg.reference))


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(type(n) is int and n > 0 for n in value.values())


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
