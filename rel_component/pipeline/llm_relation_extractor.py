"""The component ``llm_relation_extractor``: relations by prompting a language model.

spaCy imports this module with every ``spacy.blank()``: clients and templates load what they need when
they are made.
"""

from collections import Counter
from contextlib import closing
from itertools import repeat
from typing import Any, Callable, Dict, Iterable, Iterator, List, Literal, Optional, Sequence, Tuple

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.training import Example

from .. import registry  # noqa: F401  # configs may name the plug-ins that it holds
from ..annotations import DEFAULT_ATTR, get_relations, install_extension, set_relations
from ..errors import LLMError
from ..evaluation.scoring import RELATION_SCORE_WEIGHTS, score_extractor
from ..llm.answers.extraction import AnswerReader
from ..llm.answers.grounding import MIN_SIMILARITY
from ..llm.answers.second_opinion import SecondOpinion
from ..llm.prompting.claims import Claims
from ..llm.prompting.examples import (
    ExampleSelector,
    PromptExample,
    Selection,
    document_vector,
    document_vectors,
)
from ..llm.prompting.prompts import Prompter, Question
from ..llm.prompting.template import PromptTemplate
from ..llm.prompting.windows import PromptLimits
from ..llm.types import REPORT_KEY, Usage
from ..mentions import add_entities, mention_spans
from ..pipelines import write_relations
from ..schema import RelationSchema
from ..types import FloatArray
from .pending import Pending, answered
from .prompt_checks import check_prompt_options, require_unsure_pairs
from .saving import Parts, SavedPipe, loading


@Language.factory(
    "llm_relation_extractor",
    assigns=["doc._.rel", "doc.spans"],
    default_config={
        "client": {"@misc": "rel_component.llm_client.v1"},
        "scorer": {"@scorers": "rel_component.relation_scorer.v1"},
    },
    default_score_weights=RELATION_SCORE_WEIGHTS,
)
class LLMRelationExtractor(SavedPipe, Pipe):
    """Finds relations by asking a language model, and writes them to ``doc._.rel``.

    The class is the factory of the component: its arguments are the options of a config.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        backend: the language model.
        client: makes a client of the backend,
            :func:`~rel_component.llm.client.client.configure_llm_client`.
        scorer: scores the component in ``nlp.evaluate``; None: no scores.
        relation_schema: the relation types, with descriptions, or a dict in the form of a schema
            file; may also come from `initialize`. Of its events the pairs of roles are asked for,
            from which ``event_extractor`` makes events.
        template: name or path of a prompt template, see ``llm/prompting/template.py``.
        mentions: ``given``: the mentions of the document are shown to the model, which relates
            them; ``found``: the model finds entities itself.
        spans_key: span group that holds the given mentions; None: the entities in ``doc.ents``.
        entities_key: span group for the entities that the model finds.
        set_entities: whether they also become entities in ``doc.ents``, in place of those that they
            overlap with.
        entity_types: types of entities to find; empty: the argument types of the schema.
        n_examples: the most examples in a prompt.
        example_selection: ``fixed``, ``random``, or ``nearest`` by the vectors of the pipeline.
        n_samples: answers for each question; more than one (self-consistency, Wang et al. 2023,
            https://arxiv.org/abs/2203.11171) needs a temperature above 0, and scores relations by
            the share of answers that state them.
        min_agreement: the least such share of a relation.
        min_similarity: the least similarity of a name that the model gives to words of the
            document, from 0 to 100.
        threshold: the least score of a relation; relations without a score pass.
        quote: whether the model quotes the words that state each relation. Relations whose quotes are
            not in the document are dropped; the sentences of the others are their evidence.
        polarity: whether the model says of each relation that it is asserted, negated or planned.
        keep: the polarities of relations that are kept; others are counted.
        repair: whether an answer with mistakes is sent back once, with the mistakes named.
        max_entities: the most entities in an answer.
        max_relations: the most relations in an answer.
        overlap: sentences that neighbouring windows of a long document share.
        ask: ``all``: about all pairs of mentions, and the relations that a document has are replaced;
            ``unsure``: about the pairs alone that the ``relation_extractor`` before this component is
            unsure of (its option `unsure_below`), and all others keep its relations.
        on_failure: ``mark``: a document without answer has no relations, its ``user_data`` says
            why, and it is counted; ``raise``: it raises the error.
        attr: name of the extension attribute.

    Attributes:
        n_failed: documents without or with incomplete answers until now.
        failures: how often questions had no answer, by reason.
        asked: with ``ask = "unsure"``, the number of `documents` and `pairs` that were asked about until
            now, and of `documents_not_asked` and `pairs_not_asked`.

    Raises:
        ConfigError: if an option is out of range or options do not fit together.
        ExtensionConflict: if other code has registered ``doc._.<attr>``.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        backend: Any,
        client: Callable[[Any], Any],
        scorer: Optional[Callable[..., Any]],
        relation_schema: Any = None,
        template: str = "relations.v1",
        mentions: Literal["given", "found"] = "given",
        spans_key: Optional[str] = None,
        entities_key: str = "llm_entities",
        set_entities: bool = False,
        entity_types: Sequence[str] = (),
        n_examples: int = 4,
        example_selection: Selection = "fixed",
        n_samples: int = 1,
        min_agreement: float = 0.5,
        min_similarity: float = MIN_SIMILARITY,
        threshold: float = 0.0,
        quote: bool = False,
        polarity: bool = False,
        keep: Sequence[Literal["asserted", "negated", "planned"]] = ("asserted",),
        repair: bool = False,
        max_entities: int = 32,
        max_relations: int = 32,
        overlap: int = 1,
        ask: Literal["all", "unsure"] = "all",
        on_failure: Literal["mark", "raise"] = "mark",
        attr: str = DEFAULT_ATTR,
    ) -> None:
        install_extension(attr)
        if isinstance(relation_schema, dict):
            relation_schema = RelationSchema.from_dict(relation_schema, source="relation_schema")
        self.vocab = nlp.vocab
        self.name = name
        self.client = client(backend)
        self.scorer = scorer
        schema = RelationSchema() if relation_schema is None else relation_schema
        self.schema: RelationSchema = schema.with_event_pairs()
        self.template = PromptTemplate.load(template)
        self.mentions = mentions
        self.spans_key = spans_key
        self.entities_key = entities_key
        self.set_entities = set_entities
        self.entity_types = tuple(entity_types)
        self.n_examples = n_examples
        self.example_selection: Selection = example_selection
        self.n_samples = n_samples
        self.min_agreement = min_agreement
        self.min_similarity = min_similarity
        self.threshold = threshold
        self.claims = Claims(quote, polarity)
        self.keep = tuple(keep)
        self.repair = repair
        self.max_entities = max_entities
        self.max_relations = max_relations
        self.overlap = overlap
        self.ask = ask
        self.on_failure = on_failure
        self.attr = attr
        check_prompt_options(self)
        self._select_from([])
        self.n_failed = 0
        self.failures: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()

    @property
    def labels(self) -> Tuple[str, ...]:
        """The relation types."""
        return self.schema.labels

    @property
    def usage(self) -> Usage:
        """The usage that was paid for since the component was made."""
        usage: Usage = self.client.usage
        return usage

    def add_label(self, label: str) -> int:
        """Add a relation type without constraints.

        Returns:
            1 if the label was added, 0 if it was there.
        """
        added = label not in self.schema
        self.schema = self.schema.add(label)
        return int(added)

    def initialize(
        self,
        get_examples: Optional[Callable[[], Iterable[Example]]] = None,
        *,
        nlp: Optional[Language] = None,
        relation_schema: Optional[RelationSchema] = None,
        examples: Optional[Callable[[Language], Iterable[Doc]]] = None,
    ) -> None:
        """Set the schema and the examples for prompts.

        Args:
            get_examples: training examples; the schema is read from them if there is no other.
            nlp: the pipeline.
            relation_schema: the relation types.
            examples: reads annotated documents to show in prompts,
                ``rel_component.read_prompt_examples.v1``.
        """
        if relation_schema is not None:
            self.schema = relation_schema.with_event_pairs()
        elif not self.schema and get_examples is not None:
            docs = (eg.reference for eg in get_examples())
            self.schema = RelationSchema.from_docs(docs, attr=self.attr)
        if examples is not None and nlp is not None:
            self.set_examples(examples(nlp), nlp)

    def set_examples(self, docs: Iterable[Doc], nlp: Optional[Language] = None) -> None:
        """Show annotated documents as examples in prompts.

        Args:
            docs: the documents.
            nlp: the pipeline. For the selection of the nearest examples, its components before
                this one make the vectors of the documents.

        Raises:
            ConfigError: if the nearest examples are wanted and have no vectors.
        """
        docs = list(docs)
        vectors: Iterable[Optional[FloatArray]] = repeat(None)
        if self.example_selection == "nearest" and nlp is not None:
            vectors = document_vectors(docs, nlp, self.name)
        self._select_from(
            PromptExample.from_doc(doc, spans_key=self.spans_key, attr=self.attr, vector=vector)
            for doc, vector in zip(docs, vectors)
        )

    def questions(self, doc: Doc) -> List[Question]:
        """The questions about a document, as they would be sent.

        Args:
            doc: the document.

        Raises:
            ConfigError: if schema, template and mode do not fit together.
            PromptTooLong: if the context window is too small.
        """
        return self._ask(self._prompter(), doc)

    def __call__(self, doc: Doc) -> Doc:
        """Find the relations of a document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Find the relations of documents, with requests in flight for several at a time.

        Args:
            stream: the documents.
            batch_size: ignored; documents are read and yielded one by one.

        Yields:
            The documents, in their order.

        Raises:
            ConfigError: if options do not fit together, or in a process that the pipeline was
                copied to (``n_process``).
            LLMError: if ``on_failure`` is ``raise`` and a question has no answer.
        """
        prompter = self._prompter()
        reader = AnswerReader(
            prompter,
            min_similarity=self.min_similarity,
            min_agreement=self.min_agreement,
            keep=self.keep,
        )
        n_failed, failures = self.n_failed, Counter(self.failures)
        pending = (self._pending(prompter, doc) for doc in stream)
        follow_up = reader.correction if self.repair else None
        # closed at once after an error or an interrupt, so that nothing more is sent
        with closing(answered(self.client, pending, follow_up)) as asked:
            for document in asked:
                yield self._annotate(document, reader)
        if self.n_failed > n_failed:
            util.logger.warning(
                "%s: %d documents have no or incomplete answers, as doc.user_data[%r] says: %s",
                self.name,
                self.n_failed - n_failed,
                REPORT_KEY,
                "; ".join(reason for reason, _ in (self.failures - failures).most_common(3)),
            )

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score predicted documents against the reference; see :func:`score_relations`."""
        return score_extractor(self, examples, **kwargs)

    def _dump(self) -> Parts:
        parts = {
            "schema": self.schema.to_dict(),
            "template": {"name": self.template.name, "source": self.template.source},
            "examples": [example.to_dict() for example in self.selector.examples],
        }
        return {name: srsly.json_dumps(value, indent=2) for name, value in parts.items()}

    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        for name in ("schema", "template", "examples"):
            if name in exclude:
                continue
            with loading(f"{place}{name}"):
                data = srsly.json_loads(read(name))
                if name == "schema":
                    self.schema = RelationSchema.from_dict(data)
                elif name == "template":
                    source, title = str(data["source"]), str(data["name"])
                    self.template = PromptTemplate(source, name=title, is_saved=True)
                else:
                    self._select_from([PromptExample.from_dict(data[i]) for i in range(len(data))])

    def _pending(self, prompter: Prompter, doc: Doc) -> Pending:
        try:
            return Pending(doc, self._ask(prompter, doc))
        except LLMError as err:
            if self.on_failure == "raise":
                raise
            return Pending(doc, [], failure=err)

    def _ask(self, prompter: Prompter, doc: Doc) -> List[Question]:
        vector = None
        if self.selector.examples and self.example_selection == "nearest":
            vector = document_vector(doc)
        given = mention_spans(doc, self.spans_key) if self.mentions == "given" else ()
        pairs = None
        if self.ask == "unsure":
            pairs = require_unsure_pairs(doc, self.name, self.attr).pairs
        return prompter.questions(doc, given, vector, pairs)

    def _annotate(self, pending: Pending, reader: AnswerReader) -> Doc:
        doc = pending.doc
        extraction = reader.extract(doc, pending.questions, pending.outcomes)
        if pending.failure is not None:
            extraction.failures.append(f"{type(pending.failure).__name__}: {pending.failure}")
        if extraction.failures:
            self.n_failed += 1
            self.failures.update(extraction.failures)
            if self.on_failure == "raise":
                raise next(outcome.error for outcome in pending.outcomes if outcome.error)
        relations = [
            rel for rel in extraction.relations if rel.score is None or rel.score >= self.threshold
        ]
        report = extraction.report()
        if self.ask == "unsure":
            unsure = require_unsure_pairs(doc, self.name, self.attr)
            opinion = SecondOpinion.collect(unsure, pending.questions, extraction.are_read)
            relations = opinion.join(get_relations(doc, self.attr), relations)
            report["asked"] = opinion.counts()
            self.asked.update(report["asked"])
            set_relations(doc, relations, self.attr)
        else:
            write_relations(doc, relations, self)
        if self.mentions == "found":
            doc.spans[self.entities_key] = extraction.entities
            if self.set_entities:
                add_entities(doc, extraction.entities)
        doc.user_data[REPORT_KEY] = report
        return doc

    def _prompter(self) -> Prompter:
        backend = self.client.backend
        limits = PromptLimits(backend.context_window, backend.max_tokens, backend.count_tokens)
        return Prompter(
            self.schema,
            self.template,
            self.selector,
            limits,
            mentions_given=self.mentions == "given",
            entity_types=self.entity_types,
            n_samples=self.n_samples,
            max_entities=self.max_entities,
            max_relations=self.max_relations,
            overlap=self.overlap,
            claims=self.claims,
        )

    def _select_from(self, examples: Iterable[PromptExample]) -> None:
        self.selector = ExampleSelector(
            [*examples], n_examples=self.n_examples, selection=self.example_selection
        )
