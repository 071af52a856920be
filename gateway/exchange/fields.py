"""Fields of a document that is handed in: whatever is wrong with them is found here, all of it, before the 202.

By its parts or as a finished file, the rules are the same; a finished file also says what the form leaves to the registry
(names) and to the gateway (DocumentId, time), and must not say something else.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

from gateway.core.directory import Snapshot
from gateway.core.fields import TEXT_OF, FieldFault, wrong_fields
from gateway.core.ids import OrganId
from gateway.core.limits import PAPER_DAYS_AHEAD
from gateway.core.message import DocumentMessage, Organ
from gateway.core.model import Attachment
from gateway.core.paper import paper_date_problem
from gateway.core.plain_text import same_words
from gateway.edxml import Violation, check_files, check_regulation
from gateway.exchange.amending import amended
from gateway.exchange.messages import organ_block
from gateway.exchange.ready_made import metadata_of
from gateway.routing import plan


def check_fields(*found: Iterable[FieldFault]) -> None:
    """Let a document pass without any fault.

    Raises:
        SenderError: `request.field` with all of them.
    """
    if faults := tuple(chain.from_iterable(found)):
        raise wrong_fields(faults)


def document_faults(
    message: DocumentMessage, attachments: Sequence[Attachment], *, moment: datetime
) -> tuple[FieldFault, ...]:
    """What keeps a document from being sent at that moment: the regulation's fields and lengths, texts, dates.

    Not marks of secrecy: those are an error of their own (`secrecy.marked`), and no list of fields to mend.
    """
    found = tuple(map(_fault, check_regulation(message, attachments)))
    said = {fault.path for fault in found}
    return (*found, *(fault for fault in _date_faults(message, moment) if fault.path not in said))


def attachment_faults(attachments: Sequence[Attachment]) -> tuple[FieldFault, ...]:
    """What of the files alone keeps a document from being sent."""
    return tuple(map(_fault, check_files(attachments)))


def amending_faults(message: DocumentMessage) -> tuple[FieldFault, ...]:
    """A document that recalls, updates or replaces bears the number and date of the earlier one: so it would be that one."""
    if message.document_id in amended(message.business, message.sender.organ_id, message.response_for):
        return (FieldFault(path="code.number", code="field.itself", params={"document": message.document_id}),)
    return ()


def finished_faults(message: DocumentMessage, snapshot: Snapshot, *, moment: datetime) -> tuple[FieldFault, ...]:
    """What a finished file says and must not: names that are not the registry's, another DocumentId, a time to come."""
    return (*_organ_faults(message, snapshot), *_document_id_faults(message), *_time_faults(message, moment))


def recipient_faults(recipients: Sequence[OrganId], snapshot: Snapshot, *, moment: datetime) -> tuple[FieldFault, ...]:
    """Whom the plan would refuse if it were made now, by the same codes. A code that is named twice is said once."""
    places: dict[OrganId, int] = {}
    for index, organ_id in enumerate(recipients):
        places.setdefault(organ_id, index)
    refusals = plan(recipients=tuple(places), snapshot=snapshot, moment=moment).refusals
    return tuple(
        FieldFault(
            path=f"recipients[{places[refusal.recipient]}]",
            code=refusal.code,
            params={"organ": refusal.recipient, "successor": refusal.successor or ""},
        )
        for refusal in refusals
    )


def _fault(violation: Violation) -> FieldFault:
    return FieldFault(path=violation.path, code=TEXT_OF[violation.code], params=dict(violation.params))


def _date_faults(message: DocumentMessage, moment: datetime) -> Iterator[FieldFault]:
    """By our own clock: the file's own time says nothing about today."""
    dates = [("promulgation_date", message.promulgation_date)]
    for index, answered in enumerate(message.response_for):
        dates.append((f"response_for[{index}].promulgation_date", answered.promulgation_date))
    for path, day in dates:
        if day is not None and (problem := paper_date_problem(day, made_at=moment)):
            yield FieldFault(path=path, code=TEXT_OF[problem])


def _organ_faults(message: DocumentMessage, snapshot: Snapshot) -> Iterator[FieldFault]:
    """A body is called what the registry calls it, or nothing. Of a code that is not in it `recipient_faults` tells."""
    organs = [("sender", message.sender), *((f"recipients[{n}]", organ) for n, organ in enumerate(message.recipients))]
    for path, organ in organs:
        if snapshot.body(organ.organ_id) is not None:
            yield from _name_faults(path, organ, organ_block(organ.organ_id, snapshot))


def _name_faults(path: str, organ: Organ, registered: Organ) -> Iterator[FieldFault]:
    for field, said, known in (
        ("name", organ.name, registered.name),
        ("in_charge", organ.in_charge, registered.in_charge),
    ):
        if said and not same_words(said, known):
            params = {"organ": organ.organ_id, "registered": known}
            yield FieldFault(path=f"{path}.{field}", code="field.organ_name", params=params)


def _document_id_faults(message: DocumentMessage) -> Iterator[FieldFault]:
    """The form that the regulation gives it (facts 1.6), of the very sender, date, number and notation beside it."""
    if message.promulgation_date is None:
        return  # said already
    expected = metadata_of(message).document_id()
    if unicodedata.normalize("NFC", message.document_id) != unicodedata.normalize("NFC", expected):
        yield FieldFault(path="document_id", code="field.document_id", params={"expected": expected})


def _time_faults(message: DocumentMessage, moment: datetime) -> Iterator[FieldFault]:
    if message.created_at - moment > timedelta(days=PAPER_DAYS_AHEAD):
        yield FieldFault(path="created_at", code="field.future")
