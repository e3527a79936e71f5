"""What annotators say, in short."""

from spacy.tokens import Doc

from rel_component.evaluation.agreement.documents import SharedDocuments, match_documents

from ...helpers import make_doc

TEXT = "Ada runs Acme in Oslo ."
ADA, ACME, OSLO = (0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "GPE")
ALL = (ADA, ACME, OSLO)


def annotate(vocab, relations=(), mentions=ALL, *, text=TEXT, id=None, **options) -> Doc:
    """A document as one annotator has it."""
    doc = make_doc(vocab, text, mentions, relations, **options)
    if id is not None:
        doc.user_data["meta"] = {"id": id}
    return doc


def share(*docs_of_annotators, **options) -> SharedDocuments:
    """Annotators a, b, c and so on, each with their documents."""
    return match_documents(dict(zip("abcdefgh", docs_of_annotators)), **options)


def one_each(*docs, **options) -> SharedDocuments:
    """Annotators with one document each."""
    return share(*([doc] for doc in docs), **options)
