"""Many documents in one request: lines of JSON in, a line for each of them out, in their order."""

import asyncio
import logging
from contextlib import suppress
from typing import Any, AsyncIterator, Callable, List, Optional, Tuple, Union

from anyio import fail_after
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ...converters.records import Record, to_json
from ...errors import DataError
from .bodies import LINES, checked_text, parse_value
from .limits import Limits
from .worker import Answer, Job, Worker

_log = logging.getLogger(__name__)

_Line = Tuple[int, Union[Job, str]]
"""Number of a line, and its job, or what is wrong with it."""
_Lines = asyncio.Queue[Optional[_Line]]


class _Ended(Exception):
    """Why the rest of a stream is not read."""


class _Gone(Exception):
    """The client has closed the connection."""


class LinesResponse(Response):
    """Answers lines while they come in.

    No more lines are read than fit into a batch, as long as their answers have not been read: what
    a stream takes of memory does not grow with its length. Starlette's StreamingResponse listens for
    the end of the connection, and loses what is sent meanwhile.

    Args:
        worker: processes the texts.
        make_job: makes the job of a text and its record.
    """

    def __init__(self, worker: Worker, make_job: Callable[[str, Record], Job]) -> None:
        super().__init__(media_type=LINES[0])
        del self.headers["content-length"]
        self._worker, self._make_job = worker, make_job
        self._limits: Limits = worker.limits
        self._too_long = f"more than {self._limits.max_body:,} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read lines, and answer them."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        lines: _Lines = asyncio.Queue(self._limits.batch_size)
        reader = asyncio.create_task(self._read(receive, lines))
        try:
            while (line := await lines.get()) is not None:
                body = (await self._answer(*line) + "\n").encode("utf8")
                message = {"type": "http.response.body", "body": body, "more_body": True}
                with fail_after(self._limits.timeout):
                    await send(message)
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            pass  # nobody reads: the server closes the connection of an answer without an end
        finally:
            reader.cancel()
            _cancel(lines)

    async def _answer(self, number: int, line: Union[Job, str]) -> str:
        if isinstance(line, str):
            return to_json({"line": number, "error": line})
        try:
            answer = await asyncio.wait_for(line.answer, self._limits.timeout)
        except asyncio.TimeoutError:
            answer = Answer(error=f"no answer after {self._limits.timeout:g} seconds")
        return answer.json or to_json({"line": number, **failure(line.record, answer.error)})

    async def _read(self, receive: Receive, lines: _Lines) -> None:
        """Let the lines of a request wait for the pipeline, each as soon as there is room for it."""
        number = 0
        try:
            async for encoded in self._split(receive):
                number += 1
                if encoded.strip():
                    line = self._read_line(encoded)
                    if isinstance(line, Job):
                        await self._worker.submit_in_turn(line)
                    await lines.put((number, line))
        except _Ended as end:
            await lines.put((number + 1, f"{end}; this line and those after it are not read"))
        except _Gone:
            _cancel(lines)
        except Exception:
            _log.exception("reading of a stream failed")
            await lines.put((number + 1, "the server could not read on"))
        await lines.put(None)

    def _read_line(self, encoded: bytes) -> Union[Job, str]:
        if len(encoded) > self._limits.max_body:
            return self._too_long
        try:
            value = parse_value(encoded)
            if not isinstance(value, (str, dict)):
                return "expected a text, or an object with a text"
            return self._make_job(*checked_text(value, self._limits, "text"))
        except DataError as err:
            return str(err)
        except HTTPException as err:
            return err.detail

    async def _split(self, receive: Receive) -> AsyncIterator[bytes]:
        begun, has_more = bytearray(), True
        while has_more:
            message = await self._next(receive)
            has_more = message.get("more_body", False)
            begun_here, *others = message.get("body", b"").split(b"\n")
            begun += begun_here
            for other in others:
                yield bytes(begun)
                begun = bytearray(other)
            if len(begun) > self._limits.max_body:
                raise _Ended(self._too_long)
        yield bytes(begun)

    async def _next(self, receive: Receive) -> Message:
        """The next part of a request, unless it takes too long, or the server stops."""
        coming = asyncio.ensure_future(receive())
        stopping = asyncio.ensure_future(self._worker.stopping.wait())
        waited: List[asyncio.Future[Any]] = [coming, stopping]
        try:
            await asyncio.wait(
                waited, timeout=self._limits.timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if not coming.done():
                is_stop = stopping.done()
                raise _Ended(
                    "the server stops"
                    if is_stop
                    else f"nothing in {self._limits.timeout:g} seconds"
                )
            if coming.result()["type"] == "http.disconnect":
                raise _Gone
            return coming.result()
        finally:
            coming.cancel()
            stopping.cancel()


def _cancel(lines: _Lines) -> None:
    """Take the jobs back that wait for the pipeline."""
    with suppress(asyncio.QueueEmpty):
        while True:
            line = lines.get_nowait()
            if line is not None and isinstance(line[1], Job):
                line[1].answer.cancel()


def failure(record: Record, error: str) -> Record:
    """What stands in the place of a text that has failed."""
    return {**({"id": record["id"]} if "id" in record else {}), "error": error}
