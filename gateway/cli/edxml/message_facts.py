"""What a message says, line by line, for people: who, to whom, what, about which other document, by which way."""

from collections.abc import Iterator, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

from gateway.cli.output import Terminal
from gateway.core.clock import local_time
from gateway.core.message import (
    NO_TIME,
    BusinessKind,
    DocumentMessage,
    Message,
    Organ,
    ReceiverChange,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusMessage,
    SteeringType,
    TraceHeader,
)
from gateway.edxml import Reading

_RECIPIENTS_SHOWN: Final = 5
_KINDS: Final = MappingProxyType(
    {
        BusinessKind.NEW: "cli.edxml.business_new",
        BusinessKind.REVOKE: "cli.edxml.business_revoke",
        BusinessKind.UPDATE: "cli.edxml.business_update",
        BusinessKind.REPLACE: "cli.edxml.business_replace",
    }
)
_CHANGES: Final = MappingProxyType(
    {ReceiverChange.ADDED: "cli.edxml.receiver_added", ReceiverChange.REMOVED: "cli.edxml.receiver_removed"}
)
_STEERING: Final = MappingProxyType(
    {SteeringType.STEERING: "cli.edxml.steering_steering", SteeringType.REPORT: "cli.edxml.steering_report"}
)
Fact = tuple[str, object]


def title_of(terminal: Terminal, reading: Reading) -> str:
    """What kind of thing it is; one that undoes another document says so."""
    message = reading.message
    if isinstance(message, DocumentMessage) and message.business.kind is not BusinessKind.NEW:
        return terminal.text(_KINDS[message.business.kind])
    return terminal.word(f"kind.{reading.kind}")


def print_message(terminal: Terminal, message: Message) -> None:
    """All of it that is said."""
    facts = _status(terminal, message) if isinstance(message, StatusMessage) else _document(terminal, message)
    terminal.facts(list(facts), indent="  ")


def _document(terminal: Terminal, message: DocumentMessage) -> Iterator[Fact]:
    yield "cli.edxml.from", _organ(message.sender)
    yield "cli.edxml.to", _recipients(terminal, message.recipients)
    yield "cli.edxml.document_id", message.document_id
    yield "cli.column.code", message.code.text() if message.code.number or message.code.notation else ""
    yield "cli.edxml.date", _day(message.promulgation_date)
    yield "cli.edxml.place", message.promulgation_place
    yield "cli.edxml.type", f"{message.type_name} ({message.document_type}.{message.type_detail})".strip()
    yield "cli.column.subject", message.subject
    yield "cli.edxml.content", message.content
    yield "cli.column.priority", terminal.word(f"priority.{message.priority.name.lower()}")
    yield "cli.edxml.signer", _signer(message.signer)
    yield "cli.edxml.due", _day(message.due_date)
    yield from _details(terminal, message)
    revokes = message.business.kind is BusinessKind.REVOKE
    for answered in message.response_for:
        yield "cli.edxml.revoked" if revokes else "cli.edxml.response_for", _answered(answered)
    yield from _business(terminal, message)
    yield "cli.edxml.created", "" if message.created_at == NO_TIME else local_time(message.created_at, seconds=True)
    for hop in message.hops:
        yield "cli.edxml.hop", _hop(hop)


def _details(terminal: Terminal, message: DocumentMessage) -> Iterator[Fact]:
    if message.steering_type and message.steering_type is not SteeringType.NONE:
        yield "cli.edxml.steering", terminal.text(_STEERING[message.steering_type])
    yield "cli.edxml.pages", message.page_amount
    yield "cli.edxml.copies", message.copies
    for appendix in message.appendixes:
        yield "cli.edxml.appendix", appendix
    yield "cli.edxml.to_places", "; ".join(message.to_places)


def _business(terminal: Terminal, message: DocumentMessage) -> Iterator[Fact]:
    business = message.business
    yield "cli.edxml.business", terminal.text(_KINDS[business.kind])
    if business.kind is not BusinessKind.NEW:
        yield "cli.edxml.why", business.reason
    yield "cli.edxml.earlier", business.document_id
    yield "cli.edxml.paper", terminal.text("cli.edxml.paper_follows") if business.paper else ""
    if business.changes:
        said = {
            "cli.edxml.changes_metadata": business.changes.metadata,
            "cli.edxml.changes_recipients": business.changes.recipients,
        }
        parts = [terminal.text(part) for part, changed in said.items() if changed]
        yield "cli.edxml.changes", ", ".join(parts)
        for receiver in business.changes.receivers:
            yield _CHANGES[receiver.change], receiver.organ_id
    for replacement in business.replacements:
        yield "cli.edxml.replaces", replacement.document_id
        yield "cli.edxml.holders", "; ".join(replacement.holders)
    for staff in business.staff:
        yield "cli.edxml.staff", _staff(staff)


def _status(terminal: Terminal, message: StatusMessage) -> Iterator[Fact]:
    yield "cli.edxml.from", _organ(message.sender)
    yield "cli.edxml.to", message.response_for.organ_id
    yield "cli.column.status", f"{message.status.value} {terminal.word(f'business.{message.status.value}')}"
    yield "cli.edxml.description", message.description
    yield "cli.edxml.answered", _answered(message.response_for)
    yield "cli.edxml.created", "" if message.timestamp == NO_TIME else local_time(message.timestamp, seconds=True)
    if message.staff:
        yield "cli.edxml.staff", _staff(message.staff)


def _organ(organ: Organ) -> str:
    return f"{organ.organ_id} — {organ.name}" if organ.name else organ.organ_id


def _signer(signer: SignerInfo) -> str:
    return ", ".join(filter(None, (signer.full_name, " ".join(filter(None, (signer.competence, signer.position))))))


def _staff(staff: StaffInfo) -> str:
    return ", ".join(filter(None, (staff.staff, staff.department, staff.mobile, staff.email)))


def _recipients(terminal: Terminal, organs: Sequence[Organ]) -> str:
    said = "; ".join(map(_organ, organs[:_RECIPIENTS_SHOWN]))
    if len(organs) <= _RECIPIENTS_SHOWN:
        return said
    return f"{said}; {terminal.text('cli.edxml.more_recipients', count=len(organs) - _RECIPIENTS_SHOWN)}"


def _answered(answered: ResponseFor) -> str:
    parts = (answered.code, _day(answered.promulgation_date), answered.organ_id, answered.document_id)
    return " · ".join(filter(None, parts))


def _hop(hop: TraceHeader) -> str:
    when = local_time(hop.timestamp, seconds=True) if hop.timestamp else ""
    return " · ".join(filter(None, (hop.organ_id, when)))


def _day(day: date | None) -> str:
    return f"{day.day:02}/{day.month:02}/{day.year:04}" if day else ""
