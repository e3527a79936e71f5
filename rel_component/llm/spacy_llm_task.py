"""A task for the component ``llm`` of spacy-llm, for users who have a config of it already.

The task follows the protocols of ``spacy_llm/ty.py`` without importing it::

    [components.llm.task]
    @llm_tasks = "rel_component.REL.v1"
    relation_schema = {"@misc": "rel_component.read_schema.v1", "path": "schema.yaml"}

spacy-llm sends the prompts, as plain text and one after the other. The Doc that comes out is the one
that went in, with our relations on ``doc._.rel``.
"""

from typing import Any, Callable, Dict, Iterable, List, Literal, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, install_extension, set_relations
from ..mentions import mention_spans
from ..schema import RelationSchema
from .answers.extraction import AnswerReader
from .prompting.claims import Claims
from .prompting.examples import ExampleSelector, PromptExample
from .prompting.prompts import Prompter, Question
from .prompting.template import PromptTemplate
from .prompting.windows import PromptLimits
from .types import REPORT_KEY, Outcome, Reply

ANSWER_TOKENS = 1024
"""Tokens that are kept free for the answer, where spacy-llm knows the context window."""


class RelationTask:
    """Makes prompts for relations and reads the answers; spacy-llm sends them.

    The class is ``rel_component.REL.v1`` in spacy-llm's registry ``llm_tasks``.

    Args:
        relation_schema: a schema, or a dictionary in the form of a schema file.
        template: name of a template, or path of a file.
        mentions: whether the mentions of a document are given to the model, or it finds entities.
        spans_key: span group of the given mentions; None: ``doc.ents``.
        entities_key: span group for entities that the model finds.
        entity_types: types of entities that the model may find; None: those of the schema.
        examples: reads annotated documents to show in prompts,
            ``rel_component.read_prompt_examples.v1``.
        n_examples: the most examples in one prompt.
        quote: whether relations are quoted, see the component ``llm_relation_extractor``; also for
            `polarity` and `keep`.
        polarity: whether relations are asserted, negated or planned.
        keep: the polarities of relations that are kept.
        attr: name of the extension attribute of the relations.

    Raises:
        ConfigError: if schema or template cannot be used.
    """

    def __init__(
        self,
        relation_schema: Any,
        template: str = "relations.v1",
        mentions: Literal["given", "found"] = "given",
        spans_key: Optional[str] = None,
        entities_key: str = "llm_entities",
        entity_types: Optional[List[str]] = None,
        examples: Optional[Callable[[Language], Iterable[Doc]]] = None,
        n_examples: int = 4,
        quote: bool = False,
        polarity: bool = False,
        keep: Sequence[Literal["asserted", "negated", "planned"]] = ("asserted",),
        attr: str = DEFAULT_ATTR,
    ) -> None:
        if isinstance(relation_schema, dict):
            relation_schema = RelationSchema.from_dict(relation_schema, source="relation_schema")
        install_extension(attr)
        self.schema: RelationSchema = relation_schema.with_event_pairs()
        self.template = PromptTemplate.load(template)
        self.mentions_given = mentions == "given"
        self.spans_key = spans_key
        self.entities_key = entities_key
        self.entity_types = tuple(entity_types or ())
        self.n_examples = n_examples
        self.claims = Claims(quote, polarity)
        self.keep = tuple(keep)
        self.attr = attr
        self._read_examples = examples
        self._examples: List[PromptExample] = []
        self._questions: Dict[int, List[Question]] = {}

    @property
    def labels(self) -> Tuple[str, ...]:
        """The relation types."""
        return self.schema.labels

    def initialize(
        self, get_examples: Callable[[], Iterable[Example]], nlp: Language, **_: Any
    ) -> None:
        """Read the examples for prompts."""
        if self._read_examples is not None:
            self._examples = [
                PromptExample.from_doc(doc, spans_key=self.spans_key, attr=self.attr)
                for doc in self._read_examples(nlp)
            ]

    def generate_prompts(
        self, docs: Iterable[Doc], context_length: Optional[int] = None
    ) -> Iterable[Tuple[Iterable[str], Iterable[Doc]]]:
        """Yield the prompts of each document, with the document once for each of them.

        Args:
            docs: the documents.
            context_length: tokens of prompt and answer together; None: no limit.
        """
        prompter = self._prompter(context_length)
        for doc in docs:
            given = mention_spans(doc, self.spans_key) if self.mentions_given else ()
            questions = prompter.questions(doc, given)
            self._questions[id(doc)] = questions
            # at least one prompt: spacy-llm expects an answer to every document
            texts = [[message.content for message in question.messages] for question in questions]
            prompts = ["\n\n".join(parts) for parts in texts] or [""]
            yield prompts, [doc] * len(prompts)

    def parse_responses(
        self, shards: Iterable[Iterable[Doc]], responses: Iterable[Iterable[str]]
    ) -> Iterable[Doc]:
        """Write the relations of each document.

        Args:
            shards: what :meth:`generate_prompts` returned beside the prompts.
            responses: the answers.
        """
        reader = AnswerReader(self._prompter(None), keep=self.keep)
        for doc_shards, answers in zip(shards, responses):
            doc = next(iter(doc_shards))
            questions = self._questions.pop(id(doc))
            outcomes = [
                Outcome(question, Reply(str(answer)))
                for question, answer in zip(questions, answers)
            ]
            extraction = reader.extract(doc, questions, outcomes)
            set_relations(doc, extraction.relations, self.attr)
            if not self.mentions_given:
                doc.spans[self.entities_key] = extraction.entities
            doc.user_data[REPORT_KEY] = extraction.report()
            yield doc

    def _prompter(self, context_length: Optional[int]) -> Prompter:
        return Prompter(
            self.schema,
            self.template,
            ExampleSelector(self._examples, n_examples=self.n_examples),
            PromptLimits(context_length, ANSWER_TOKENS),
            mentions_given=self.mentions_given,
            entity_types=self.entity_types,
            claims=self.claims,
        )
