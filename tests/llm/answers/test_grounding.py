import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from rel_component.errors import ConfigError
from rel_component.llm.answers.grounding import MAX_NAME, Grounder, nearest, same_names

TEXT = (
    "Apple's founder Steve Jobs met Zoë O’Neil of Coca‑Cola in the U.S. in 2011. APPLE and "
    "Applebee's; Steve\n Jobs. The Who left cafe\u0301 Noir. A Berlin-based firm, AT&T, in Q1 2011; "
    "groß, ﬁsh, can't."
)

NLP = spacy.blank("en")
NLP.tokenizer.add_special_case("can't", [{"ORTH": "ca"}, {"ORTH": "n't"}])


@pytest.fixture(scope="module")
def doc():
    return NLP(TEXT)


def ground(name, doc, **options):
    """The places where a name stands."""
    return Grounder(doc, **options).find(name)


def texts(name, doc, **options):
    return [span.text for span in ground(name, doc, **options)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Apple", ["Apple"]),
        ("apple", ["Apple", "APPLE"]),
        ("the Apple", ["Apple", "APPLE"]),
        ("“Apple”", ["Apple", "APPLE"]),
        ("Apple’s", ["Apple's"]),
        ("Steve Jobs", ["Steve Jobs"]),
        ("steve  jobs", ["Steve Jobs", "Steve\n Jobs"]),
        ("Zoe O'Neil", ["Zoë O’Neil"]),
        ("Zoe\u0308 O\u02bcNeil", ["Zoë O’Neil"]),
        ("Coca-Cola", ["Coca‑Cola"]),
        ("Coca–Cola", ["Coca‑Cola"]),
        ("U.S.", ["U.S."]),
        ("the U.S", ["the U.S."]),
        ("The Who", ["The Who"]),
        ("Café Noir", ["cafe\u0301 Noir"]),
        ("AT&T", ["AT&T"]),
        ("gross", ["groß"]),
        ("fish", ["ﬁsh"]),
        ("2011", ["2011", "2011"]),
        ("Q1 2011", ["Q1 2011"]),
    ],
)
def test_names_as_they_are_written_and_otherwise(doc, name, found):
    assert texts(name, doc) == found


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("राजू और राजा", "राज", []),
        ("बिहारी बिहार में", "बिहार", ["बिहार"]),
        ("วันนี้ สมชาย", "สมชา", []),
        ("cafe\u0301", "cafe", ["cafe\u0301"]),
        ("محمدٌ هنا", "محمد", ["محمدٌ"]),
        ("가나 と ガンダム", "カンタム", []),
    ],
)
def test_vowels_that_are_marks_are_letters_and_accents_are_not(text, name, found):
    assert texts(name, spacy.blank("xx")(text), min_similarity=100) == found


@pytest.mark.parametrize("lang", ["tr", "xx", "en"])
@pytest.mark.parametrize(
    ("text", "name", "is_found"),
    [
        ("Ofis Ankara'da, kuruldu.", "Ankara", True),
        ("Bu Google’ın ofisi.", "Google", True),
        ("ANKARA'DA", "Ankara", True),
        ("Prof. Yılmaz'dan", "Yılmaz", True),
        ("Ali'ninkilerdendi geldi", "Ali", False),
        ("AB'de", "AB", False),
        ("they don't", "Don", False),
        ("dell'Apple", "Dell", False),
        ("il piano dell'azienda", "Dell", False),
    ],
)
def test_names_with_an_ending_behind_an_apostrophe(lang, text, name, is_found):
    assert bool(texts(name, spacy.blank(lang)(text), min_similarity=100)) == is_found


def test_equal_names_have_the_same_accents_if_some_have():
    assert same_names("राजू", ["राज", "राजू"]) == [1]
    assert same_names("राज", ["राजू", "राजा"]) == []
    assert same_names("Muller", ["Müller", "Muller"]) == [1]
    assert same_names("MÜLLER", ["Müller", "Muller"]) == [0]
    assert same_names("Müllër", ["Müller", "Muller"]) == [0, 1]


@pytest.mark.parametrize(
    "name",
    [
        "App",
        "ple",
        "Job",
        "T",
        "gros",
        "fi",
        "201",
        "Neil of",
        "ca",
        "US",
        "",
        " ",
        "...",
        "“”",
        "\ud800",
        "\x00",
        "x" * MAX_NAME * 9,
    ],
)
def test_no_insides_of_words(doc, name):
    assert texts(name, doc, min_similarity=100) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Stev Jobs", ["Steve Jobs", "Steve\n Jobs"]),
        ("Steve Jobbs", ["Steve Jobs", "Steve\n Jobs"]),
        ("Zoe ONeill", ["Zoë O’Neil"]),
        ("Berlin based", ["Berlin-based"]),
        ("Q2 2011", []),
        ("Steve Wozniak", []),
        ("Jbs", []),
    ],
)
def test_names_with_mistakes(doc, name, found):
    assert texts(name, doc) == found
    assert texts(name, doc, min_similarity=100) == []


@pytest.mark.parametrize(
    ("there", "asked"), [("Australia", "Austria"), ("Anderson", "Andersen"), ("Nigeria", "Niger")]
)
def test_similar_names_of_other_things(there, asked):
    doc = NLP(f"The company has a plant in {there}.")
    assert texts(asked, doc) == []


def test_only_in_the_window(doc):
    assert [span.start for span in ground("2011", doc, window=doc[20:])] == [
        span.start for span in ground("2011", doc) if span.start >= 20
    ]
    assert ground("Steve Jobs", doc, window=doc[4:10]) == []
    assert texts("Stev Jobs", doc, window=doc[2:6]) == ["Steve Jobs"]
    assert ground("Apple", doc, window=doc[3:3]) == []
    assert ground("Apple", doc[:0].as_doc()) == []


def test_a_token_that_holds_more_than_the_name():
    doc = Doc(NLP.vocab, words=["Berlin-based", "Oslo's", "(Rome)", "A.B"])
    assert texts("Berlin", doc, min_similarity=100) == []
    assert texts("Oslo", doc) == ["Oslo's"]
    assert texts("Rome", doc) == ["(Rome)"]
    assert texts("A", doc) == []


def test_scripts_without_spaces():
    doc = Doc(NLP.vocab, words=list("苹果公司由史蒂夫乔布斯创立"), spaces=[False] * 13)
    assert texts("史蒂夫乔布斯", doc) == ["史蒂夫乔布斯"]
    doc = Doc(NLP.vocab, words=["can", "not"], spaces=[False, False])
    assert texts("can", doc) == []


@given(st.text(max_size=40), st.text(max_size=12), st.floats(0, 100))
def test_matches_are_tokens_of_the_document(text, name, min_similarity):
    doc = NLP(text)
    for span in ground(name, doc, min_similarity=min_similarity):
        assert isinstance(span, Span)
        assert 0 <= span.start < span.end <= len(doc)


@given(st.data())
def test_every_run_of_words_is_found(data):
    doc = NLP(TEXT.removesuffix(", can't."))
    start = data.draw(st.integers(0, len(doc) - 1))
    end = data.draw(st.integers(start + 1, min(len(doc), start + 4)))
    span = doc[start:end]
    if span[0].text.isalnum() and span[-1].text.isalnum():
        assert (start, end) in [(found.start, found.end) for found in ground(span.text, doc)]


def test_rapidfuzz_is_needed_for_names_with_mistakes_only(doc, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rapidfuzz", None)
    assert texts("apple", doc) == ["Apple", "APPLE"]
    with pytest.raises(ConfigError, match=r"rapidfuzz>="):
        ground("Appel", doc)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Apple", [0, 2]),
        ("the apple’s", [0, 2]),
        ("steve  jobs", [1]),
        ("Steve Jobbs", []),
        ("“Bank 2”", [3]),
        ("Jobs", []),
        ("", []),
    ],
)
def test_names_among_names(name, found):
    assert same_names(name, ["Apple", "Steve Jobs", "APPLE", "Bank 2"]) == found


@pytest.mark.parametrize(
    ("heads", "tails", "pair"),
    [
        ([(0, 1)], [(5, 6)], ((0, 1), (5, 6))),
        ([(0, 1), (4, 5)], [(5, 6)], ((4, 5), (5, 6))),
        ([(3, 4)], [(0, 1), (6, 7)], ((3, 4), (0, 1))),
        ([(3, 4)], [(1, 2), (5, 6)], ((3, 4), (1, 2))),
        ([(2, 4)], [(3, 4), (9, 10)], ((2, 4), (9, 10))),
        ([(2, 4)], [(3, 4), (1, 3)], ((2, 4), (1, 3))),
        ([(0, 1), (7, 8)], [(0, 1), (7, 8)], ((0, 1), (7, 8))),
    ],
)
def test_the_nearest_pair(vocab, heads, tails, pair):
    doc = Doc(vocab, words=["w"] * 10)
    head, tail = nearest([doc[i:j] for i, j in heads], [doc[i:j] for i, j in tails])
    assert ((head.start, head.end), (tail.start, tail.end)) == pair


spans = st.lists(st.tuples(st.integers(0, 18), st.integers(1, 3)), min_size=1, max_size=6)


@given(spans, spans)
def test_the_nearest_pair_is_that_of_all_pairs(heads, tails):
    doc = Doc(NLP.vocab, words=["w"] * 22)
    first = [doc[start : start + length] for start, length in heads]
    second = [doc[start : start + length] for start, length in tails]

    def key(head, tail):
        distance = max(tail.start - head.end, head.start - tail.end)
        return (distance < 0, max(distance, 0), head.start, tail.start)

    best = min(key(head, tail) for head in first for tail in second)
    assert key(*nearest(first, second)) == best


class CountedSpan:
    """A span that counts how often its start is read."""

    n_reads = 0

    def __init__(self, start):
        self.end = start + 1
        self._start = start

    @property
    def start(self):
        CountedSpan.n_reads += 1
        return self._start


def test_names_that_stand_everywhere_are_not_compared_pair_by_pair():
    heads, tails = ([CountedSpan(i) for i in range(first, 2000, 2)] for first in (0, 1))
    CountedSpan.n_reads = 0
    assert [span.end for span in nearest(heads, tails)] == [1, 2]
    assert CountedSpan.n_reads < 20 * 2000
