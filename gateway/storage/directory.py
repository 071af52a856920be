"""Ledger of registry editions that were put into force here."""

from typing import Final

from sqlalchemy import bindparam, insert, select

from gateway.core.activation import Activation
from gateway.core.clock import from_millis, to_millis
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.storage.codec import reading
from gateway.storage.named_lock import NamedLock, acquire
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import activations

_ALL: Final = select(activations).order_by(activations.c.row)
_NEWEST: Final = select(activations).order_by(activations.c.row.desc()).limit(bindparam("rows"))
_ADD: Final = insert(activations)


class DirectoryLedger:
    """Implements `gateway.core.ledgers.Directories` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def active(self) -> Activation | None:
        """The newest activation; so it stays in this unit."""
        acquire(self._connection, NamedLock.DIRECTORY)
        row = self._connection.execute(_NEWEST, {"rows": 1}).one_or_none()
        return None if row is None else _activation(row)

    def activate(self, activation: Activation) -> None:
        """Put an edition into force; never a lower epoch after a higher one, never two contents under one epoch."""
        active = self.active()
        other = active is not None and activation.epoch == active.epoch and activation.digest != active.digest
        if active is not None and (activation.epoch < active.epoch or other):
            raise SiteError("registry.epoch", epoch=activation.epoch, active=active.epoch)
        values = {"epoch": activation.epoch, "digest": activation.digest, "at": to_millis(activation.at)}
        self._connection.execute(_ADD, values)

    def history(self) -> tuple[Activation, ...]:
        """All activations, oldest first."""
        return tuple(_activation(row) for row in self._connection.execute(_ALL))


@reading
def _activation(row: Row) -> Activation:
    return Activation(epoch=row.epoch, digest=Digest(row.digest), at=from_millis(row.at))
