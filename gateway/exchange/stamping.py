"""Stamping: a file that was sealed when no timestamp authority answered gets its document timestamp afterwards.

    sealed at a lower level ──owe──> waiting ──the authority answers──> stamped
                                       │  └──no answer──> waiting       all of them wait for the authority together
                                       └──in vain for too long──> given up ──released──> waiting

The debt is written in the unit that writes `sealed`, so no power cut comes between the two. What has left the house inside
its envelope never changes: the timestamp is put upon our own copy, a new blob beside the sealed one. Getting it is slow and
happens outside of any transaction; repeating it is harmless, and costs one token that nobody keeps.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import TimestampKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import REASON_CHARS_MAX, TIMESTAMP_DEBT_SECONDS_MAX
from gateway.core.model import Attachment, Document
from gateway.core.owed import OwedTimestamp, TimestampState
from gateway.core.ports import BlobLease
from gateway.core.sealed import SealedFile
from gateway.core.validation import Level
from gateway.core.work import TIMESTAMP_ROAD, Claim, Destination, RoadReport, WorkItem, WorkKind
from gateway.exchange.desk import Desk
from gateway.exchange.roads import Backoff, close_road
from gateway.observe import bound_ids, logger

DEBT: Final = timedelta(seconds=TIMESTAMP_DEBT_SECONDS_MAX)
UNAVAILABLE: Final = "timestamp.unavailable"
EVIDENCE: Final = "seal.evidence"
NO_TIMESTAMP: Final = frozenset({UNAVAILABLE, EVIDENCE})
"""Why a level is not reached, though nothing is wrong with the document."""
EVIDENCE_FAILURES: Final = 8
"""As if it had failed so often: evidence comes by the day, and each try costs the authority a timestamp."""
_RANKS: Final = {level: rank for rank, level in enumerate(Level)}

_log = logger(__name__)


def owe(uow: UnitOfWork, document: Document, files: Sequence[Attachment], desk: Desk) -> None:
    """Write what is owed to files that were sealed in this step; `document` as it is after it."""
    for file in files:
        if file.seal is None or file.seal.owed is None:
            continue
        owed = OwedTimestamp(
            key=TimestampKey(desk.new_key()),
            document=document.key,
            position=file.position,
            sealed=file.blob,
            level=file.seal.level,
            owed=file.seal.owed,
            state=TimestampState.WAITING,
            archive=None,
            stamped_at=None,
            reason="",
            since=document.changed_at,
            changed_at=document.changed_at,
            last_leaf=document.last_leaf,
        )
        uow.timestamps.add(replace(owed, last_leaf=_record(uow, owed, EventKind.TIMESTAMP_OWED, document, desk)))
        uow.work.add(_work(owed, document.changed_at))


def owe_again(uow: UnitOfWork, document: Document, desk: Desk, *, by: str, only: TimestampKey | None = None) -> int:
    """Let go on what was given up of a document's timestamps, or that one of them; how many. `by`: who."""
    given_up = [
        one
        for one in uow.timestamps.of_document(document.key)
        if one.state is TimestampState.GIVEN_UP and only in (None, one.key)
    ]
    now = desk.clock.now()
    for one in given_up:
        again = replace(one, state=TimestampState.WAITING, reason="", since=now, changed_at=now)
        leaf = _record(uow, again, EventKind.RELEASED, document, desk, code=one.reason, principal=by)
        uow.timestamps.advance(replace(again, last_leaf=leaf), was=one.state)
        uow.work.redrive(_work(again, now))
    if given_up:
        uow.work.set_destination(Destination(name=TIMESTAMP_ROAD))  # somebody says that it was mended: ask at once
    return len(given_up)


class Stamping:
    """The conductor of work items of kind `timestamp`."""

    def __init__(self, *, desk: Desk, backoff: Backoff) -> None:
        self._desk = desk
        self._backoff = backoff

    async def handle(self, claim: Claim) -> RoadReport:
        """One attempt, with the long patience: nobody waits for it."""
        owed, document = await self._desk.store.read(lambda uow: self._fresh(uow, claim))
        if owed.state is not TimestampState.WAITING:
            await self._desk.store.transact(lambda uow: uow.work.finish(claim))
            return RoadReport.NEUTRAL
        with bound_ids(document=document.key, trace_id=document.trace_id):
            path = self._desk.blobs.path(owed.copy)
            try:
                done = await self._desk.sealer.settle(path, document.sender, owed.owed)
            except SiteError as error:
                if error.code != UNAVAILABLE:
                    raise
                return await self._again(claim, error)
            with self._desk.blobs.lease() as lease:
                return await self._settle(claim, owed, done, lease)

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """What the unit writes that buries the item: it stays owed, with the reason, until somebody lets it go on."""
        owed, document = self._fresh(uow, claim)
        if owed.state is not TimestampState.WAITING:
            return
        given_up = replace(owed, state=TimestampState.GIVEN_UP, reason=code, changed_at=self._desk.clock.now())
        leaf = _record(uow, given_up, EventKind.TIMESTAMP_GIVEN_UP, document, self._desk, code=code)
        uow.timestamps.advance(replace(given_up, last_leaf=leaf), was=owed.state)

    # --- what follows ------------------------------------------------------------------------------------------------

    async def _settle(self, claim: Claim, owed: OwedTimestamp, done: SealedFile, lease: BlobLease) -> RoadReport:
        """Keep what was gained; what is still owed of it (evidence, a second timestamp) is tried again later."""
        if _RANKS[done.level] <= _RANKS[owed.level]:
            return await self._again(claim, SiteError(EVIDENCE, level=owed.owed.value), road=True)
        blob = await lease.put_bytes(done.pdf)

        def unit(uow: UnitOfWork) -> None:
            fresh, document = self._fresh(uow, claim)
            now = self._desk.clock.now()
            paid = replace(
                fresh,
                level=done.level,
                state=TimestampState.STAMPED if done.owed is None else TimestampState.WAITING,
                archive=blob,
                stamped_at=fresh.stamped_at or done.stamped_at,
                reason=_why(done),
                changed_at=now,
            )
            leaf = _record(uow, paid, EventKind.TIMESTAMP_ADDED, document, self._desk)
            uow.timestamps.advance(replace(paid, last_leaf=leaf), was=TimestampState.WAITING)
            uow.work.set_destination(Destination(name=TIMESTAMP_ROAD))
            if done.owed is None:
                uow.work.finish(claim)
            else:
                uow.work.postpone(claim, now + timedelta(seconds=self._backoff(EVIDENCE_FAILURES)))

        await self._desk.store.transact(unit)
        _log.info("timestamp.added", level=done.level, owed=done.owed)
        return RoadReport.GOOD

    async def _again(self, claim: Claim, error: SiteError, *, road: bool = False) -> RoadReport:
        """Give the lease back, or give up what is owed for too long. `road`: the authority did answer."""

        def unit(uow: UnitOfWork) -> bool:
            owed, _ = self._fresh(uow, claim)
            now = self._desk.clock.now()
            if self._desk.lateness.is_over(owed.since + DEBT):
                self.give_up(uow, claim, error.code)
                uow.work.bury(claim, str(error)[:REASON_CHARS_MAX], now)
                return True
            uow.timestamps.advance(replace(owed, reason=error.code, changed_at=now), was=owed.state)
            if road:
                uow.work.postpone(claim, now + timedelta(seconds=self._backoff(EVIDENCE_FAILURES)))
            else:
                close_road(uow, TIMESTAMP_ROAD, now, self._backoff)
                uow.work.postpone(claim, now)
            return False

        dead = await self._desk.store.transact(unit)
        _log.warning("timestamp.given_up" if dead else "timestamp.waits", code=error.code, why=str(error))
        return RoadReport.GOOD if road else RoadReport.BAD

    @staticmethod
    def _fresh(uow: UnitOfWork, claim: Claim) -> tuple[OwedTimestamp, Document]:
        """The rows as they are in this transaction."""
        owed = uow.timestamps.find(TimestampKey(claim.item.subject))
        document = uow.documents.find(owed.document) if owed else None
        if owed is None or document is None:
            raise SiteError("store.damaged", reason=f"timestamp {claim.item.subject}")
        return owed, document


def _why(done: SealedFile) -> str:
    """Why something is still owed."""
    if done.owed is None:
        return ""
    return done.why.code if done.why else EVIDENCE


def _work(owed: OwedTimestamp, due_at: datetime) -> WorkItem:
    return WorkItem(kind=WorkKind.TIMESTAMP, subject=owed.key, destination=TIMESTAMP_ROAD, due_at=due_at)


def _record(uow: UnitOfWork, owed: OwedTimestamp, kind: EventKind, document: Document, desk: Desk, **said: str) -> str:
    """The leaf of an event of this timestamp; the first follows the document's `sealed`."""
    return desk.journal.record(
        uow,
        AuditEvent(
            kind=kind,
            at=owed.changed_at,
            subject=owed.key,
            document=owed.document,
            previous=owed.last_leaf,
            organ=document.sender,
            private={
                "document_id": document.document_id,
                "from": document.sender,
                "file": owed.sealed.digest,
                "level": owed.level.value,
                "owed": owed.owed.value,
                "archive": owed.archive.digest if owed.archive else "",
                **said,
            },
        ),
    )
