"""The component ``coref_reader``: the clusters that another package has found."""

from typing import Optional

from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc

from ..coreference.readers import find_reader
from ..coreference.scoring import COREFERENCE_SCORE_WEIGHTS
from ..mentions import replace_clusters
from ..types import ScorerFunction


@Language.factory(
    "coref_reader",
    assigns=["doc.spans"],
    default_config={"scorer": {"@scorers": "rel_component.coreference_scorer.v1"}},
    default_score_weights=COREFERENCE_SCORE_WEIGHTS,
)
class CorefReader(Pipe):
    """Writes the clusters of another package to ``doc.spans``, where relations are read from.

    It comes after the component of that package. See :mod:`rel_component.coreference.readers`.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        package: ``coreferee``, ``fastcoref``, ``spacy-coref`` or ``spacy-experimental``.
        scorer: scores the component in ``nlp.evaluate``; None: no scores.

    Raises:
        ConfigError: if there is no reader for the package.
    """

    clusters_only = True

    def __init__(
        self, nlp: Language, name: str, *, package: str, scorer: Optional[ScorerFunction]
    ) -> None:
        self.vocab = nlp.vocab
        self.name = name
        self.scorer = scorer
        self.read = find_reader(package)

    def __call__(self, doc: Doc) -> Doc:
        """Write the clusters of a document, in place of those that are there."""
        replace_clusters(doc, self.read(doc))
        return doc
