"""Merge synthetic relations into a graph, and export it to each format: seconds of CPU and peak memory.

    python benchmarks/graph.py --relations 1000000 --folder /tmp/graph_benchmark

Each export is a process of its own. Names of entities are as frequent as those of texts: most are rare.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from itertools import accumulate
from pathlib import Path

from rel_component.files import open_output
from rel_component.graph.exporter import ExportOptions, get_exporters
from rel_component.graph.graph import Graph
from rel_component.graph.merge import merged_files

LABELS = [
    "WORKS_FOR",
    "FOUNDED_BY",
    "LOCATED_IN",
    "PARTNER_OF",
    "OWNS",
    "MADE",
    "LED_BY",
    "PART_OF",
]
TYPES = ["PERSON", "ORG", "GPE", "PRODUCT"]
PER_DOCUMENT = 4


def write_documents(path: Path, n_relations: int, n_names: int) -> None:
    """Documents of four sentences, each of which states a relation."""
    rng = random.Random(0)
    weights = list(accumulate(1.0 / (i + 1) ** 0.8 for i in range(n_names)))
    with open_output(path) as output:
        for number in range(n_relations // PER_DOCUMENT):
            drawn = rng.choices(range(n_names), cum_weights=weights, k=2 * PER_DOCUMENT)
            text, entities, relations, sentences = "", [], [], []
            for i, (head, tail) in enumerate(zip(drawn[::2], drawn[1::2])):
                sentences.append(len(text))
                for key, name in ((2 * i, head), (2 * i + 1, tail)):
                    text += "According to the report, " if key % 2 == 0 else " has to do with "
                    written = f"Name {name}"
                    span = {"start": len(text), "end": len(text) + len(written)}
                    entities.append({"id": key, **span, "label": TYPES[name % 4]})
                    text += written
                text += ". "
                label = LABELS[rng.randrange(len(LABELS))]
                score = round(rng.random(), 3)
                relations.append({"head": 2 * i, "tail": 2 * i + 1, "label": label, "score": score})
            record = {
                **{"id": f"d{number}", "text": text, "entities": entities, "relations": relations},
                **{"sentences": sentences, "meta": {"date": f"20{number % 25:02}-05-31"}},
            }
            output.write(json.dumps(record) + "\n")


def export(path: Path, to: str, output: Path) -> None:
    """Write a graph that lies in a file, and print seconds and peak memory."""
    start = time.process_time()
    with Graph(path) as graph:
        exporter = get_exporters()[to]
        if exporter.folder:
            output.mkdir()
        exporter.write(graph, output, ExportOptions())
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """The most memory that this process has had, in MB; ru_maxrss is that of its parent too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def size_mb(path: Path) -> float:
    """The size of a file or folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relations", type=int, default=1_000_000)
    parser.add_argument("--names", type=int, default=300_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--format", action="append", help="only these; repeat")
    parser.add_argument("--export", nargs=3, metavar=("GRAPH", "FORMAT", "OUTPUT"))
    args = parser.parse_args()
    if args.export:
        export(Path(args.export[0]), args.export[1], Path(args.export[2]))
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    documents = args.folder / f"documents_{args.relations}.jsonl"
    if not documents.exists():
        write_documents(documents, args.relations, args.names)
    start = time.process_time()
    with merged_files([documents]) as graph:
        counts = graph.counts()
        print(f"{counts}\ninput {size_mb(documents):.0f} MB")
        merging = time.process_time() - start
        print(
            f"| merging | {merging:.0f} s | {peak_mb():.0f} MB | {size_mb(graph.path):.0f} MB |",
            flush=True,
        )
        for name in args.format or get_exporters():
            output = args.folder / f"graph_{name}"
            command = [sys.executable, __file__, "--folder", str(args.folder)]
            command += ["--export", str(graph.path), name, str(output)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                print(f"| {name} | failed: {done.stderr.strip().splitlines()[-1]} |")
            else:
                found = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"| {name} | {found['seconds']:.0f} s | {found['peak_mb']:.0f} MB | "
                    f"{size_mb(output):.0f} MB |",
                    flush=True,
                )
            shutil.rmtree(output, ignore_errors=True)
            output.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
