"""The engine: claims what is due, hands it to the conductor of its kind, keeps the windows, never loses an item.

The conductor itself finishes or postpones the item in the transaction of its outcome. What it leaves undone because it
failed, the engine postpones by its own back-off, and after `STEP_ATTEMPTS_MAX` failures gives up as a dead letter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final

from gateway.core.errors import GatewayError
from gateway.core.ids import Entropy
from gateway.core.ledgers import LeaseLostError, StaleStateError, UnitOfWork
from gateway.core.limits import LEASE_SECONDS, STEP_ATTEMPTS_MAX, WORK_RUNNING_MAX
from gateway.core.ports import Clock, Store
from gateway.core.work import Claim, RoadReport, WorkKind
from gateway.delivery.backoff import backoff
from gateway.delivery.window import Window
from gateway.observe import logger

Handler = Callable[[Claim], Awaitable[RoadReport]]

DOCUMENTS_IN_FLIGHT_MAX: Final = 4
"""Steps of documents are bound by two cores of judges and key-holders: more in flight only wait."""
IDLE_SECONDS: Final = 1.0
"""Longest nap: timers are the fallback, the wake-up after each commit is the rule."""

_log = logger(__name__)


class WorkEngine:
    """Runs work items until stopped. `wake` may be called whenever something may have become due."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        handlers: Mapping[WorkKind, Handler],
        destinations: Callable[[], Iterable[str]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._handlers = handlers
        self._destinations = destinations
        self._windows: dict[str, Window] = {"": Window(size=DOCUMENTS_IN_FLIGHT_MAX)}
        self._running: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()
        self._stopping = False

    @property
    def busy(self) -> int:
        """Items that run now."""
        return len(self._running)

    def wake(self) -> None:
        """Something may be due. Called on the loop's thread."""
        self._awake.set()

    async def run(self) -> None:
        """Claim and run until `stop`. Leases of a dead process are taken back first (one process, one writer)."""
        released = await self._store.transact(lambda uow: uow.work.release_all())
        if released:
            _log.info("work.recovered", items=released)
        while not self._stopping:
            self._awake.clear()
            if not await self._claim():
                await self._nap()

    async def stop(self, *, patience: float) -> None:
        """Claim no more, wait for what runs (seconds), then cancel it: its leases are taken back at the next start."""
        self._stopping = True
        self._awake.set()
        if self._running:
            await asyncio.wait(self._running, timeout=patience)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _claim(self) -> int:
        """Claim what fits into the windows and start it; how many items."""
        room = WORK_RUNNING_MAX - len(self._running)
        if room <= 0:
            return 0
        windows = {name: self._window(name).free for name in ("", *self._destinations())}
        now = self._clock.now()

        def unit(uow: UnitOfWork) -> tuple[Claim, ...]:
            return uow.work.claim(now, lease=LEASE_SECONDS, windows=windows, limit=room)

        claims = await self._store.transact(unit)
        for claim in claims:
            self._window(claim.item.destination).started()
            task = asyncio.create_task(self._run(claim), name=f"{claim.item.kind} {claim.item.subject}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(claims)

    async def _nap(self) -> None:
        due = await self._store.read(lambda uow: uow.work.next_due())
        ahead = (due - self._clock.now()).total_seconds() if due is not None else IDLE_SECONDS
        # What is due already waits for a window: the end of a running item wakes us, polling would not help.
        wait = min(ahead, IDLE_SECONDS) if ahead > 0 else IDLE_SECONDS
        timer = asyncio.ensure_future(self._clock.sleep(wait))
        waker = asyncio.ensure_future(self._awake.wait())
        await asyncio.wait({timer, waker}, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        waker.cancel()

    async def _run(self, claim: Claim) -> None:
        report = RoadReport.NEUTRAL
        try:
            report = await self._handlers[claim.item.kind](claim)
        except LeaseLostError:
            _log.warning("work.lease_lost", kind=claim.item.kind, subject=claim.item.subject)
        except StaleStateError:
            await self._postpone(claim, "stale state", failed=False)
        except GatewayError as error:
            await self._postpone(claim, str(error), failed=not error.facts.retryable)
        except Exception as error:  # noqa: BLE001 - the worker loop is one of the three named borders (house.md)
            _log.exception("work.failed", kind=claim.item.kind, subject=claim.item.subject)
            await self._postpone(claim, f"{type(error).__name__}: {error}")
        finally:
            self._window(claim.item.destination).ended(report)
            self._awake.set()

    async def _postpone(self, claim: Claim, reason: str, *, failed: bool = True) -> None:
        """The item is tried again later; too many failures of its own make it a dead letter, never silently."""
        now = self._clock.now()
        attempts = claim.item.attempts + failed
        dead = attempts >= STEP_ATTEMPTS_MAX

        def unit(uow: UnitOfWork) -> None:
            if dead:
                uow.work.bury(claim, reason[:500], now)
            else:
                uow.work.postpone(claim, now + timedelta(seconds=backoff(attempts, self._entropy)), failed=failed)

        _log.warning(
            "work.dead" if dead else "work.again", kind=claim.item.kind, subject=claim.item.subject, why=reason
        )
        try:
            await self._store.transact(unit)
        except LeaseLostError:
            _log.warning("work.lease_lost", kind=claim.item.kind, subject=claim.item.subject)

    def _window(self, destination: str) -> Window:
        return self._windows.setdefault(destination, Window())
