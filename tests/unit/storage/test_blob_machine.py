"""Leases and the keeper against a model, in every order: the keeper's question is answered late, units commit late.

What may never happen: bytes that a row names, or that an open lease put, are not there. What must have happened at the end:
everything else is gone.
"""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.core.errors import SenderError, SiteError
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import ORPHAN_SECONDS_MIN
from gateway.core.model import BlobRef
from gateway.core.ports import BlobLease
from gateway.storage import BlobKeeper, MemoryStore, open_memory
from tests.kit import rows
from tests.kit.blobs import MemoryBlobs
from tests.kit.clock import ManualClock

T = TypeVar("T")
contents = st.sampled_from([b"a", b"b"])
leases = st.integers(0, 1)


@dataclass
class Open:
    """A lease as the model sees it."""

    context: AbstractContextManager[BlobLease]
    lease: BlobLease
    put: set[BlobRef] = field(default_factory=set)


class LateStore:
    """A store whose reading units run at once, and whose answers come when the machine says so."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.transact, self.check_room, self.close = store.transact, store.check_room, store.close
        self.answer = asyncio.Event()

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        value = await self._store.read(work)
        await self.answer.wait()
        return value


class BlobMachine(RuleBasedStateMachine):
    """One process; time passes in days, and a unit that is in doubt comes to pass within one or never."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.blobs = MemoryBlobs(spill=Path(self.folder.name), now=lambda: self.clock.now().timestamp())
        self.store = LateStore(open_memory(sequencer=lambda _uow: None))
        self.keeper = BlobKeeper(self.blobs, store=self.store, clock=self.clock)
        self.open: dict[int, Open] = {}
        self.named: set[BlobRef] = set()
        self.late: dict[BlobRef, int] = {}
        self.asking: list[asyncio.Task[object]] = []

    def step(self) -> None:
        """Let everybody go on who can."""
        for _ in range(5):
            self.loop.run_until_complete(asyncio.sleep(0))

    @rule(which=leases, data=contents)
    def put(self, which: int, data: bytes) -> None:
        if which not in self.open:
            context = self.blobs.lease()
            self.open[which] = Open(context, context.__enter__())
        ref = self.loop.run_until_complete(self.open[which].lease.put_bytes(data))
        self.open[which].put.add(ref)

    @rule(which=leases)
    def commit(self, which: int) -> None:
        """Its unit names everything that it put."""
        if which in self.open:
            for ref in self.open[which].put:
                self._name(ref)

    @rule(which=leases)
    def refuse(self, which: int) -> None:
        """It ends, with a unit or without."""
        self._end(which, SenderError("file.empty"))

    @rule(which=leases)
    def doubt(self, which: int) -> None:
        """Its caller went away: a unit may still come to pass."""
        if ended := self._end(which, SiteError("store.busy")):
            self.late |= dict.fromkeys(ended.put, 0)

    @precondition(lambda self: self.late)
    @rule()
    def come_to_pass(self) -> None:
        """... and does."""
        self._name(self.late.popitem()[0])

    @rule()
    def ask(self) -> None:
        """The keeper looks at what was given back; the answer is on its way."""
        self.asking.append(self.loop.create_task(self.keeper.clear_once()))
        self.step()

    @rule()
    def answer(self) -> None:
        self.store.answer.set()
        if self.asking:
            self.loop.run_until_complete(asyncio.gather(*self.asking))
        self.asking.clear()
        self.store.answer.clear()

    @rule()
    def pass_a_day(self) -> None:
        self.answer()
        self.clock.advance(ORPHAN_SECONDS_MIN)
        self.late = {ref: age + 1 for ref, age in self.late.items() if age < 1}
        self.store.answer.set()
        self.loop.run_until_complete(self.keeper.sweep())
        self.store.answer.clear()

    def _name(self, ref: BlobRef) -> None:
        document = rows.document(envelope=ref, attachments=())
        self.loop.run_until_complete(self.store.transact(lambda uow: uow.documents.add(document)))
        self.named.add(ref)

    def _end(self, which: int, error: Exception) -> Open | None:
        ended = self.open.pop(which, None)
        if ended is not None:
            ended.context.__exit__(type(error), error, None)
        return ended

    @invariant()
    def what_is_named_or_held_is_there(self) -> None:
        if hasattr(self, "open"):
            held = set().union(*(one.put for one in self.open.values()))
            assert {ref.digest for ref in self.named | held | set(self.late)} <= set(self.blobs.kept)

    def teardown(self) -> None:
        if not hasattr(self, "open"):
            return
        for which in list(self.open):
            self.refuse(which)
        self.ask()
        for _ in range(4):
            self.pass_a_day()
        assert set(self.blobs.kept) == {ref.digest for ref in self.named}
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        self.folder.cleanup()


TestBlobMachine = pytest.mark.filterwarnings("ignore::ResourceWarning")(BlobMachine.TestCase)
TestBlobMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
