"""What people are told: operators by logs, everybody else by the one catalogue of messages.

`logs` writes one JSON line per event, whoever logs it (this program or a library), and keeps secrets and content out.
`traces` makes and reads W3C trace ids, so that one document can be followed through both gateways.
`health` asks the probes of all rooms, `clock_watch` is one, `notify` tells the service manager, `processes` reads the kernel's
counts, `heap` bounds what the C library keeps; what is measured goes to the port `Meter`, and `unmeasured` is one that forgets.
`messages` turns stable codes and states into Vietnamese and English: what happened, what to do next, whose turn it is.

Rules: a log line names ids, never content; a text for a person stands in the catalogue and nowhere else; nothing is
loaded or configured at import. When something here fails, the work goes on: an unserialisable value is logged as its
type's name, a missing parameter as "unknown", a bad `traceparent` as none at all.
"""

from gateway.observe.background import in_background
from gateway.observe.clock import SystemClock
from gateway.observe.clock_watch import ClockWatch, FileTimesProbe
from gateway.observe.descriptors import DescriptorsProbe, attainable_limit, current_limit, provide_descriptors
from gateway.observe.health import PROBE_SECONDS_MAX, ask
from gateway.observe.heap import bound_heap
from gateway.observe.logs import bound_ids, configure_logging, logger, set_log_level
from gateway.observe.messages import Explanation, Text, explain, label, text
from gateway.observe.notify import ServiceManager
from gateway.observe.ports import PortProbe
from gateway.observe.processes import process_readings
from gateway.observe.threads import in_own_thread
from gateway.observe.traces import TraceParent, new_parent_id, new_trace_id, parse_traceparent
from gateway.observe.unmeasured import UNMEASURED, Unmeasured

__all__ = [
    "PROBE_SECONDS_MAX",
    "UNMEASURED",
    "ClockWatch",
    "DescriptorsProbe",
    "Explanation",
    "FileTimesProbe",
    "PortProbe",
    "ServiceManager",
    "SystemClock",
    "Text",
    "TraceParent",
    "Unmeasured",
    "ask",
    "attainable_limit",
    "bound_heap",
    "bound_ids",
    "configure_logging",
    "current_limit",
    "explain",
    "in_background",
    "in_own_thread",
    "label",
    "logger",
    "new_parent_id",
    "new_trace_id",
    "parse_traceparent",
    "process_readings",
    "provide_descriptors",
    "set_log_level",
    "text",
]
