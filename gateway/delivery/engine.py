"""The engine: claims what is due, hands it to the conductor of its kind, keeps the windows, never loses an item.

The conductor itself finishes or postpones the item in the transaction of its outcome. What it leaves undone because it
failed, the engine postpones by its own back-off; after `STEP_ATTEMPTS_MAX` failures the item becomes a dead letter, and the
conductor writes, in the same transaction, what that means (`give_up`): nothing is given up silently.

A claim is a lease. As long as an item runs, a heartbeat renews it; a process that froze finds its fence outdated.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol, runtime_checkable

from gateway.core.errors import GatewayError, SiteError
from gateway.core.ids import Entropy
from gateway.core.ledgers import LeaseLostError, StaleStateError, UnitOfWork
from gateway.core.limits import LEASE_SECONDS, STEP_ATTEMPTS_MAX, WORK_RUNNING_MAX
from gateway.core.patience import BROUGHT_FORWARD_SECONDS, PUT_OFF_SECONDS_MAX
from gateway.core.ports import Clock, Store
from gateway.core.work import ORDER_ROAD, Claim, RoadReport, WorkKind
from gateway.delivery.backoff import backoff
from gateway.delivery.turns import turn_of
from gateway.delivery.window import Window
from gateway.observe import logger

DOCUMENTS_IN_FLIGHT_MAX: Final = 4
"""Steps of documents are bound by two cores of judges and key-holders: more in flight only wait."""
BEGUN_MAX: Final = 16
"""Items begun in the unit that leases them: some 0.2 ms each, and the one writer waits for nobody longer than 20 ms."""
IDLE_SECONDS: Final = 1.0
"""Longest nap: timers are the fallback, the wake-up after each commit is the rule."""
HEARTBEAT_SECONDS: Final = LEASE_SECONDS / 4
PASSING_MAX: Final = 10_000
"""Items whose misfortunes are remembered; of more, who was unlucky longest ago begins anew with short pauses."""
BREATH_SECONDS: Final = 0.5
"""After the store refused to be asked (busy, full): the items are still there."""

_OF_THE_ITEM: Final = frozenset({"worker.died"})
"""May pass, and so is asked again; but a key-holder that dies of one item each time is that item's own failure."""

_log = logger(__name__)

Outcomes = tuple[Callable[[UnitOfWork], None], ...]
"""Units of which one is to be written: the next where the one before it cannot be."""


class Handler(Protocol):
    """A conductor, as the engine sees it."""

    async def handle(self, claim: Claim) -> RoadReport:
        """Do the item; finish or postpone it in the transaction of the outcome."""
        ...

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """Write what it means that the item is buried; runs in the unit that buries it."""
        ...


@runtime_checkable
class Begins(Protocol):
    """A conductor whose first unit is short, and may be part of the unit that leases the item."""

    def begin(self, uow: UnitOfWork, claim: Claim) -> object:
        """What `handle` would do first; it finds the value in `claim.begun`. None: nothing was done, `handle` does it.

        MUST be short. An error undoes the whole unit: the items are leased again, and left to their `handle`.
        """
        ...


class WorkEngine:
    """Runs work items until stopped. `wake` may be called whenever something may have become due."""

    def __init__(  # noqa: PLR0913 - what the composition root hands over, each once
        self,
        *,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        handlers: Mapping[WorkKind, Handler],
        destinations: Callable[[], Iterable[str]],
        resting: Callable[[], bool] = lambda: False,
        idle: float = IDLE_SECONDS,
    ) -> None:
        """Nothing runs before `run`.

        `resting`: asked before each claim whether nothing new should be begun, for lack of room on the disk.
        `idle`: longest nap in seconds. A world whose clock jumps need not count every second of a weekend.
        """
        self._store = store
        self._idle = idle
        self._passing: dict[tuple[WorkKind, str], int] = {}
        """Misfortunes in a row that are not an item's own: they lengthen its back-off and never bury it."""
        self._clock = clock
        self._entropy = entropy
        self._handlers = handlers
        self._beginners = {kind: handler for kind, handler in handlers.items() if isinstance(handler, Begins)}
        self._destinations = destinations
        self._resting = resting
        self._windows: dict[str, Window] = {
            "": Window(size=DOCUMENTS_IN_FLIGHT_MAX, ours=True),
            ORDER_ROAD: Window(ours=True),
        }
        self._running: dict[asyncio.Task[None], Claim] = {}
        self._owed: list[tuple[Claim, Outcomes]] = []
        """Leases that the store could not take back when they were given; at most one for each item that ran."""
        self._awake = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._stopping = False
        self._beat = self._looked = clock.monotonic()
        self._turns = 0
        """Claims that brought something: whose turn the next one is."""

    @property
    def busy(self) -> int:
        """Items that run now."""
        return len(self._running)

    def wake(self) -> None:
        """Something may be due. Called on the loop's thread."""
        self._awake.set()

    async def run(self) -> None:
        """Claim and run until `stop`. Leases of a dead process are taken back first (one process, one writer)."""
        self._ended.clear()
        try:
            recovered = False
            while not self._stopping and not recovered:
                recovered = await self._recover()
            while not self._stopping:
                self._awake.clear()
                await self._turn()
        finally:
            self._ended.set()

    async def stop(self, *, patience: float) -> None:
        """Claim no more, wait for what runs (seconds), then cancel it: its leases are taken back at the next start."""
        self._stopping = True
        self._awake.set()
        await self._ended.wait()  # a claim that is under way starts its items first: they are waited for too
        if self._running:
            await asyncio.wait(self._running, timeout=patience)
        left = list(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _recover(self) -> bool:
        """Take the leases of a dead process back; False when the store has to be asked again (busy, full)."""
        try:
            if released := await self._store.transact(lambda uow: uow.work.release_all()):
                _log.info("work.recovered", items=released)
            await self._bring_forward()
        except SiteError as error:
            await self._breathe(error)
            return False
        return True

    async def _turn(self) -> None:
        """Claim what fits, or rest. A store that is busy or full for a moment costs a breath, never the engine."""
        try:
            await self._give_back()
            await self._renew_leases()
            if self._clock.monotonic() - self._looked >= BROUGHT_FORWARD_SECONDS:
                await self._bring_forward()
            # A claim that could have been larger took all that is due and fits: what comes later wakes us.
            # Who was woken meanwhile need not know when the next item would be due.
            if not await self._claim() and not self._awake.is_set():
                await self._nap()
        except SiteError as error:
            await self._breathe(error)

    async def _breathe(self, error: SiteError) -> None:
        """A pause for a store that will take units again; any other error is raised."""
        if not _passes(error):
            raise error
        _log.warning("work.waits", why=str(error))
        await self._clock.sleep(BREATH_SECONDS)

    async def _claim(self) -> bool:
        """Claim what fits into the windows and start it; whether there may be more of it."""
        places = WORK_RUNNING_MAX - len(self._running)
        if places <= 0 or self._resting():
            return False
        limit = max(1, places // 2)  # what each may take was reckoned from what is free: the next claim reckons anew
        windows = {name: self._window(name).room(places) for name in ("", *self._destinations())}
        now = self._clock.now()

        def unit(uow: UnitOfWork) -> tuple[Claim, ...]:
            return uow.work.claim(now, lease=LEASE_SECONDS, windows=windows, limit=limit, turn=turn_of(self._turns))

        try:
            claims = await self._store.transact(lambda uow: self._begun(uow, unit(uow)))
        except Exception as error:  # the worker loop again: one item that cannot be begun stops no other
            if isinstance(error, SiteError) and error.facts.retryable:
                raise
            _log.warning("work.not_begun", exc_info=error)
            claims = await self._store.transact(unit)  # whose fault it was, its own conductor finds
        self._turns += bool(claims)
        for claim in claims:
            self._window(claim.item.destination).started()
            task = asyncio.create_task(self._run(claim), name=f"{claim.item.kind} {claim.item.subject}")
            self._running[task] = claim
            task.add_done_callback(self._running.pop)
        return len(claims) == limit

    def _begun(self, uow: UnitOfWork, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        """The claims, the first of them begun: a unit stays short."""
        begun = [replace(claim, begun=self._begin(uow, claim)) for claim in claims[:BEGUN_MAX]]
        return (*begun, *claims[BEGUN_MAX:])

    def _begin(self, uow: UnitOfWork, claim: Claim) -> object:
        beginner = self._beginners.get(claim.item.kind)
        return beginner.begin(uow, claim) if beginner is not None else None

    async def _renew_leases(self) -> None:
        """The heartbeat of everything that runs. A lost lease is its conductor's to find, at the fence."""
        if not self._running or self._clock.monotonic() - self._beat < HEARTBEAT_SECONDS:
            return
        asked = self._clock.monotonic()
        claims = tuple(self._running.values())
        until = self._clock.now() + timedelta(seconds=LEASE_SECONDS)
        lost = await self._store.transact(lambda uow: _renew(uow, claims, until))
        self._beat = asked  # not before: a store that was away is asked again before anything is claimed
        if lost:
            _log.warning("work.lease_lost", items=lost)

    async def _bring_forward(self) -> None:
        """What was put off by a clock that was ahead, and has been set since, does not wait for that time to come."""
        self._looked, now = self._clock.monotonic(), self._clock.now()
        latest = now + timedelta(seconds=PUT_OFF_SECONDS_MAX)
        if brought := await self._store.transact(lambda uow: uow.work.bring_forward(now, latest)):
            _log.warning("work.brought_forward", items=brought)

    async def _nap(self) -> None:
        due = await self._store.read(lambda uow: uow.work.next_due())
        ahead = (due - self._clock.now()).total_seconds() if due is not None else self._idle
        # What is due already waits for a window: the end of a running item wakes us, polling would not help.
        wait = min(ahead, self._idle) if ahead > 0 else self._idle
        if self._running:
            wait = min(wait, HEARTBEAT_SECONDS)
        timer = asyncio.ensure_future(self._clock.sleep(wait))
        waker = asyncio.ensure_future(self._awake.wait())
        await asyncio.wait({timer, waker}, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        waker.cancel()

    async def _run(self, claim: Claim) -> None:
        report = RoadReport.NEUTRAL
        try:
            report = await self._handlers[claim.item.kind].handle(claim)
            self._passing.pop((claim.item.kind, claim.item.subject), None)
        except LeaseLostError:
            self._passing.pop((claim.item.kind, claim.item.subject), None)
            _log.warning("work.lease_lost", kind=claim.item.kind, item=claim.item.subject)
        except StaleStateError:
            await self._postpone(claim, "stale state", code="")
        except GatewayError as error:
            own = not error.facts.retryable or error.code in _OF_THE_ITEM
            await self._postpone(claim, str(error), code=error.code if own else "")
        except Exception as error:  # noqa: BLE001 - the worker loop is one of the three named borders (house.md)
            _log.exception("work.failed", kind=claim.item.kind, item=claim.item.subject)
            await self._postpone(claim, f"{type(error).__name__}: {error}", code="internal")
        finally:
            self._window(claim.item.destination).ended(report)
            self._awake.set()

    async def _postpone(self, claim: Claim, reason: str, *, code: str) -> None:
        """The item is tried again later; too many failures of its own (`code` not empty) make it a dead letter."""
        now = self._clock.now()
        attempts = claim.item.attempts + bool(code)
        dead = attempts >= STEP_ATTEMPTS_MAX
        name = (claim.item.kind, claim.item.subject)
        passing = self._passing.pop(name, 0)
        if not code:
            self._passing[name] = passing + 1
            if len(self._passing) > PASSING_MAX:  # some were withdrawn meanwhile: nobody says so here
                del self._passing[next(iter(self._passing))]

        def again(uow: UnitOfWork) -> None:
            wait = timedelta(seconds=backoff(attempts + passing, self._entropy))
            uow.work.postpone(claim, now + wait, failed=bool(code))

        def bury(uow: UnitOfWork) -> None:
            uow.work.bury(claim, reason[:500], now)

        def give_up(uow: UnitOfWork) -> None:
            self._handlers[claim.item.kind].give_up(uow, claim, code)
            bury(uow)

        _log.warning("work.dead" if dead else "work.again", kind=claim.item.kind, item=claim.item.subject, why=reason)
        outcomes: Outcomes = (give_up, bury) if dead else (again,)
        try:
            await self._settle(claim, outcomes)
        except SiteError:
            self._owed.append((claim, outcomes))

    async def _settle(self, claim: Claim, outcomes: Outcomes) -> None:
        """Write the first of them that can be written: what cannot even be given up is buried, for people to look at.

        Raises:
            SiteError: the store is away for a moment: what is owed is written when it is there again.
        """
        for unit in outcomes:
            try:
                await self._store.transact(unit)
            except LeaseLostError:
                _log.warning("work.lease_lost", kind=claim.item.kind, item=claim.item.subject)
                return
            except Exception as error:  # the worker loop again: one item that cannot be written ends no other
                _log.warning("work.not_postponed", kind=claim.item.kind, item=claim.item.subject, exc_info=error)
                if isinstance(error, SiteError) and _passes(error):
                    raise
            else:
                return

    async def _give_back(self) -> None:
        """A database server that was away is back: what ran meanwhile is not kept waiting until its lease runs out."""
        while self._owed:
            await self._settle(*self._owed[0])
            self._owed.pop(0)

    def _window(self, destination: str) -> Window:
        return self._windows.setdefault(destination, Window())


def _passes(error: SiteError) -> bool:
    """Whether the store takes units again by itself, or as soon as there is room."""
    return error.facts.retryable or error.code == "store.full"


def _renew(uow: UnitOfWork, claims: tuple[Claim, ...], until: datetime) -> int:
    """Renew each lease; how many were lost."""
    lost = 0
    for claim in claims:
        try:
            uow.work.renew(claim, until)
        except LeaseLostError:
            lost += 1
    return lost
