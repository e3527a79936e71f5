"""Documents in scripts without spaces, and from right to left: offsets are kept, whatever the tokens."""

import json

import pytest
import spacy

from rel_component import convert
from rel_component.spacy_files import read_docs

from ..helpers import facts

# names, relation and text of a sentence of each language
SENTENCES = {
    "zh": ("北风能源公司", "FOUNDED_BY", "王伟", "北风能源公司由王伟于1990年在北京创立。"),
    "ja": (
        "北風エネルギー",
        "FOUNDED_BY",
        "田中太郎",
        "北風エネルギーは田中太郎が東京で設立した会社です。",
    ),
    "ar": (
        "شركة الشمال",
        "FOUNDED_BY",
        "أحمد علي",
        "أسّس أحمد علي شركة الشمال في القاهرة عام 1990.",
    ),
    "he": ("רוח צפונית בע״מ", "FOUNDED_BY", "דן כהן", "רוח צפונית בע״מ נוסדה על ידי דן כהן בחיפה."),
    "de": ("Nordwind-Werke", "FOUNDED_BY", "Jörg Groß", "Jörg Groß gründete die Nordwind-Werke."),
}


def record(lang):
    head, label, tail, text = SENTENCES[lang]
    entities = [
        {"id": name, "start": text.index(name), "end": text.index(name) + len(name), "label": "X"}
        for name in (head, tail)
    ]
    relations = [{"head": head, "tail": tail, "label": label}]
    return {"id": lang, "text": text, "entities": entities, "relations": relations}


@pytest.fixture
def sentences(tmp_path):
    """Converts a sentence of a language, with the tokens of that."""

    def converted(lang):
        if lang == "ja":
            pytest.importorskip("sudachipy")
        path = tmp_path / f"{lang}.jsonl"
        path.write_text(json.dumps(record(lang)), encoding="utf8")
        convert(path, path.with_suffix(".spacy"), lang=lang)
        return path.with_suffix(".spacy")

    return converted


@pytest.mark.parametrize("lang", SENTENCES)
def test_mentions_are_spans_of_the_tokens(sentences, lang):
    (doc,) = read_docs(sentences(lang), spacy.blank(lang))
    head, label, tail, text = SENTENCES[lang]
    assert doc.text == text
    assert facts(doc) == [(head, label, tail)]
    assert {ent.text for ent in doc.ents} == {head, tail}


@pytest.mark.parametrize("to", ["brat", "csv", "doccano", "label_studio", "xmi", "webanno"])
@pytest.mark.parametrize("lang", ["zh", "ar", "he"])
def test_formats_keep_offsets(sentences, tmp_path, lang, to):
    convert(sentences(lang), tmp_path / "other", to=to, lang=lang, on_error="skip")
    convert(tmp_path / "other", tmp_path / "back.spacy", format_name=to, lang=lang)
    (doc,) = read_docs(tmp_path / "back.spacy", spacy.blank(lang))
    head, label, tail, text = SENTENCES[lang]
    assert doc.text == text
    assert facts(doc) == [(head, label, tail)]
