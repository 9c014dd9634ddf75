"""Numbers for Prometheus.

One process has one registry. Several workers share a port, so that a scrape reaches any of them: each keeps its numbers in files
of the directory that PROMETHEUS_MULTIPROC_DIR names, and whoever is asked adds them up (prometheus-client's multiprocess mode).
`holdco serve --workers N` makes that directory. The library reads the variable when it is imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess
from prometheus_client.exposition import choose_encoder

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"

registry = CollectorRegistry()

OPERATION_SECONDS = Histogram(
    "holdco_operation_duration_seconds",
    "Time to execute an operation, by its name, its type, and OK or the code of its first error.",
    ("operation", "type", "outcome"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=registry,
)
OPERATION_STATEMENTS = Histogram(
    "holdco_operation_statements",
    "SQL statements of an operation, by its type.",
    ("type",),
    buckets=(0, 1, 2, 3, 5, 8, 13, 21, 34, 55),
    registry=registry,
)
BATCH_KEYS = Histogram(
    "holdco_loader_batch_keys",
    "Keys that a loader asked for in one statement.",
    ("loader",),
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000),
    registry=registry,
)
REFUSALS = Counter(
    "holdco_requests_refused_total",
    "Requests that were refused as a whole, by the refusal's code.",
    ("code",),
    registry=registry,
)
EVENTS = Counter(
    "holdco_subscription_events_total",
    "Events that subscribers were told of. Those who asked for the same share the operation (type `event`) that answers.",
    registry=registry,
)
AUTHENTICATION_FAILURES = Counter(
    "holdco_authentication_failures_total",
    "Requests and sockets of whom nobody knows who they are, by the reason, which only this and the log tell.",
    ("reason",),
    registry=registry,
)

# Each worker's own value; those of workers that are no more do not count.
_GAUGES = {
    name: Gauge(f"holdco_{name}", meaning, registry=registry, multiprocess_mode="livesum")
    for name, meaning in (
        ("pool_connections_checked_out", "Database connections that operations hold."),
        ("pool_connections_max", "Database connections that may be open."),
        ("operations_running", "Operations under way."),
        ("operations_waiting", "Operations that wait until others have ended."),
        ("subscriptions", "Subscriptions that wait for events."),
    )
}
_GAUGES["event_loop_lag_seconds"] = Gauge(
    "holdco_event_loop_lag_seconds",
    "How much later than planned the event loop came round when it was last looked at, a second ago at most.",
    registry=registry,
    multiprocess_mode="livemax",
)


class Batches:
    """Sizes of batches by the name of the loader, whose metric is looked for once."""

    def __init__(self) -> None:
        self._observe: dict[type, Callable[[float], None]] = {}

    def note(self, loader: type, keys: int) -> None:
        observe = self._observe.get(loader)
        if observe is None:
            observe = self._observe[loader] = BATCH_KEYS.labels(loader.__name__).observe
        observe(keys)


batches = Batches()


def show(**values: float) -> None:
    """Sets gauges by their names, without the prefix."""
    for name, value in values.items():
        _GAUGES[name].set(value)


def exposition(accept: str) -> tuple[bytes, str]:
    """All numbers, of all workers, and their media type: Prometheus' text or OpenMetrics, as the Accept header asks."""
    everything = registry
    if DIRECTORY in os.environ:
        everything = CollectorRegistry()
        multiprocess.MultiProcessCollector(everything)  # type: ignore[no-untyped-call]
    encode, content_type = choose_encoder(accept)
    return encode(everything), content_type


def forget_dead_processes() -> None:
    """Workers that were killed have forgotten nothing themselves. Called when a worker starts, as one does in their place."""
    if DIRECTORY in os.environ:
        for file in Path(os.environ[DIRECTORY]).glob("gauge_live*.db"):
            process = file.stem.rpartition("_")[2]
            # Another worker that starts may be doing the same.
            with suppress(FileNotFoundError):
                if process.isdecimal() and not _is_alive(int(process)):
                    multiprocess.mark_process_dead(process)  # type: ignore[no-untyped-call]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def forget_process() -> None:
    """A worker ends, and its gauges end with it, while what it has counted stays."""
    if DIRECTORY in os.environ:
        multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
