"""The closed catalogue of what is counted and measured, for the operator's monitoring (docs/OPERATIONS.md lists it).

Labels come from closed vocabularies (routes, states, kinds): never an id, never the code of a body, for each new value is
a new time series, and a monitoring system is not the place where one reads who wrote to whom.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MetricKind(StrEnum):
    """What may be done with it."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: its name with its unit, what it says, its labels."""

    name: str
    help: str
    kind: MetricKind
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SLOW: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_UNITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=name, help=text, kind=MetricKind.COUNTER, labels=labels)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(name=name, help=text, kind=MetricKind.HISTOGRAM, labels=labels, buckets=buckets)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=name, help=text, kind=MetricKind.GAUGE, labels=labels)


# --- counted while it happens ------------------------------------------------------------------------------------------
REQUESTS: Final = _counter(
    "gateway_requests_total", "Requests answered, by listener, route and status.", "listener", "route", "status"
)
REQUEST_SECONDS: Final = _histogram(
    "gateway_request_seconds", "Time to answer a request.", "listener", "route", buckets=_SLOW
)
EVENTS: Final = _counter("gateway_events_total", "Audit events made durable: every state change.", "event")
TRANSFERS: Final = _counter("gateway_transfer_attempts_total", "Attempts to hand over a transfer.", "road", "outcome")
TRANSFER_SECONDS: Final = _histogram(
    "gateway_transfer_attempt_seconds", "Time of an attempt to hand over a transfer.", "road", buckets=_SLOW
)
RECEIPTS: Final = _counter("gateway_receipts_checked_total", "Receipts of peers, checked.", "result")
JUDGE_TASKS: Final = _counter("gateway_judge_tasks_total", "Tasks of the judges.", "result")
JUDGE_SECONDS: Final = _histogram(
    "gateway_judge_task_seconds", "Time of a judge's task, waiting included.", buckets=_SLOW
)
WORKER_WAIT_SECONDS: Final = _histogram(
    "gateway_worker_wait_seconds", "Time that a task waited for a judge or key-holder.", "role", buckets=_SLOW
)
SIGNATURES: Final = _counter("gateway_signatures_total", "Signatures of the key-holders.", "result")
TIMESTAMPS: Final = _counter("gateway_timestamps_total", "Timestamps asked for, each authority by itself.", "result")
SCANS: Final = _counter("gateway_scans_total", "Files shown to the malware scanner.", "result")
SCAN_SECONDS: Final = _histogram("gateway_scan_seconds", "Time of the scan of one file.", buckets=_SLOW)
STORE_UNITS: Final = _counter("gateway_store_units_total", "Units of work.", "result")
STORE_COMMIT_SECONDS: Final = _histogram(
    "gateway_store_commit_seconds", "Time of a commit with its units.", buckets=_FAST
)
STORE_GROUP_UNITS: Final = _histogram("gateway_store_group_units", "Units in one commit.", buckets=_UNITS)
CONNECTIONS_CLOSED: Final = _counter(
    "gateway_connections_closed_total", "Connections closed to keep within a bound.", "listener", "reason"
)
BLOBS_REMOVED: Final = _counter("gateway_blobs_removed_total", "Stored files that no row named, removed.", "why")
BLOBS_REMOVED_BYTES: Final = _counter("gateway_blobs_removed_bytes_total", "The same in bytes.", "why")
RELOADS: Final = _counter("gateway_reloads_total", "Reloads of configuration, registry, trust and keys.", "result")
EVIDENCE_FETCHES: Final = _counter("gateway_revocation_fetches_total", "Tries to fetch revocation evidence.", "result")

# --- read when somebody asks -------------------------------------------------------------------------------------------
QUEUE_ITEMS: Final = _gauge("gateway_queue_items", "Work items that are not done.", "kind")
QUEUE_AGE_SECONDS: Final = _gauge(
    "gateway_queue_oldest_due_seconds", "How long the oldest due item of an open road has been due.", "kind"
)
ROADS_CLOSED: Final = _gauge("gateway_destinations_closed", "Destinations that are being waited for.")
DEAD_LETTERS: Final = _gauge("gateway_dead_letters", "Work items that were given up and wait for a person.")
TRANSFERS_LATE: Final = _gauge(
    "gateway_transfers_late", "Transfers without a receipt after an hour; urgent ones after two minutes.", "class"
)
TRANSFERS_OLDEST_SECONDS: Final = _gauge(
    "gateway_transfers_oldest_seconds", "For how long the oldest transfer without a receipt has been tried.", "class"
)
HELD_DOCUMENTS: Final = _gauge("gateway_documents_held", "Outgoing documents that are held.")
HELD_DELIVERIES: Final = _gauge("gateway_deliveries_held", "Deliveries that are held.")
ENTRIES_STAGED: Final = _gauge("gateway_entries_staged", "Entries that wait for smaller numbers of their streams.")
ENTRIES_STAGED_SECONDS: Final = _gauge("gateway_entries_staged_seconds", "For how long the first of them has waited.")
STREAMS_OVERDUE: Final = _gauge(
    "gateway_streams_overdue", "Streams in which a wait for smaller numbers ran out in the last 24 hours."
)
RESYNC_PEERS: Final = _gauge("gateway_resync_peers", "Peers that have not been asked for everything since a restore.")
RESYNC_MISSING: Final = _gauge(
    "gateway_resync_missing", "Transfers that peers named then and that have not come again."
)
TIMESTAMPS_OWED: Final = _gauge("gateway_timestamps_owed", "Sealed files that are owed a timestamp.", "state")
TIMESTAMPS_OWED_SECONDS: Final = _gauge(
    "gateway_timestamps_owed_oldest_seconds", "How long the oldest timestamp that is not paid has been owed."
)
PENDING_LEAVES: Final = _gauge("gateway_log_pending_leaves", "Leaves without a place in the tree.")
LOG_LEAVES: Final = _gauge("gateway_log_leaves", "Leaves of the audit log.")
CHECKPOINT_LAG: Final = _gauge("gateway_log_checkpoint_lag_leaves", "Leaves that no published checkpoint covers.")
CONNECTIONS: Final = _gauge("gateway_connections", "Open connections.", "listener")
DISK_USED: Final = _gauge("gateway_disk_used_ratio", "Share of the fullest file system that is in use.")
EVIDENCE_AGE_SECONDS: Final = _gauge(
    "gateway_revocation_fetched_seconds", "How long ago the source that is furthest behind brought revocation evidence."
)
READY: Final = _gauge("gateway_ready", "1 when /readyz answers 200.")
PROCESSES: Final = _gauge("gateway_processes", "Processes.", "role")
RESIDENT_BYTES: Final = _gauge("gateway_resident_bytes", "Resident memory.", "role")
CPU_SECONDS: Final = _gauge("gateway_cpu_seconds", "Processor time of the processes that run now.", "role")
BUILD: Final = _gauge("gateway_build_info", "Always 1; the labels say what runs.", "version", "python")

CATALOGUE: Final[tuple[Metric, ...]] = tuple(value for value in vars().values() if isinstance(value, Metric))
"""All of them, in this order."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a gauge at this moment."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


Readings = Callable[[], Awaitable[Sequence[Reading]]]
"""Whoever can be asked for the gauges of its room."""
