"""The application: which address answers what."""

import asyncio
import hmac
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, AsyncIterator, Callable, Collection, Dict, List, Optional

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from spacy.tokens import Doc
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ...converters.records import to_json
from ...errors import ConfigError
from ...inference.texts import Text
from ...pipelines import (
    PipelineSource,
    known_labels,
    load_pipeline,
    relation_attr,
    require_relations,
)
from ..render import asset, template
from .answers import drawing_json, explanation_json, relations_json, schema_of
from .bodies import (
    LINES,
    Choice,
    ExplainBody,
    ExtractBody,
    first_problem,
    read_body,
    refused,
    require_type,
)
from .guard import GONE, Guard
from .limits import Limits
from .metrics import CONTENT_TYPE, Metrics
from .stream import LinesResponse, failure
from .worker import Answer, Job, QueueFull, Worker

_FILES = {
    "draw.js": "text/javascript",
    "draw.css": "text/css",
    "page.css": "text/css",
    "service.js": "text/javascript",
    "service.css": "text/css",
}
_RETRY = "1"  # seconds


def create_app(
    nlp: PipelineSource,
    *,
    token: Optional[str] = None,
    limits: Optional[Limits] = None,
    hosts: Optional[Collection[str]] = None,
) -> FastAPI:
    """Make an ASGI application that extracts relations.

    It has one pipeline and a thread for it: for several processes, start several servers.

    Args:
        nlp: a pipeline, its name or path, or the path of a config of one that needs no training. It
            belongs to the application from now on.
        token: what clients have to send as ``Authorization: Bearer TOKEN``; None: nothing.
        limits: what is accepted.
        hosts: names of the server that requests may ask for; None: any. Give them where the server is
            bound to this machine alone, as ``spacy rel serve`` does.

    Raises:
        ConfigError: if there is no such pipeline, it finds no relations, or the token is no header.
    """
    if token is not None and not (token.isascii() and token.isprintable() and token.strip()):
        raise ConfigError("the token: expected printable ASCII characters, at least one")
    loaded = load_pipeline(nlp)
    require_relations(loaded)
    service = _Service(Worker(loaded, limits or Limits(), Metrics()), token)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.worker.start()
        yield
        service.worker.close()

    app = FastAPI(
        title="Relation extraction",
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        exception_handlers={
            HTTPException: _tell,
            RequestValidationError: _tell_problem,
            ClientDisconnect: _leave,
            Exception: _hide,
        },
    )
    app.state.worker = service.worker
    app.include_router(_open_routes(service))
    app.include_router(_routes(service))
    worker = service.worker
    app.add_middleware(Guard, metrics=worker.metrics, limits=worker.limits, hosts=hosts)
    return app


class _Service:
    """What the routes share."""

    def __init__(self, worker: Worker, token: Optional[str]) -> None:
        self.worker, self.limits, self.token = worker, worker.limits, token
        self.attr = relation_attr(worker.nlp)
        self.labels = known_labels(worker.nlp)
        self.schema = schema_of(worker.nlp)

    async def check_token(
        self,
        given: Annotated[
            Optional[HTTPAuthorizationCredentials], Depends(HTTPBearer(auto_error=False))
        ],
    ) -> None:
        """Let nobody pass who does not know the token."""
        if self.token is None:
            return
        sent = "" if given is None else given.credentials
        if not hmac.compare_digest(sent.encode("utf8"), self.token.encode("utf8")):
            message = "send the token of this server as Authorization: Bearer TOKEN"
            raise refused(message, HTTPStatus.UNAUTHORIZED, WWW_Authenticate="Bearer")

    def job(self, finish: Callable[[Doc], str], text: Text, *, is_slow: bool = False) -> Job:
        """A job for the pipeline."""
        return Job(*text, finish, asyncio.get_running_loop().create_future(), is_slow)

    async def answer(self, request: Request, jobs: List[Job]) -> List[Answer]:
        """Let the pipeline work, as long as the client waits and there is time."""
        try:
            self.worker.submit(jobs)
        except QueueFull:
            raise refused(
                "the server is busy: try again later",
                HTTPStatus.SERVICE_UNAVAILABLE,
                Retry_After=_RETRY,
            ) from None
        answers = asyncio.ensure_future(_all(jobs))
        gone = asyncio.ensure_future(request.receive())  # after the body comes the end
        waited: List[asyncio.Future[Any]] = [answers, gone]
        try:
            await asyncio.wait(
                waited, timeout=self.limits.timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if answers.done():
                return answers.result()
            if gone.done():
                raise ClientDisconnect
            raise refused(
                f"no answer after {self.limits.timeout:g} seconds: send fewer or shorter texts",
                HTTPStatus.GATEWAY_TIMEOUT,
            )
        finally:
            for future in [*waited, *(job.answer for job in jobs)]:
                future.cancel()

    async def answer_one(self, request: Request, job: Job) -> Response:
        """The answer of a request for one text."""
        (answer,) = await self.answer(request, [job])
        if answer.error:
            raise refused(answer.error, answer.status)
        return Response(answer.json, media_type="application/json")

    async def answer_all(self, request: Request, jobs: List[Job]) -> Response:
        """The answer of a request for several texts; of one that has failed it says why."""
        answers = await self.answer(request, jobs)
        documents = [
            answer.json or to_json(failure(job.record, answer.error))
            for job, answer in zip(jobs, answers)
        ]
        joined = '{"documents": [' + ", ".join(documents) + "]}"
        return Response(joined, media_type="application/json")


async def _all(jobs: List[Job]) -> List[Answer]:
    return [await job.answer for job in jobs]


def _open_routes(service: _Service) -> APIRouter:
    """What is there without a token, since it tells nothing."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> Response:
        """Whether texts are answered: 200, or 503 while the server stops."""
        if service.worker.is_ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "stopping"}, HTTPStatus.SERVICE_UNAVAILABLE)

    @router.get("/", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(template("service").render(has_token=service.token is not None))

    @router.get("/static/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in _FILES:
            raise refused("Not Found", HTTPStatus.NOT_FOUND)
        return Response(asset(name), media_type=_FILES[name])

    return router


def _routes(service: _Service) -> APIRouter:
    router = APIRouter(dependencies=[Depends(service.check_token)])

    @router.post("/extract", openapi_extra=_body(ExtractBody))
    async def extract(request: Request) -> Response:
        """Relations of a "text", or of several "texts", whose answers are "documents".

        Each document is a record of the package's own format; one whose text has failed has an "error".
        """
        body = await read_body(request, service.limits, ExtractBody)
        texts = body.given(service.limits)
        body.check(service.labels)
        finish = partial(relations_json, attr=service.attr, choice=body)
        jobs = [service.job(finish, text) for text in texts]
        if body.texts is None:
            return await service.answer_one(request, jobs[0])
        return await service.answer_all(request, jobs)

    @router.post("/extract/stream", openapi_extra=_lines())
    async def stream(
        request: Request,
        labels: Annotated[Optional[List[str]], Query()] = None,
        min_score: Annotated[Optional[float], Query(ge=0, le=1)] = None,
    ) -> Response:
        """Relations of any number of texts: a JSON string or an object with a "text" in each line.

        Each is answered by a line, in order, as soon as it is processed. Clients have to read while
        they send: what is not read holds up what is sent.
        """
        require_type(request, LINES)
        choice = Choice(labels=labels, min_score=min_score)
        choice.check(service.labels)
        finish = partial(relations_json, attr=service.attr, choice=choice)
        return LinesResponse(
            service.worker, lambda text, record: service.job(finish, (text, record))
        )

    @router.post("/draw", include_in_schema=False)
    async def draw(request: Request) -> Response:
        body = await read_body(request, service.limits, ExtractBody)
        (text, *others) = body.given(service.limits)
        if others:
            raise refused("texts: one text is drawn")
        body.check(service.labels)
        finish = partial(drawing_json, attr=service.attr, choice=body)
        return await service.answer_one(request, service.job(finish, text))

    @router.post("/explain", openapi_extra=_body(ExplainBody))
    async def explain(request: Request) -> Response:
        """Why a relation is found: see the command `rel explain`, whose JSON this is."""
        body = await read_body(request, service.limits, ExplainBody)
        body.check(service.limits)

        def finish(doc: Doc) -> str:
            nlp = service.worker.nlp
            return explanation_json(nlp, doc, body.relation, body.methods, body.page)

        return await service.answer_one(request, service.job(finish, (body.text, {}), is_slow=True))

    @router.get("/schema")
    async def schema() -> Response:
        """Relation types, as schema files have them, and entity types."""
        return JSONResponse(service.schema)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Counts of requests and texts, for Prometheus."""
        return Response(service.worker.metrics.to_text(), headers={"Content-Type": CONTENT_TYPE})

    return router


def _body(model: type[BaseModel]) -> Dict[str, Any]:
    """The description of a body that is read by :func:`read_body`."""
    schema = model.model_json_schema(ref_template="#/{model}")
    for name, part in schema.pop("$defs", {}).items():
        schema["properties"] = {
            key: part if value.get("$ref") == f"#/{name}" else value
            for key, value in schema["properties"].items()
        }
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}}


def _lines() -> Dict[str, Any]:
    schema = {"type": "string", "description": 'lines of JSON: strings, or objects with a "text"'}
    return {"requestBody": {"content": {LINES[0]: {"schema": schema}}, "required": True}}


async def _tell(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _hide(request, error)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _tell_problem(request: Request, error: Exception) -> Response:
    problem = first_problem(error.errors()) if isinstance(error, RequestValidationError) else ""
    return JSONResponse({"error": problem}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _leave(request: Request, error: Exception) -> Response:
    return Response(status_code=GONE)


async def _hide(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the server has failed"}, HTTPStatus.INTERNAL_SERVER_ERROR)
