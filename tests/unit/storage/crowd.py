"""Many units at once on one PostgreSQL database, each in its own thread and connection, as several nodes would run them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Barrier, BrokenBarrierError
from typing import Any

from gateway.core.ledgers import UnitOfWork
from gateway.storage import read_url
from gateway.storage.attempts import Attempts
from gateway.storage.group_commit import Settled
from gateway.storage.postgres_engine import writers_engine
from tests.kit.postgres import session_server

Work = Callable[[UnitOfWork], Any]

THREADS = 8


class Meeting:
    """Where units wait for each other once, so that they are in the middle of their work at the same time."""

    def __init__(self, parties: int = THREADS) -> None:
        self._barrier = Barrier(parties)
        self._over = False

    def meet(self, seconds: float = 2) -> None:
        """Go on together, or alone after a while: a database that lets one in at a time is as good."""
        if not self._over:
            with suppress(BrokenBarrierError):
                self._barrier.wait(seconds)
            self._over = True


class Crowd:
    """Threads that run units."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = writers_engine(read_url(url), connections=THREADS)
        self._runners: SimpleQueue[Attempts] = SimpleQueue()
        for _ in range(THREADS):
            self._runners.put(Attempts(self._engine))
        self._threads = ThreadPoolExecutor(THREADS)

    def settle(self, works: Sequence[Work]) -> list[Settled]:
        """Run them all, eight at a time."""
        return list(self._threads.map(self._run, works))

    def values(self, works: Sequence[Work]) -> list[Any]:
        """What they return; none may fail."""
        done = self.settle(works)
        assert [outcome.error for outcome in done] == [None] * len(works)
        return [outcome.value for outcome in done]

    def one(self, work: Work) -> Any:
        return self.values([work])[0]

    def _run(self, work: Work) -> Settled:
        runner = self._runners.get()
        try:
            return runner.run(work)
        finally:
            self._runners.put(runner)

    def close(self) -> None:
        self._threads.shutdown()
        while not self._runners.empty():
            self._runners.get().close()
        self._engine.dispose()


@contextmanager
def crowd() -> Iterator[Crowd]:
    gathered = Crowd(session_server().database())
    try:
        yield gathered
    finally:
        gathered.close()
