"""UIMA CAS XMI, which INCEpTION exports with its type system: ``NAME.xmi`` beside ``TypeSystem.xml``.

A file holds one document. Named entities and custom layers are read, each with the feature that looks
like a label; relations are annotations with a ``Governor``, their head, and a ``Dependent``; chains are
clusters. Syntax and the like, and slots, are not read. Offsets count UTF-16 units. Described at
https://uima.apache.org/d/uimaj-current/references.html.
"""

import io
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Set, Tuple

from ....errors import DataError
from ....packages import import_package
from ...annotated import Annotated, AnnotatedRelation
from ...format import AnnotationFormat
from ...report import Report
from . import layers
from .drafts import Draft, Drafts
from .exports import read_export
from .xmi_writer import ENDING, TYPE_SYSTEM, TYPES, write_xmi

_PROPERTIES = ("uima.", "de.tudarmstadt.ukp.dkpro.core.api.metadata.", "de.tudarmstadt.ukp.clarin.")
"""Namespaces of annotations that say something of the document, not of its text."""

_PLAIN = frozenset(
    f"uima.cas.{name}" for name in ("String", "Boolean", "Integer", "Long", "Short", "Byte")
)
_SLOTS = ("uima.cas.FSArray", "uima.cas.FSList")
_NAMESPACE = '="http://www.omg.org/XMI"'
_BEGINNING = 10_000


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    cassis = import_package("cassis", "inception")
    type_systems: Dict[Path, Any] = {}

    def read(source: Tuple[Path, str], place: str, report: Report) -> Annotated:
        file, name = source
        if file.parent not in type_systems:
            type_systems[file.parent] = _load_type_system(cassis, file)
        cas = _load_cas(cassis, file, type_systems[file.parent])
        if len(cas.views) > 1:
            report.note("views but the first one, which are not read", place=place)
        return _Document(cas, file, report).read(name)

    yield from read_export(path, ENDING, read, report)


def _load_type_system(cassis: Any, file: Path) -> Any:
    path = file.parent / TYPE_SYSTEM
    try:
        content = path.read_bytes()
    except OSError as err:
        message = f"cannot be read: {err.strerror}; an .xmi file needs its type system beside it"
        raise DataError(message, place=str(path)) from err
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return cassis.load_typesystem(io.BytesIO(content))
        except Exception as err:  # cassis lets through whatever a broken file makes go wrong
            message = f"not a type system: {type(err).__name__}: {err!s:.200}"
            raise DataError(message, place=str(path)) from err


def _load_cas(cassis: Any, file: Path, type_system: Any) -> Any:
    try:
        content = file.read_bytes()
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(file)) from err
    if content.startswith(b"PK\x03\x04"):
        message = "a ZIP archive; unpack it, and convert the .xmi file in it"
        raise DataError(message, place=str(file))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Offsets that are none are taken as they are, with a warning.
        warnings.filterwarnings("error", message="Not mapping external offset")
        try:
            cas = cassis.load_cas_from_xmi(io.BytesIO(content), typesystem=type_system)
            text = cas.sofa_string
        except Exception as err:  # as above
            message = f"not XMI of this type system: {type(err).__name__}: {err!s:.200}"
            raise DataError(message, place=str(file)) from err
    if not isinstance(text, str):
        raise DataError("a document without text", place=str(file))
    return cas


class _Document:
    """The annotations of one file."""

    def __init__(self, cas: Any, file: Path, report: Report) -> None:
        self._cas = cas
        self._file = file
        self._report = report
        self._drafts = Drafts()
        self._ids: Dict[int, int] = {}
        # Only these have offsets in characters.
        self._annotations = {fs.xmiID for fs in cas.select_all_annotations()}

    def read(self, name: str) -> Annotated:
        """The document; its name is that of its metadata, or else `name`."""
        relations: List[Any] = []
        chains: List[Any] = []
        tokens: List[Tuple[int, int]] = []
        sentences: Set[int] = set()
        for fs in self._cas.select_all_fs():
            layer, features = fs.type.name, _features(fs)
            if layer == layers.TOKEN:
                tokens.append((fs.begin, fs.end))
            elif layer == layers.SENTENCE:
                sentences.add(fs.begin)
            elif layer == layers.METADATA:
                name = fs.get(layers.DOCUMENT_ID) or name
            elif layers.FIRST in features:
                chains.append(fs)
            elif not {"begin", "end"} <= features or layers.NEXT in features:
                continue
            elif not layers.is_semantic(layer):
                self._note_layer(layer)
            elif {layers.GOVERNOR, layers.DEPENDENT} <= features:
                relations.append(fs)
            else:
                self._mention_id(fs)
        found = [relation for fs in relations if (relation := self._relation(fs)) is not None]
        clusters = self._drafts.add_chains(map(self._links, chains))
        annotated = Annotated(
            place=str(self._file),
            text=self._cas.sofa_string,
            sentence_starts=sorted(sentences) or None,
            meta={"id": name},
        )
        return self._drafts.to_annotated(annotated, found, clusters, sorted(tokens), self._report)

    def _mention_id(self, fs: Any) -> int:
        """The id of the mention that an annotation becomes."""
        if fs.xmiID not in self._ids:
            draft = self._drafts.add(fs.type.name, fs.begin, fs.end)
            label, kb_id, attributes = layers.read_features(
                draft.layer, _values(fs), layers.NAMED_ENTITY
            )
            draft.label, draft.kb_id, draft.attributes = label, kb_id, dict(attributes)
            self._ids[fs.xmiID] = draft.id
            filled = (feature for feature in fs.type.all_features if fs[feature.name])
            if any(feature.rangeType.name in _SLOTS for feature in filled):
                message = f"slots of the layer {layers.short_name(draft.layer)}, which are not read"
                self._report.note(message, place=str(self._file))
        return self._ids[fs.xmiID]

    def _relation(self, fs: Any) -> Optional[AnnotatedRelation]:
        head, tail = fs[layers.GOVERNOR], fs[layers.DEPENDENT]
        label, _, attributes = layers.read_features(fs.type.name, _values(fs), layers.RELATION)
        if not all(self._is_mention(end) for end in (head, tail)):
            place = f"{self._file}, annotation {fs.xmiID}"
            ends = f"{layers.GOVERNOR} or {layers.DEPENDENT}"
            message = f"a relation {label:.60} whose {ends} is no annotation of the text"
            self._report.problem(message, place=place, skips="relation")
            return None
        return AnnotatedRelation(
            self._mention_id(head), self._mention_id(tail), label, attributes=attributes
        )

    def _is_mention(self, fs: Any) -> bool:
        """Whether a feature is an annotation of the text, and no relation."""
        if getattr(fs, "xmiID", None) not in self._annotations:
            return False
        return not {layers.GOVERNOR, layers.DEPENDENT} <= _features(fs)

    def _links(self, chain: Any) -> List[Draft]:
        links: List[Draft] = []
        seen: Set[int] = set()
        fs = chain[layers.FIRST]
        while fs is not None and fs.xmiID not in seen:
            seen.add(fs.xmiID)
            if fs.xmiID not in self._annotations or layers.NEXT not in _features(fs):
                message = "a link of a chain that is no annotation of the text"
                place = f"{self._file}, annotation {fs.xmiID}"
                self._report.problem(message, place=place, skips="mention")
                break
            attributes = {k: v for k, v in _values(fs).items() if v not in (None, "")}
            links.append(Draft(0, fs.type.name, fs.begin, fs.end, attributes=attributes))
            fs = fs[layers.NEXT]
        return links

    def _note_layer(self, layer: str) -> None:
        if not layer.startswith(_PROPERTIES):
            message = f"annotations of the layer {layers.short_name(layer)}, which are not read"
            self._report.note(message, place=str(self._file))


def _features(fs: Any) -> Set[str]:
    """The names of its features."""
    return {feature.name for feature in fs.type.all_features}


def _values(fs: Any) -> Dict[str, Any]:
    """The features of an annotation that are strings or numbers, in the order of their names."""
    return {
        feature.name: fs[feature.name]
        for feature in sorted(fs.type.all_features, key=lambda feature: feature.name)
        if feature.name not in ("begin", "end") and feature.rangeType.name in _PLAIN
    }


def _looks_like(head: str) -> bool:
    return "<xmi:XMI" in head[:_BEGINNING] or _NAMESPACE in head[:_BEGINNING]


def _type_xml(name: str, supertype: str, features: Mapping[str, str]) -> str:
    inner = "\n".join(
        f"<featureDescription><name>{feature}</name><rangeTypeName>{kind}</rangeTypeName>"
        "</featureDescription>"
        for feature, kind in features.items()
    )
    return (
        f"<typeDescription><name>{name}</name><supertypeName>{supertype}</supertypeName>\n"
        f"<features>{inner}</features></typeDescription>\n"
    )


FORMAT = AnnotationFormat(
    name="xmi",
    description="UIMA CAS XMI of INCEpTION",
    read=_read_file,
    write=write_xmi,
    looks_like=_looks_like,
    holds=frozenset(
        {"tokens", "spaces", "sentences", "several_sentences", "clusters", "kb_ids", "id"}
    ),
    unit="tokens",
    folder=ENDING,
    sample={
        "example.xmi": """\
<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmi:version="2.0"
 xmlns:cas="http:///uima/cas.ecore" xmlns:custom="http:///webanno/custom.ecore"
 xmlns:ner="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore"
 xmlns:segmentation="http:///de/tudarmstadt/ukp/dkpro/core/api/segmentation/type.ecore">
<cas:NULL xmi:id="0"/>
<segmentation:Sentence xmi:id="2" sofa="1" begin="0" end="18"/>
<segmentation:Token xmi:id="3" sofa="1" begin="0" end="4"/>
<segmentation:Token xmi:id="4" sofa="1" begin="5" end="12"/>
<segmentation:Token xmi:id="5" sofa="1" begin="13" end="18"/>
<ner:NamedEntity xmi:id="6" sofa="1" begin="0" end="4" value="PER"/>
<ner:NamedEntity xmi:id="7" sofa="1" begin="13" end="18" value="ORG"/>
<custom:Relation xmi:id="8" sofa="1" begin="0" end="4" Governor="7" Dependent="6" value="founded_by"/>
<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="Jobs founded Apple"/>
<cas:View sofa="1" members="2 3 4 5 6 7 8"/>
</xmi:XMI>
""",
        TYPE_SYSTEM: '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>\n'
        + "".join(_type_xml(name, *rest) for name, rest in TYPES.items())
        + "</types></typeSystemDescription>\n",
    },
)
