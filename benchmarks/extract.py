"""Extraction under hardship: kills, full disks, documents that hang, many workers, many documents.

    python benchmarks/extract.py kill --folder /tmp/extract       # kill -9 at 50 moments, resumed
    python benchmarks/extract.py full --folder /tmp/extract       # files that cannot grow
    python benchmarks/extract.py faults --folder /tmp/extract     # documents that hang or end a worker
    python benchmarks/extract.py workers PIPELINE --folder /tmp/extract   # 1 against 2 workers, CPU time
    python benchmarks/extract.py many --folder /tmp/extract       # a million documents, rate and memory

Without a pipeline, one of rules is used, which costs little.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import time
from pathlib import Path
from typing import Any

import spacy

from rel_component.errors import DataError
from rel_component.inference.executor import Resources
from rel_component.inference.extract_files import PARTS, extract_files
from rel_component.inference.run import Summary

ROOT = Path(__file__).parent.parent
TRAP = ROOT / "tests" / "inference" / "trap.py"
NAMES = ["Acme", "Orbit", "Nordwind Energy", "Initech", "Ada Bell", "Bo Lee"]


def texts() -> list[str]:
    """The texts of the business corpus."""
    files = sorted((ROOT / "assets").glob("business*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf8").splitlines()]
    return [json.loads(line)["text"].replace("\n", " ") for line in lines]


def write_texts(path: Path, n: int, faults: dict[int, str] | None = None) -> Path:
    """Write the texts again and again, each with a name of its own; some with a fault."""
    given = texts()
    with path.open("w", encoding="utf8") as output:
        for i in range(n):
            fault = (faults or {}).get(i, "")
            output.write(f"{given[i % len(given)]} Acme {i} bought Orbit. {fault}\n")
    return path


def rules(folder: Path) -> Path:
    """A pipeline of rules, whose component some texts make fail."""
    spacy.util.import_file("trap", TRAP)
    nlp = spacy.blank("en")
    patterns = [{"label": "ORG", "pattern": name} for name in NAMES]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.add_pipe("test_trap")
    nlp.to_disk(folder / "rules")
    return folder / "rules"


def digest(path: Path) -> str:
    return hashlib.sha256(b"".join(sorted(path.read_bytes().splitlines(True)))).hexdigest()


def start(pipeline: Path, source: Path, output: Path, options: dict[str, Any]) -> int:
    """Begin a run in a fork of this process; its number."""
    number = os.fork()
    if number == 0:
        try:
            extract_files(pipeline, source, output, **options)
        except BaseException as err:
            print(type(err).__name__, err, flush=True)
            os._exit(1)
        os._exit(0)
    return number


def n_finished(parts: Path) -> int:
    try:
        return (parts / "_manifest.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0


def kill(args: argparse.Namespace) -> None:
    source, pipeline = write_texts(args.folder / "in.txt", args.documents), args.pipeline
    options = {"code": TRAP, "shard_size": 100, "executor": args.executor}
    options["resources"] = Resources(2 if args.executor == "process" else 1)
    whole, output = args.folder / "whole.jsonl", args.folder / "killed.jsonl"
    os.waitpid(start(pipeline, source, whole, options), 0)  # forks of this process begin as it was
    rng, parts = random.Random(args.seed), output.with_name(output.name + PARTS)
    kills, moments = 0, []
    share = args.documents / 100 / args.kills  # shards between two kills
    while True:
        begin = n_finished(parts)
        number = start(pipeline, source, output, {**options, "resume": True})
        if kills < args.kills:
            goal, done = begin + rng.uniform(0, 1.6 * share), (0, 0)
            while n_finished(parts) < goal and not done[0]:
                done = os.waitpid(number, os.WNOHANG)
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.1))
            if not done[0]:
                os.kill(number, signal.SIGKILL)
                kills += 1
                moments.append(n_finished(parts))
                os.waitpid(number, 0)
                continue
        else:
            done = os.waitpid(number, 0)
        print(f"{kills} kills, after shards {moments}")
        if done[1] == 0:
            break
    same = whole.read_bytes() == output.read_bytes()
    print(f"byte for byte equal: {same}; sorted: {digest(whole) == digest(output)}")
    print(
        f"{len(output.read_bytes().splitlines())} documents; left: {sorted(os.listdir(args.folder))}"
    )


def full(args: argparse.Namespace) -> None:
    source = write_texts(args.folder / "in.txt", args.documents)
    whole, output = args.folder / "whole.jsonl", args.folder / "full.jsonl"
    options: dict[str, Any] = {"code": TRAP, "shard_size": 500}
    extract_files(args.pipeline, source, whole, **options)
    size = whole.stat().st_size
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for share in (0.02, 0.5):  # too small for a shard, and for the joined file
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size * share), hard))
        try:
            extract_files(args.pipeline, source, output, resume=True, **options)
        except DataError as err:
            print(f"limit {share:.0%} of the output: {err}; output there: {output.exists()}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    extract_files(args.pipeline, source, output, resume=True, **options)
    print(f"byte for byte equal: {whole.read_bytes() == output.read_bytes()}")


def faults(args: argparse.Namespace) -> None:
    given = dict(zip(range(50, args.documents, 997), ("HANG", "EXIT", "RAISE") * 9))
    source = write_texts(args.folder / "in.txt", args.documents, given)
    output = args.folder / "faults.jsonl"
    started = time.perf_counter()
    summary = extract_files(
        args.pipeline, source, output, code=TRAP, timeout=5, resources=Resources(2), shard_size=500
    )
    print(f"{summary.documents} documents, {summary.failures} failures, {len(given)} faults,")
    print(f"{time.perf_counter() - started:.0f} s")
    for failure in summary.first_failures[:6]:
        print(f"  {failure.place}: {failure.reason}")


def workers(args: argparse.Namespace) -> None:
    source = write_texts(args.folder / "in.txt", args.documents)
    results = {}
    for n in (1, 2):
        driver = time.process_time()
        summary = extract_files(
            args.pipeline,
            source,
            args.folder / f"workers{n}.jsonl",
            executor="process",
            resources=Resources(n),
            shard_size=args.shard_size,
            code=TRAP,
        )
        results[n] = summary.cpu
        print(
            f"{n} workers: {summary.documents} documents, {summary.cpu:.1f} s of CPU in pipelines, "
            f"{time.process_time() - driver:.2f} s in the driver, {summary.seconds:.0f} s, "
            f"{summary.memory / 1e6:.0f} MB a worker"
        )
    same = [(args.folder / f"workers{n}.jsonl").read_bytes() for n in (1, 2)]
    print(f"efficiency by CPU time {results[1] / results[2]:.3f}; equal: {same[0] == same[1]}")


def many(args: argparse.Namespace) -> None:
    source = args.folder / "in.txt"
    with source.open("w", encoding="utf8") as output:  # short, so that the pipeline is not all
        for i in range(args.documents):
            output.write(f"Acme bought Orbit {i}.\n" if i % 10 == 0 else f"Text {i} says little.\n")
    step = args.documents / 10
    last = [0, time.perf_counter(), time.process_time(), 0.0]

    def show(summary: Summary) -> None:
        if summary.documents - last[0] >= step:
            now, cpu = time.perf_counter(), time.process_time()
            n = summary.documents - last[0]
            used = summary.cpu - last[3]
            driver = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{summary.documents:9} documents: {n / (now - last[1]):6.0f} a second, "
                f"{n / used:6.0f} a second of CPU in pipelines, {1e6 * (cpu - last[2]) / n:5.1f} us of "
                f"the driver each; {summary.memory / 1e6:.0f} MB a worker, {driver:.0f} MB the driver",
                flush=True,
            )
            last[:] = [summary.documents, now, cpu, summary.cpu]

    summary = extract_files(
        args.pipeline,
        source,
        args.folder / "many.jsonl",
        executor="process",
        resources=Resources(args.workers),
        shard_size=args.shard_size,
        code=TRAP,
        progress=show,
    )
    print(f"{summary.documents} documents, {summary.relations} relations, {summary.seconds:.0f} s")


COMMANDS = {"kill": kill, "full": full, "faults": faults, "workers": workers, "many": many}
DOCUMENTS = {"kill": 20_000, "full": 20_000, "faults": 5_000, "workers": 2_000, "many": 1_000_000}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("pipeline", nargs="?", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--documents", type=int)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--executor", default="process")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shard-size", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    given.documents = given.documents or DOCUMENTS[given.command]
    given.pipeline = given.pipeline or rules(given.folder)
    COMMANDS[given.command](given)
