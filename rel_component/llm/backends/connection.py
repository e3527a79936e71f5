"""A connection to an endpoint, with limits of the time and the size of whole responses."""

import asyncio
import concurrent.futures
import threading
from typing import Any, AsyncIterable, Coroutine, TypeVar

from ...errors import ConfigError
from ...packages import import_package

_MAX_ERROR_BODY = 64_000  # bytes that are read of the body of an error
_GRACE = 5.0  # seconds to cancel a request that is out of time

ResultT = TypeVar("ResultT")


class Connection:
    """A client of the SDK for OpenAI's API, and the thread with the event loop that it runs in.

    Libraries limit the time of single reads only: a response that comes in byte by byte never ends. A
    task of an event loop can be ended wherever it waits, and its connection is closed.

    Redirects are not followed: the request, with the text of the document, would go to another address.

    Args:
        kind: name of the class of the client, such as ``AsyncOpenAI``.
        trust_env: whether the environment may name a proxy.
        options: further arguments of the client.

    Raises:
        ConfigError: if the SDK is not installed, or the environment names no valid proxy or
            certificates.
    """

    def __init__(self, kind: str, *, trust_env: bool = True, **options: Any) -> None:
        openai = import_package("openai", "llm")
        try:
            http_client = openai.DefaultAsyncHttpxClient(
                trust_env=trust_env,
                follow_redirects=False,
                event_hooks={"response": [_raise_for_status]},
            )
        except (OSError, ValueError) as err:
            raise ConfigError(
                f"Connections cannot be made: {err}. Check the environment variables SSL_CERT_FILE, "
                "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY."
            ) from err
        # The client of this package makes further attempts: budget and rate limits count them.
        self.client = getattr(openai, kind)(http_client=http_client, max_retries=0, **options)
        self._loop = asyncio.new_event_loop()
        threading.Thread(
            target=_serve, args=(self._loop, self.client), name="rel_endpoint", daemon=True
        ).start()

    def call(self, work: Coroutine[Any, Any, ResultT], timeout: float) -> ResultT:
        """Return what a coroutine of the client returns.

        Raises:
            TimeoutError: if it takes longer than `timeout`. (seconds)
        """
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, timeout), self._loop)
        try:
            return future.result(timeout + _GRACE)
        except (asyncio.TimeoutError, concurrent.futures.TimeoutError):  # one class from 3.11 on
            raise TimeoutError from None
        finally:
            future.cancel()

    def close(self) -> None:
        """Close the client and end its thread, without waiting for it."""
        self._loop.call_soon_threadsafe(self._loop.stop)


async def read_body(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    """Return the unpacked body of a response, cut off behind the chunk that exceeds the limit."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


async def _raise_for_status(response: Any) -> None:
    """Read the body of an error; the SDK would read all of it."""
    if not response.is_success:
        openai = import_package("openai", "llm")
        body = await read_body(response.aiter_bytes(), _MAX_ERROR_BODY)
        raise openai.APIStatusError("", response=response, body=body)


def _serve(loop: asyncio.AbstractEventLoop, client: Any) -> None:
    loop.run_forever()
    loop.run_until_complete(client.close())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
