"""What reaches the terminal, and how commands end."""

import errno
import logging
import os
import signal
import subprocess
import sys
import time
import warnings

import pytest
import srsly
import typer
from typer.testing import CliRunner

from rel_component.cli.messages import (
    check_outputs,
    clear_errors,
    msg,
    print_table,
    print_yaml,
    printable,
)
from rel_component.errors import ConfigError, DataError
from rel_component.files import complete_file

from .helpers import run

EVIL = "a\x1b]0;x\x07\r\n\t\x7f\x9b\u202e\ud800b"
SAFE = r"a\x1b]0;x\x07\r\n\t\x7f\x9b\u202e\ud800b"


def test_no_character_controls_the_terminal(capsys):
    assert printable(EVIL) == SAFE
    assert printable("Ärger 日本 א\u200f 😱 C:\\new") == "Ärger 日本 א\u200f 😱 C:\\new"
    for show in (
        msg.good,
        msg.info,
        msg.warn,
        msg.fail,
        msg.divider,
        lambda text: msg.info("", text),
    ):
        show(EVIL)
        assert SAFE in "".join(capsys.readouterr().out.split("\n"))
    print_table([[EVIL, "1"]], header=["", EVIL])
    assert capsys.readouterr().out.count(SAFE) == 2


def ends(error):
    """Exit code and output of a command that raises an error."""

    @clear_errors()
    def command():
        raise error

    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DataError(EVIL), 1, "DataError: a"),
        (ConfigError("a\n b"), 1, "ConfigError: a b"),
        (OSError(errno.ENOSPC, "No space"), 1, "OSError: [Errno 28] No space"),
        (ValueError("[E088] Text of length"), 1, "ValueError: [E088] Text of length"),
        (MemoryError("no room"), 1, "MemoryError: no room"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (typer.Exit(3), 3, ""),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
    ],
)
def test_commands_end_with_a_line(error, code, line):
    exit_code, output = ends(error)
    assert exit_code == code
    assert output.startswith(line)
    assert output.count("\n") == bool(line)
    assert "\x1b" not in output


def test_an_interrupt_in_a_destructor_counts():
    """Python only prints it, with a traceback, and goes on."""

    class Interrupted:
        def __del__(self):
            raise KeyboardInterrupt

    @clear_errors()
    def command(n_steps: int):
        Interrupted()
        for _ in range(n_steps):
            time.sleep(0.01)

    app = typer.Typer()
    app.command()(command)
    # a shell that starts the tests in the background has them ignore interrupts
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for n_steps in ("0", "1000"):
            result = CliRunner().invoke(app, [n_steps])
            assert (result.exit_code, result.output) == (130, "Interrupted\n")
    finally:
        signal.signal(signal.SIGINT, handler)


def test_sigterm_leaves_nothing_behind(tmp_path):
    @clear_errors()
    def command():
        with complete_file(tmp_path / "out") as part:
            part.touch()
            signal.raise_signal(signal.SIGTERM)

    app = typer.Typer()
    app.command()(command)
    assert CliRunner().invoke(app, []).exit_code == 143
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_warnings_are_lines_without_controls(caplog):
    with clear_errors():
        shown = warnings.formatwarning(UserWarning(EVIL), UserWarning, "file.py", 1)
        logging.getLogger("any").warning("100%% of %s", EVIL)
    assert shown == f"UserWarning: {SAFE}\n"
    assert caplog.messages == [f"100% of {SAFE}"]


def test_yaml_stays_what_it_says(capsys):
    for value in ({"label": "Ärger"}, {"label": EVIL}, {"a\u202eb": ["\x7f"]}):
        print_yaml(value)
        text = capsys.readouterr().out
        assert srsly.yaml_loads(text) == value
        assert printable(text.replace("\n", "")) == text.replace("\n", "")
    print_yaml({"label": "Ärger"})
    assert capsys.readouterr().out == "label: Ärger\n"


def test_messages_are_bounded():
    assert len(ends(DataError("x" * 100_000))[1]) < 3000


def test_mistakes_of_the_program_keep_their_traceback():
    with pytest.raises(ZeroDivisionError), clear_errors():
        raise ZeroDivisionError
    with pytest.raises(RuntimeError, match="EOFError: cut short"), clear_errors():
        raise EOFError("cut short")  # for which Click has another use


def test_outputs_are_looked_at_before_the_work(tmp_path):
    check_outputs(None, tmp_path / "new" / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.rglob("*")] == ["new"]
    with pytest.raises(ConfigError, match="two outputs"):
        check_outputs(tmp_path / "a", tmp_path / "new" / ".." / "a")
    with pytest.raises(DataError, match="it is a folder"):
        check_outputs(tmp_path / "a", tmp_path)


def test_outputs_take_the_place_of_no_input(tmp_path):
    texts, link = tmp_path / "texts.txt", tmp_path / "link.txt"
    texts.write_text("Acme\n", encoding="utf8")
    link.symlink_to(texts)
    for command in (
        ["select", "en_core_web_sm", texts, link],
        ["convert", texts, tmp_path / "." / "texts.txt"],
        ["evaluate", "en_core_web_sm", texts, "--html", texts],
    ):
        assert "take the place of the documents" in run(*command, code=1)
    assert texts.read_text(encoding="utf8") == "Acme\n"
    check_outputs(tmp_path / "new", inputs=[tmp_path / "new", None])


def test_a_split_does_not_take_the_place_of_its_corpus(data):
    content = data.read_bytes()
    assert "take the place of" in run(
        "split", data, data.parent, "--share", "one=0.5", "--share", "b=0.5", code=1
    )
    assert data.read_bytes() == content


PRINTS = """
import typer
from rel_component.cli.messages import clear_errors
app = typer.Typer()
app.command()(clear_errors()(lambda: print("text")))
app()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stdout", "code", "line"),
    [
        ("pipe", 141, ""),
        ("/dev/full", 1, "No space left on device"),
        ("closed", 1, "standard output is closed"),
    ],
)
def test_output_that_nobody_takes(stdout, code, line):
    """In a process of its own, where Python flushes once more when it ends."""
    if stdout == "pipe":
        reader, target = os.pipe()
        os.close(reader)
    else:
        target = os.open(os.devnull if stdout == "closed" else stdout, os.O_WRONLY)
    command = [sys.executable, "-c", PRINTS]
    if stdout == "closed":
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = subprocess.run(command, stdout=target, stderr=subprocess.PIPE, text=True)
    os.close(target)
    assert done.returncode == code, done.stderr
    assert (line in done.stderr, done.stderr.count("\n")) == (True, bool(line))
