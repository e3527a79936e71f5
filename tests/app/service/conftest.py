"""A small trained pipeline, and servers for it that answer on a port of this machine."""

import json
from contextlib import contextmanager
from http.client import HTTPConnection
from queue import Queue
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest
import spacy
from spacy.language import Language
from spacy.util import fix_random_seed

from rel_component.app.service.application import create_app
from rel_component.app.service.limits import Limits
from rel_component.app.service.running import LOCAL, run
from rel_component.corpora.corpus import make_relation_corpus

NAMES = {"ORG": ["Acme", "Orbit", "Nordwind Energy"], "PERSON": ["Ada Bell", "Bo Lee"]}
TEXTS = [
    f"{org} {verb} {person}." + " It is in the North." * (i % 3)
    for i, (org, verb, person) in enumerate(
        (org, verb, person)
        for org in NAMES["ORG"]
        for verb in ("was founded by", "was not founded by", "sacked")
        for person in NAMES["PERSON"]
    )
]
RELEASE = Event()
"""What a text with the word WAIT waits for."""


@Language.component("troubles")
def troubles(doc):
    """Wait, or fail, as a text says."""
    if "WAIT" in doc.text:
        assert RELEASE.wait(60)
    if "FAIL" in doc.text:
        raise RuntimeError("/secret/path: cannot be read")
    return doc


@pytest.fixture(scope="session")
def nlp(tmp_path_factory):
    """A pipeline that knows the founders of companies."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    patterns = [(label, name) for label, names in NAMES.items() for name in names]
    nlp.add_pipe("relation_extractor")
    path = tmp_path_factory.mktemp("corpus") / "train.jsonl"
    path.write_text("\n".join(json.dumps(record(text)) for text in TEXTS), encoding="utf8")
    from rel_component import convert

    convert(path, path.with_suffix(".spacy"))
    examples = list(make_relation_corpus(path.with_suffix(".spacy"))(nlp))
    sgd = nlp.initialize(lambda: examples)
    ruler.add_patterns([{"label": label, "pattern": name} for label, name in patterns])
    for _ in range(4):
        nlp.update(examples, sgd=sgd)
    nlp.add_pipe("troubles")
    return nlp


def record(text):
    entities = [
        {"id": name, "start": text.index(name), "end": text.index(name) + len(name), "label": label}
        for label, names in NAMES.items()
        for name in names
        if name in text
    ]
    org, person = (entity["id"] for entity in entities)
    relations = [{"head": org, "tail": person, "label": "FOUNDED_BY"}]
    return {
        "text": text,
        "entities": entities,
        "relations": relations if "was founded" in text else [],
    }


class Client:
    """Asks a server."""

    def __init__(self, address, app):
        self.address, self.app = address, app
        self.port = urlsplit(address).port

    def ask(self, path, body=None, *, method=None, headers=None, kind="application/json"):
        """Status, headers and body of the answer; a body that is no bytes is sent as JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = json.dumps(body) if not isinstance(body, (bytes, type(None))) else body
            given = {"Content-Type": kind, **(headers or {})}
            connection.request(method or ("GET" if body is None else "POST"), path, data, given)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode("utf8")
        finally:
            connection.close()

    def json(self, path, body=None, **options):
        """The status and the value of the answer."""
        status, _, text = self.ask(path, body, **options)
        return status, json.loads(text)

    def metric(self, name):
        """A value of the metrics; 0 if it is not there."""
        lines = self.ask("/metrics")[2].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


@contextmanager
def serving(nlp, *, token=None, hosts=LOCAL, grace=30, **limits):
    """A client of a real server, which ends with the block."""
    app = create_app(nlp, token=token, limits=Limits(**limits), hosts=hosts)
    addresses = Queue()
    options = {"port": 0, "announce": addresses.put, "grace": grace}
    thread = Thread(target=run, args=(app,), kwargs=options)
    thread.start()
    try:
        yield Client(addresses.get(timeout=60), app)
    finally:
        RELEASE.set()
        app.state.server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _nothing_waits():
    RELEASE.set()


@pytest.fixture(scope="package")
def client(nlp):
    """A client of a server with the limits that are the default."""
    with serving(nlp) as client:
        yield client
