"""`gateway edxml status`: a status message about a document that is in hand. The document says nearly all of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.cli.edxml.look import look
from gateway.cli.edxml.making import make
from gateway.cli.edxml.stores import nowhere
from gateway.cli.edxml.told import has_errors
from gateway.cli.errors import Failure
from gateway.cli.orders import AnswerOrder, Session
from gateway.cli.output import Terminal
from gateway.cli.written import Target, require_one_use_of_stdout
from gateway.core.ids import OrganId
from gateway.core.message import DocumentMessage, Organ, ResponseFor, StaffInfo, StatusMessage
from gateway.core.states import BusinessStatus
from gateway.observe import SystemClock, label

_REASONED: Final = frozenset({BusinessStatus.REFUSED, BusinessStatus.RECALL_REFUSED})
"""Whoever refuses says why (facts 1.10)."""


def answer(session: Session, order: AnswerOrder) -> int:
    """Make a status message about a document.

    Raises:
        Failure: the file is no document or does not say which; the line leaves open who speaks or to whom; a refusal without
            its reason; the regulation does not allow what the line says; OUT is there already.
        SenderError: `envelope.malformed`, `size.limit`.
    """
    terminal, target = session.terminal, Target(path=order.output, force=order.force)
    require_one_use_of_stdout(terminal, target)
    if order.code in _REASONED and not order.description:
        raise Failure("cli.edxml.reason", code=order.code.value)
    document = _document(session, order.document)
    return make(terminal, _message(session, order, document), (), target=target, told_as=str(order.document))


def _document(session: Session, path: Path) -> DocumentMessage:
    _, reading = look(session, path, store=nowhere)
    message = reading.message
    if not isinstance(message, DocumentMessage):
        raise Failure("cli.edxml.not_document", path=str(path))
    if not message.sender.organ_id or not message.document_id:
        raise Failure("cli.edxml.unnamed", path=str(path))
    if has_errors(reading.findings):  # which may be what the answer is about
        session.terminal.note(session.terminal.text("cli.edxml.answer_unsound", path=str(path)))
    return message


def _message(session: Session, order: AnswerOrder, document: DocumentMessage) -> StatusMessage:
    """Who received it tells who sent it how it stands; with 13 it is the other way round (facts 1.10)."""
    receivers, senders = document.recipients, (document.sender,)
    speakers, addressed = (senders, receivers) if order.code is BusinessStatus.RECALL_ASKED else (receivers, senders)
    terminal, code = session.terminal, document.code
    staff = StaffInfo(staff=order.staff, department=order.department)
    return StatusMessage(
        sender=_meant(terminal, speakers, order.sender, option="--from"),
        response_for=ResponseFor(
            organ_id=_meant(terminal, addressed, order.recipient, option="--to").organ_id,
            document_id=document.document_id,
            code=code.text() if code.number or code.notation else "",
            promulgation_date=document.promulgation_date,
        ),
        status=order.code,
        description=order.description or label(f"business.{order.code.value}").vi,
        timestamp=SystemClock().now().replace(microsecond=0),
        staff=staff if staff != StaffInfo() else None,
    )


def _meant(terminal: Terminal, organs: Sequence[Organ], said: str | None, *, option: str) -> Organ:
    """The body that is meant, as the document calls it; one that the document does not name is told, and believed."""
    if said is None and len(organs) == 1:
        return organs[0]
    if said is None:
        raise Failure("cli.edxml.whom", option=option, count=len(organs))
    for organ in organs:
        if organ.organ_id == said:
            return organ
    terminal.note(terminal.text("cli.edxml.stranger", organ=said))
    return Organ(organ_id=OrganId(said))
