"""What clients send, checked before anything is done with it."""

from http import HTTPStatus
from typing import Any, Collection, Dict, List, Optional, Tuple, Type, TypeVar, Union

from anyio import fail_after
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ...converters.json_stream import parse_json
from ...converters.records import Record, get
from ...errors import ConfigError, DataError, did_you_mean, listed, shown
from ...explain.explanation import check_methods
from ...inference.texts import Text, check_text
from .limits import Limits

JSON = ("application/json",)
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")

_MAX_DEPTH = 32
_LARGE = 1 << 16  # bytes that are not parsed while others wait

Model = TypeVar("Model", bound=BaseModel)
Characters = Tuple[int, int]
"""Start and exclusive end."""


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Choice(_Checked):
    """Which relations are asked for.

    Attributes:
        labels: only relations and events of these types; all if it is missing.
        min_score: only relations and events with at least this score.
    """

    labels: Optional[List[str]] = None
    min_score: Optional[float] = Field(default=None, ge=0, le=1)

    def check(self, known: Collection[str]) -> None:
        """Make sure that the pipeline knows the labels.

        Args:
            known: the labels of the pipeline; none: they are not known.
        """
        for label in self.labels or ():
            if known and label not in known:
                raise refused(
                    f"labels: the pipeline does not know {shown(label)}{did_you_mean(label, known)}; "
                    f"it knows {listed(known)}"
                )


class ExtractBody(Choice):
    """Texts to extract relations from: ``text``, or ``texts``.

    Attributes:
        text: a text.
        id: its id, which the answer has too.
        meta: what is known of it, which the answer has too.
        texts: several texts, or objects with a ``text``, and perhaps an ``id`` and ``meta``.
    """

    text: Optional[str] = None
    id: Union[str, int, None] = None
    meta: Optional[Dict[str, Any]] = None
    texts: Optional[List[Union[str, Dict[str, Any]]]] = None

    def given(self, limits: Limits) -> List[Text]:
        """The texts with their records."""
        if (self.text is None) == (self.texts is None):
            raise refused('give a "text" or "texts", one of them')
        if self.texts is None:
            record = self.model_dump(include={"id", "text", "meta"}, exclude_none=True)
            return [checked_text(record, limits, "text")]
        if self.id is not None or self.meta is not None:
            raise refused(
                '"id" and "meta" are those of a "text"; "texts" may be objects that have them'
            )
        if len(self.texts) > limits.max_texts:
            raise refused(f"texts: {len(self.texts)} texts, and {limits.max_texts} are accepted")
        return [checked_text(item, limits, f"texts[{i}]") for i, item in enumerate(self.texts)]


class WantedRelation(_Checked):
    """A relation to explain: places of head and tail in characters, ends exclusive, and its type."""

    head: List[int] = Field(min_length=2, max_length=2)
    tail: List[int] = Field(min_length=2, max_length=2)
    label: str


class ExplainBody(_Checked):
    """A relation of a text to explain.

    Attributes:
        text: the text.
        relation: the relation, or one that might be there, between mentions that the pipeline finds.
        methods: see :func:`rel_component.explain.explanation.explain`; all if it is missing.
        page: whether the answer shall have a page that shows the explanation, as ``html``.
    """

    text: str
    relation: WantedRelation
    methods: Optional[List[str]] = None
    page: bool = False

    def check(self, limits: Limits) -> None:
        """Make sure that the text is short enough, and that there are such methods."""
        checked_text(self.text, limits, "text")
        if len(self.text) > limits.max_explained:
            raise refused(
                f"text: {len(self.text):,} characters, and relations are explained in texts of up to "
                f"{limits.max_explained:,}"
            )
        try:
            check_methods(self.methods or ())
        except ConfigError as err:
            raise refused(str(err)) from None


def refused(
    message: str, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY, **headers: str
) -> HTTPException:
    """The error that tells a client what is wrong."""
    return HTTPException(status, message, {k.replace("_", "-"): v for k, v in headers.items()})


async def read_body(request: Request, limits: Limits, model: Type[Model]) -> Model:
    """Read the body of a request, no further than it may be long.

    Args:
        request: the request.
        limits: bytes of the body, and seconds that it may take.
        model: what the body is checked by.
    """
    require_type(request, JSON)
    if int(request.headers.get("content-length", "0")[:20]) > limits.max_body:
        raise _too_large(limits)
    try:
        with fail_after(limits.timeout):
            body = await _read(request, limits)
    except TimeoutError:
        raise refused(
            f"the body was not there after {limits.timeout:g} seconds", HTTPStatus.REQUEST_TIMEOUT
        ) from None
    if len(body) > _LARGE:
        return await run_in_threadpool(_parse, body, model)
    return _parse(body, model)


async def _read(request: Request, limits: Limits) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limits.max_body:
            raise _too_large(limits)
    return bytes(body)


def _too_large(limits: Limits) -> HTTPException:
    return refused(
        f"the body is too large: {limits.max_body:,} bytes are accepted",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def _parse(body: bytes, model: Type[Model]) -> Model:
    try:
        value = parse_value(body)
        if not isinstance(value, dict):
            raise refused(f"the body: expected an object, got {shown(value)}")
        return model.model_validate(value)
    except DataError as err:
        raise refused(str(err), HTTPStatus.BAD_REQUEST) from None
    except ValidationError as err:
        raise refused(first_problem(err.errors())) from None


def parse_value(encoded: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        DataError: if it is broken or nested too deeply.
    """
    try:
        value = parse_json(encoded.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise DataError("not UTF-8") from None
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return value
    raise DataError(f"JSON with more than {_MAX_DEPTH} levels")


def _children(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def first_problem(problems: Any) -> str:
    """The first of pydantic's problems in a sentence."""
    problem = problems[0]
    places = [str(part) for part in problem["loc"] if part not in ("query", "str")]
    return f"{'.'.join(places)[:60]}: {problem['msg']}, got {shown(problem['input'])}"


def require_type(request: Request, accepted: Collection[str]) -> None:
    """Make sure that a body is what it has to be; other sites cannot send it without being asked."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity").lower()
    if given not in accepted or encoding != "identity":
        raise refused(
            f"expected Content-Type: {next(iter(accepted))}, not compressed",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


def checked_text(item: Union[str, Record], limits: Limits, place: str) -> Text:
    """A text with its record.

    Args:
        item: the text, or a record with it.
        limits: characters of a text.
        place: where it stands, for the message.
    """
    record = {"text": item} if isinstance(item, str) else item
    try:
        return check_text(get(record, "text", str), limits.max_length), record
    except DataError as err:
        raise refused(f"{place}: {err}") from None
