"""What people are told: operators by logs, everybody else by the one catalogue of messages.

`logs` writes one JSON line per event, whoever logs it (this program or a library), and keeps secrets and content out.
`traces` makes and reads W3C trace ids, so that one document can be followed through both gateways.
`messages` turns stable codes and states into Vietnamese and English: what happened, what to do next, whose turn it is.

Rules: a log line names ids, never content; a text for a person stands in the catalogue and nowhere else; nothing is
loaded or configured at import. When something here fails, the work goes on: an unserialisable value is logged as its
type's name, a missing parameter as "unknown", a bad `traceparent` as none at all.
"""

from gateway.observe.background import in_background
from gateway.observe.clock import SystemClock
from gateway.observe.logs import bound_ids, configure_logging, logger
from gateway.observe.messages import Explanation, Text, explain, label, text
from gateway.observe.traces import TraceParent, new_parent_id, new_trace_id, parse_traceparent

__all__ = [
    "Explanation",
    "SystemClock",
    "Text",
    "TraceParent",
    "bound_ids",
    "configure_logging",
    "explain",
    "in_background",
    "label",
    "logger",
    "new_parent_id",
    "new_trace_id",
    "parse_traceparent",
    "text",
]
