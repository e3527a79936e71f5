"""What a service counts, in the text format of Prometheus."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """What a service counts.

    Attributes:
        requests: requests by route and status.
        seconds: time of requests by route.
        texts: texts that the pipeline has answered, or that have failed.
        batch_texts: texts in a batch.
        waiting: texts that wait for the pipeline.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        made: Any = {"registry": self._registry}
        self.requests = Counter("rel_requests", "Requests", ["route", "status"], **made)
        self.seconds = Histogram("rel_request_seconds", "Time of requests", ["route"], **made)
        self.texts = Counter("rel_texts", "Texts that went through", ["outcome"], **made)
        self.batch_texts = Histogram(
            "rel_batch_texts", "Texts in a batch", buckets=_BATCHES, **made
        )
        self.waiting = Gauge("rel_waiting_texts", "Texts that wait for the pipeline", **made)

    @property
    def n_requests(self) -> int:
        """Requests that have ended."""
        samples = (sample for metric in self.requests.collect() for sample in metric.samples)
        return round(sum(sample.value for sample in samples if sample.name.endswith("_total")))

    def to_text(self) -> bytes:
        """All counts in the text format."""
        return generate_latest(self._registry)
