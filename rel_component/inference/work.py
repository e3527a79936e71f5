"""What is done with the documents of a shard, wherever a worker runs."""

import hashlib
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
    Tuple,
)

from spacy import util
from spacy.tokens import Doc
from thinc.api import require_gpu

from ..annotations import get_relations
from ..converters.records import write_records
from ..errors import ConfigError, LLMError
from ..files import complete_file
from ..llm.types import REPORT_KEY
from ..pipelines import (
    OWN,
    PipelineSource,
    known_labels,
    load_pipeline,
    relation_attr,
    require_relations,
)
from .extract import choose_relations, extract_docs
from .shards import FAILURES, LONGEST_TEXT, Document, Failure, Finished, Shard
from .sinks import get_sink

_LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Work:
    """What workers do; it can be pickled if the pipeline is a name or path.

    Attributes:
        pipeline: a pipeline, its name or path.
        folder: where shards are written; all workers reach it.
        sink: name of the form in which they are written, see :mod:`.sinks`.
        labels: only relations and events of these types; all if there are none.
        min_score: only relations and events with at least this score; None: also those without one.
        batch_size: documents in a batch of the pipeline.
        max_length: the most characters of a text.
        timeout: seconds that a document may take, where the executor can stop it.
        gpu_id: number of the GPU; -1: the CPU.
        code: a file of Python to import before the pipeline is loaded, as ``spacy train --code`` does.
        lang: language of the texts, for its tokens; auto: that of the pipeline.
    """

    pipeline: PipelineSource
    folder: Path
    sink: str = "jsonl"
    labels: Tuple[str, ...] = ()
    min_score: Optional[float] = None
    batch_size: int = 64
    max_length: int = LONGEST_TEXT
    timeout: float = 600.0
    gpu_id: int = -1
    code: Optional[Path] = None
    lang: str = OWN

    def path_of(self, shard: int) -> Path:
        """The file of a shard; its failures lie beside it."""
        return self.folder / f"{shard:06}{get_sink(self.sink).ending}"

    def failures_of(self, shard: int) -> Path:
        """The file of the failures of a shard, which is not there if it has none."""
        return self.folder / f"_{shard:06}{FAILURES}"


class Outcome(NamedTuple):
    """What becomes of a document.

    Attributes:
        data: the document in the form of the sink.
        error: why there is none; empty if there is one.
        relations: number of its relations.
        counts: what else is to be told, by name.
    """

    data: bytes = b""
    error: str = ""
    relations: int = 0
    counts: Dict[str, int] = {}  # noqa: RUF012  # never changed


@dataclass
class Costs:
    """What a worker has taken until now.

    Attributes:
        cpu: seconds of CPU.
        memory: the most bytes at a time; 0: not known.
    """

    cpu: float = 0.0
    memory: int = 0


class Processor(Protocol):
    """Processes the documents of a shard: here, or in a process of its own.

    Attributes:
        costs: what it has taken until now.
        by_length: whether documents of similar length shall come in batches; else they come in one, in
            their order.
    """

    costs: Costs
    by_length: bool

    def extract(self, batches: Iterable[Sequence[Document]]) -> Iterator[List[Outcome]]:
        """The outcomes of each batch, in the order of its documents."""
        ...


@dataclass
class Extractor:
    """A pipeline that makes outcomes of documents, in this process.

    Args:
        work: what is done.

    Raises:
        ConfigError: if the pipeline cannot be loaded, finds no relations, or does not know a label.
    """

    work: Work
    costs: Costs = field(default_factory=Costs)

    def __post_init__(self) -> None:
        work = self.work
        import_code(work.code)
        if work.gpu_id >= 0:
            _use_gpu(work.gpu_id)
        self.nlp = load_pipeline(work.pipeline, work.lang)
        self.nlp.max_length = max(work.max_length, self.nlp.max_length)
        require_relations(self.nlp)
        self.attr = relation_attr(self.nlp)
        known = known_labels(self.nlp) or work.labels
        for label in work.labels:
            if label not in known:
                raise ConfigError(f"label {label}: the pipeline knows {', '.join(known)}")
        # a prompted component keeps requests in flight by itself, as long as documents come
        self.by_length = not any(hasattr(each, "questions") for _, each in self.nlp.pipeline)
        self._encode = get_sink(work.sink).encode

    def extract(self, batches: Iterable[Sequence[Document]]) -> Iterator[List[Outcome]]:
        """The outcomes of each batch; words that are new in them are forgotten at the end."""
        with self.nlp.memory_zone():
            for batch in batches:
                started = time.process_time()
                outcomes = self._process(batch)
                self.costs.cpu += time.process_time() - started
                self.costs.memory = _peak_memory()
                yield outcomes

    def _process(self, batch: Sequence[Document]) -> List[Outcome]:
        """Outcomes of a batch; those of halves of it where it fails, so that one text harms no other."""
        if not batch:
            return []
        error = "the pipeline left it out"
        try:
            texts = [(document.text, document.record) for document in batch]
            docs = list(extract_docs(self.nlp, texts, batch_size=self.work.batch_size))
            if len(docs) == len(batch):  # or an error handler of the pipeline has left some out
                return [self._outcome(doc) for doc in docs]
            del docs
        except (ConfigError, LLMError):  # no document is at fault, or the user wants an error
            raise
        except Exception as err:
            error = f"{type(err).__name__}: {str(err)[:_LONGEST]}"
        if len(batch) == 1:
            return [Outcome(error=error)]
        middle = len(batch) // 2
        return [*self._process(batch[:middle]), *self._process(batch[middle:])]

    def _outcome(self, doc: Doc) -> Outcome:
        counts: Counter[str] = Counter()
        n_left_out = choose_relations(
            doc, self.attr, labels=self.work.labels, min_score=self.work.min_score
        )
        answers = doc.user_data.get(REPORT_KEY, {})
        failures = answers.get("failures", ())
        has_own = "asked" in answers  # relations that an extractor found before
        if failures and len(failures) >= answers.get("questions", 0) and not has_own:
            return Outcome(error=str(failures[0])[:_LONGEST])
        counts.update({"left out": n_left_out, "questions without an answer": len(failures)})
        counts.update(answers.get("dropped", {}))
        n_relations = len(get_relations(doc, self.attr))
        return Outcome(self._encode(doc, self.attr), relations=n_relations, counts=dict(+counts))


def run_shard(work: Work, shard: Shard, processor: Processor) -> Finished:
    """Process the documents of a shard, and write them.

    Args:
        work: what is done.
        shard: the documents.
        processor: does it.

    Returns:
        What the manifest is told; the file is there before.

    Raises:
        ConfigError: if the pipeline cannot be used.
        DataError: if the file cannot be written.
    """
    started, cpu = time.perf_counter(), processor.costs.cpu
    outcomes = _outcomes(work, shard, processor)
    failures = [
        document.failed(outcome.error)
        for document, outcome in zip(shard.documents, outcomes)
        if outcome.error
    ]
    kept = [outcome for outcome in outcomes if not outcome.error]
    _write_failures(work.failures_of(shard.number), [*shard.unread, *failures])
    with complete_file(work.path_of(shard.number)) as part:
        get_sink(work.sink).write((outcome.data for outcome in kept), part)
        size, digest = part.stat().st_size, file_digest(part)
    counts: Counter[str] = Counter(skipped=len(shard.unread))
    for outcome in kept:
        counts.update(outcome.counts)
    return Finished(
        shard=shard.number,
        first=shard.first,
        documents=len(kept),
        relations=sum(outcome.relations for outcome in kept),
        failures=len(shard.unread) + len(failures),
        counts=dict(+counts),
        bytes=size,
        sha256=digest,
        seconds=round(time.perf_counter() - started, 3),
        cpu=round(processor.costs.cpu - cpu, 3),
        memory=processor.costs.memory,
    )


def _outcomes(work: Work, shard: Shard, processor: Processor) -> List[Outcome]:
    """Outcomes in the order of the documents, which may be processed in the order of their lengths."""
    documents = shard.documents
    order, size = list(range(len(documents))), len(documents) or 1
    if processor.by_length:
        order.sort(key=lambda i: len(documents[i].text))
        size = work.batch_size
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    outcomes = [Outcome()] * len(documents)
    found = processor.extract([documents[i] for i in part] for part in parts)
    for part, of_batch in zip(parts, found):
        for i, outcome in zip(part, of_batch):
            outcomes[i] = outcome
    for _ in found:  # let it come to its end
        pass
    return outcomes


def _write_failures(path: Path, failures: Sequence[Failure]) -> None:
    if failures:
        write_records((failure.to_dict() for failure in failures), path)
    else:
        path.unlink(missing_ok=True)  # of an attempt before


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _peak_memory() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024


def import_code(path: Optional[Path]) -> None:
    """Import a file of Python, as ``spacy train --code`` does, if there is one.

    Raises:
        ConfigError: if it cannot be imported.
    """
    if path is None:
        return
    try:
        util.import_file("rel_component_code", path)
    except Exception as err:
        raise ConfigError(f"{path} cannot be imported: {type(err).__name__}: {err}") from err


def _use_gpu(gpu_id: int) -> None:
    try:
        require_gpu(gpu_id)
    except (RuntimeError, ValueError) as err:
        raise ConfigError(f"GPU {gpu_id}: {err}; -1 for the CPU") from err
