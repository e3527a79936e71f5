"""``spacy rel extract``."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, TextIO, Tuple

import srsly
from spacy.cli._util import Arg, Opt, setup_gpu
from spacy.tokens import Doc

from ..annotations import DEFAULT_ATTR, get_relations
from ..converters.records import get, read_lines, read_records
from ..converters.report import Report
from ..errors import DataError
from ..pipelines import load_pipeline, relation_attr
from .messages import clear_errors, progress

Source = Tuple[str, Dict[str, Any]]


def extract_cli(
    model: str = Arg(..., help="Name or path of a pipeline, or a config of one"),
    input_path: Optional[Path] = Arg(
        None, help="Text file, one document a line, or .jsonl with a text in each; - for stdin"
    ),
    text: Optional[str] = Opt(None, "--text", "-t", help="A text to read instead of a file"),
    output: Optional[Path] = Opt(None, "--output", "-o", help="JSONL file for the relations"),
    json: bool = Opt(False, "--json", help="Print JSONL instead of triples"),
    batch_size: int = Opt(64, "--batch-size", "-b", help="Documents per batch"),
    n_process: int = Opt(1, "--n-process", "-n", help="Processes"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU, -1 for CPU"),
) -> None:
    """Extract relations from raw text."""
    setup_gpu(gpu_id, silent=True)
    with clear_errors(), ExitStack() as stack:
        if (text is None) == (input_path is None):
            raise DataError("give a file or --text, one of them")
        sources = [(text, {})] if text is not None else read_texts(input_path or Path("-"))
        nlp = load_pipeline(model)
        if n_process > 1 and "torch" in sys.modules:
            # forked workers wait forever for the threads that PyTorch has started in their parent
            sys.modules["torch"].set_num_threads(1)
        attr = relation_attr(nlp)
        target: TextIO = sys.stdout
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            target = stack.enter_context(output.open("w", encoding="utf8"))
        results = nlp.pipe(sources, as_tuples=True, batch_size=batch_size, n_process=n_process)
        for doc, context in progress(results, unit="docs"):
            if json or output is not None:
                target.write(srsly.json_dumps(to_record(doc, context, attr)) + "\n")
            else:
                for rel in get_relations(doc, attr):
                    score = "-" if rel.score is None else f"{rel.score:.2f}"
                    target.write(f"({rel.head.text}, {rel.label}, {rel.tail.text})\t{score}\n")


def to_record(doc: Doc, record: Dict[str, Any], attr: str = DEFAULT_ATTR) -> Dict[str, Any]:
    """A document and its relations as plain data, after the fields of its input record.

    Args:
        doc: the processed document.
        record: the input.
        attr: name of the extension attribute.
    """
    return {
        **record,
        "text": doc.text,
        "entities": [
            {
                "text": ent.text,
                "label": ent.label_,
                "start_char": ent.start_char,
                "end_char": ent.end_char,
            }
            for ent in doc.ents
        ],
        "relations": get_relations(doc, attr).to_json(),
    }


def read_texts(path: Path) -> Iterator[Source]:
    """The texts of a file: the lines, or with ``.jsonl`` the ``text`` of each object.

    Args:
        path: the file; ``-`` for lines on standard input.

    Raises:
        DataError: naming file and line.
    """
    if str(path) == "-":
        for line in sys.stdin:
            if line.strip():
                yield line.rstrip("\r\n"), {}
        return
    if path.suffix == ".jsonl":
        for place, record in read_records(path, Report(on_error="stop")):
            yield get(record, "text", str, place), record
    else:
        for _, line in read_lines(path):
            yield line, {}
