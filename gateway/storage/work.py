"""Ledger of due work: leases with fences, windows and back-off per destination, dead letters.

A lease is a row with `lease_until`; a fence is the number of the claim run that gave it, from one counter for the whole
table, so that no two leases of a subject ever have the same fence, not even when it was finished and added again between.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    union_all,
    update,
)

from gateway.core.clock import from_millis, to_millis
from gateway.core.ledgers import LeaseLostError, StaleStateError
from gateway.core.limits import LEASE_SECONDS
from gateway.core.message import Priority
from gateway.core.work import Backlog, Claim, DeadLetter, Destination, QueuedWork, Turn, WorkItem, WorkKind, Workload
from gateway.storage.bulk import execute_many
from gateway.storage.codec import reading
from gateway.storage.interventions import PAUSED
from gateway.storage.picked import Picked
from gateway.storage.roads import CANDIDATES, EARLIEST, OLDEST_FIRST, ROADS, URGENT_FIRST, Order
from gateway.storage.rows import among, chunks, locked, maybe_millis, maybe_moment
from gateway.storage.statements import Row, Statement, Statements
from gateway.storage.tables import dead_letters, destinations, fences, work

_ITEM: Final = and_(work.c.kind == bindparam("the_kind"), work.c.subject == bindparam("the_subject"))
_MINE: Final = and_(_ITEM, work.c.fence == bindparam("the_fence"), work.c.lease_until.is_not(None))


def _earlier(known: ColumnElement[int]) -> ColumnElement[int]:
    """The smaller of a column and the new due time; both dialects agree on CASE, not on MIN or LEAST."""
    return case((known < bindparam("due"), known), else_=bindparam("due"))


# --- adding and claiming -----------------------------------------------------------------------------------------------
_SOONER: Final = (
    update(work)
    .where(_ITEM)
    .values(
        due_at=case((work.c.lease_until.is_(None), _earlier(work.c.due_at)), else_=work.c.due_at),
        again_at=case((work.c.lease_until.is_(None), null()), else_=_earlier(work.c.again_at)),
        urgency=case((work.c.urgency > bindparam("urgent"), work.c.urgency), else_=bindparam("urgent")),
    )
)
_ADD: Final = insert(work)
_HURRY: Final = (
    update(work)
    .where(
        work.c.kind == bindparam("the_kind"),
        among(work.c.subject, "subjects"),
        work.c.urgency < bindparam("urgent"),
    )
    .values(urgency=bindparam("urgent"))
)
_SUSPENDED: Final = union_all(select(destinations.c.name).where(destinations.c.not_before > bindparam("now")), PAUSED)
_NEXT_FENCE: Final = update(fences).values(last=fences.c.last + 1).returning(fences.c.last)
_FIRST_FENCE: Final = insert(fences).values(one=1, last=1)
_LEASE: Final = (
    update(work)
    .where(work.c.row == bindparam("the_row"))
    .values(fence=bindparam("fence"), lease_until=bindparam("lease_until"), again_at=null())
)

# --- giving back -------------------------------------------------------------------------------------------------------
_RENEW: Final = update(work).where(_MINE).values(lease_until=bindparam("lease_until"))
_AGAIN: Final = (
    update(work)
    .where(_MINE, work.c.again_at.is_not(None))
    .values(due_at=work.c.again_at, again_at=None, lease_until=None, attempts=0)
)
_FINISH: Final = delete(work).where(_MINE, work.c.again_at.is_(None))
_DROP: Final = delete(work).where(_MINE)
_POSTPONE: Final = (
    update(work)
    .where(_MINE)
    .values(
        due_at=case((work.c.again_at.is_(None), bindparam("due")), else_=_earlier(work.c.again_at)),
        again_at=None,
        lease_until=None,
        attempts=work.c.attempts + bindparam("failures"),
    )
)
_WITHDRAW: Final = delete(work).where(_ITEM, or_(work.c.lease_until.is_(None), work.c.lease_until <= bindparam("now")))
_LEFT: Final = locked(select(work.c.row).where(_ITEM))
_BURY: Final = insert(dead_letters)
_UNBURY: Final = delete(dead_letters).where(
    dead_letters.c.kind == bindparam("the_kind"), dead_letters.c.subject == bindparam("the_subject")
)
_BRING_FORWARD: Final = (
    update(work)
    .where(work.c.due_at > bindparam("latest"), work.c.lease_until.is_(None))
    .values(due_at=bindparam("now"))
)
_SHORTEN_LEASES: Final = (
    update(work).where(work.c.lease_until > bindparam("latest")).values(lease_until=bindparam("lease_until"))
)
"""Who works on it renews its own in time; one that nobody holds, for the answer of its claim was lost, ends."""
_OPEN_ROADS: Final = (
    update(destinations).where(destinations.c.not_before > bindparam("latest")).values(not_before=bindparam("now"))
)
_RELEASE_ALL: Final = update(work).where(work.c.lease_until.is_not(None)).values(lease_until=None, again_at=None)

# --- looking -----------------------------------------------------------------------------------------------------------
_NEXT_DUE: Final = (
    select(EARLIEST.label("due_at"), destinations.c.not_before)
    .select_from(ROADS)
    .join(destinations, destinations.c.name == ROADS.c.name, isouter=True)
    .where(ROADS.c.name.is_not(None), ROADS.c.name.not_in(PAUSED))
)
_DESTINATION: Final = locked(select(destinations).where(destinations.c.name == bindparam("name")))
_SET_DESTINATION: Final = (
    update(destinations)
    .where(destinations.c.name == bindparam("the_name"))
    .values(failures=bindparam("failures"), not_before=bindparam("not_before"))
)
_ADD_DESTINATION: Final = insert(destinations)
_QUEUED: Final = select(work).order_by(work.c.due_at, work.c.row).limit(bindparam("rows"))
_QUEUED_FOR: Final = _QUEUED.where(work.c.destination == bindparam("destination"))
_BACKLOG: Final = select(
    work.c.destination,
    func.count(work.c.row).label("items"),
    func.count(work.c.lease_until).label("leased"),
    func.min(case((work.c.lease_until.is_(None), work.c.due_at))).label("next_due"),
).group_by(work.c.destination)
_DESTINATIONS: Final = select(destinations)
_COUNTS: Final = select(work.c.kind, func.count().label("items")).group_by(work.c.kind)
_OLDEST: Final = (
    select(work.c.kind, func.min(work.c.due_at).label("due_at"))
    .where(
        work.c.due_at <= bindparam("now"),
        or_(work.c.lease_until.is_(None), work.c.lease_until <= bindparam("now")),
        work.c.destination.not_in(_SUSPENDED),
    )
    .group_by(work.c.kind)
)
_COUNT_CLOSED: Final = (
    select(func.count()).select_from(destinations).where(destinations.c.not_before > bindparam("now"))
)
_COUNT_DEAD: Final = select(func.count()).select_from(dead_letters)
_DEAD: Final = select(dead_letters).order_by(dead_letters.c.row.desc()).limit(bindparam("rows"))
_DEAD_FOR: Final = _DEAD.where(dead_letters.c.destination == bindparam("destination"))
_DEAD_OF: Final = select(dead_letters).where(dead_letters.c.subject == bindparam("the_subject"))
_COUNT_DEAD_FOR: Final = _COUNT_DEAD.where(dead_letters.c.destination == bindparam("destination"))


class WorkLedger:
    """Implements `gateway.core.work.Work` on one connection; `added` says whether this unit made something due."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection
        self._unheard: set[str] = set()
        self.added = False

    # --- adding and claiming -----------------------------------------------------------------------------------------

    def add(self, item: WorkItem) -> None:
        """Make the item due, or due earlier; an item that is leased becomes due again when its lease is given back."""
        self.added = True
        due = to_millis(item.due_at)
        urgent = item.urgency.value
        known = {"the_kind": item.kind.value, "the_subject": item.subject, "due": due, "urgent": urgent}
        if self._connection.execute(_SOONER, known).rowcount == 0:
            self._connection.execute(_ADD, _item_values(item) | {"fence": 0, "lease_until": None, "again_at": None})

    def hurry(self, kind: WorkKind, subjects: Sequence[str], urgency: Priority) -> None:
        """Make those items at least so urgent."""
        for some in chunks(sorted(subjects)):
            names = {"the_kind": kind.value, "subjects": list(some), "urgent": urgency.value}
            self._connection.execute(_HURRY, names)

    def claim(
        self,
        now: datetime,
        *,
        lease: float,
        windows: Mapping[str, int],
        limit: int,
        turn: Turn = Turn.URGENCY,
    ) -> tuple[Claim, ...]:
        """Lease due items within the windows of their destinations, in the order of the turn."""
        picked = Picked(room=dict(windows), limit=limit)
        shut = frozenset(self._connection.execute(_SUSPENDED, {"now": to_millis(now)}).scalars())
        picked.room.update(dict.fromkeys(shut, 0))
        if turn is Turn.URGENCY:
            self._pick(URGENT_FIRST, to_millis(now), picked)
        self._pick(OLDEST_FIRST, to_millis(now), picked)
        rows = picked.rows
        if not rows:
            return ()
        fence = self._next_fence()
        until = to_millis(now + timedelta(seconds=lease))
        leases = [{"the_row": row.row, "fence": fence, "lease_until": until} for row in rows]
        execute_many(self._connection, _LEASE, leases)
        return tuple(Claim(item=_item(row), fence=fence) for row in rows)

    def _pick(self, order: Order, now: int, picked: Picked) -> None:
        """What comes first; and where that is in the way of others, because its road is closed or full, road by road."""
        if picked.wanted <= 0:
            return
        asked = {"now": now, "rows": picked.limit}
        page = self._connection.execute(order.first, asked).all()
        for row in page:
            picked.take(row)
        if picked.wanted > 0 and len(page) == picked.limit:
            heads = {"closed": sorted(picked.full()), "each": picked.widest(), "candidates": CANDIDATES * picked.limit}
            for row in self._connection.execute(order.by_road, {"now": now} | heads):
                picked.take(row)

    def _next_fence(self) -> int:
        fence: int | None = self._connection.execute(_NEXT_FENCE).scalar_one_or_none()
        if fence is None:
            self._connection.execute(_FIRST_FENCE)
            return 1
        return fence

    # --- giving back -------------------------------------------------------------------------------------------------

    def renew(self, claim: Claim, until: datetime) -> None:
        """The lease of the claim runs until then."""
        self._mine(_RENEW, claim, lease_until=to_millis(until))

    def finish(self, claim: Claim) -> None:
        """The item is done; if it was added again meanwhile, it is due again, else it leaves the table."""
        # In this order: one statement sees whether it was added again and removes it, so no wake-up falls between two.
        if self._connection.execute(_FINISH, _claimed(claim)).rowcount == 0:
            self._mine(_AGAIN, claim)
            self.added = True

    def postpone(self, claim: Claim, due_at: datetime, *, failed: bool = False) -> None:
        """Give the lease back: due again then, or when it was added meanwhile, if that is earlier."""
        self._mine(_POSTPONE, claim, due=to_millis(due_at), failures=int(failed))

    def bury(self, claim: Claim, reason: str, at: datetime) -> None:
        """Move the item to the dead letters."""
        self._mine(_DROP, claim)
        self._connection.execute(_BURY, _item_values(claim.item) | {"reason": reason, "at": to_millis(at)})

    def redrive(self, item: WorkItem) -> None:
        """Make due again what was given up; nobody has to decide about its dead letters any more."""
        self._connection.execute(_UNBURY, {"the_kind": item.kind.value, "the_subject": item.subject})
        self.add(item)

    def withdraw(self, item: WorkItem, now: datetime) -> None:
        """Drop the item, unless somebody works on it, and its dead letters."""
        known = {"the_kind": item.kind.value, "the_subject": item.subject}
        self._connection.execute(_WITHDRAW, known | {"now": to_millis(now)})
        if self._connection.execute(_LEFT, known).one_or_none() is not None:
            raise StaleStateError
        self._connection.execute(_UNBURY, known)

    def _mine(self, statement: Statement, claim: Claim, **values: int) -> None:
        if self._connection.execute(statement, _claimed(claim) | values).rowcount != 1:
            raise LeaseLostError

    def release_all(self) -> int:
        """Give back every lease; how many there were."""
        return self._connection.execute(_RELEASE_ALL).rowcount

    def bring_forward(self, now: datetime, latest: datetime) -> int:
        """Make due now what is due later than `latest`, open roads that are closed for longer, and shorten such leases."""
        names = {"now": to_millis(now), "latest": to_millis(latest)}
        leases = {"lease_until": to_millis(now + timedelta(seconds=LEASE_SECONDS)), "latest": names["latest"]}
        brought = self._connection.execute(_SHORTEN_LEASES, leases).rowcount
        brought += sum(self._connection.execute(one, names).rowcount for one in (_BRING_FORWARD, _OPEN_ROADS))
        self.added = self.added or brought > 0
        return brought

    # --- looking -----------------------------------------------------------------------------------------------------

    def next_due(self) -> datetime | None:
        """When the earliest unleased item is due."""
        rows = self._connection.execute(_NEXT_DUE)
        dues = (max(row.due_at, row.not_before or 0) for row in rows if row.due_at is not None)
        return maybe_moment(min(dues, default=None))

    def destination(self, name: str) -> Destination:
        """How that destination has been behaving; one never heard of has behaved well."""
        row = self._connection.execute(_DESTINATION, {"name": name}).one_or_none()
        if row is None:
            self._unheard.add(name)
            return Destination(name=name)
        return _destination(row)

    def set_destination(self, destination: Destination) -> None:
        """Remember how it behaves. Where this unit found nothing it adds: what another added meanwhile is not overwritten."""
        values = {"failures": destination.failures, "not_before": maybe_millis(destination.not_before)}
        known = {"the_name": destination.name}
        unheard = destination.name in self._unheard
        if unheard or self._connection.execute(_SET_DESTINATION, values | known).rowcount == 0:
            self._connection.execute(_ADD_DESTINATION, values | {"name": destination.name})
            self._unheard.discard(destination.name)

    def dead(self, limit: int, destination: str | None = None) -> tuple[DeadLetter, ...]:
        """Dead letters, newest first."""
        statement = _DEAD if destination is None else _DEAD_FOR
        names = {"rows": limit} if destination is None else {"rows": limit, "destination": destination}
        return tuple(_dead_letter(row) for row in self._connection.execute(statement, names))

    def dead_of(self, subject: str) -> tuple[DeadLetter, ...]:
        """The dead letters of that subject; without an index, as people ask for them by hand."""
        return tuple(_dead_letter(row) for row in self._connection.execute(_DEAD_OF, {"the_subject": subject}))

    def count_dead(self, destination: str | None = None) -> int:
        """How many dead letters there are."""
        statement = _COUNT_DEAD if destination is None else _COUNT_DEAD_FOR
        return int(
            self._connection.execute(
                statement, {} if destination is None else {"destination": destination}
            ).scalar_one()
        )

    def queued(self, destination: str | None, limit: int) -> tuple[QueuedWork, ...]:
        """Items by the time at which they are due."""
        statement = _QUEUED if destination is None else _QUEUED_FOR
        names = {"rows": limit} if destination is None else {"rows": limit, "destination": destination}
        rows = self._connection.execute(statement, names)
        return tuple(QueuedWork(item=_item(row), leased_until=maybe_moment(row.lease_until)) for row in rows)

    def backlog(self) -> tuple[Backlog, ...]:
        """What waits for each destination, and how the road there is."""
        known = {row.name: _destination(row) for row in self._connection.execute(_DESTINATIONS)}
        queues = {row.destination: row for row in self._connection.execute(_BACKLOG)}
        names = sorted({*known, *queues})
        return tuple(_backlog(known.get(name) or Destination(name=name), queues.get(name)) for name in names)

    def workload(self, now: datetime) -> Workload:
        """How much there is to do."""
        at = {"now": to_millis(now)}
        counts = {row.kind: row.items for row in self._connection.execute(_COUNTS)}
        return Workload(
            items={kind: counts.get(kind.value, 0) for kind in WorkKind},
            oldest={WorkKind(row.kind): from_millis(row.due_at) for row in self._connection.execute(_OLDEST, at)},
            closed=int(self._connection.execute(_COUNT_CLOSED, at).scalar_one()),
            dead=int(self._connection.execute(_COUNT_DEAD).scalar_one()),
        )


def _claimed(claim: Claim) -> dict[str, Any]:
    return {"the_kind": claim.item.kind.value, "the_subject": claim.item.subject, "the_fence": claim.fence}


def _item_values(item: WorkItem) -> dict[str, Any]:
    return {
        "kind": item.kind.value,
        "subject": item.subject,
        "destination": item.destination,
        "due_at": to_millis(item.due_at),
        "attempts": item.attempts,
        "urgency": item.urgency.value,
    }


@reading
def _item(row: Row) -> WorkItem:
    return WorkItem(
        kind=WorkKind(row.kind),
        subject=row.subject,
        destination=row.destination,
        due_at=from_millis(row.due_at),
        attempts=row.attempts,
        urgency=Priority(row.urgency),
    )


@reading
def _destination(row: Row) -> Destination:
    return Destination(name=row.name, failures=row.failures, not_before=maybe_moment(row.not_before))


@reading
def _backlog(destination: Destination, row: Row | None) -> Backlog:
    if row is None:
        return Backlog(destination=destination, waiting=0, leased=0, next_due=None)
    return Backlog(
        destination=destination,
        waiting=row.items - row.leased,
        leased=row.leased,
        next_due=maybe_moment(row.next_due),
    )


@reading
def _dead_letter(row: Row) -> DeadLetter:
    return DeadLetter(item=_item(row), reason=row.reason, at=from_millis(row.at))
