"""What a server of ``spacy rel serve`` makes of many clients, beside ``nlp.pipe`` on the same texts.

    python benchmarks/serve.py DOCS.jsonl [--pipeline FOLDER] [--requests 10000] [--clients 100]

Without ``--pipeline`` it is a small one, made from the documents: an entity ruler and a relation
extractor without an encoder, and the texts are their sentences. The clients are one process, the server
another one, with one thread for the pipeline; ``nlp.pipe`` runs here, while the server has nothing to
do.

1. Throughput: every client asks for one text at a time. In each repetition server and ``nlp.pipe``
   (with the same batch size, its records made as JSON) take turns over the same texts. The ratio
   of the CPU time of both processes is given beside that of wall-clock time, because other processes
   disturb the latter; the CPU time of the clients is theirs.
2. Mixture: one request in ten is bad in one of several ways, or leaves before the answer. Each answer
   is compared with that of ``nlp.pipe``, or with the status that it has to have.
3. SIGTERM under load: what the clients have got is compared with what the server says that it has
   answered.

Parts are left out with ``--repeats 0`` or ``--requests 0``. Prints Markdown and writes JSON. Linux.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple
from urllib.request import urlopen

import spacy
from spacy.language import Language

from rel_component import extract
from rel_component.converters.convert import convert
from rel_component.converters.records import to_json
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.threads import set_torch_threads

COUNT = "rel_requests_total{"
HUGE = 50_000_000  # bytes
TYPE = "Content-Type: application/json\r\n"


class Query(NamedTuple):
    """A request: its kind, its bytes, the status that it has to have, and the document asked for."""

    kind: str
    data: bytes
    status: int
    document: Optional[int] = None


def small_pipeline(path: Path, folder: Path) -> Language:
    """A pipeline that knows the entities of some documents, and is trained for a moment."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    nlp.add_pipe("relation_extractor")
    convert(path, folder / "train.spacy")
    examples = list(make_relation_corpus(folder / "train.spacy")(nlp))[:100]
    optimizer = nlp.initialize(lambda: examples)
    ents = {(ent.label_, ent.text) for eg in examples for ent in eg.reference.ents}
    ruler.add_patterns([{"label": label, "pattern": text} for label, text in sorted(ents)])
    for _ in range(5):
        nlp.update(examples, sgd=optimizer)
    return nlp


class Server:
    """A server in a process of its own."""

    def __init__(self, pipeline: str) -> None:
        command = [sys.executable, "-m", "spacy", "rel", "serve", pipeline, "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        found = None
        while found is None:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        self.port = int(found[1])

    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def peak(self) -> float:
        """The most memory that it has had, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def n_requests(self) -> int:
        """How many requests have ended, with this one."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return 1 + sum(round(float(line.split()[-1])) for line in lines if line.startswith(COUNT))

    def stop(self) -> int:
        """Send SIGTERM; how many requests it says that it has answered."""
        self.process.send_signal(signal.SIGTERM)
        output = self.process.stdout.read()
        assert self.process.wait() == 0
        return int(re.search(r"closed after (\d+) requests", output)[1])


def post(body: bytes, path: str = "/extract", head: str = TYPE) -> bytes:
    """The bytes of a request."""
    start = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n"
    return start.encode() + body


def good(i: int, text: str) -> Query:
    """A request for one text."""
    return Query("good", post(to_json({"text": text, "id": i}).encode()), 200, i)


def bad_queries() -> List[Query]:
    """Requests that are bad in ways of their own."""
    deep = b'{"meta": ' * 500 + b"1" + b"}" * 500
    return [
        Query("not JSON", post(b'{"text": "a'), 400),
        Query("not UTF-8", post(b'{"text": "\xff"}'), 400),
        Query("too deep", post(deep), 400),
        Query("wrong types", post(b'{"text": 5}'), 422),
        Query("wrong types", post(b'{"texts": ["a", null], "min_score": "x"}'), 422),
        Query("too many texts", post(json.dumps({"texts": ["a"] * 1000}).encode()), 422),
        Query("too long", post(json.dumps({"text": "a" * 200_000}).encode()), 422),
        Query("other type", post(b'{"text": "a"}', head="Content-Type: text/plain\r\n"), 415),
        Query("no such address", post(b"{}", "/none"), 404),
        Query("left", post(b'{"text": "Nobody waits for this."}'), 0),
        Query("left in the middle", post(b'{"text": "Nobody waits for this."}')[:-9], 0),
    ]


class Results:
    """What clients have got."""

    def __init__(self) -> None:
        self.seconds: List[float] = []
        self.counts: Counter[str] = Counter()
        self.wrong: List[str] = []


async def ask(reader: Any, writer: Any, data: bytes) -> Tuple[int, bytes, bool]:
    """Status and body of an answer, and whether the connection ends with it."""
    writer.write(data)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(re.search(rb"content-length: (\d+)", head)[1])
    body = await reader.readexactly(length)
    return int(head.split()[1]), body, b"connection: close" in head


async def client(port: int, queries: Iterator[Query], results: Results, expected: Any) -> None:
    """Send requests one after the other, and compare the answers."""
    streams: Any = None
    for query in queries:
        if streams is None:
            streams = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        reader, writer = streams
        if not query.status:
            writer.write(query.data)
            await writer.drain()
            writer.close()
            results.counts[query.kind] += 1
            streams = None
            continue
        started = time.perf_counter()
        status, body, is_end = await ask(reader, writer, query.data)
        results.counts[query.kind] += 1
        if query.kind == "good":
            results.seconds.append(time.perf_counter() - started)
        if status != query.status or (expected and not fits(body, query, expected)):
            results.wrong.append(f"{query.kind}: {status} {body[:200]!r}")
        if is_end:
            writer.close()
            streams = None
    if streams is not None:
        streams[1].close()


def fits(body: bytes, query: Query, expected: Any) -> bool:
    """Whether an answer is what it has to be."""
    value = json.loads(body, parse_float=lambda digits: round(float(digits), 4))
    return "error" in value if query.document is None else value == expected[query.document]


def load(port: int, queries: List[Query], n_clients: int, expected: Any = None) -> Results:
    """Send requests from many clients at once."""
    results = Results()

    async def run() -> None:
        shared = iter(queries)
        await asyncio.gather(*(client(port, shared, results, expected) for _ in range(n_clients)))

    asyncio.run(run())
    return results


def pipe(nlp: Language, texts: List[str]) -> List[str]:
    """The records of texts as JSON, without a server."""
    return [
        to_json(record) for record in extract(nlp, [(t, {"id": i}) for i, t in enumerate(texts)])
    ]


def in_turn(server: Server, nlp: Language, texts: List[str], args: Any) -> List[Dict[str, float]]:
    """Seconds of the server and of nlp.pipe on the same texts, in turn."""
    queries = [good(i, text) for i, text in enumerate(texts)]
    load(server.port, queries[:200], args.clients)
    pipe(nlp, texts[:200])
    rows = []
    for _ in range(args.repeats):
        cpu, wall = server.cpu(), time.perf_counter()
        results = load(server.port, queries, args.clients)
        assert not results.wrong, results.wrong[:3]
        row = {"server": time.perf_counter() - wall, "server_cpu": server.cpu() - cpu}
        cpu, wall = time.process_time(), time.perf_counter()
        pipe(nlp, texts)
        row.update(pipe=time.perf_counter() - wall, pipe_cpu=time.process_time() - cpu)
        rows.append(row)
    return rows


def mixture(server: Server, nlp: Language, texts: List[str], args: Any) -> Results:
    """Good requests with bad ones among them."""
    draw = random.Random(0)
    bad = bad_queries()
    queries = [
        draw.choice(bad) if draw.random() < 0.1 else good(i % len(texts), texts[i % len(texts)])
        for i in range(args.requests)
    ]
    huge = post(b" " * HUGE)
    for i in range(args.huge):  # among them, one after the other
        queries[(i + 1) * len(queries) // (args.huge + 1)] = Query("50 MB", huge, 413)
    expected = [
        json.loads(line, parse_float=lambda digits: round(float(digits), 4))
        for line in pipe(nlp, texts)
    ]
    return load(server.port, queries, args.clients, expected)


def ended(server: Server, texts: List[str], args: Any) -> Dict[str, int]:
    """Send SIGTERM while clients ask, and count what has become of their requests."""
    counts: Counter[str] = Counter()
    before = server.n_requests()

    async def until_closed() -> None:
        for i in itertools.count():
            answered = False
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            except OSError:
                counts["not accepted"] += 1
                return
            try:
                while True:
                    answered = False
                    data = good(i, texts[i % len(texts)]).data
                    writer.write(data)
                    first = await reader.readexactly(1)
                    answered = True
                    head = first + await reader.readuntil(b"\r\n\r\n")
                    length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
                    await reader.readexactly(length)
                    assert b" 200 " in head
                    counts["answered"] += 1
            except (asyncio.IncompleteReadError, OSError):
                counts["cut"] += answered
                counts["sent to a closed connection"] += not answered
            finally:
                writer.close()

    async def run() -> Tuple[int, None]:
        loop = asyncio.get_running_loop()
        clients = asyncio.gather(*(until_closed() for _ in range(args.clients)))
        await asyncio.sleep(args.seconds)
        said = await loop.run_in_executor(None, server.stop)
        await clients
        return said

    said = asyncio.run(run())
    return {**counts, "answered, as the server says": said - before}


def parse_args() -> Any:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("docs", type=Path)
    parser.add_argument("--pipeline")
    parser.add_argument("--texts", type=int, default=1000, help="texts for the throughput")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--huge", type=int, default=20, help="requests of 50 MB")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load before SIGTERM")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def main() -> None:
    """Measure, and print."""
    args = parse_args()
    set_torch_threads(1)
    with args.docs.open(encoding="utf8") as lines:
        known = [json.loads(line)["text"] for line in lines]
    measured: Dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        if args.pipeline is None:
            nlp = small_pipeline(args.docs, Path(folder))
            nlp.to_disk(Path(folder) / "small")
            split = spacy.blank("en")
            split.add_pipe("sentencizer")
            known = [sent.text for doc in split.pipe(known) for sent in doc.sents]
        else:
            nlp = spacy.load(args.pipeline)
        texts = list(itertools.islice(itertools.cycle(known), args.texts))
        server = Server(args.pipeline or str(Path(folder) / "small"))
        try:
            if args.repeats:
                measured["throughput"] = in_turn(server, nlp, texts, args)
                print_throughput(measured["throughput"], len(texts))
            if args.requests:
                cpu, wall = server.cpu(), time.perf_counter()
                results = mixture(server, nlp, known, args)
                wall, cpu = time.perf_counter() - wall, server.cpu() - cpu
                measured["mixture"] = print_mixture(results, wall, cpu)
            print(f"peak memory of the server: {server.peak():.0f} MB", flush=True)
            measured["term"] = ended(server, known, args)
            print("SIGTERM:", measured["term"])
        finally:
            server.process.kill()
            server.process.wait()
    if args.output is not None:
        args.output.write_text(json.dumps(measured, indent=2))


def print_throughput(rows: List[Dict[str, float]], n_texts: int) -> None:
    """Print texts a second, and the ratios."""
    total = {key: sum(row[key] for row in rows) / (len(rows) * n_texts) for key in rows[0]}
    print("| | texts/s | texts/CPU s |\n|---|---|---|")
    for name in ("server", "pipe"):
        print(f"| {name} | {1 / total[name]:.0f} | {1 / total[name + '_cpu']:.0f} |")
    wall, cpu = total["pipe"] / total["server"], total["pipe_cpu"] / total["server_cpu"]
    print(f"| ratio | {wall:.2f} | {cpu:.2f} |\n", flush=True)


def print_mixture(results: Results, wall: float, cpu: float) -> Dict[str, Any]:
    """Print what has become of requests, and the time of the good ones."""
    seconds = sorted(results.seconds)
    p50, p99 = (1000 * seconds[int(share * len(seconds))] for share in (0.5, 0.99))
    n_done = sum(results.counts.values())
    print(f"{n_done} requests in {wall:.1f} s, {cpu:.1f} s CPU of the server")
    print(f"wrong: {len(results.wrong)}; p50 {p50:.0f} ms, p99 {p99:.0f} ms of good ones")
    print(dict(results.counts), *results.wrong[:5], sep="\n", flush=True)
    return {"p50": p50, "p99": p99, "counts": results.counts, "wrong": results.wrong}


if __name__ == "__main__":
    main()
