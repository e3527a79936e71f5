"""Pipelines as a whole: loading them, and finding their components for relations and mentions."""

import warnings
from pathlib import Path
from typing import (
    Any,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Optional,
    Protocol,
    Sequence,
    Union,
    runtime_checkable,
)
from weakref import WeakKeyDictionary

from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from thinc.api import Model

from .annotations import DEFAULT_ATTR, install_extension, set_relations
from .errors import ConfigError
from .event_types import EventSchema
from .saved_pipelines import read_pipeline
from .schema import RelationSchema
from .types import Relation


@runtime_checkable
class RelationComponent(Protocol):
    """A component that extracts relations.

    Attributes:
        attr: name of the extension attribute that it writes relations to.
        schema: the relation types that it looks for.
        spans_key: span group that it takes mentions from; None: the entities.
    """

    attr: str
    schema: RelationSchema
    spans_key: Optional[str]


@runtime_checkable
class EventComponent(Protocol):
    """A component that makes events.

    Attributes:
        events: the types of events that it makes.
    """

    events: EventSchema


PipelineSource = Union[Language, str, Path]
"""A pipeline, its name or path, or the path of a config of one that needs no training."""


OWN = "auto"
"""In place of a language: that of the pipeline."""


def load_pipeline(source: PipelineSource, lang: str = OWN) -> Language:
    """Load a pipeline.

    Args:
        source: name or path of a pipeline, or path of a config of one that needs no training, such
            as a language model with a prompt; or a pipeline, which is returned as it is.
        lang: language whose tokenizer takes the place of that of a pipeline that is loaded, for one that
            was trained in another language over a multilingual encoder; ``auto``: it stays.

    Raises:
        ConfigError: if there is no such pipeline, if it is damaged, or if a component comes before
            one that it needs; the message names the file or the component. Also if spaCy does not know
            the language, or needs a package for it.
    """
    if isinstance(source, Language):
        if lang != OWN:
            raise ConfigError(f"language {lang!r}: give the name or path of the pipeline to load")
        return source
    nlp = read_pipeline(source)
    _check_order(nlp)
    if lang != OWN:
        _set_tokenizer(nlp, lang)
    return nlp


def _check_order(nlp: Language) -> None:
    """Check that what a component needs comes before it.

    Raises:
        ConfigError: if an encoder, or what finds mentions, is missing or comes later.
    """
    names = nlp.component_names
    for i, (name, component) in enumerate(nlp.components):
        model = getattr(component, "model", None)
        nodes = model.walk() if isinstance(model, Model) else ()
        for upstream in (node.upstream_name for node in nodes if hasattr(node, "upstream_name")):
            before = [
                other
                for other, encoder in nlp.components[:i]
                if hasattr(encoder, "find_listeners") and upstream in ("*", other)
            ]
            if not before:
                raise ConfigError(
                    f"{name} needs the vectors of an encoder before it ({upstream!r}), and the "
                    f"pipeline is {names}; put shared_encoder first"
                )
    check_mentions_first(nlp)


def check_mentions_first(nlp: Language) -> None:
    """Check that what finds mentions comes before what relates them.

    Args:
        nlp: the pipeline.

    Raises:
        ConfigError: if all that finds mentions comes later.
    """
    names = nlp.component_names
    extractor: Any = find_extractor(nlp)
    places = [
        names.index(name) for name in entity_finders(nlp, getattr(extractor, "spans_key", None))
    ]
    first = min(places, default=-1)
    # a component that does not say what it assigns may find mentions too
    others = [name for name in names[:first] if nlp.get_pipe_meta(name).assigns]
    finds_itself = getattr(extractor, "mentions", "") == "found"
    if (
        len(others) == first
        and extractor in dict(nlp.components[:first]).values()
        and not finds_itself
    ):
        raise ConfigError(
            f"{extractor.name} comes before {names[first]}, which finds its mentions: the pipeline is "
            f"{names}"
        )


def blank_pipeline(lang: str) -> Language:
    """Make a pipeline of nothing but a tokenizer.

    Args:
        lang: code of the language, such as ``en``; ``xx`` for several languages.

    Raises:
        ConfigError: if spaCy does not know the language.
    """
    try:
        return util.get_lang_class(lang)()
    except ImportError as err:
        raise ConfigError(f"language {lang!r}: {err}") from err


def _set_tokenizer(nlp: Language, lang: str) -> None:
    """Let a pipeline make tokens as another language has them."""
    other = blank_pipeline(lang)
    other.vocab = nlp.vocab
    settings = {"tokenizer": other.config["nlp"]["tokenizer"]}
    nlp.tokenizer = util.registry.resolve(settings)["tokenizer"](other)


def find_extractor(nlp: Language) -> Optional[RelationComponent]:
    """The first component that extracts relations, if there is one."""
    for _, component in nlp.pipeline:
        if isinstance(component, RelationComponent):
            return component
    return None


def write_relations(doc: Doc, relations: Iterable[Relation], component: Any) -> None:
    """Replace the relations of a document by those of a component; warn if another one has written them.

    Args:
        doc: the document.
        relations: its relations.
        component: has a name, and the attribute.
    """
    name, attr = component.name, component.attr
    install_extension(attr)  # another package may have taken the name since
    writers = _writers.setdefault(doc, {})
    if (other := writers.get(attr, name)) != name:
        warnings.warn(
            f"{name} and {other} both write doc._.{attr}: the later one in the pipeline replaces what "
            "the earlier one has found; give one of them another attr",
            stacklevel=3,
        )
    writers[attr] = name
    set_relations(doc, relations, attr)


_writers: "WeakKeyDictionary[Doc, Dict[str, str]]" = WeakKeyDictionary()
"""Names of the components that have written the relations of documents, by attribute."""


def require_relations(nlp: Language) -> None:
    """Make sure that some component may find relations.

    Components of spaCy do not, and others do not that assign other attributes only. What a function or
    a component of another package does is not known where it does not say what it assigns.

    Raises:
        ConfigError: if there is none.
    """
    if finds_relations(nlp):
        return
    raise ConfigError(
        f"{source_name(nlp)}: this pipeline has no component that finds relations, only "
        f"{nlp.pipe_names}; add relation_extractor or llm_relation_extractor"
    )


def entity_finders(nlp: Language, spans_key: Optional[str]) -> List[str]:
    """Names of the components that find the mentions; the relation extractor is never one of them.

    Mentions are the entities if there is no `spans_key`, else entities or the spans of a group. A
    component whose attribute ``clusters_only`` is true finds which of them are of one entity.
    """
    places = {"doc.ents"} if spans_key is None else {"doc.ents", "doc.spans"}
    extractor: Any = find_extractor(nlp)
    return [
        name
        for name, component in nlp.pipeline
        if component is not extractor
        and places & set(nlp.get_pipe_meta(name).assigns)
        and not getattr(component, "clusters_only", False)
        and not _is_given_mentions(component)
    ]


def found_types(nlp: Language) -> Optional[FrozenSet[str]]:
    """The entity types of the mentions that a pipeline may find; None: it is not known.

    A component that finds mentions and does not say their types may find any; mentions that are
    given to a pipeline without such a component may have any.
    """
    finders = entity_finders(nlp, mentions_key(nlp))
    labels = [getattr(nlp.get_pipe(name), "labels", ()) for name in finders]
    if not labels or not all(labels):
        return None
    return frozenset(str(label) for group in labels for label in group)


def missing_types(schema: RelationSchema, found: Optional[FrozenSet[str]]) -> List[str]:
    """The entity types that a schema names and a pipeline does not find; none if that is not known.

    Args:
        schema: relation types for the pipeline.
        found: what it finds, see :func:`found_types`.
    """
    named = {name for kind in schema.values() for name in (*kind.head, *kind.tail)}
    return [] if found is None else sorted(named - found)


def cluster_finders(nlp: Language) -> List[str]:
    """Names of the components that may find coreference clusters, which are span groups."""
    extractor: Any = find_extractor(nlp)
    return [
        name
        for name, component in nlp.pipeline
        if component is not extractor
        and "doc.spans" in nlp.get_pipe_meta(name).assigns
        and not _is_given_mentions(component)
    ]


def _is_given_mentions(component: Any) -> bool:
    """Whether a component that may find mentions is told to relate those that it is given."""
    return getattr(component, "mentions", "") == "given"


def mentions_are_given(nlp: Language, spans_key: Optional[str]) -> bool:
    """Whether a pipeline can only relate mentions that are given: no component may find any.

    What a function or a component of another package does is not known where it does not say what
    it assigns.

    Args:
        nlp: a pipeline with a trained relation extractor.
        spans_key: span group of the mentions; None: the entities.
    """
    extractor: Any = find_extractor(nlp)
    if not isinstance(extractor, TrainablePipe) or entity_finders(nlp, spans_key):
        return False
    return all(
        component is extractor or nlp.get_pipe_meta(name).assigns or _is_of_spacy(component)
        for name, component in nlp.pipeline
    )


def _is_of_spacy(component: Any) -> bool:
    module = getattr(component, "__module__", type(component).__module__)
    return bool(module.startswith("spacy."))


def finds_sentences(nlp: Language) -> bool:
    """Whether a component of the pipeline says that it finds sentences."""
    return any("token.is_sent_start" in nlp.get_pipe_meta(name).assigns for name in nlp.pipe_names)


def mentions_key(nlp: Language) -> Optional[str]:
    """The span group that a pipeline takes mentions from; None: the entities.

    That of the component that extracts relations; without one, of the component that finds clusters.
    """
    extractor = find_extractor(nlp)
    if extractor is not None:
        return extractor.spans_key
    found = (nlp.get_pipe(name) for name in cluster_finders(nlp))
    keys = [
        getattr(component, "spans_key", None)
        for component in found
        if getattr(component, "clusters_only", False)
    ]
    return keys[0] if keys else None


def finds_relations(nlp: Language) -> bool:
    """Whether some component may find relations; see :func:`require_relations`."""
    if find_extractor(nlp) is not None:
        return True
    for name, component in nlp.pipeline:
        assigns = nlp.get_pipe_meta(name).assigns
        if f"doc._.{DEFAULT_ATTR}" in assigns or not (assigns or _is_of_spacy(component)):
            return True
    return False


def relation_attr(nlp: Language) -> str:
    """Name of the extension attribute that a pipeline writes relations to."""
    extractor = find_extractor(nlp)
    return DEFAULT_ATTR if extractor is None else extractor.attr


def event_components(nlp: Language) -> List[EventComponent]:
    """The components of a pipeline that make events."""
    pipes: List[Any] = [pipe for _, pipe in nlp.pipeline]
    made = [pipe for pipe in pipes if isinstance(pipe, EventComponent)]
    return [pipe for pipe in made if isinstance(pipe.events, EventSchema)]


def event_types(nlp: Language) -> EventSchema:
    """The types of events that a pipeline makes; none if no component makes any."""
    made = {label: kind for pipe in event_components(nlp) for label, kind in pipe.events.items()}
    return EventSchema(made.values())


def known_labels(nlp: Language) -> List[str]:
    """The labels of relations and events that a pipeline finds; empty: any may come."""
    extractor = find_extractor(nlp)
    labels = [] if extractor is None else extractor.schema.labels
    return [*labels, *event_types(nlp)] if labels else []


def require_prompted(nlp: Language) -> Any:
    """The component that prompts a language model.

    Raises:
        ConfigError: if there is none.
    """
    for _, component in nlp.pipeline:
        if hasattr(component, "questions"):
            return component
    raise ConfigError(
        f"no component of {source_name(nlp)} prompts a language model, only {nlp.pipe_names}; add "
        "llm_relation_extractor"
    )


def source_name(source: PipelineSource) -> str:
    """A short name of a pipeline for tables: the name of its folder, or of its config.

    Args:
        source: see :func:`load_pipeline`; a loaded pipeline has the name of its meta data.
    """
    if isinstance(source, Language):
        return str(source.meta["name"])
    path = Path(source)
    if path.name in ("model-best", "model-last"):
        path = path.parent
    return path.stem if path.suffix == ".cfg" else path.name


def source_names(sources: Sequence[PipelineSource]) -> List[str]:
    """Short names of pipelines, longer where that tells them apart: ``cpu/model-last``."""
    short = [source_name(source) for source in sources]
    return [
        "/".join(Path(source).parts[-2:])
        if short.count(name) > 1 and not isinstance(source, Language)
        else name
        for name, source in zip(short, sources)
    ]
