"""The parts of a corpus, read from any format, with their mentions in one place."""

from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Literal, Optional

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations import find_spans_key, get_relations, set_relations
from ..converters.builder import AlignmentMode
from ..converters.convert import SPACY
from ..converters.documents import mentions_to_entities, read_documents
from ..converters.report import SKIP_HINT, Report
from ..corpora.splitting import split_docs
from ..errors import ConfigError, DataError
from ..event_pairs import event_pairs
from ..event_types import EventSchema
from ..events import get_events
from ..files import lies_in
from ..mentions import char_range
from ..relation_forms import RelationLike

GROUP = "mentions"
"""The span group of mentions that overlap."""

Progress = Callable[[Iterable[Doc]], Iterable[Doc]]
"""A function that gives documents back and shows how many there have been."""

_DEV_SHARE, _MOST_DEV = 0.2, 1000


class CorpusParts:
    """The parts of a corpus as they are read.

    Args:
        nlp: a pipeline of their language, with nothing but a tokenizer.
        inputs: paths by the name of the part: ``train``, and perhaps ``dev`` and ``test``.
        formats: names of their formats.
        alignment: see :func:`rel_component.convert`.
        on_error: see :func:`rel_component.convert`.

    Attributes:
        docs: the documents by the name of the part.
        made: names of the parts that are to be written, because they were converted or split, got
            pairs of events, or are those to evaluate with.
        spans_key: span group of the mentions; None: the entities.
        reports: the reports of conversions.
        warnings: what may go wrong.
    """

    def __init__(
        self,
        nlp: Language,
        inputs: Dict[str, Path],
        formats: Dict[str, str],
        alignment: AlignmentMode,
        on_error: Literal["stop", "skip"],
    ) -> None:
        self.nlp = nlp
        self.inputs = inputs
        self.formats = formats
        self.alignment = alignment
        self.on_error = on_error
        self.docs: Dict[str, List[Doc]] = {}
        self.made: List[str] = []
        self.spans_key: Optional[str] = None
        self.reports: Dict[str, Report] = {}
        self.warnings: List[str] = []

    def read(
        self,
        spans_key: Optional[str],
        progress: Optional[Progress] = None,
        events: Optional[EventSchema] = None,
    ) -> None:
        """Read all parts; mentions that overlap in one of them are in a span group in all.

        Args:
            spans_key: span group of the mentions; None: by the documents.
            progress: shows how many documents have been read.
            events: types of events whose labelled pairs are added to the relations.
        """
        self.spans_key = spans_key
        converted = [name for name in self.inputs if self.formats[name] != SPACY]
        # train comes first: where it is of spaCy's format, the others follow it
        for name, path in self.inputs.items():
            report = Report(on_error=self.on_error, hint=SKIP_HINT)
            docs: Iterable[Doc] = read_documents(
                path,
                self.nlp,
                report,
                format_name=self.formats[name],
                alignment=self.alignment,
                spans_key=self.spans_key or GROUP,
            )
            self.docs[name] = list(docs if progress is None else progress(docs))
            if name in converted:
                self.reports[name] = report
            if events and self._add_pairs(name, events):
                self.made.append(name)
            if name != "test" and not self.docs[name]:
                raise DataError("there are no documents", place=str(path))
            if name == "train" and name not in converted and spans_key is None:
                self.spans_key = find_spans_key(self.docs[name])
        self.made = [
            name for name in self.inputs if name in converted or name in self.made or name == "test"
        ]
        if self.spans_key is None:
            self._settle(converted)

    def _add_pairs(self, name: str, events: EventSchema) -> bool:
        """Add the pairs of events to the relations of a part; returns whether any were new."""
        n_added, refused = 0, []
        for doc in self.docs[name]:
            known = get_relations(doc)
            relations: List[RelationLike] = list(known)
            for event in get_events(doc):
                roles = [(role, span.label_) for role, span in event.arguments]
                trigger = None if event.trigger is None else event.trigger.label_
                if (why := events.check(event.label, roles, trigger)) is not None:
                    refused.append(why)
                    continue
                parts = event.arguments, event.trigger, events[event.label]
                relations += [(*pair, event.score) for pair in event_pairs(*parts, char_range)]
            set_relations(doc, relations)
            n_added += len(get_relations(doc)) - len(known)
        if refused:
            self.warnings.append(
                f"{len(refused)} events of {name} are against the schema and never learned; the "
                f"first: {refused[0]}"
            )
        return bool(n_added)

    def _settle(self, converted: List[str]) -> None:
        """Make mentions of converted parts entities, unless they are to be in a group in all parts."""
        parts = [doc for name in converted for doc in self.docs[name]]
        if mentions_to_entities(parts, GROUP):
            return
        if "train" in converted:
            self.spans_key = GROUP
            return
        raise DataError(
            f"mentions of {' and '.join(converted)} overlap, but those of train are entities; "
            "have all parts converted together, from their own format"
        )

    def split(self, seed: int) -> None:
        """Take the development documents from those to learn from, if there are none."""
        if "dev" in self.docs:
            return
        docs = self.docs["train"]
        share = min(_DEV_SHARE, _MOST_DEV / len(docs))
        parts = split_docs(docs, {"train": 1 - share, "dev": share}, seed=seed)
        if not all(parts.values()):
            self.warnings.append(
                f"none of {len(docs)} documents could be held out, because they are few or repeat each "
                "other: all of them train and evaluate"
            )
            parts = {"train": docs, "dev": docs}
        self.docs = {**self.docs, **parts}
        self.made = sorted({*self.made, "train", "dev"})

    def leftover(self, output: Path) -> Iterator[str]:
        """Say of parts in the output folder that are of an earlier run.

        Args:
            output: folder of the parts that are written.
        """
        for name in ("train", "dev", "test"):
            path = output / f"{name}.spacy"
            is_read = any(lies_in(path, source) for source in self.inputs.values())
            if name not in self.made and path.exists() and not is_read:
                yield f"{path} is of an earlier run, and not of these documents: remove it"

    def check_outputs(self, output: Path) -> None:
        """Refuse to write over what was read.

        Args:
            output: folder of the parts that are to be written.

        Raises:
            ConfigError: if a part would take the place of a file that was read, or join its folder.
        """
        for name in self.made:
            for path in self.inputs.values():
                if lies_in(output / f"{name}.spacy", path):
                    raise ConfigError(
                        f"{output / name}.spacy would change the documents of {path}; choose "
                        "another folder with --output"
                    )
