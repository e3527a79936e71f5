"""A component that some texts make fail, wait or end its process; workers import this file."""

import os
import time

from spacy.language import Language

NAME = "test_trap"
REFUSED = ["RAISE"]


@Language.component(NAME)
def relate_or_fail(doc):
    if any(word in doc.text for word in REFUSED):
        raise ValueError("a text to fail at")
    if "HANG" in doc.text:
        time.sleep(1000)
    if "EXIT" in doc.text:
        os._exit(3)
    doc._.rel = [(head, "BEFORE", tail) for head, tail in zip(doc.ents, doc.ents[1:])]
    return doc
