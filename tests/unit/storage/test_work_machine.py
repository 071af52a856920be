"""Claims, fences and leases against a model: whatever happens, an item has one holder and nothing due is lost."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.core.ledgers import LeaseLostError, UnitOfWork
from gateway.core.work import Claim
from gateway.storage import MemoryStore, open_memory
from tests.kit import rows

T = TypeVar("T")

LEASE = 10
subjects = st.sampled_from(["a", "b", "c"])
seconds = st.integers(0, 20)


class WorkMachine(RuleBasedStateMachine):
    """The model: for each item when it is due, who holds it until when, and when it was asked for again meanwhile."""

    store: MemoryStore

    @initialize()
    def begin(self) -> None:
        self.store = open_memory(sequencer=lambda _uow: None)
        self.now = rows.NOW
        self.due: dict[str, float] = {}
        self.again: dict[str, float] = {}
        self.held: dict[str, tuple[Claim, float]] = {}
        self.claims: list[Claim] = []

    def do(self, work: Callable[[UnitOfWork], T]) -> T:
        return asyncio.run(self.store.transact(work))

    @property
    def clock(self) -> float:
        return (self.now - rows.NOW).total_seconds()

    @rule(subject=subjects, wait=seconds)
    def add(self, subject: str, wait: int) -> None:
        due = self.clock + wait
        self.do(lambda uow: uow.work.add(rows.item(subject, due)))
        if subject in self.held:
            self.again[subject] = min(due, self.again.get(subject, due))
        else:
            self.due[subject] = min(due, self.due.get(subject, due))

    @rule(wait=seconds)
    def pass_time(self, wait: int) -> None:
        self.now += timedelta(seconds=wait)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        claims = self.do(lambda uow: uow.work.claim(self.now, lease=LEASE, windows={}, limit=limit))
        free = {s for s, due in self.due.items() if due <= self.clock and self.held.get(s, (None, 0))[1] <= self.clock}
        assert len(claims) == min(limit, len(free))
        for claim in claims:
            assert claim.item.subject in free
            assert all(claim.fence > old.fence for old in self.claims if old.item.subject == claim.item.subject)
            self.held[claim.item.subject] = (claim, self.clock + LEASE)
            self.again.pop(claim.item.subject, None)
        self.claims += claims

    @rule(which=st.integers(0, 50), verb=st.sampled_from(["finish", "postpone", "bury", "renew"]), wait=seconds)
    def give_back(self, which: int, verb: str, wait: int) -> None:
        if not self.claims:
            return
        claim = self.claims[which % len(self.claims)]
        until = self.now + timedelta(seconds=wait)
        verbs = {
            "finish": lambda uow: uow.work.finish(claim),
            "postpone": lambda uow: uow.work.postpone(claim, until),
            "bury": lambda uow: uow.work.bury(claim, "why", self.now),
            "renew": lambda uow: uow.work.renew(claim, until),
        }
        if self.held.get(claim.item.subject, (None, 0))[0] != claim:
            with pytest.raises(LeaseLostError):
                self.do(verbs[verb])
        else:
            self.do(verbs[verb])
            self.settle(claim.item.subject, verb, self.clock + wait)

    def settle(self, subject: str, verb: str, until: float) -> None:
        if verb == "renew":
            self.held[subject] = (self.held[subject][0], until)
            return
        del self.held[subject], self.due[subject]
        again = self.again.pop(subject, None)
        if verb == "postpone":
            self.due[subject] = until if again is None else min(again, until)
        elif verb == "finish" and again is not None:
            self.due[subject] = again

    @rule()
    def restart(self) -> None:
        assert self.do(lambda uow: uow.work.release_all()) == len(self.held)
        self.held.clear()
        self.again.clear()

    @invariant()
    def the_next_due_time_is_the_models(self) -> None:
        if hasattr(self, "due"):
            free = [due for subject, due in self.due.items() if subject not in self.held]
            found = self.do(lambda uow: uow.work.next_due())
            assert found == (rows.later(min(free)) if free else None)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            asyncio.run(self.store.close())


TestWork = WorkMachine.TestCase
TestWork.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
