"""Ledger of restores: the moment to which the database went back, and who asked whom for what since then."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, exists, func, insert, select, tuple_, update

from gateway.core.clock import from_millis, to_millis
from gateway.core.errors import SiteError
from gateway.core.ids import GatewayId, OrganId, TransferKey
from gateway.core.order import Gap
from gateway.core.resync import Reopening, Resend, Resync, ResyncStanding, ResyncState, Skipped, SkippedPlace, Wanted
from gateway.storage.bulk import execute_many
from gateway.storage.codec import reading
from gateway.storage.named_lock import NamedLock
from gateway.storage.rows import among, chunks, locked, maybe_millis, maybe_moment
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import (
    feed,
    inbox,
    incoming_numbers,
    incoming_transfers,
    named_locks,
    reopenings,
    resends,
    restored_peers,
    resyncs,
    skipped_numbers,
    streams,
    tree_head,
    wanted,
)

RESTORED: Final = "restored"
"""Reason of a gap, for people."""

_REOPENINGS: Final = select(reopenings).order_by(reopenings.c.number)
_REOPEN: Final = insert(reopenings)
_GREATEST: Final = (
    select(func.max(streams.c.next_number)),
    select(func.max(inbox.c.cursor)),
    select(func.max(feed.c.position)),
)
_SKIP: Final = insert(skipped_numbers).from_select(
    ["sender", "recipient", "first", "last", "destination"],
    select(
        streams.c.sender,
        streams.c.recipient,
        streams.c.next_number,
        bindparam("base", type_=streams.c.next_number.type),
        streams.c.destination,
    ),
)
_GO_ON: Final = update(streams).values(next_number=bindparam("next"))
_BEGIN: Final = update(streams).where(streams.c.destination == "").values(since=bindparam("next"))
"""It is not known where it goes: whoever gets its next number is told that it begins there."""
_WAIT_ANEW: Final = (
    update(incoming_numbers)
    .where(incoming_numbers.c.since < bindparam("at"))
    .values(ends_at=incoming_numbers.c.ends_at - incoming_numbers.c.since + bindparam("at"))
)
"""As long as each was to wait, from now on: what it waits for had come, perhaps, and comes again."""
_BASE: Final = update(tree_head).values(base=bindparam("base"))
_COUNT_ON: Final = update(named_locks).where(named_locks.c.name == bindparam("the_name")).values(last=bindparam("base"))
_COUNTER: Final = insert(named_locks)

_FIND: Final = locked(select(resyncs).where(resyncs.c.peer == bindparam("peer")))
_ALL: Final = select(resyncs).order_by(resyncs.c.peer)
_FORGET: Final = delete(resyncs).where(resyncs.c.peer == bindparam("peer"))
_PUT: Final = insert(resyncs)
_OPEN: Final = select(func.count()).select_from(resyncs).where(resyncs.c.state != ResyncState.DONE.value)

_KNOWN: Final = select(incoming_transfers.c.key).where(among(incoming_transfers.c.key, "keys"))
_WANTED: Final = select(wanted.c.transfer).where(wanted.c.peer == bindparam("peer"), among(wanted.c.transfer, "keys"))
_WANT: Final = insert(wanted)
_IS_WANTED: Final = select(wanted.c.transfer).where(
    wanted.c.transfer == bindparam("transfer"), wanted.c.peer == bindparam("peer")
)
_ABSENT: Final = ~exists().where(incoming_transfers.c.key == wanted.c.transfer)
_TO_ASK: Final = (
    select(wanted.c.transfer)
    .where(wanted.c.peer == bindparam("peer"), wanted.c.asked_at.is_(None), _ABSENT)
    .order_by(wanted.c.transfer)
    .limit(bindparam("rows"))
)
_MISSING: Final = (
    select(wanted.c.transfer, wanted.c.asked_at)
    .where(wanted.c.peer == bindparam("peer"), _ABSENT)
    .order_by(wanted.c.transfer)
    .limit(bindparam("rows"))
)
_THE_WANTED: Final = and_(wanted.c.peer == bindparam("the_peer"), wanted.c.transfer == bindparam("the_transfer"))
_ASKED: Final = update(wanted).where(_THE_WANTED).values(asked_at=bindparam("at"))
_DISMISS: Final = delete(wanted).where(_THE_WANTED)
_COUNT_MISSING: Final = select(func.count()).select_from(wanted).where(_ABSENT)

_SKIPPED: Final = (
    select(skipped_numbers)
    .where(
        skipped_numbers.c.destination == bindparam("destination"),
        tuple_(skipped_numbers.c.sender, skipped_numbers.c.recipient, skipped_numbers.c.first)
        > tuple_(bindparam("sender"), bindparam("recipient"), bindparam("first")),
    )
    .order_by(skipped_numbers.c.sender, skipped_numbers.c.recipient, skipped_numbers.c.first)
    .limit(bindparam("rows"))
)

_RESTORED: Final = select(restored_peers.c.at).where(
    restored_peers.c.peer == bindparam("peer"), restored_peers.c.number == bindparam("number")
)
_COUNT_RESTORED: Final = (
    select(func.count()).select_from(restored_peers).where(restored_peers.c.peer == bindparam("peer"))
)
_NOTE_RESTORED: Final = insert(restored_peers)
_RESEND: Final = locked(select(resends).where(resends.c.transfer == bindparam("transfer")))
_FORGET_RESEND: Final = delete(resends).where(resends.c.transfer == bindparam("transfer"))
_PUT_RESEND: Final = insert(resends)


class ResyncLedger:
    """Implements `gateway.core.resync.Resyncs` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    # --- this database went back -------------------------------------------------------------------------------------

    def reopenings(self) -> tuple[Reopening, ...]:
        """All restores, oldest first."""
        return tuple(_reopening(row) for row in self._connection.execute(_REOPENINGS))

    def reopen(self, reopening: Reopening) -> None:
        """Let everything that counts go on beyond the base."""
        base = reopening.base
        greatest = max(int(self._connection.execute(one).scalar_one_or_none() or 0) for one in _GREATEST)
        before = max((one.base for one in self.reopenings()), default=-1)
        if base <= max(greatest, before):
            raise SiteError("restore.clock", at=reopening.at.isoformat())
        self._connection.execute(_REOPEN, _reopening_values(reopening))
        self._connection.execute(_SKIP, {"base": base})
        self._connection.execute(_GO_ON, {"next": base + 1})
        self._connection.execute(_BEGIN, {"next": base + 1})
        self._connection.execute(_WAIT_ANEW, {"at": to_millis(reopening.at)})
        self._connection.execute(_BASE, {"base": base})
        names = {"the_name": NamedLock.INBOX.value, "base": base}
        if self._connection.execute(_COUNT_ON, names).rowcount == 0:
            self._connection.execute(_COUNTER, {"name": NamedLock.INBOX.value, "last": base})

    def skipped(self, destination: GatewayId, after: SkippedPlace, limit: int) -> tuple[Skipped, ...]:
        """What was skipped in our streams to a destination."""
        names = {"destination": destination, "rows": limit}
        names |= {"sender": after[0], "recipient": after[1], "first": after[2]}
        return tuple(_skipped(row) for row in self._connection.execute(_SKIPPED, names))

    # --- whom we ask -------------------------------------------------------------------------------------------------

    def put(self, resync: Resync) -> None:
        """Write how far a peer has been asked."""
        self._connection.execute(_FORGET, {"peer": resync.peer})
        self._connection.execute(_PUT, _resync_values(resync))

    def find(self, peer: GatewayId) -> Resync | None:
        """How far it has been asked."""
        row = self._connection.execute(_FIND, {"peer": peer}).one_or_none()
        return None if row is None else _resync(row)

    def all(self) -> tuple[Resync, ...]:
        """Every peer, by name."""
        return tuple(_resync(row) for row in self._connection.execute(_ALL))

    def standing(self) -> ResyncStanding:
        """All of them together."""
        reopened = self.reopenings()
        if not reopened:
            return ResyncStanding()
        peers = int(self._connection.execute(_OPEN).scalar_one())
        missing = int(self._connection.execute(_COUNT_MISSING).scalar_one()) if peers else 0
        return ResyncStanding(peers=peers, missing=missing, since=reopened[-1].at)

    def unknown(self, transfers: Sequence[TransferKey]) -> tuple[TransferKey, ...]:
        """Those that never came in here."""
        known = self._among(_KNOWN, transfers)
        return tuple(key for key in transfers if key not in known)

    def want(self, peer: GatewayId, wanted: Collection[Wanted]) -> None:
        """Remember what is missing."""
        remembered = self._among(_WANTED, [one.transfer for one in wanted], peer=peer)
        rows = [
            {"transfer": one.transfer, "peer": peer, "receipt": one.receipt, "asked_at": None}
            for one in wanted
            if one.transfer not in remembered
        ]
        if rows:
            execute_many(self._connection, _WANT, rows)

    def is_wanted(self, peer: GatewayId, transfer: TransferKey) -> bool:
        """Whether a peer was asked for it, or will be."""
        return self._connection.execute(_IS_WANTED, {"peer": peer, "transfer": transfer}).one_or_none() is not None

    def to_ask(self, peer: GatewayId, limit: int) -> tuple[TransferKey, ...]:
        """Transfers that are missing and that the peer has not been asked for."""
        found = self._connection.execute(_TO_ASK, {"peer": peer, "rows": limit}).scalars()
        return tuple(map(TransferKey, found))

    def asked(self, peer: GatewayId, transfers: Sequence[TransferKey], at: datetime | None) -> None:
        """The peer has been asked for them."""
        if transfers:
            rows = [{"the_peer": peer, "the_transfer": key, "at": maybe_millis(at)} for key in transfers]
            execute_many(self._connection, _ASKED, rows)

    def dismiss(self, peer: GatewayId, transfers: Sequence[TransferKey]) -> None:
        """The peer does not have them."""
        for key in transfers:
            self._connection.execute(_DISMISS, {"the_peer": peer, "the_transfer": key})

    def missing(self, peer: GatewayId, limit: int) -> tuple[tuple[TransferKey, datetime | None], ...]:
        """Transfers of a peer that have not come in."""
        rows = self._connection.execute(_MISSING, {"peer": peer, "rows": limit})
        return tuple((TransferKey(row.transfer), maybe_moment(row.asked_at)) for row in rows)

    def _among(self, statement: Any, keys: Sequence[TransferKey], **more: str) -> set[str]:
        found: set[str] = set()
        for some in chunks(keys):
            found.update(self._connection.execute(statement, {"keys": list(some), **more}).scalars())
        return found

    # --- who asks us -------------------------------------------------------------------------------------------------

    def told_of(self, peer: GatewayId, number: int, at: datetime) -> bool:
        """Remember that a peer was restored; whether that was news."""
        names = {"peer": peer, "number": number}
        if self._connection.execute(_RESTORED, names).one_or_none() is not None:
            return False
        self._connection.execute(_NOTE_RESTORED, names | {"at": to_millis(at)})
        return True

    def restored(self, peer: GatewayId) -> int:
        """How many restores it has told of."""
        return int(self._connection.execute(_COUNT_RESTORED, {"peer": peer}).scalar_one())

    def resend(self, transfer: TransferKey) -> Resend | None:
        """What was asked for again."""
        row = self._connection.execute(_RESEND, {"transfer": transfer}).one_or_none()
        return None if row is None else _resend(row)

    def put_resend(self, resend: Resend) -> None:
        """Write it."""
        self._connection.execute(_FORGET_RESEND, {"transfer": resend.transfer})
        values = {"transfer": resend.transfer, "number": resend.number, "at": to_millis(resend.at)}
        self._connection.execute(_PUT_RESEND, values | {"answer": resend.answer})


def _reopening_values(one: Reopening) -> dict[str, Any]:
    return {"number": one.number, "kept": one.kept, "since": to_millis(one.since), "at": to_millis(one.at)}


@reading
def _reopening(row: Row) -> Reopening:
    return Reopening(number=row.number, kept=row.kept, since=from_millis(row.since), at=from_millis(row.at))


@reading
def _skipped(row: Row) -> Skipped:
    gap = Gap(recipient=OrganId(row.recipient), first=row.first, last=row.last, reason=RESTORED)
    return Skipped(sender=OrganId(row.sender), gap=gap)


def _resync_values(one: Resync) -> dict[str, Any]:
    return {
        "peer": one.peer,
        "number": one.number,
        "state": one.state.value,
        "after": one.after,
        "named": one.named,
        "lost": one.lost,
        "newest": one.newest,
        "changed_at": to_millis(one.changed_at),
    }


@reading
def _resync(row: Row) -> Resync:
    return Resync(
        peer=GatewayId(row.peer),
        number=row.number,
        state=ResyncState(row.state),
        after=row.after,
        named=row.named,
        lost=row.lost,
        newest=row.newest,
        changed_at=from_millis(row.changed_at),
    )


@reading
def _resend(row: Row) -> Resend:
    return Resend(transfer=TransferKey(row.transfer), number=row.number, at=from_millis(row.at), answer=row.answer)
