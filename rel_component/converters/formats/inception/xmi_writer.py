"""Writing of UIMA CAS XMI; see :mod:`.xmi`."""

import re
from pathlib import Path
from typing import Any, Dict, Iterable, Optional, Tuple

from ....errors import ConfigError
from ....files import open_output
from ....packages import import_package
from ...annotated import Annotated, MentionId, in_characters, word_offsets
from ...checks import keep_fitting
from ...report import Report
from .._document_files import write_document_files
from .._sentences import sentence_ranges
from . import layers

ENDING = ".xmi"
TYPE_SYSTEM = "TypeSystem.xml"

_ANNOTATION, _TOP, _STRING = "uima.tcas.Annotation", "uima.cas.TOP", "uima.cas.String"
TYPES: Dict[str, Tuple[str, Dict[str, str]]] = {
    layers.METADATA: (_ANNOTATION, {layers.DOCUMENT_ID: _STRING}),
    layers.SENTENCE: (_ANNOTATION, {}),
    layers.TOKEN: (_ANNOTATION, {}),
    layers.NAMED_ENTITY: (_ANNOTATION, {layers.VALUE: _STRING, layers.IDENTIFIER: _STRING}),
    layers.RELATION: (
        _ANNOTATION,
        {
            layers.GOVERNOR: layers.NAMED_ENTITY,
            layers.DEPENDENT: layers.NAMED_ENTITY,
            layers.VALUE: _STRING,
        },
    ),
    layers.LINK: (_ANNOTATION, {layers.NEXT: layers.LINK}),
    layers.CHAIN: (_TOP, {layers.FIRST: layers.LINK}),
}
"""Layers, each with its supertype and its features."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xmi(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file ``NAME.xmi``, or a folder of them, with ``TypeSystem.xml`` beside them.

    Mentions become named entities, relations annotations of ``webanno.custom.Relation``, and clusters
    chains of coreference.

    Raises:
        ConfigError: if the package dkpro-cassis is not installed, or there is another type system.
    """
    cassis = import_package("cassis", "inception")
    types = cassis.TypeSystem()
    for name, (supertype, _) in TYPES.items():
        types.create_type(name, supertypeName=supertype)
    for name, (_, features) in TYPES.items():
        for feature, range_type in features.items():
            types.create_feature(types.get_type(name), feature, range_type)
    type_system = (path.parent if path.suffix == ENDING else path) / TYPE_SYSTEM
    content = types.to_xml()
    if type_system.exists() and type_system.read_bytes() != content.encode():
        raise ConfigError(f"{type_system} is that of other files; name another folder")

    def write(annotated: Annotated, file: Path) -> None:
        words, name = annotated.words or [], str(annotated.meta.get("id", ""))
        message = _problem("its text or id", *words, name)
        if message is not None:
            report.problem(message, place=annotated.place, skips="document")
            return
        cas = cassis.Cas(typesystem=types)
        fitting = keep_fitting(
            annotated,
            report,
            lambda mention: _problem("its label or id", mention.label, mention.kb_id),
            lambda relation, head, tail: _problem("its label", relation.label),
        )
        _Writer(cas, fitting, report).write()
        with open_output(file) as output:
            output.write(cas.to_xmi(pretty_print=True))

    write_document_files(documents, path, ENDING, write, report, beside={TYPE_SYSTEM: content})


def _problem(where: str, *texts: str) -> Optional[str]:
    if any(_NOT_XML.search(text) for text in texts):
        return f"a character that XML does not allow in {where}"
    return None


class _Writer:
    """Puts one document into a CAS."""

    def __init__(self, cas: Any, annotated: Annotated, report: Report) -> None:
        self._cas = cas
        self._annotated = annotated
        self._report = report
        self._tokens = word_offsets(annotated.words or [], annotated.spaces)
        cas.sofa_string = in_characters(annotated).text
        cas.sofa_mime = "text"
        self._entities: Dict[MentionId, Any] = {}

    def write(self) -> None:
        """Add all annotations."""
        if "id" in self._annotated.meta:
            name = str(self._annotated.meta["id"])
            self._add(layers.METADATA, 0, len(self._cas.sofa_string), **{layers.DOCUMENT_ID: name})
        for first, last in sentence_ranges(self._annotated):
            self._add(layers.SENTENCE, self._tokens[first][0], self._tokens[last - 1][1])
        for start, end in self._tokens:
            self._add(layers.TOKEN, start, end)
        for mention in self._annotated.mentions:
            start, end = self._tokens[mention.start][0], self._tokens[mention.end - 1][1]
            features = {layers.VALUE: mention.label, layers.IDENTIFIER: mention.kb_id or None}
            self._entities[mention.id] = self._add(layers.NAMED_ENTITY, start, end, **features)
        for relation in self._annotated.relations:
            head, tail = self._entities[relation.head], self._entities[relation.tail]
            ends = {layers.GOVERNOR: head, layers.DEPENDENT: tail, layers.VALUE: relation.label}
            self._add(layers.RELATION, tail.begin, tail.end, **ends)
        self._add_chains()

    def _add(self, layer: str, start: int, end: int, **features: Any) -> Any:
        annotation = self._cas.typesystem.get_type(layer)(begin=start, end=end, **features)
        self._cas.add(annotation)
        return annotation

    def _add_chains(self) -> None:
        mentions = self._annotated.mentions
        # a link stands for whatever has its characters
        first_at = {(m.start, m.end): m.id for m in reversed(mentions)}
        spans = {m.id: (m.start, m.end) for m in mentions}
        for cluster in self._annotated.clusters:
            if any(first_at[spans[key]] != key for key in cluster):
                message = "clusters with a mention of the same characters as another mention"
                self._report.note(message, place=self._annotated.place)
            following = None
            for entity in (self._entities[key] for key in reversed(cluster)):
                following = self._add(
                    layers.LINK, entity.begin, entity.end, **{layers.NEXT: following}
                )
            if following is not None:
                self._cas.add(
                    self._cas.typesystem.get_type(layers.CHAIN)(**{layers.FIRST: following})
                )
