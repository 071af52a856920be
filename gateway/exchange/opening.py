"""Opening: the first unit of work of every start: the log is born, the registry edition is put into force.

And what else happens to the gateway itself, and not to a document: another edition while it runs, a clock that jumps.
"""

from collections.abc import Callable
from datetime import datetime

from gateway.core.activation import Activation
from gateway.core.directory import Snapshot
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.exchange.journal import Journal
from gateway.exchange.subjects import of_gateway


def opening(
    own: GatewayId, origin: str, snapshot: Snapshot, *, journal: Journal, moment: datetime
) -> Callable[[UnitOfWork], None]:
    """The unit; `origin` is the audit log's name. Repeating it with the same edition changes nothing.

    Raises:
        SiteError: `registry.epoch`, in the unit, when a higher edition was in force here before.
    """

    def unit(uow: UnitOfWork) -> None:
        active = uow.directory.active()
        if active is None:
            journal.record(uow, _event(EventKind.GENESIS, own, moment, gateway=own, origin=origin))
        if active is None or (active.epoch, active.digest) != (snapshot.epoch, snapshot.digest):
            uow.directory.activate(Activation(epoch=snapshot.epoch, digest=snapshot.digest, at=moment))
            edition = _event(EventKind.REGISTRY_ACTIVATED, own, moment, epoch=snapshot.epoch, registry=snapshot.digest)
            journal.record(uow, edition)

    return unit


def clock_step(own: GatewayId, seconds: float, *, journal: Journal, moment: datetime) -> Callable[[UnitOfWork], None]:
    """The unit that records a jump of the wall clock; `moment` is the time after it."""
    event = _event(EventKind.CLOCK_STEP, own, moment, milliseconds=round(seconds * 1000))

    def unit(uow: UnitOfWork) -> None:
        journal.record(uow, event)

    return unit


def _event(kind: EventKind, own: GatewayId, moment: datetime, **private: str | int) -> AuditEvent:
    return of_gateway(kind, own, at=moment, private=private)
