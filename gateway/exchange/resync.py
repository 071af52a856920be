"""Resync: after a restore each peer is asked what it believes delivered here, and for what is not here any more.

    asking ──page by page: what do you hold our receipt for?──> waiting ──all of it has come again──> done

What a page names and is not here is remembered in the unit that moves the cursor, and asked for with the next question; so
the power may fail anywhere, and the same question is asked again. A transfer that comes again is received like every other one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from gateway.audit import AuditError, Checkpoint, closed_at, name_of, verify_checkpoint
from gateway.core.carrying import Answered, CarryResult, Indeterminate
from gateway.core.errors import PeerError
from gateway.core.events import EventKind
from gateway.core.ids import GatewayId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.patience import DELIVERY_DEADLINE_DAYS_MAX
from gateway.core.ports import Signer
from gateway.core.restore_limits import (
    RESYNC_AGAIN_SECONDS,
    RESYNC_EMPTY_SECONDS,
    RESYNC_LOOK_SECONDS,
    RESYNC_MARGIN_SECONDS,
    RESYNC_MISSING_MAX,
    RESYNC_PAGE_TRANSFERS,
)
from gateway.core.resync import Reopening, Resync, ResyncState, Wanted
from gateway.core.work import Claim, Destination, RoadReport
from gateway.exchange.desk import Desk
from gateway.exchange.resync_tokens import Page, Question, check_course, read_page, write_question
from gateway.exchange.roads import Roads
from gateway.exchange.subjects import of_gateway
from gateway.observe import logger

_log = logger(__name__)

Ask = Callable[[GatewayId, bytes], Awaitable[CarryResult]]
"""Hands a question to a peer; `Answered` bears its page, not yet checked."""
BEFORE: Final = timedelta(days=DELIVERY_DEADLINE_DAYS_MAX, seconds=RESYNC_MARGIN_SECONDS)
AGAIN: Final = timedelta(seconds=RESYNC_AGAIN_SECONDS)
LOOK_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """What one look at the rows found."""

    resync: Resync
    reopened: Reopening
    closed: str
    """Name of the log that was closed."""
    again: tuple[TransferKey, ...]
    page: bool
    """Whether it is asked for more: there is more, and not too much of what it named is missing."""


class Resynchronising:
    """The conductor of work items of kind `resync`: one for each peer."""

    def __init__(self, *, desk: Desk, origin: str, signer: Signer, ask: Ask, roads: Roads) -> None:
        """`origin`: name of the first log; `signer`: the receipt key."""
        self._desk = desk
        self._origin = origin
        self._signer = signer
        self._ask = ask
        self._roads = roads

    async def handle(self, claim: Claim) -> RoadReport:
        """One question and its answer, or a look at what has come since."""
        peer = GatewayId(claim.item.subject)
        turn = await self._desk.store.read(lambda uow: self._turn(uow, peer))
        if turn is None or not (turn.page or turn.again):
            await self._desk.store.transact(lambda uow: self._look(uow, claim, peer))
            return RoadReport.NEUTRAL
        question = self._question(turn)
        token = await write_question(question, self._signer)
        result = await self._ask(peer, token)
        if isinstance(result, Answered):
            snapshot = self._desk.directory.current()
            try:
                page = read_page(result.receipt, asked=token, origin=peer, own=self._desk.own, snapshot=snapshot)
                check_course(question, page)
            except PeerError as error:
                result = Indeterminate(str(error))
            else:
                await self._desk.store.transact(lambda uow: self._take(uow, claim, question, page))
                _log.info("resync.answered", peer=peer, named=len(page.lines), asked_for=len(question.again))
                return RoadReport.GOOD
        return await self._roads.again_later(claim, peer, result)

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """Nothing moves: `doctor` names the peer for as long as it is not done."""

    # --- asking ------------------------------------------------------------------------------------------------------

    def _turn(self, uow: UnitOfWork, peer: GatewayId) -> _Turn | None:
        resync, reopened = uow.resyncs.find(peer), uow.resyncs.reopenings()
        if resync is None or not reopened or resync.state is ResyncState.DONE:
            return None
        return _Turn(
            resync=resync,
            reopened=reopened[-1],
            closed=name_of(self._origin, reopened[-2].number if len(reopened) > 1 else 0),
            again=uow.resyncs.to_ask(peer, RESYNC_PAGE_TRANSFERS),
            page=resync.state is ResyncState.ASKING
            and len(uow.resyncs.missing(peer, RESYNC_MISSING_MAX)) < RESYNC_MISSING_MAX,
        )

    def _question(self, turn: _Turn) -> Question:
        return Question(
            origin=self._desk.own,
            destination=turn.resync.peer,
            issued_at=self._desk.clock.now(),
            number=turn.reopened.number,
            log=turn.closed,
            kept=turn.reopened.kept,
            since=turn.reopened.since - BEFORE,
            after=turn.resync.after,
            page=turn.page,
            again=turn.again,
        )

    # --- what was answered -------------------------------------------------------------------------------------------

    def _take(self, uow: UnitOfWork, claim: Claim, question: Question, page: Page) -> None:
        """What is missing is remembered before the cursor moves: in one unit."""
        now, peer = self._desk.clock.now(), page.origin
        resync = uow.resyncs.find(peer)
        assert resync is not None, "a question without its row"
        uow.resyncs.asked(peer, question.again, now)
        uow.resyncs.dismiss(peer, [key for key in page.unknown if key in question.again])
        if question.page and resync.after == question.after and resync.state is ResyncState.ASKING:
            resync = self._named(uow, resync, page)
        uow.resyncs.put(replace(resync, changed_at=now))
        uow.work.set_destination(Destination(name=peer))
        uow.work.postpone(claim, now + timedelta(seconds=_pause(question, page)))

    def _named(self, uow: UnitOfWork, resync: Resync, page: Page) -> Resync:
        missing = frozenset(uow.resyncs.unknown([line.transfer for line in page.lines]))
        lost: list[Wanted] = [line for line in page.lines if line.transfer in missing]
        uow.resyncs.want(resync.peer, lost)
        seen = self._seen(uow, resync, page)
        return replace(
            resync,
            state=ResyncState.ASKING if page.following else ResyncState.WAITING,
            after=page.following or resync.after,
            named=resync.named + len(page.lines),
            lost=resync.lost + len(lost),
            newest=max(resync.newest, seen),
        )

    def _seen(self, uow: UnitOfWork, resync: Resync, page: Page) -> int:
        """Leaves under the checkpoint that the peer shows; a larger one than ever is a leaf of its own."""
        checkpoint = self._ours(page.checkpoint)
        if checkpoint is None:
            return 0
        kept = closed_at(uow, self._origin).get(checkpoint.origin)
        known = max((one.newest for one in uow.resyncs.all()), default=0)
        if kept is not None and checkpoint.size > max(kept, known):
            said: dict[str, str | int] = {"peer": resync.peer, "log": checkpoint.origin, "kept": kept}
            said |= {"size": checkpoint.size, "root": checkpoint.root.hex()}
            self._record(uow, EventKind.LOG_GAP, said)
        return checkpoint.size

    def _ours(self, note: str) -> Checkpoint | None:
        """A checkpoint of ours, if it is one: what somebody else says of our log is worth its signature."""
        entry = self._desk.directory.current().gateways[self._desk.own]
        try:
            return verify_checkpoint(note, entry.log_keys) if note else None
        except AuditError:
            return None

    # --- what has come since -----------------------------------------------------------------------------------------

    def _look(self, uow: UnitOfWork, claim: Claim, peer: GatewayId) -> None:
        now, resync = self._desk.clock.now(), uow.resyncs.find(peer)
        if resync is None or resync.state is ResyncState.DONE:
            uow.work.finish(claim)
            return
        missing = uow.resyncs.missing(peer, RESYNC_PAGE_TRANSFERS)
        if not missing and resync.state is ResyncState.WAITING:
            said: dict[str, str | int] = {
                "peer": peer,
                "named": resync.named,
                "lost": resync.lost,
                "newest": resync.newest,
            }
            self._record(uow, EventKind.RESYNCED, said)
            uow.resyncs.put(replace(resync, state=ResyncState.DONE, changed_at=now))
            uow.work.finish(claim)
            _log.info("resync.done", peer=peer, named=resync.named, was_missing=resync.lost)
            return
        overdue = [key for key, asked in missing if asked is not None and now - asked >= AGAIN]
        uow.resyncs.asked(peer, overdue, None)
        wait = min(LOOK_SECONDS_MAX, RESYNC_LOOK_SECONDS + (now - resync.changed_at).total_seconds() / 10)
        uow.work.postpone(claim, now + timedelta(seconds=max(RESYNC_LOOK_SECONDS, wait)))

    def _record(self, uow: UnitOfWork, kind: EventKind, private: dict[str, str | int]) -> None:
        event = of_gateway(kind, self._desk.own, at=self._desk.clock.now(), private=private)
        self._desk.journal.record(uow, event)


def _pause(question: Question, page: Page) -> float:
    """Seconds until the next question: a page that brings nothing must not be worth another one at once, without an end."""
    stands = question.page and page.following != "" and page.following == question.after and not question.again
    if (
        stands or page.unknown
    ):  # it ends before a transfer of which the peer knows in a moment; or it had named what it has not
        return RESYNC_LOOK_SECONDS
    return 0 if page.lines or question.again else RESYNC_EMPTY_SECONDS
