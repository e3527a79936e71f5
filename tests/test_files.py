"""Output files are complete or absent."""

import errno
import os
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from rel_component.errors import ConfigError, DataError
from rel_component.files import (
    check_output,
    complete_file,
    complete_files,
    complete_folder,
    files_below,
    open_output,
)
from rel_component.spacy_files import read_docs


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "out.txt"
    with open_output(path) as output:
        output.write("all of it\n")
        assert not path.exists()
    assert path.read_text(encoding="utf8") == "all of it\n"
    assert list(path.parent.iterdir()) == [path]


def test_after_an_error_the_old_file_is_as_it_was(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old", encoding="utf8")

    def records():
        yield "new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_output(path) as output:
        output.writelines(records())
    assert path.read_text(encoding="utf8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "out.json"
    other = tmp_path / "out.json.part"
    other.write_text("of somebody else", encoding="utf8")
    with open_output(path) as first:
        first.write("first")
        with open_output(path) as second:
            second.write("second")
        assert path.read_text(encoding="utf8") == "second"
    assert path.read_text(encoding="utf8") == "first"
    assert other.read_text(encoding="utf8") == "of somebody else"
    assert sorted(tmp_path.iterdir()) == [path, other]


def test_what_cannot_be_written_is_an_error_of_the_data(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "below.txt", tmp_path / ("x" * 256)):
        with pytest.raises(DataError, match="cannot be written"), open_output(path):
            pytest.fail("the work begins")
        with pytest.raises(DataError, match="cannot be written"):
            check_output(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("use", [complete_file, complete_folder, complete_files])
def test_a_full_disk_is_an_error_of_the_data(tmp_path, use, number):
    def write():
        with use(tmp_path / "out") as part:
            Path(part, "file" if part.is_dir() else "").touch()
            raise OSError(number, "no room")

    with pytest.raises(DataError, match="out: cannot be written"):
        write()
    assert [path for path in tmp_path.rglob("*") if path.name != "out"] == []


def test_errors_name_the_output_and_no_temporary_file(tmp_path):
    def write_into(use):
        with use(tmp_path / "out") as folder, open_output(folder / "file"):
            raise OSError(errno.ENOSPC, "no room")

    for use in (complete_folder, complete_files):
        with pytest.raises(DataError, match=r"out: cannot be written: no room"):
            write_into(use)
    with pytest.raises(DataError) as found, complete_file(tmp_path / "out") as part:
        raise DataError("no room", place=str(part))
    assert found.value.place == str(tmp_path / "out")


def test_names_may_be_as_long_as_the_system_takes(tmp_path):
    with open_output(tmp_path / ("ä" * 127)) as output:
        output.write("text")
    assert [path.name for path in tmp_path.iterdir()] == ["ä" * 127]


def test_a_folder_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "out"
    for _ in range(2):
        with complete_folder(path) as folder:
            (folder / "one").touch()
            assert files_below(tmp_path, "one") == []  # it may be killed here
        assert [file.name for file in path.iterdir()] == ["one"]
        (path / "one").unlink()
    (path / "another").touch()
    for taken in (path, path / "another"):
        with pytest.raises(ConfigError, match="name a folder of its own"), complete_folder(taken):
            pytest.fail("the work begins")


def test_of_two_that_write_one_folder_the_first_stays(tmp_path):
    first = complete_folder(tmp_path / "out")
    first.__enter__()
    with complete_folder(tmp_path / "out") as folder:
        (folder / "other").touch()
    with pytest.raises(DataError, match="cannot be written"):
        first.__exit__(None, None, None)
    assert [file.name for file in files_below(tmp_path, "")] == ["other"]


def test_files_appear_together(tmp_path):
    (tmp_path / "old").touch()
    with complete_files(tmp_path) as folder:
        for name in ("old", "new"):
            (folder / name).write_text("text", encoding="utf8")
        assert not (tmp_path / "new").exists()
    assert {file.name: file.read_text(encoding="utf8") for file in tmp_path.iterdir()} == {
        "old": "text",
        "new": "text",
    }


def test_new_files_never_stand_beside_old_ones(tmp_path, monkeypatch):
    for name in ("train", "dev"):
        (tmp_path / name).write_text("old", encoding="utf8")

    def rename(source, target):
        seen.append(
            {file.read_text(encoding="utf8") for file in tmp_path.iterdir() if file.is_file()}
        )
        Path(source).rename(target)

    seen = []
    monkeypatch.setattr("rel_component.files.os.replace", rename)
    with complete_files(tmp_path, last="dev") as folder:
        for name in ("train", "dev"):
            (folder / name).write_text("new", encoding="utf8")
    assert seen == [set(), {"new"}]


def test_a_file_keeps_its_mode(tmp_path):
    path = tmp_path / "out.txt"
    path.touch()
    path.chmod(0o640)
    with open_output(path) as output:
        output.write("text")
    assert path.stat().st_mode & 0o777 == 0o640


def test_errors_of_other_things_pass(tmp_path):
    with pytest.raises(ConnectionResetError), open_output(tmp_path / "out.txt"):
        raise ConnectionResetError
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.touch()
    link.symlink_to(target)
    with open_output(link) as output:
        output.write("text")
    assert link.is_symlink()
    assert target.read_text(encoding="utf8") == "text"


def test_a_device_is_written_to_directly():
    with complete_file(os.devnull) as path:
        assert str(path) == os.devnull


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b'{"text": "a"}', 'become one with "python -m spacy rel convert .*data.jsonl data.spacy"'),
        (DocBin().to_bytes()[:-3], "a damaged .spacy file, perhaps cut short"),
    ],
)
def test_files_that_hold_no_docs(tmp_path, content, message):
    (tmp_path / "data.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_docs(tmp_path / "data.jsonl", spacy.blank("en")))
