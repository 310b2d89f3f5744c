"""What a server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The counters of one server, in a registry of their own.

    Args:
        active: How many requests are read, waiting or computed.
        waiting: How many inputs no batch has yet.
    """

    def __init__(self, active: Callable[[], int], waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "cnnkit_requests",
            "Requests for predictions, by the status of their answer",
            ["status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "cnnkit_request_seconds",
            "From the first byte of a request to its answer",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._examples = Counter(
            "cnnkit_examples", "Inputs that were computed", registry=self._registry
        )
        self._batches = Histogram(
            "cnnkit_batch_examples",
            "Inputs that were computed together",
            buckets=_SIZES,
            registry=self._registry,
        )
        for name, about, function in (
            ("cnnkit_active_requests", "Requests that are read, waiting or computed", active),
            ("cnnkit_waiting_examples", "Inputs that no batch has yet", waiting),
        ):
            Gauge(name, about, registry=self._registry).set_function(function)

    def request(self, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def batch(self, examples: int) -> None:
        """A batch is computed."""
        self._examples.inc(examples)
        self._batches.observe(examples)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)
