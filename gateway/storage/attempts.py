"""One unit in a transaction of its own on PostgreSQL, run again when another unit was in its way.

A unit has no side effects, so it may be run as often as it takes. It is run again

* when the server undid it for another's sake (a deadlock);
* when a row that it added was there already. It may have been added by a unit that committed after this one had looked,
  and in one order this one would have found it; on the next run it does. A unit that makes something of such a meeting (a
  `Conflict`) is believed the third time; one that does not look first (a new stream) meets others until none is left;
* once, when the connection was lost before COMMIT was sent.

When the connection is lost *during* COMMIT, nobody knows what became of it. The caller gets `store.busy` and asks again, as
after a lost answer: every unit finds its own work done (an idempotency key, a transfer's key, a state, a fence).
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.core.errors import SiteError
from gateway.observe import logger
from gateway.storage.faults import AgainError, ConnectionLostError, FatalStoreError, translated
from gateway.storage.group_commit import Settled, Work
from gateway.storage.postgres_engine import collided, forget_collision
from gateway.storage.unit import Unit

ATTEMPTS_MAX: Final = 10
COLLISIONS_MAX: Final = 2
RECONNECTS_MAX: Final = 1

_log = logger(__name__)


class _CollidedError(Exception):
    """The unit met a row that was there already, and is undone: it may have been added a moment ago."""

    def __init__(self, outcome: Settled, /) -> None:
        super().__init__()
        self.outcome = outcome


class _UnfinishedError(Exception):
    """The connection was lost before COMMIT was sent: nothing of the unit is there."""


class Attempts:
    """Runs units on one connection, made when it is first needed. Used by one thread at a time."""

    def __init__(self, engine: Engine, /) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def run(self, work: Work) -> Settled:
        """Run a unit until it is durable, or its failure is its own.

        Raises:
            FatalStoreError: the database cannot be trusted any more.
        """
        collisions = reconnects = 0
        refused: Settled | None = None
        for _ in range(ATTEMPTS_MAX):
            try:
                return self._once(work, believed=collisions >= COLLISIONS_MAX)
            except AgainError:
                continue
            except _CollidedError as met:
                collisions += 1
                refused = met.outcome
            except _UnfinishedError as lost:
                reconnects += 1
                if reconnects > RECONNECTS_MAX:
                    return Settled(error=_busy(lost.__cause__))
        if refused is not None and refused.error is not None:
            return refused
        _log.warning("store.crowded", attempts=ATTEMPTS_MAX)
        return Settled(error=SiteError("store.busy"))

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()

    def _once(self, work: Work, *, believed: bool) -> Settled:
        try:
            connection = self._connection = self._connection or self._engine.connect()
        except DBAPIError as error:
            raise _UnfinishedError from translated(error)
        outcome = self._work(connection, work, believed=believed)
        if outcome.error is not None:
            return outcome
        try:
            connection.commit()
        except DBAPIError as error:
            return self._uncommitted(connection, outcome, error)
        return outcome

    def _work(self, connection: Connection, work: Work, *, believed: bool) -> Settled:
        """The unit, up to COMMIT: an outcome without an error is still to be committed, one with an error is undone."""
        unhandled = False
        try:
            connection.begin()
            forget_collision(connection)
            unit = Unit(connection)
            value = work(unit)
            unit.log.flush()
            _refuse_failed_transaction(connection)
            outcome = Settled(
                value=value,
                work_added=unit.work.added,
                leaves_added=unit.log.appended,
                events=tuple(unit.log.events),
            )
        except BaseException as error:  # noqa: BLE001 - a unit may raise whatever it likes
            outcome = Settled(error=_own_fault(connection, error))
            unhandled = isinstance(error, IntegrityError)
        if collided(connection) and (unhandled or not believed):
            _undo(connection)
            raise _CollidedError(outcome)
        if outcome.error is not None:
            _undo(connection)
        return outcome

    def _uncommitted(self, connection: Connection, outcome: Settled, error: DBAPIError) -> Settled:
        fault = translated(error)
        _undo(connection)
        # After a COMMIT that failed SQLAlchemy sends no ROLLBACK; where the server had cancelled it (57014), the next unit
        # would find itself in a transaction that is aborted (25P02).
        connection.invalidate()
        if isinstance(fault, AgainError | FatalStoreError):
            raise fault from None
        if isinstance(fault, ConnectionLostError):
            _log.warning("store.commit_unknown")
            return replace(outcome, value=None, error=fault)  # what it may have left behind is looked for all the same
        return Settled(error=fault)


def _own_fault(connection: Connection, error: BaseException) -> BaseException:
    """The unit's own failure; what befell it from outside is undone and raised."""
    fault = translated(error)
    if isinstance(fault, ConnectionLostError) or connection.invalidated:
        _undo(connection)
        raise _UnfinishedError from fault
    if isinstance(fault, AgainError | FatalStoreError):
        _undo(connection)
        raise fault from None
    return fault


def _refuse_failed_transaction(connection: Connection) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with a polite ROLLBACK, and nobody would notice."""
    driver: Any = connection.connection.dbapi_connection
    failed = driver.info.transaction_status.name == "INERROR"
    assert not failed, "a unit of work went on after a statement of it had failed"


def _undo(connection: Connection) -> None:
    """Roll back; a connection that cannot even do that is thrown away."""
    try:
        connection.rollback()
    except DBAPIError:
        connection.invalidate()


def _busy(cause: BaseException | None) -> SiteError:
    return cause if isinstance(cause, SiteError) else SiteError("store.busy")
