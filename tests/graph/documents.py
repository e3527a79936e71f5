"""Documents for graphs, hostile ones among them."""

from rel_component.converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation

from ..app.pages import HOSTILE as HOSTILE_TEXTS

HOSTILE = [
    *("=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "'=1", "\ud83d", "a\ud800b", "\ufffe"),
    *("\\", "\\u0060", "`", "``; MATCH (n) DETACH DELETE n //", "' OR 1=1 //", "\\' RETURN 1 //"),
    *(
        '"',
        '""',
        "\\\\u0027",
        "%2F",
        "%",
        "a:b",
        "name:A:b",
        "kb:Q1",
        "_",
        "OTHER",
        "entity",
        "Entity",
    ),
    *("\u202e\u05d0\u05d1", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "a\r\nb", "a\rb", "a\tb"),
    *(
        "line\n break",
        "A",
        "a",
        "> <urn:x> <urn:y> .",
        "<urn:x>",
        "\x1f",
        "\x85",
        "null",
        "NaN",
        "1e5",
    ),
    *HOSTILE_TEXTS,
][:200]


def document(text, mentions, relations, *, doc_id=None, clusters=(), starts=None, **meta):
    """A document: mentions are (text, type) or (text, type, kb_id), in the order of the text.

    relations: (head, label, tail) or (head, label, tail, score), positions in mentions.
    """
    found, position = [], 0
    for number, (words, label, *kb_id) in enumerate(mentions):
        start = text.index(words, position)
        position = start + len(words)
        found.append(AnnotatedMention(number, start, position, label, *kb_id))
    return Annotated(
        place=f"document {doc_id}",
        text=text,
        mentions=found,
        relations=[
            AnnotatedRelation(head, tail, label, *(score or (0.5,)))
            for head, label, tail, *score in relations
        ],
        clusters=[list(cluster) for cluster in clusters],
        sentence_starts=starts,
        meta={**({} if doc_id is None else {"id": doc_id}), **meta},
    )


def hostile_documents():
    """For each hostile text a relation of this label between entities of this name, type and id."""
    for i, text in enumerate(HOSTILE):
        kb = (text,) if i % 2 else ("",)
        yield document(
            f"{text} and {text}2 end",
            [(text, text, *kb), (f"{text}2", text, "")],
            [(0, text, 1, 0.5), (1, "KNOWS", 0, 0.25)],
            doc_id=text,
            date=text if i % 3 else "2024-05-31",
        )


APPLE = [
    document(
        "Steve Jobs founded Apple. He left.",
        [("Steve Jobs", "PERSON", "Q19837"), ("Apple", "ORG"), ("He", "")],
        [(1, "FOUNDED_BY", 0, 0.9)],
        doc_id="d1",
        clusters=[(0, 2)],
        starts=[0, 26],
        date="2024-05-31T10:00:00Z",
    ),
    document(
        "APPLE was founded by Wozniak. Apple made the Mac.",
        [("APPLE", "ORG"), ("Wozniak", "PERSON"), ("Apple", "ORG"), ("Mac", "PRODUCT")],
        [(0, "FOUNDED_BY", 1, 0.8), (2, "MADE", 3, 0.5)],
        doc_id="d2",
        date="2023",
    ),
    document(
        "Jobs, who founded Apple, said so.",
        [("Jobs", "PERSON", "Q19837"), ("Apple", "ORG")],
        [(1, "FOUNDED_BY", 0, 0.5), (0, "FOUNDER_OF", 1, 0.4)],
        doc_id="d3",
    ),
]
