"""Many units in one commit on one SQLite connection, each in a savepoint, and the sequencer as the last of them.

One fsync then pays for up to `GROUP_COMMIT_UNITS_MAX` units (885 units a second alone, 2,000-2,200 together; measured.md).
A unit that raises is undone to its savepoint; its neighbours never notice. Two things can still go wrong:

* *The transaction is lost.* When the disk is full, SQLite may roll back the whole transaction instead of the statement
  (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"). Then the unit that met the fault fails
  and all the others are run again: they have no side effects, and nobody has been told anything yet.
* *The commit fails.* Then nothing is known and nothing more is trusted: `FatalStoreError` (see `faults`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.core.errors import SiteError
from gateway.core.events import EventKind, TreeHead
from gateway.core.ledgers import UnitOfWork
from gateway.storage.engine import driver
from gateway.storage.faults import FatalStoreError, translated
from gateway.storage.unit import Unit

Work = Callable[[UnitOfWork], Any]
Sequencer = Callable[[UnitOfWork], TreeHead | None]
"""Gives pending leaves their place in the tree; the new head, or None when it took none. Runs as a unit of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one unit: its value, or the error it raised."""

    value: Any = None
    error: BaseException | None = None
    work_added: bool = False
    events: tuple[EventKind, ...] = ()
    """Of the leaves it left behind."""
    leaves_added: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReport:
    """A durable commit: the units in their order, and what it left behind."""

    settled: Sequence[Settled]
    head: TreeHead | None
    sequencer_error: BaseException | None
    """Why leaves were left pending: the log cannot go on and neither may the store. None when all is well."""

    @property
    def work_added(self) -> bool:
        """Whether some item became due."""
        return any(unit.work_added for unit in self.settled)


class _TransactionLostError(Exception):
    """SQLite rolled everything back while this unit (None: the sequencer) ran."""

    def __init__(self, position: int | None, fault: BaseException, /) -> None:
        super().__init__()
        self.position = position
        self.fault = fault


class GroupCommit:
    """The writing connection of a store. Used by one thread at a time."""

    def __init__(self, connection: Connection, /, *, sequencer: Sequencer) -> None:
        self._connection = connection
        self._sequencer = sequencer
        # True at first: a crash cannot leave leaves pending, but a full disk in the sequencer can.
        self._leaves_pending = True

    def commit(self, works: Sequence[Work]) -> GroupReport:
        """Run the units, sequence their leaves, and make everything durable.

        Raises:
            SiteError: `store.busy` when somebody outside holds the database; nothing was run.
            FatalStoreError: the database cannot be trusted any more.
        """
        lost: dict[int, Settled] = {}
        sequence = True
        while True:
            try:
                return self._once(works, lost, sequence=sequence)
            except _TransactionLostError as loss:
                if loss.position is None:
                    sequence = False
                else:
                    lost[loss.position] = Settled(error=loss.fault)

    def _once(self, works: Sequence[Work], lost: dict[int, Settled], *, sequence: bool) -> GroupReport:
        """One attempt at the transaction; units in `lost` are settled already."""
        try:
            transaction = self._connection.begin()
        except DBAPIError as error:
            raise translated(error) from error
        try:
            settled = [lost.get(position) or self._run(work, position) for position, work in enumerate(works)]
            head, sequencer_error = self._sequence() if sequence and self._leaves_pending else (None, None)
        except BaseException:
            with suppress(DBAPIError):  # the fault on its way up says more than a failed undoing
                transaction.rollback()
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            # Whatever it is, also a full disk: what became of this commit is not known (reliability.md B2.5).
            raise FatalStoreError(str(error.orig)) from error
        return GroupReport(settled=settled, head=head, sequencer_error=sequencer_error)

    def _run(self, work: Work, position: int | None) -> Settled:
        """One unit in its savepoint."""
        # Straight to it: SQLAlchemy's own savepoints cost more than a unit's statements.
        database = driver(self._connection)
        database.execute("SAVEPOINT unit")
        unit = Unit(self._connection)
        try:
            value = work(unit)
            unit.log.flush()
        except BaseException as error:
            fault = translated(error)
            if isinstance(fault, FatalStoreError):
                raise fault from error
            if not database.in_transaction:
                raise _TransactionLostError(position, fault) from error
            database.execute("ROLLBACK TO unit")
            database.execute("RELEASE unit")
            return Settled(error=fault)
        database.execute("RELEASE unit")
        self._leaves_pending |= unit.log.appended
        return Settled(
            value=value,
            work_added=unit.work.added,
            leaves_added=unit.log.appended,
            events=tuple(unit.log.events),
        )

    def _sequence(self) -> tuple[TreeHead | None, BaseException | None]:
        """Run the sequencer until nothing is pending: the newest head, and why it stopped early if it did."""
        head: TreeHead | None = None
        while Unit(self._connection).log.any_pending():
            done = self._run(self._sequencer, None)
            if isinstance(done.error, SiteError) and done.error.code == "store.full":
                return head, None  # nothing is wrong with the leaves: they are pending until there is room
            if done.error is not None or done.value is None:
                return head, done.error
            head = done.value
        self._leaves_pending = False
        return head, None
