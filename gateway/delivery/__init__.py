"""The work engine: what is due is claimed, run and finished; it carries keys and knows no document.

An item is a row (`gateway.core.work`): due time, attempts, lease with a fence. The transaction that changes a state
writes the item of the next step too, so there is no moment in which something is due and nobody knows. A claim leases
the item; its fence makes a frozen process that wakes up too late harmless. Per destination there is a window of items
in flight, and a back-off that lives in the database and belongs to the peer, not to the document. When more is due than
fits, the more urgent goes first; every fourth claim or so is the oldest's, and nothing starves.

Failure story. A conductor fails: the item comes back by its back-off, and after eight failures of its own it lies among
the dead letters with its reason. The process is killed: at the next start every lease is taken back and all that was in
flight is due again; repeating a step is harmless by design. The clock jumps: items become due early or late, nothing else.
"""

from gateway.delivery.backoff import backoff, timestamp_backoff
from gateway.delivery.engine import Begins, Handler, WorkEngine
from gateway.delivery.probe import QueueProbe
from gateway.delivery.steps_watch import StepsWatch
from gateway.delivery.turns import turn_of
from gateway.delivery.wakeups import Wakeups
from gateway.delivery.window import Window

__all__ = [
    "Begins",
    "Handler",
    "QueueProbe",
    "StepsWatch",
    "Wakeups",
    "Window",
    "WorkEngine",
    "backoff",
    "timestamp_backoff",
    "turn_of",
]
