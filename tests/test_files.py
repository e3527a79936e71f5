"""Output files are complete or absent."""

import os

import pytest

from rel_component.errors import DataError
from rel_component.files import complete_file, open_output


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
    for path in (tmp_path, tmp_path / "file" / "below.txt"):
        with pytest.raises(DataError, match="cannot be written"), open_output(path):
            pass


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
