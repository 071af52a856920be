"""Scanning: every file of a document is shown to the malware scanner, the same way in both directions.

A document is clean when the scanner said so of each of its files. One infected file decides, whatever is known of the others.
Otherwise, what is not known is never "clean": the scanner is away (nobody's document passes now), or does not get through with
one of these files (this one does not). What follows is the caller's: a document that goes out is held, a gateway that sends is
asked to come back. Where no scanner is configured nothing is looked at, and the operator is told so.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.core.errors import SenderError, SiteError
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import Digest, OrganId
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.limits import TRANSFER_SECONDS_MAX
from gateway.core.model import Attachment, Document
from gateway.core.scanning import ScanResult
from gateway.core.sizes import patience
from gateway.core.states import DocumentState
from gateway.core.work import SCANNER_ROAD, WorkItem, WorkKind
from gateway.exchange.desk import Desk

INFECTED: Final = "file.infected"
AWAY: Final = "scanner.unavailable"
UNDECIDED: Final = "scanner.undecided"
NOT_SCANNED: Final = frozenset({AWAY, UNDECIDED})
"""Why nothing is known of a document's files, though nothing is known to be wrong with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Infection:
    """What was found in which file."""

    position: int
    file: Digest
    signature: str
    """In the scanner's words."""


class InfectedError(SenderError):
    """`file.infected`, with everything that was found."""

    def __init__(self, name: str, found: Sequence[Infection]) -> None:
        super().__init__(INFECTED, file=name, signature=found[0].signature)
        self.found: Final = tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """In which history a finding stands, and what names the document outside of the house."""

    history: str
    """Key of the document (outgoing) or of the transfer (incoming)."""
    sender: OrganId
    document_id: str
    envelope: Digest | None
    """The stored edXML file that holds the infected one; None for a document that was handed in by its parts."""


async def scan_files(desk: Desk, files: Sequence[Attachment]) -> None:
    """Come back when each of them is clean, or none is to be scanned.

    Raises:
        InfectedError: `file.infected`.
        SiteError: `scanner.unavailable`, `scanner.undecided`; `blob.damaged`.
    """
    scanner = desk.scanner
    if scanner is None:
        return
    try:
        async with asyncio.timeout(patience(TRANSFER_SECONDS_MAX, sum(file.blob.size for file in files))):
            scans = await asyncio.gather(*(scanner.scan(desk.blobs.path(file.blob)) for file in files))
    except TimeoutError as error:
        raise SiteError(AWAY) from error
    seen = list(zip(files, scans, strict=True))
    infected = [(file, scan) for file, scan in seen if scan.result is ScanResult.INFECTED]
    if infected:
        found = [Infection(position=one.position, file=one.blob.digest, signature=scan.name) for one, scan in infected]
        raise InfectedError(infected[0][0].name, found)
    if any(scan.result is ScanResult.AWAY for scan in scans):
        raise SiteError(AWAY)
    for file, scan in seen:
        if scan.result is not ScanResult.CLEAN:
            raise SiteError(UNDECIDED, file=file.name, reason=scan.reason)


def quarantine(uow: UnitOfWork, found: Sequence[Infection], whose: Whose, moment: datetime, desk: Desk) -> None:
    """A leaf for each infected file, in the unit that refuses it. The bytes stay where they are named; no door opens them."""
    for one in found:
        event = AuditEvent(
            kind=EventKind.QUARANTINED,
            at=moment,
            subject=desk.new_key(),
            document=whose.history,
            private={
                "document_id": whose.document_id,
                "from": whose.sender,
                "envelope": whose.envelope or "",
                "file": one.file,
                "signature": one.signature,
            },
        )
        desk.journal.record(uow, event)


def waits(document: Document) -> bool:
    """Whether it is held because nothing is known of its files."""
    return document.state is DocumentState.HELD and document.reason in NOT_SCANNED


def rescan(uow: UnitOfWork, document: Document) -> None:
    """Write that a held document is scanned again by itself; what was given up of that before counts no more."""
    uow.work.redrive(_scan_of(document))


def forget_scan(uow: UnitOfWork, document: Document, now: datetime) -> None:
    """Write that a document waits for the scanner no longer: its item goes, and its dead letter, which warned of it.

    Where it is just being scanned, the item finds nothing to do any more.
    """
    with suppress(StaleStateError):
        uow.work.withdraw(_scan_of(document), now)


def _scan_of(document: Document) -> WorkItem:
    due_at = document.changed_at
    return WorkItem(kind=WorkKind.SCAN, subject=document.key, destination=SCANNER_ROAD, due_at=due_at)
