"""Arguments and options that several commands share: each has one name, one short form, one meaning."""

from dataclasses import asdict, dataclass
from functools import wraps
from inspect import Parameter, signature
from itertools import islice
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Literal,
    Optional,
    get_type_hints,
)

from typer import Argument, Option

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..converters.report import Report
    from ..inference.texts import Text
    from ..schema import RelationSchema

AnyDataPath = Annotated[
    Path, Argument(exists=True, help="Annotated documents, .spacy files or of any other format")
]
DataPath = Annotated[
    Path, Argument(exists=True, help="Annotated documents, a .spacy file or a folder of them")
]
Model = Annotated[
    str, Argument(help="Name or path of a pipeline, or a config of one that needs no training")
]
PromptedModel = Annotated[
    str, Argument(help="A pipeline with llm_relation_extractor, or a config of one")
]
TEXTS = "Text file, one document a line, or .jsonl with a text in each object; - for standard input"
TextsPath = Annotated[Optional[Path], Argument(help=TEXTS)]
OneText = Annotated[Optional[str], Option("--text", help="A text to process in place of a file")]

OnTextError = Annotated[
    Literal["stop", "skip"], Option("--on-error", help="Lines of the input that are no texts")
]
MaxLength = Annotated[
    Optional[int],
    Option("--max-length", min=1, help="The most characters of a text; those of the pipeline"),
]

Output = Annotated[
    Optional[Path], Option("--output", "-o", help="JSON file for what --json prints")
]
Records = Annotated[
    Optional[Path], Option("--output", "-o", help="JSONL file, in place of standard output")
]
Json = Annotated[bool, Option("--json", "-j", help="Print the result as JSON, and nothing else")]
GpuId = Annotated[int, Option("--gpu-id", "-g", help="GPU, -1 for CPU")]
Limit = Annotated[int, Option("--limit", "-n", min=0, help="The most documents; 0 for all")]

Format = Annotated[str, Option("--format", help="Format of the input; auto: by its content")]
Alignment = Annotated[
    Literal["strict", "contract", "expand"],
    Option("--alignment", help="Mentions that do not begin and end with a token"),
]
OnError = Annotated[
    Literal["stop", "skip"], Option("--on-error", help="Annotations that cannot be used")
]
GoldEntities = Annotated[
    bool, Option("--gold-entities", help="Give the annotated mentions in place of predicted ones")
]
GoldTokens = Annotated[
    bool, Option("--gold-tokens/--own-tokens", help="Give the annotated tokens, or only the text")
]
Lang = Annotated[str, Option("--lang", help="Language of the documents")]
TextLang = Annotated[
    str, Option("--lang", help="Language of the texts, for its tokens; auto: the pipeline's")
]
Names = Annotated[
    Optional[List[str]], Option("--name", help="A name for each, in their order; repeat the option")
]
Resamples = Annotated[
    int,
    Option("--resamples", min=0, max=1_000_000, help="Resampled corpora for the 95 % intervals"),
]
Schema = Annotated[
    Optional[Path], Option("--schema", help="Schema of the relations, a YAML or JSON file")
]
Seed = Annotated[int, Option("--seed", help="Seed of everything that is drawn at random")]
SpansKey = Annotated[
    Optional[str],
    Option("--spans-key", help="Span group of the mentions"),
]


@dataclass(frozen=True)
class Reading:
    """How annotated documents are read, and what of them a pipeline is given."""

    gold_entities: GoldEntities = False
    format_name: Format = "auto"
    alignment: Alignment = "strict"
    on_error: OnError = "stop"
    limit: Limit = 0

    def report(self) -> "Report":
        """Takes note of what cannot be used, or raises the first of it."""
        from ..converters.report import SKIP_HINT, Report

        return Report(on_error=self.on_error, hint=SKIP_HINT)

    def arguments(self) -> Dict[str, Any]:
        """The other options, by the names that functions have for them."""
        return {name: value for name, value in asdict(self).items() if name != "on_error"}


def with_reading(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :class:`Reading`, of which it gets one as `reading`."""
    hints = get_type_hints(Reading, include_extras=True)
    defaults = asdict(Reading())
    kind = Parameter.POSITIONAL_OR_KEYWORD
    given = [Parameter(k, kind, default=v, annotation=hints[k]) for k, v in defaults.items()]

    @wraps(command)
    def run(**values: Any) -> None:
        command(reading=Reading(**{name: values.pop(name) for name in hints}), **values)

    own = signature(command).parameters
    parameters = [each for name in own for each in (given if name == "reading" else [own[name]])]
    run.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]  # typer reads it
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def given_texts(
    path: Optional[Path],
    text: Optional[str] = None,
    limit: int = 0,
    *,
    report: "Optional[Report]" = None,
    max_length: Optional[int] = None,
) -> "Iterable[Text]":
    """The texts that a command is given.

    Args:
        path: the file of texts; ``-`` for standard input.
        text: a text in place of a file.
        limit: the most texts; 0: all.
        report: takes note of what is no text; None: the first one is an error.
        max_length: the most characters of a text; None: any number.

    Raises:
        ConfigError: if both a file and a text are given, or neither.
        DataError: if the text cannot be processed.
    """
    from ..inference.texts import check_text, read_texts

    if text is not None and path is None:
        return [(check_text(text, max_length), {})]
    if path is None or text is not None:
        raise ConfigError("give a file of texts or --text, one of them")
    return islice(read_texts(path, report, max_length=max_length), limit or None)


def given_schema(path: Optional[Path]) -> "Optional[RelationSchema]":
    """The schema that a command is given, if it is."""
    from ..schema import RelationSchema

    return None if path is None else RelationSchema.from_file(path)
