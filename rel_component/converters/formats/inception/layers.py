"""The annotation layers of WebAnno and INCEpTION, which are UIMA types with features."""

from typing import Any, Dict, Tuple

_DKPRO = "de.tudarmstadt.ukp.dkpro.core.api."
_NER = f"{_DKPRO}ner."

NAMED_ENTITY = f"{_NER}type.NamedEntity"
RELATION = "webanno.custom.Relation"
"""Layer of relations between named entities; projects have it if somebody makes it."""

VALUE, IDENTIFIER = "value", "identifier"
"""Features of named entities: entity type, and identifier in a knowledge base."""

GOVERNOR, DEPENDENT = "Governor", "Dependent"
"""Features of relations: head and tail."""

TOKEN = f"{_DKPRO}segmentation.type.Token"
SENTENCE = f"{_DKPRO}segmentation.type.Sentence"
METADATA = f"{_DKPRO}metadata.type.DocumentMetaData"
DOCUMENT_ID = "documentId"

CHAIN, FIRST = f"{_DKPRO}coref.type.CoreferenceChain", "first"
LINK, NEXT = f"{_DKPRO}coref.type.CoreferenceLink", "next"
"""A chain of coreference has a first link, and each link, which is a mention, a next one."""

_NOT_SEMANTIC = (
    "uima.",
    _DKPRO,
    "de.tudarmstadt.ukp.clarin.webanno.api.",
    "de.tudarmstadt.ukp.inception.",
    "org.dkpro.core.api.",
)
_LABELS = (VALUE, "label", "type", "category", "class", "kind", "role")


def is_semantic(layer: str) -> bool:
    """Whether a layer may hold mentions or relations: not tokens, syntax or properties of the file."""
    return layer.startswith(_NER) or not layer.startswith(_NOT_SEMANTIC)


def short_name(layer: str) -> str:
    """The name of a layer without its namespace."""
    return layer.rpartition(".")[2]


def read_features(
    layer: str, features: Dict[str, Any], usual: str
) -> Tuple[str, str, Dict[str, Any]]:
    """Find the label, the knowledge-base id and the attributes of an annotation.

    The label is the value of the feature ``value``, of one of a similar name, or of the first one; if
    it has none, the short name of the layer.

    Args:
        layer: its layer.
        features: their values, None where there is none.
        usual: the layer that need not be named among the attributes.
    """
    values = {name: value for name, value in features.items() if value not in (None, "")}
    kb_id = str(values.pop(IDENTIFIER, "")) if layer == NAMED_ENTITY else ""
    lower = {name.lower(): name for name in reversed(features)}
    named = [lower[name] for name in _LABELS if name in lower]
    others = [name for name in features if name != IDENTIFIER]
    label = str(values.pop(next(iter([*named, *others]), ""), short_name(layer)))
    return label, kb_id, values if layer == usual else {"layer": layer, **values}
