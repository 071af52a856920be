"""TraceHeaderList: who had the message, and when. No signature covers it but for the Bussiness in it (facts 1.7)."""

from datetime import datetime
from typing import Final

from gateway.core import limits
from gateway.core.clock import edxml_timestamp
from gateway.core.ids import OrganId
from gateway.core.message import DocumentMessage, TraceHeader
from gateway.edxml.block import Block
from gateway.edxml.business import write_business
from gateway.edxml.dates import timestamp_of
from gateway.edxml.namespaces import PREFIX
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

HOPS_MAX: Final = limits.TRACE_HEADERS_MAX - 1
"""Hubs of one message: the sender's own entry is the first of them all."""
# A Paper may stand here too (the vendor's software); the one that counts is in the Bussiness, which is signed.
_NAMES: Final = frozenset({"TraceHeader", "Bussiness", "Business", "Paper"})


def write_trace(writer: XmlWriter, message: DocumentMessage) -> None:
    """TraceHeaderList: the business, the sender's own entry, then the hubs'."""
    with writer.block(f"{PREFIX}:TraceHeaderList", {"version": "1.0"}):
        write_business(writer, message.business)
        own = TraceHeader(organ_id=message.sender.organ_id, timestamp=message.created_at)
        for entry in (own, *message.hops):
            with writer.block(f"{PREFIX}:TraceHeader"):
                writer.leaf(f"{PREFIX}:OrganId", entry.organ_id)
                writer.leaf(f"{PREFIX}:Timestamp", edxml_timestamp(entry.timestamp) if entry.timestamp else "")


def read_trace(trace: Block, sender: OrganId) -> tuple[datetime | None, tuple[TraceHeader, ...]]:
    """When the sender made the message, and every other entry, in order.

    The sender's own entry is the first of its that says a time. Where there is none, the earliest place in the list that
    says one has the time nearest to it, and all entries are hubs'.
    """
    trace.expect(_NAMES)
    entries = [_read_entry(entry) for entry in trace.many("TraceHeader", limit=limits.TRACE_HEADERS_MAX)]
    for index, entry in enumerate(entries):
        if entry.organ_id == sender and entry.timestamp is not None:
            return entry.timestamp, (*entries[:index], *entries[index + 1 :])
    times = (entry.timestamp for entry in entries)
    return next((time for time in times if time is not None), None), tuple(entries)


def _read_entry(block: Block) -> TraceHeader:
    block.expect({"OrganId", "Timestamp"})
    return TraceHeader(organ_id=OrganId(block.text("OrganId")), timestamp=timestamp_of(block, "Timestamp"))


def check_trace(checks: Checks, message: DocumentMessage) -> None:
    """Times that can be said; of the hubs' names only that they can be written, for they are not ours to choose."""
    checks.moment("created_at", message.created_at)
    checks.count("hops", len(message.hops), lowest=0, highest=HOPS_MAX)
    for index, hop in enumerate(message.hops):
        checks.echo(f"hops[{index}].organ_id", hop.organ_id, limit=limits.ORGAN_ID_CHARS_MAX)
        if hop.timestamp is not None:
            checks.moment(f"hops[{index}].timestamp", hop.timestamp)
