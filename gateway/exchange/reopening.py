"""Reopening: what a database that went back to an earlier state says first, before anything else is written to it.

One unit: the log says that it goes on under another name and what may be lost, all that counts goes on beyond what was
given before, and every peer is due to be asked. It is run by `gateway restore`, on a database that nobody serves yet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.audit import Checkpoint, log_in_force, name_of
from gateway.core.directory import Snapshot
from gateway.core.events import EventKind
from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.resync import Reopening, Resync, ResyncState
from gateway.core.work import WorkItem, WorkKind
from gateway.exchange.journal import Journal
from gateway.exchange.subjects import of_gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredLog:
    """What whoever restores knows of it."""

    own: GatewayId
    origin: str
    """Name of the first log."""
    snapshot: Snapshot
    moment: datetime
    remembered: Checkpoint | None = None
    """What the signer signed last before, where that is known."""


def reopening(restored: RestoredLog, *, journal: Journal) -> Callable[[UnitOfWork], Reopening]:
    """The unit.

    Raises:
        SiteError: `restore.clock`, in the unit: the moment lies before what was given last.
    """

    def unit(uow: UnitOfWork) -> Reopening:
        moment = restored.moment.replace(microsecond=restored.moment.microsecond // 1000 * 1000)
        closed, head = log_in_force(uow, restored.origin), uow.log.head()
        newest = uow.log.newest_at() or moment
        one = Reopening(number=int(moment.timestamp()), kept=head.size, since=min(newest, moment), at=moment)
        uow.resyncs.reopen(one)
        known = restored.remembered
        private: dict[str, str | int] = {
            "origin": name_of(restored.origin, one.number),
            "predecessor": closed.origin,
            "kept": head.size,
            "root": head.root.hex(),
            "known": known.size if known else 0,
            "known_root": known.root.hex() if known else "",
        }
        journal.record(uow, of_gateway(EventKind.LOG_REOPENED, restored.own, at=moment, private=private))
        for peer in sorted(restored.snapshot.gateways):
            uow.work.add(WorkItem(kind=WorkKind.SKIPPED, subject=peer, destination=peer, due_at=moment))
            if peer != restored.own:
                uow.resyncs.put(Resync(peer=peer, number=one.number, state=ResyncState.ASKING, changed_at=moment))
                uow.work.add(WorkItem(kind=WorkKind.RESYNC, subject=peer, destination=peer, due_at=moment))
        return one

    return unit
