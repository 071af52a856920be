"""A real store in a seeded world: SQLite on a file, or PostgreSQL, with their threads, asked by a loop that never waits.

A world's clock jumps to the next timer when nothing is ready, so nobody in it may wait for a thread. Each question is
therefore put to the store in a loop of its own, in a thread of its own, and the world stands still until the answer is
there. What the store tells after a commit is told on in the world's own thread, in order.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from gateway.audit import sequence
from gateway.core.events import TreeHead
from gateway.core.ledgers import UnitOfWork
from gateway.core.ports import CommitListener
from gateway.storage import open_store

T = TypeVar("T")


class UndoneError(BaseException):
    """Raised in a unit to undo it, by somebody who will be told of it by the same name."""


class _CarriedError(Exception):
    """It, on its way through a store: no store is asked to carry what is no `Exception`."""


class RealStore:
    """The port `Store`, as worlds use it."""

    def __init__(self, place: Path | str) -> None:
        self._place = place
        self._store = open_store(place, sequencer=sequence, on_fatal=_fail, relaxed=True)
        self._store.set_listener(self)
        self._told: list[tuple[bool, TreeHead | None]] = []
        self._listener: CommitListener | None = None

    def set_listener(self, listener: CommitListener) -> None:
        self._listener = listener

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        """Told by a thread of the store."""
        self._told.append((work_added, head))

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        undone: list[UndoneError] = []

        def unit(uow: UnitOfWork) -> T:
            undone.clear()  # a unit may be run more than once
            try:
                return work(uow)
            except UndoneError as error:
                undone.append(error)
                raise _CarriedError from error

        try:
            return _now(self._store.transact(unit))
        except _CarriedError:
            raise undone[0] from None
        finally:
            self._tell()

    def _tell(self) -> None:
        """One writer tells after it has answered: when it has answered once more, it has told."""
        _now(self._store.transact(_nothing))
        told, self._told = self._told, []
        for work_added, head in told:
            if self._listener is not None:
                self._listener.committed(work_added=work_added, head=head)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        return _now(self._store.read(work))

    def number(self, query: str) -> int:
        """Straight from the database."""

        def unit(uow: Any) -> int:
            found: int = uow.log._connection.exec_driver_sql(query).scalar_one()
            return found

        return _now(self._store.read(unit))

    def check_room(self) -> None:
        self._store.check_room()

    async def close(self) -> None:
        self.end()

    def end(self) -> None:
        """Close it; may be called twice."""
        _now(self._store.close())

    def again(self) -> "RealStore":
        """The same database, opened anew."""
        self.end()
        return RealStore(self._place)


def _nothing(_uow: UnitOfWork) -> None:
    return None


def _fail(error: BaseException) -> None:
    raise AssertionError("the store died") from error


@cache
def _beside() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="real-stores", daemon=True).start()
    return loop


def _now(coro: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(coro, _beside()).result()
