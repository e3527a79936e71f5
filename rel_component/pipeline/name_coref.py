"""The component ``name_coref``: clusters of names, by rules."""

from typing import Dict, Iterable, List, Mapping, Optional

from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc

from ..coreference.names import DEFAULT_KINDS, name_clusters
from ..coreference.scoring import COREFERENCE_SCORE_WEIGHTS
from ..errors import ConfigError, shown
from ..mentions import mention_spans, replace_clusters
from ..types import ScorerFunction


@Language.factory(
    "name_coref",
    assigns=["doc.spans"],
    default_config={"scorer": {"@scorers": "rel_component.coreference_scorer.v1"}},
    default_score_weights=COREFERENCE_SCORE_WEIGHTS,
)
class NameCoref(Pipe):
    """Finds which names are of one entity, and writes the clusters to ``doc.spans``.

    The clusters are the span groups ``coref_clusters_1``, ``coref_clusters_2`` and so on, in place of
    those that are there. The component needs no training, no model and no language but the phrases
    for aliases; see :mod:`rel_component.coreference.names` for the rules. It is saved with the config.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        scorer: scores the component in ``nlp.evaluate``; None: no scores.
        spans_key: span group that holds the mentions; None: the entities in ``doc.ents``.
        types: the entity types of the kinds ``person``, ``organisation``, ``place`` and
            ``quantity``, in any case, where they are others than
            :data:`~rel_component.coreference.names.DEFAULT_KINDS`.
        singletons: whether entities of one mention are clusters too.

    Raises:
        ConfigError: if there is no such kind of names, or a type is of two.
    """

    clusters_only = True

    def __init__(
        self,
        nlp: Language,
        name: str,
        *,
        scorer: Optional[ScorerFunction],
        spans_key: Optional[str] = None,
        types: Optional[Dict[str, List[str]]] = None,
        singletons: bool = False,
    ) -> None:
        self.vocab = nlp.vocab
        self.name = name
        self.scorer = scorer
        self.spans_key = spans_key
        self.kinds = _read_kinds({**DEFAULT_KINDS, **(types or {})}, name)
        self.singletons = singletons

    def __call__(self, doc: Doc) -> Doc:
        """Find the clusters of a document."""
        clusters = name_clusters(mention_spans(doc, self.spans_key), self.kinds)
        least = 1 if self.singletons else 2
        replace_clusters(doc, [cluster for cluster in clusters if len(cluster) >= least])
        return doc


def _read_kinds(types: Mapping[str, Iterable[str]], name: str) -> Dict[str, List[str]]:
    kinds: Dict[str, List[str]] = {}
    used: Dict[str, str] = {}
    for kind, labels in types.items():
        if kind not in DEFAULT_KINDS:
            raise ConfigError(
                f"{name}: types: unknown kind {shown(kind)}; expected {', '.join(DEFAULT_KINDS)}"
            )
        kinds[kind] = [label.upper() for label in labels]
        for label in kinds[kind]:
            if used.setdefault(label, kind) != kind:
                raise ConfigError(
                    f"{name}: types: {shown(label)} is both {used[label]} and {kind}; "
                    "say in `types` for both kinds which types they have"
                )
    return kinds
