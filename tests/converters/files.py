"""Reading of test files, with the report of what happened."""

import json
from pathlib import Path

from rel_component.converters.checks import check_documents
from rel_component.converters.format import get_format
from rel_component.converters.report import Report

DATA = Path(__file__).parent / "data"


def read(path, name, on_error="stop"):
    """The valid documents of a file, by its path or its name in the test data."""
    report = Report(on_error=on_error)
    return list(check_documents(get_format(name).read(DATA / path, report), report)), report


def read_text(folder, content, name, file="data", on_error="skip"):
    """The valid documents of a file with this text, or this value as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / file).write_bytes(text.encode("utf8"))
    return read(folder / file, name, on_error)


def notes(report):
    return {message: count for message, (count, _) in report.notes.items()}
