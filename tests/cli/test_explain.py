"""``spacy rel explain``."""

from .helpers import run, run_json


def test_documents_are_explained_with_similar_training_pairs(model, data, tmp_path):
    index, page = tmp_path / "pairs.safetensors", tmp_path / "why.html"
    built = run_json("explain", model, "--build-index", data, "-o", index)
    assert built == {"pairs": 2, "output": str(index)}
    args = ("--docs", data, "--method", "occlusion", "--label", "FOUNDED_BY", "--index", index)
    explained = run_json("explain", model, *args, "--html", page)
    assert explained["relation"]["label"] == "FOUNDED_BY"
    assert "FOUNDED_BY" in page.read_text(encoding="utf8")


def test_an_index_needs_a_file(model, data):
    assert "--build-index needs --output" in run("explain", model, "--build-index", data, code=1)


def test_nothing_to_explain_is_said(model):
    assert "no relation was found" in run("explain", model, "--text", "nothing here")
