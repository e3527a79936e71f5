"""The component ``open_relation_extractor``: relations of no schema, by rules over a parse."""

from typing import Any, Callable, Dict, Iterable, Literal, Optional

from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, install_extension
from ..errors import ConfigError, shown
from ..mentions import mention_spans
from ..openie.relations import Options, open_relations
from ..openie.tuples import Choices
from ..pipelines import write_relations
from ..schema import RelationSchema
from ..types import ScorerFunction
from .label_mapping import RelationMapping
from .saving import Parts, SavedPipe, loading

_LABELS = {"auto": None, "clear": False, "universal": True}


@Language.factory(
    "open_relation_extractor",
    assigns=["doc._.rel"],
    requires=["token.dep", "token.head", "token.pos", "token.lemma"],
    default_config={"scorer": None},
)
class OpenRelationExtractor(SavedPipe, Pipe):
    """Finds what a text states, and writes it to ``doc._.rel``, with lemmas of predicates as labels.

    The component needs no training and no model but the parser before it. Each relation has a
    :class:`~rel_component.types.Statement` with the words of the predicate, further arguments,
    modality and attribution; its polarity says whether it is negated or planned, its score how sure
    the reading is.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        scorer: scores the component in ``nlp.evaluate``; None: no scores.
        arguments: ``phrases``: head and tail are subject and first argument of the predicate, however
            long; ``entities``: they are mentions, and each mention among the arguments has a relation.
        spans_key: span group that holds the mentions; None: the entities in ``doc.ents``.
        appositions: whether "Jobs, the founder" is a statement too: "be".
        possessives: whether "Apple's office" is: "have".
        coordination: ``split``: each of the arguments joined by "and" has a relation; ``keep``: they
            are one argument.
        threshold: the least score of a relation.
        labels: kind of labels of the parser: ``clear``, ``universal``, or ``auto``: as they look.
        mapping: turns relations between entities into those of a schema, and leaves out others, such as
            ``rel_component.label_mapping.v1``; None: labels are of no schema.
        attr: name of the extension attribute.

    Raises:
        ConfigError: if an option is out of range.
        ExtensionConflict: if other code has registered ``doc._.<attr>``.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        *,
        scorer: Optional[ScorerFunction] = None,
        arguments: Literal["phrases", "entities"] = "phrases",
        spans_key: Optional[str] = None,
        appositions: bool = True,
        possessives: bool = False,
        coordination: Literal["split", "keep"] = "split",
        threshold: float = 0.0,
        labels: Literal["auto", "clear", "universal"] = "auto",
        mapping: Optional[RelationMapping] = None,
        attr: str = DEFAULT_ATTR,
    ) -> None:
        install_extension(attr)
        if not 0.0 <= threshold <= 1.0:
            raise ConfigError(f"{name}: threshold: {shown(threshold)} is no probability in [0, 1]")
        if mapping is not None and arguments != "entities":
            raise ConfigError(
                f"{name}: mapping: relations of a schema are between entities; set "
                'arguments = "entities"'
            )
        self.vocab = nlp.vocab
        self.name = name
        self.scorer = scorer
        self.spans_key = spans_key
        self.attr = attr
        self.mapping = mapping
        self.schema = RelationSchema() if mapping is None else mapping.schema
        self.mentions = "given" if arguments == "entities" else "found"
        choices = Choices(appositions, possessives, coordination == "split")
        self.options = Options(choices, _LABELS[labels], threshold)

    def __call__(self, doc: Doc) -> Doc:
        """Find the relations of a document.

        Raises:
            AnnotationError: if it has no parse or no parts of speech.
        """
        entities = mention_spans(doc, self.spans_key) if self.mentions == "given" else None
        relations = open_relations(doc, self.options, entities)
        write_relations(doc, relations if self.mapping is None else self.mapping(relations), self)
        return doc

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score the relations, if there is a scorer."""
        return {} if self.scorer is None else dict(self.scorer(examples, attr=self.attr, **kwargs))

    def _dump(self) -> Parts:
        return {} if self.mapping is None else {"mapping": self.mapping.to_bytes()}

    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        if self.mapping is not None and "mapping" not in exclude:
            with loading(f"{place}mapping"):
                self.mapping.from_bytes(read("mapping"))
