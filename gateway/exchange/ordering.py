"""Ordering: what a stream lets into an inbox, and when. The rules stand in `gateway.core.order`; here they meet the ledgers.

    arrives ──number expected──> inbox ──and what waited for it──> inbox      (`inbox.entered`)
       ├──a smaller one is missing──> staged ──it comes, or is passed over──> inbox (`inbox.entered`)
       │                                └──waited for long enough──> inbox    (`inbox.overdue`)
       └──passed over before──> inbox                                         (`inbox.late`)

Everything here runs inside the unit of work that stores what arrived, or in one of `OrderRelease`. A unit lets in a bounded
number of entries; the work item of the sender's streams does the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import EntryKey, OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import (
    ORDER_ROWS_MAX,
    ORDER_WAIT_SECONDS_MAX,
    ORDER_WAIT_URGENT_SECONDS_MAX,
    STREAM_WAITING_MAX,
)
from gateway.core.message import Priority
from gateway.core.model import InboxEntry
from gateway.core.order import Covered, Gap, GapNotice, Place, StagedEntry, Step, Stream, Waiting, advance_stream
from gateway.core.work import ORDER_ROAD, Claim, RoadReport, WorkItem, WorkKind
from gateway.exchange.amending import entries_arrived
from gateway.exchange.desk import Desk
from gateway.exchange.subjects import of_entry

ORDER_WAIT: Final = timedelta(seconds=ORDER_WAIT_SECONDS_MAX)
ORDER_WAIT_URGENT: Final = timedelta(seconds=ORDER_WAIT_URGENT_SECONDS_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A number that arrived: with an entry, or with nothing that enters (refused, a status message, known already)."""

    number: int
    entry: InboxEntry | None = None


@dataclass(slots=True, kw_only=True)
class Arrivals:
    """The streams of one transfer: looked at before its leaves are written, written back when its entries are stored."""

    desk: Desk
    sender: OrganId
    streams: Mapping[OrganId, Stream]

    @classmethod
    def look(cls, uow: UnitOfWork, sender: OrganId, recipients: Sequence[OrganId], desk: Desk) -> "Arrivals":
        """Take the streams of these recipients: nobody else changes them before the unit ends."""
        return cls(desk=desk, sender=sender, streams=uow.order.streams(sender, recipients))

    def place(self, uow: UnitOfWork, recipient: OrganId, number: int) -> Place:
        """Where a number stands. Who is no body of ours has no stream here, and nothing to wait for."""
        stream = self.streams.get(recipient)
        if stream is None or number == stream.expected:
            return Place.IN_ORDER
        passed = number < stream.expected or (
            stream.waiting > 0 and uow.order.is_waiting(self.sender, recipient, number)
        )
        return Place.LATE if passed else Place.EARLY

    def settle(self, uow: UnitOfWork, arrived: Mapping[OrganId, tuple[Place, Arrived]]) -> None:
        """Write how far the streams have come, what waits, and let in what waited for these numbers."""
        now = self.desk.clock.now()
        changed: list[Stream] = []
        waiting: list[Waiting] = []
        release = _Release(uow=uow, desk=self.desk, sender=self.sender, now=now)
        for recipient, (place, one) in arrived.items():
            stream = self.streams[recipient]
            if place is Place.IN_ORDER:
                stream = replace(stream, expected=one.number + 1)
                changed.append(release.advance(stream) if stream.waiting else stream)
            elif place is Place.EARLY:
                waiting.append(_waits(recipient, one))
                changed.append(replace(stream, waiting=stream.waiting + 1))
        uow.order.wait(self.sender, waiting)
        uow.order.put(self.sender, changed)
        release.finish()
        if ends := [row.entry.ends_at for row in waiting if row.entry is not None]:
            uow.work.add(order_work(self.sender, min(ends)))


def _waits(recipient: OrganId, one: Arrived) -> Waiting:
    staged = None
    if one.entry is not None:
        staged = StagedEntry(
            key=one.entry.key,
            transfer=one.entry.transfer,
            leaf=one.entry.last_leaf,
            since=one.entry.received_at,
            ends_at=one.entry.received_at + patience_of(one.entry),
        )
    return Waiting(recipient=recipient, first=one.number, last=one.number, entry=staged)


def patience_of(entry: InboxEntry) -> timedelta:
    """How long an entry waits for smaller numbers: nobody leaves an urgent letter lying for an ordinary one's sake."""
    return ORDER_WAIT if entry.message.priority is Priority.NORMAL else ORDER_WAIT_URGENT


def order_work(sender: OrganId, due_at: datetime) -> WorkItem:
    """What lets the staged entries of a sender in."""
    return WorkItem(kind=WorkKind.ORDER, subject=sender, destination=ORDER_ROAD, due_at=due_at)


def mark_late(uow: UnitOfWork, entry: InboxEntry, desk: Desk) -> InboxEntry:
    """The entry, with the leaf that says that its turn had gone by."""
    private = {"from": entry.sender, "to": entry.recipient, "transfer": entry.transfer}
    leaf = desk.journal.record(uow, of_entry(EventKind.LATE, entry, at=entry.received_at, private=private))
    return replace(entry, last_leaf=leaf)


class _Release:
    """Lets staged entries in, at most `ORDER_ROWS_MAX` in one unit."""

    def __init__(self, *, uow: UnitOfWork, desk: Desk, sender: OrganId, now: datetime) -> None:
        self._uow = uow
        self._desk = desk
        self._sender = sender
        self._now = now
        self._left = ORDER_ROWS_MAX
        self._entered: list[tuple[EntryKey, str]] = []
        self.full = False
        """Something more may come in that this unit had no room for."""

    def advance(self, stream: Stream, *, until: int = 0) -> Stream:
        """The stream after everything came in that can; numbers up to `until` are not waited for."""
        rows = self._uow.order.waiting(self._sender, stream.recipient, self._left) if self._left else ()
        walked = advance_stream(stream.expected, rows, until=until)
        self._left -= walked.taken
        self.full = self.full or self._left == 0
        if not walked.taken:
            return stream
        self._uow.order.settle(self._sender, stream.recipient, rows[walked.taken - 1].first)
        for step in walked.steps:
            self._entered.append((step.entry.key, self._leaf(stream.recipient, step)))
        overdue = any(step.missing for step in walked.steps)
        return replace(
            stream,
            expected=walked.expected,
            waiting=stream.waiting - walked.taken,
            overdue_at=self._now if overdue else stream.overdue_at,
        )

    def finish(self) -> None:
        """Give what came in its cursors; the rest is due at once."""
        self._uow.inbox.enter(self._entered, self._now)
        entries_arrived(self._uow, self._uow.inbox.several([key for key, _ in self._entered]), self._desk)
        if self.full:
            self._uow.work.add(order_work(self._sender, self._now))

    def _leaf(self, recipient: OrganId, step: Step) -> str:
        missing = {"first": step.missing[0], "last": step.missing[1]} if step.missing else {}
        return self._desk.journal.record(
            self._uow,
            AuditEvent(
                kind=EventKind.OVERDUE if missing else EventKind.ENTERED,
                at=self._now,
                subject=step.entry.key,
                document=step.entry.transfer,
                previous=step.entry.leaf,
                sequence=step.number,
                recipient=recipient,
                organ=recipient,
                private={"from": self._sender, "to": recipient, "transfer": step.entry.transfer, **missing},
            ),
        )


def advance_streams(uow: UnitOfWork, sender: OrganId, streams: Mapping[Stream, int], desk: Desk) -> None:
    """Let in what these streams let in, each up to its number without waiting, and write them back."""
    release = _Release(uow=uow, desk=desk, sender=sender, now=desk.clock.now())
    uow.order.put(sender, [release.advance(stream, until=until) for stream, until in streams.items()])
    release.finish()


def pass_over(uow: UnitOfWork, notice: GapNotice, desk: Desk) -> int:
    """Wait no longer for what a peer says will not come; how many of its gaps were news.

    Raises:
        SiteError: `store.busy`: so much waits in a stream already that no more is remembered of it now.
    """
    streams = dict(uow.order.streams(notice.sender, {gap.recipient for gap in notice.gaps}))
    changed: dict[OrganId, Stream] = {}
    covered: dict[OrganId, Covered] = {}
    news = 0
    for gap in notice.gaps:
        stream = streams[gap.recipient]
        if gap.first > stream.expected and gap.recipient not in covered:
            covered[gap.recipient] = Covered(uow.order.waiting(notice.sender, gap.recipient, stream.waiting))
        after = _without(uow, notice.sender, stream, gap, covered)
        if after != stream:
            news += 1
            streams[gap.recipient] = changed[gap.recipient] = after
            _record_gap(uow, notice, gap, desk)
    advance_streams(uow, notice.sender, dict.fromkeys(changed.values(), 0), desk)
    return news


def _without(uow: UnitOfWork, sender: OrganId, stream: Stream, gap: Gap, covered: Mapping[OrganId, Covered]) -> Stream:
    """The stream when nobody waits for these numbers; what arrived under one of them stays what it is."""
    if gap.first <= stream.expected:
        return replace(stream, expected=max(stream.expected, gap.last + 1))
    known = covered[stream.recipient]
    first = known.free_from(gap.first)
    if first > gap.last:
        return stream
    if stream.waiting >= STREAM_WAITING_MAX:
        raise SiteError("store.busy")
    uow.order.wait(sender, [Waiting(recipient=stream.recipient, first=first, last=gap.last)])
    known.add(first, gap.last)
    return replace(stream, waiting=stream.waiting + 1)


def _record_gap(uow: UnitOfWork, notice: GapNotice, gap: Gap, desk: Desk) -> None:
    desk.journal.record(
        uow,
        AuditEvent(
            kind=EventKind.PASSED_OVER,
            at=desk.clock.now(),
            subject=notice.transfer,
            document=notice.transfer,
            recipient=gap.recipient,
            private={
                "origin": notice.origin,
                "from": notice.sender,
                "to": gap.recipient,
                "transfer": notice.transfer,
                "first": gap.first,
                "last": gap.last,
                "reason": gap.reason,
            },
        ),
    )


class OrderRelease:
    """The conductor of work items of kind `order`: one for each sender of whom something is staged."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def handle(self, claim: Claim) -> RoadReport:
        """Let in what can come in, and what has waited long enough; due again when the next wait runs out."""
        await self._desk.store.transact(lambda uow: self._unit(uow, claim))
        return RoadReport.NEUTRAL

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """Nothing moves: what is staged stays so, `doctor` names it, and whatever arrives next makes it due again."""

    def _unit(self, uow: UnitOfWork, claim: Claim) -> None:
        sender, now = OrganId(claim.item.subject), self._desk.clock.now()
        uow.order.streams(sender, ())  # nothing arrives between the look and the writing
        ready = uow.order.ready(sender, now, ORDER_ROWS_MAX)
        streams = uow.order.streams(sender, ready.keys())
        advance_streams(uow, sender, {streams[name]: until for name, until in ready.items()}, self._desk)
        ends_at = uow.order.next_end(sender)
        if ends_at is None:
            uow.work.finish(claim)
            return
        uow.work.postpone(claim, now if ready else ends_at)
