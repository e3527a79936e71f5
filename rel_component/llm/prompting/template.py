"""Prompts as versioned template files.

A template is a Jinja file with two macros, ``system(task)`` and ``user(task, item)``, that give the
text of the system message (no message if it is empty) and of the question about one document. It
may set::

    {%- set keys = ["head", "label", "tail"] -%}   names of the parts of a relation in answers
    {%- set question = "document" -%}              or "pair": a question for each pair of mentions
    {%- set open_labels = false -%}                whether answers may use any labels

``task`` is a :class:`PromptTask`, ``item`` a :class:`PromptItem`. The files in ``templates/`` are the
ones that can be named without a path; each of them says at its top what it is for.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import Any, List, Literal, Optional, Sequence, Tuple

from ...errors import ConfigError, shown
from ...schema import RelationType
from ...types import NO_RELATION

QuestionKind = Literal["document", "pair"]


@dataclass(frozen=True)
class PromptMention:
    """A mention as prompts show it.

    Attributes:
        id: its id in the prompt: ``M1``, ``M2`` and so on.
        text: its words.
        type: its entity type, empty if it has none.
    """

    id: str
    text: str
    type: str = ""


@dataclass(frozen=True)
class PromptTask:
    """The variable ``task`` of templates: what is asked for in all prompts.

    Attributes:
        relations: the relation types of the schema.
        entity_types: types that entities can have; empty: any.
        mentions_given: whether mentions are given, with ids, or the model finds entities itself.
        no_relation: the answer to a question about a pair without relation.
    """

    relations: Sequence[RelationType]
    entity_types: Sequence[str] = ()
    mentions_given: bool = True
    no_relation: str = NO_RELATION


@dataclass(frozen=True)
class PromptItem:
    """The variable ``item`` of templates: the text that a prompt asks about.

    Attributes:
        text: the text.
        marked_text: the text with the given mentions marked: ``<M1>Apple</M1>``.
        mentions: the given mentions.
        head: head of the pair that is asked about, None if all pairs are.
        tail: tail of the pair that is asked about.
        labels: the labels that the schema allows for the pair.
    """

    text: str
    marked_text: str = ""
    mentions: Sequence[PromptMention] = ()
    head: Optional[PromptMention] = None
    tail: Optional[PromptMention] = None
    labels: Sequence[str] = ()


class PromptTemplate:
    """A template that was read, and rendered once to find its mistakes.

    Args:
        source: text of the template.
        name: name of the template in messages.
        is_saved: whether the text comes from a saved pipeline. It is then parsed only, because loading
            runs no code, not even that of a template; other mistakes are found when it is used.

    Raises:
        ConfigError: if the text is not a template; the message names the line.
    """

    def __init__(self, source: str, *, name: str, is_saved: bool = False) -> None:
        # not imported by spacy.blank(), which imports this module
        from jinja2 import StrictUndefined, TemplateSyntaxError
        from jinja2.sandbox import SandboxedEnvironment

        self.name = name
        self.source = source
        self._environment = SandboxedEnvironment(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        try:
            self._environment.parse(source)
        except TemplateSyntaxError as err:
            raise ConfigError(f"template {name}, line {err.lineno}: {err.message}") from err
        if not is_saved:
            self._try_out()

    def __reduce__(self) -> Tuple[Any, ...]:
        return partial(PromptTemplate, name=self.name), (self.source,)

    @classmethod
    def load(cls, name: str) -> "PromptTemplate":
        """Read a template.

        Args:
            name: one of :func:`template_names`, or the path of a file.

        Raises:
            ConfigError: if there is no such template or it is not one.
        """
        if name in template_names():
            file = resources.files(__package__) / "templates" / f"{name}.jinja"
            return cls(file.read_text(encoding="utf8"), name=name)
        path = Path(name)
        if not path.is_file():
            raise ConfigError(
                f"no template {shown(name)}: neither a file nor one of {', '.join(template_names())}"
            )
        try:
            return cls(path.read_text(encoding="utf8"), name=name)
        except (OSError, UnicodeDecodeError) as err:
            raise ConfigError(f"template {name} cannot be read: {err}") from err

    def system(self, task: PromptTask) -> str:
        """Return the text of the system message, empty if there is none."""
        return self._render("system", task)

    def user(self, task: PromptTask, item: PromptItem) -> str:
        """Return the text of the question about one item."""
        return self._render("user", task, item)

    def _render(self, macro: str, *arguments: Any) -> str:
        function = getattr(self._module, macro, None)
        if not callable(function):
            raise ConfigError(
                f"template {self.name}: no macro {shown(macro)}; a template needs system(task) and "
                "user(task, item)"
            )
        try:
            return str(function(*arguments)).strip()
        except Exception as err:  # a template may compute
            raise ConfigError(f"template {self.name}, macro {macro}: {err}") from err

    @cached_property
    def _module(self) -> Any:
        try:
            return self._environment.from_string(self.source).module
        except Exception as err:  # as above
            raise ConfigError(f"template {self.name}: {err}") from err

    @cached_property
    def open_labels(self) -> bool:
        """Whether answers may use any labels."""
        return bool(getattr(self._module, "open_labels", False))

    @cached_property
    def question(self) -> QuestionKind:
        """What a question is about: a document, or a pair of mentions."""
        question: QuestionKind = getattr(self._module, "question", "document")
        if question not in ("document", "pair"):
            raise ConfigError(
                f'template {self.name}: question is {shown(question)}; accepted: "document", "pair"'
            )
        return question

    @cached_property
    def keys(self) -> Tuple[str, str, str]:
        """Names of the parts of a relation in answers."""
        keys = list(getattr(self._module, "keys", ("head", "label", "tail")))
        if len(keys) != 3 or len(set(keys)) != 3 or not all(isinstance(key, str) for key in keys):
            raise ConfigError(
                f"template {self.name}: keys is {shown(keys)}; expected three different names"
            )
        return keys[0], keys[1], keys[2]

    def _try_out(self) -> None:
        _ = self.keys, self.question
        relation = RelationType("LABEL", "What it means.", ("ORG",), ("PERSON",))
        first, second = PromptMention("M1", "Acme", "ORG"), PromptMention("M2", "Ada", "PERSON")
        item = PromptItem(
            "Ada founded Acme.", "Ada founded Acme.", (first, second), first, second, ("LABEL",)
        )
        for mentions_given in (True, False):
            task = PromptTask([relation], ("ORG", "PERSON"), mentions_given)
            self.system(task)
            if item.text not in self.user(task, item):
                raise ConfigError(
                    f"template {self.name}: user(task, item) does not show item.text or "
                    "item.marked_text"
                )


def template_names() -> List[str]:
    """Return the names of the templates that come with the package."""
    folder = resources.files(__package__) / "templates"
    return sorted(
        file.name[: -len(".jinja")] for file in folder.iterdir() if file.name.endswith(".jinja")
    )
