"""``spacy rel serve``."""

import os
from pathlib import Path
from typing import Annotated, Optional

from typer import Option

from ..errors import ConfigError
from .messages import msg, print_json, use_device
from .options import GpuId, Json, Model, TextLang

_LONGEST_TOKEN = 4096


def serve_cli(
    model: Model,
    host: Annotated[
        str, Option(help="Address to listen to; 0.0.0.0: that of other machines too")
    ] = "127.0.0.1",
    port: Annotated[int, Option(help="Port; 0: a free one", min=0, max=65535)] = 8000,
    token_env: Annotated[
        Optional[str], Option(help="Environment variable with the token that clients have to send")
    ] = None,
    token_file: Annotated[
        Optional[Path], Option(exists=True, dir_okay=False, help="File with that token")
    ] = None,
    max_length: Annotated[
        Optional[int], Option("--max-length", min=1, help="The most characters of a text; 100,000")
    ] = None,
    max_texts: Annotated[int, Option(min=1, help="The most texts of a request")] = 256,
    max_body: Annotated[int, Option(min=1, help="The most bytes of a request")] = 2 << 20,
    max_explained: Annotated[
        int, Option(min=1, help="The most characters of a text whose relations are explained")
    ] = 2000,
    max_waiting: Annotated[int, Option(min=1, help="The most texts that wait")] = 1024,
    max_connections: Annotated[int, Option(min=1, help="The most connections at once")] = 256,
    batch_size: Annotated[int, Option(min=1, help="Documents per batch")] = 64,
    timeout: Annotated[
        float, Option(min=0.001, help="Seconds until a request has to have its answer")
    ] = 60.0,
    grace: Annotated[
        float, Option(min=0, help="Seconds for answers that are owed when the server is stopped")
    ] = 30.0,
    lang: TextLang = "auto",
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Answer requests over HTTP: /extract, /extract/stream, /explain, /schema, /health, /metrics.

    Its page, at /, draws the relations of a text. It listens to this machine alone unless --host says
    otherwise, and ends on SIGTERM or Ctrl+C with the answers that it owes.
    """
    from ..app.service.application import create_app
    from ..app.service.limits import Limits
    from ..app.service.running import LOCAL, run
    from ..pipelines import load_pipeline

    token = _read_token(token_env, token_file)
    limits = Limits(
        max_length=max_length or Limits.max_length,
        max_texts=min(max_texts, max_waiting),
        max_body=max_body,
        max_explained=max_explained,
        max_waiting=max_waiting,
        batch_size=batch_size,
        timeout=timeout,
    )
    use_device(gpu_id)
    nlp = load_pipeline(model, lang)
    nlp.max_length = max(nlp.max_length, limits.max_length)
    is_local = host in LOCAL
    app = create_app(nlp, token=token, limits=limits, hosts=LOCAL if is_local else None)

    def announce(address: str) -> None:
        if json:
            print_json({"address": address})
            print(end="", flush=True)
            return
        if token is None and not is_local:
            msg.warn("whoever reaches this address can use it: give --token-env or --token-file")
        msg.info("served until Ctrl+C or SIGTERM:")
        print(address, flush=True)  # on one line, however narrow the terminal is

    n_requests = run(
        app,
        host=host,
        port=port,
        grace=grace,
        max_connections=max_connections,
        announce=announce,
    )
    if not json:
        msg.info(f"closed after {n_requests} requests")


def _read_token(name: Optional[str], path: Optional[Path]) -> Optional[str]:
    """The token that is asked for, never from the command line, which others can see."""
    if name is not None and path is not None:
        raise ConfigError("give --token-env or --token-file, one of them")
    if name is not None:
        if not os.environ.get(name):
            raise ConfigError(f"--token-env {name}: there is no such variable, or it is empty")
        return os.environ[name]
    if path is not None:
        with path.open(encoding="utf8", errors="replace") as source:
            return source.read(_LONGEST_TOKEN).strip()
    return None
