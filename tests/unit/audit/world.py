"""What the tests of this room share: events, leaves, a log that has grown, vectors."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.audit import make_leaf, sequence
from gateway.core.events import AuditEvent, EventKind, Leaf
from gateway.core.ledgers import UnitOfWork
from tests.kit.memory_log import MemoryLogStore

START = datetime(2026, 11, 21, 6, 5, 9, 120_000, tzinfo=UTC)
ORIGIN = "gw.example/audit/2026"


def vectors(name: str) -> Path:
    folder = Path(__file__).parents[3] / ".." / "shared" / "vectors" / name
    if not folder.exists():
        pytest.skip("vectors are not here")
    return folder


def salt(number: int) -> bytes:
    return sha256(b"salt %d" % number).digest()


def event(number: int, *, previous: str = "") -> AuditEvent:
    return AuditEvent(
        kind=EventKind.RECEIVED,
        at=START + timedelta(milliseconds=number),
        subject=f"entry {number}",
        document="transfer 1",
        previous=previous,
        stream=bytes(16),
        sequence=number + 1,
        private={"document_id": "H29.16,2026/11/21,12/QĐ-UBND", "number": number},
    )


def leaf(number: int, *, previous: str = "") -> Leaf:
    return make_leaf(event(number, previous=previous), salt=salt(number))


def grow(store: MemoryLogStore, count: int) -> list[Leaf]:
    """Append that many leaves, each after the first naming the one before it, and sequence them."""
    added = []
    previous = store.state.appended[-1].hash.hex() if store.state.appended else ""
    for number in range(len(store.state.appended), len(store.state.appended) + count):
        added.append(leaf(number, previous=previous))
        previous = added[-1].hash.hex()
    append(store, *added)
    while store.do(sequence) is not None:
        pass
    return added


def append(store: MemoryLogStore, *leaves: Leaf) -> None:
    def work(uow: UnitOfWork) -> None:
        for one in leaves:
            uow.log.append(one)

    store.do(work)


class HandClock:
    """A clock that stands still until `release` wakes whoever sleeps."""

    def __init__(self) -> None:
        self.sleeping: list[float] = []
        self._wake = asyncio.Event()

    def now(self) -> datetime:
        return START

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.sleeping.append(seconds)
        await self._wake.wait()

    def release(self) -> None:
        self.sleeping.clear()
        self._wake.set()
        self._wake = asyncio.Event()
