"""The trainable component ``coref_resolver``."""

from dataclasses import replace
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from thinc.api import Model
from thinc.types import Floats2d

from ..candidates import CandidateGenerator, Candidates, PairModelT, ScoredPairs
from ..coreference.antecedents import COREFERENCE, decode_clusters, distinct_mentions, gold_pairs
from ..coreference.scoring import COREFERENCE_SCORE_WEIGHTS
from ..errors import ConfigError, shown
from ..losses import marginal_antecedents
from ..mentions import replace_clusters
from ..probabilities import refuse_nan
from ..types import ScorerFunction
from .model_checks import has_joined_words
from .shared_encoder import DEFAULT_TOK2VEC
from .upstream import ListeningPipe


@Language.factory(
    "coref_resolver",
    assigns=["doc.spans"],
    default_config={
        "model": {"@architectures": "rel_component.CorefPair.v1", "tok2vec": DEFAULT_TOK2VEC},
        "candidates": {"@misc": "rel_component.antecedent_pairs.v1"},
        "scorer": {"@scorers": "rel_component.coreference_scorer.v1"},
        "spans_key": "coref_mentions",
        "min_score": 0.5,
        "null_score": 0.0,
        "singletons": False,
    },
    default_score_weights=COREFERENCE_SCORE_WEIGHTS,
)
class CorefResolver(ListeningPipe):
    """Finds which mentions are the same entity and writes the clusters to ``doc.spans``.

    The clusters are the span groups ``coref_clusters_1``, ``coref_clusters_2`` and so on, in place of
    those that are there. Mentions come from a component before it, such as ``span_recognizer``, or from
    whoever has set the span group. ``nlp.add_pipe`` has the defaults of the options.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        model: scores pairs of an antecedent with an anaphor, a
            :data:`~rel_component.candidates.PairModelT` of one output.
        candidates: makes these pairs from mentions; of pairs in both orders, those whose head comes
            first are taken.
        spans_key: span group that holds the mentions: names, nominals and pronouns, which may nest
            and overlap. The entities are the mentions of documents without it.
        min_score: the least probability of a mention in the span group, in [0, 1].
        null_score: the score against which antecedents stand in use; above 0 fewer mentions are
            joined, and below 0 more.
        singletons: whether mentions without another mention of their entity are clusters as well.
        scorer: scores the component in ``nlp.evaluate``.

    Raises:
        ConfigError: if an option is out of range.
    """

    clusters_only = True  # it finds no mentions

    # spaCy checks arguments by their annotations, and cannot do so by a protocol
    def __init__(
        self,
        nlp: Language,
        name: str,
        model: Model[Any, Any],
        *,
        candidates: Callable[..., Any],
        spans_key: str,
        min_score: float,
        null_score: float,
        singletons: bool,
        scorer: Optional[ScorerFunction],
    ) -> None:
        if not 0.0 <= min_score <= 1.0:
            raise ConfigError(f"{name}: min_score must lie in [0, 1], got {min_score}")
        if model.attrs.get("scores_first"):
            raise ConfigError(
                f"{name}: the first scorer of {shown(model.name)}, which prunes pairs, learns in a "
                "relation_extractor only: set prune = null in the block of the model"
            )
        self.vocab = nlp.vocab
        self.name = name
        self.model: PairModelT = model
        self.candidates: CandidateGenerator = candidates
        self.spans_key = spans_key
        self.min_score = min_score
        self.null_score = null_score
        self.singletons = singletons
        self.scorer = scorer
        self.state: Dict[str, Any] = {"joined_words": True}
        self.bind_upstream(nlp)

    @property
    def outputs(self) -> Dict[str, Any]:
        """See :meth:`.CheckedPipe.outputs`."""
        return {"columns": list(COREFERENCE.labels)}

    def initialize(
        self, get_examples: Callable[[], Iterable[Example]], *, nlp: Optional[Language] = None
    ) -> None:
        """Initialise the model.

        Args:
            get_examples: returns the training examples, or a representative sample of them.
            nlp: the pipeline.

        Raises:
            ConfigError: if no example has a cluster of two mentions.
        """
        validate_get_examples(get_examples, "CorefResolver.initialize")
        examples = list(get_examples())
        sample: List[Example] = []
        for eg in examples:
            if len(sample) < _N_SAMPLE and gold_pairs([eg], self._candidates([eg])).any():
                sample.append(eg)
        if not sample:
            raise ConfigError(
                f"{self.name}: no pair of coreferent mentions in the examples. Annotate clusters as "
                'eg.reference.spans["coref_clusters_1"] and so on, with the words of '
                "eg.predicted."
            )
        self.state["joined_words"] = any(has_joined_words(eg.predicted) for eg in examples)
        docs = [eg.predicted for eg in sample]
        outputs = self.model.ops.alloc2f(1, len(COREFERENCE))
        self.model.initialize(X=(docs, self._candidates(sample)), Y=outputs)
        self.bind_upstream(nlp)

    def predict(self, docs: Iterable[Doc]) -> ScoredPairs:
        """Score pairs of an antecedent with an anaphor, in one call of the model.

        Returns:
            the pairs and their scores, beside 0 for no antecedent. *Shape:*
            ``(n_pairs, 1)``

        Raises:
            ConfigError: if the component is not initialised.
        """
        docs = list(docs)
        self.check_docs(docs)
        candidates = self._pairs(docs)
        if not candidates.n_pairs:
            return ScoredPairs(candidates, self.model.ops.alloc2f(0, len(COREFERENCE)))
        scores = self.model.predict((docs, candidates))
        refuse_nan(scores, self.name)
        return ScoredPairs(candidates, scores)

    def set_annotations(self, docs: Iterable[Doc], scores: ScoredPairs) -> None:
        """Write the clusters to ``doc.spans``, in place of any that are there."""
        docs = list(docs)
        values = self.model.ops.to_numpy(scores.values)[:, 0]
        decoded = decode_clusters(
            docs,
            scores.candidates,
            values,
            null_score=self.null_score,
            singletons=self.singletons,
        )
        for doc, clusters in zip(docs, decoded):
            replace_clusters(doc, clusters)

    def learn(self, examples: List[Example]) -> float:
        """See :meth:`.LearningPipe.learn`.

        Mentions are those of the predicted documents and the annotated ones; a mention of no cluster
        has the null antecedent.
        """
        docs = [eg.predicted for eg in examples]
        self.learn_upstream(docs)
        # A batch without pairs goes through as well: a listener may be the one that has to pass the
        # gradients of all components on to the encoder.
        candidates = self._candidates(examples)
        scores, backprop = self.model.begin_update((docs, candidates))
        loss, d_scores = self.get_loss(examples, ScoredPairs(candidates, scores))
        backprop(d_scores)
        return loss

    def get_loss(self, examples: Iterable[Example], scores: ScoredPairs) -> Tuple[float, Floats2d]:
        """The loss of scored pairs and its gradient; see :func:`.marginal_antecedents`.

        Args:
            examples: the batch.
            scores: pairs and their scores. *Shape:* ``(n_pairs, 1)``

        Returns:
            the loss and the gradient of the scores. *Shape:* ``(n_pairs, 1)``
        """
        candidates = scores.candidates
        gold = gold_pairs(list(examples), candidates)
        return marginal_antecedents(scores.values, gold, candidates.pairs[:, 1])

    def _candidates(self, examples: Sequence[Example]) -> Candidates:
        """The pairs of predicted and annotated mentions."""
        return self._pairs([eg.predicted for eg in examples], [eg.reference for eg in examples])

    def _pairs(self, docs: List[Doc], gold: Sequence[Doc] = ()) -> Candidates:
        mentions = distinct_mentions(docs, self.spans_key, self.min_score, gold)
        candidates = self.candidates(docs, mentions, COREFERENCE)
        candidates = candidates.select(candidates.pairs[:, 0] < candidates.pairs[:, 1])
        order = numpy.lexsort(candidates.pairs.T)  # by anaphor, which keeps documents together
        return replace(candidates, pairs=candidates.pairs[order])


_N_SAMPLE = 10
