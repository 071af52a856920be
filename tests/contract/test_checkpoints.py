"""The promises of the port `Checkpoints`: over the real stores, with a memory in a file.

Whatever `covering` returns is signed by the log, true of the tree, at least as large as was asked, and already durable
when it returns.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from gateway.audit import CheckpointPublisher, InclusionProof, SignerMemory, VerifierKey, prove, verify_checkpoint
from gateway.core.errors import SiteError
from gateway.core.events import Leaf, TreeHead
from gateway.core.ledgers import UnitOfWork
from gateway.core.ports import Checkpoints, Clock, PublishedCheckpoint
from gateway.observe import SystemClock
from tests.contract.stores import STORES, LedgerStore
from tests.kit import rows
from tests.kit.clock import ManualClock
from tests.kit.log_signer import LogSigner

ORIGIN = "gw.example/audit"
KEY = VerifierKey.of(ORIGIN, LogSigner().public_key).format()


@dataclass
class Site:
    """A log that grows, and those who sign it; one runs at a time."""

    store: LedgerStore
    memory: Path
    signer: LogSigner = field(default_factory=LogSigner)
    clock: Clock = field(default_factory=SystemClock)
    running: list[asyncio.Task[None]] = field(default_factory=list)

    def open(self) -> Checkpoints:
        """A running publisher, told of every commit."""
        publisher = CheckpointPublisher(
            store=self.store,
            signer=self.signer,
            origin=ORIGIN,
            memory=SignerMemory(path=self.memory),
            clock=self.clock,
        )
        self.store.set_listener(_Listener(publisher, asyncio.get_running_loop()))
        self.running.append(asyncio.create_task(publisher.run()))
        return publisher

    async def close(self) -> None:
        """The publisher was killed; what it left is what was durable."""
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        self.running.clear()

    async def grow(self, count: int) -> list[Leaf]:
        leaves = [rows.leaf() for _ in range(count)]

        def work(uow: UnitOfWork) -> None:
            for leaf in leaves:
                uow.log.append(leaf)

        await self.store.transact(work)
        return leaves

    async def size(self) -> int:
        return (await self.store.read(lambda uow: uow.log.head())).size

    async def kept(self) -> tuple[int, str] | None:
        return await self.store.read(lambda uow: uow.log.checkpoint())


@dataclass
class _Listener:
    publisher: CheckpointPublisher
    loop: asyncio.AbstractEventLoop

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        if head is not None:
            self.loop.call_soon_threadsafe(self.publisher.notify, head)


@pytest.fixture
async def site(store: LedgerStore, tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(store, tmp_path / "memory")
    yield made
    await made.close()


async def covered(site: Site, checkpoints: Checkpoints, size: int) -> PublishedCheckpoint:
    """What `covering` returns, with every promise checked at that moment."""
    published = await asyncio.wait_for(checkpoints.covering(size), 10)
    kept, remembered = await site.kept(), site.memory.read_text()
    assert published.size >= size
    checkpoint = verify_checkpoint(published.note, [KEY])
    assert checkpoint.size == published.size
    assert kept is not None, "published before it was durable"
    assert kept[0] >= published.size
    assert verify_checkpoint(remembered, [KEY]).size >= published.size
    return published


async def test_it_covers_what_was_asked_and_its_leaves_are_proven_under_it(site: Site) -> None:
    checkpoints = site.open()
    for count in (1, 2, 7, 40):
        leaves = await site.grow(count)
        published = await covered(site, checkpoints, await site.size())
        checkpoint = verify_checkpoint(published.note, [KEY])
        proofs = await site.store.read(partial(prove, leaf_hashes=[one.hash for one in leaves], size=checkpoint.size))
        for one in leaves:
            proofs[one.hash].check(one.hash, checkpoint.root)


async def test_leaves_come_with_their_proofs_and_a_checkpoint_that_is_durable(site: Site) -> None:
    checkpoints = site.open()
    for count in (1, 2, 7, 40):
        leaves = await site.grow(count)
        hashes = [one.hash for one in leaves]
        published, proofs = await asyncio.wait_for(checkpoints.proving(hashes), 10)
        kept, checkpoint = await site.kept(), verify_checkpoint(published.note, [KEY])
        assert kept is not None
        assert kept[0] >= published.size == checkpoint.size
        assert proofs.keys() == set(hashes)
        for leaf in hashes:
            InclusionProof(index=proofs[leaf].index, size=checkpoint.size, path=proofs[leaf].path).check(
                leaf, checkpoint.root
            )


async def test_who_asks_for_less_gets_the_newest(site: Site) -> None:
    checkpoints = site.open()
    await site.grow(9)
    await covered(site, checkpoints, 9)
    for size in (0, 1, 8, 9):
        assert (await covered(site, checkpoints, size)).size == 9


async def test_nobody_is_answered_before_the_leaves_are_there(site: Site) -> None:
    checkpoints = site.open()
    await site.grow(3)
    early = asyncio.create_task(covered(site, checkpoints, 5))
    await covered(site, checkpoints, 3)
    await site.grow(1)
    await covered(site, checkpoints, 4)
    assert not early.done()
    await site.grow(1)
    assert (await early).size == 5


async def test_many_wait_at_once_and_each_gets_enough(site: Site) -> None:
    checkpoints = site.open()
    waiting = [asyncio.create_task(covered(site, checkpoints, size)) for size in range(1, 101) for _ in range(2)]
    await asyncio.sleep(0)
    for _ in range(10):
        await site.grow(10)
    await asyncio.gather(*waiting)
    assert site.signer.signatures < 100, "one checkpoint serves many"


async def test_one_who_gives_up_takes_nothing_from_the_others(site: Site) -> None:
    checkpoints = site.open()
    impatient = asyncio.create_task(checkpoints.covering(2))
    patient = asyncio.create_task(covered(site, checkpoints, 2))
    await asyncio.sleep(0)
    impatient.cancel()
    await site.grow(2)
    assert (await patient).size == 2
    with suppress(asyncio.CancelledError):
        await impatient


async def test_after_a_restart_what_was_published_is_still_there(site: Site) -> None:
    await site.grow(5)
    before = await covered(site, site.open(), 5)
    await site.close()
    again = site.open()
    assert (await covered(site, again, 5)).note == before.note
    assert site.signer.signatures == 1
    await site.grow(1)
    assert (await covered(site, again, 6)).size == 6


# --- what must never be signed ---------------------------------------------------------------------------------------


async def _longer(site: Site, folder: Path) -> None:
    """The memory is of a longer log: this one was put back, or is another."""
    site.memory.write_text(await _note_of_another_log(folder, 9))


async def _another_root(site: Site, folder: Path) -> None:
    site.memory.write_text(await _note_of_another_log(folder, 5))


async def _shorter(site: Site, folder: Path) -> None:
    """A memory that is older than what was published."""
    site.memory.write_text(await _note_of_another_log(folder, 3))


async def _lost(site: Site, _folder: Path) -> None:
    site.memory.unlink()


async def _rubbish(site: Site, _folder: Path) -> None:
    site.memory.write_text("not a note\n")


async def _another_key(site: Site, _folder: Path) -> None:
    site.signer = LogSigner(2)


async def _note_of_another_log(folder: Path, size: int) -> str:
    """What the same signer would remember of a log with other leaves."""
    other = Site(STORES["memory"](folder), folder / "other-memory")
    checkpoints = other.open()
    await other.grow(size)
    await covered(other, checkpoints, size)
    await other.close()
    await other.store.close()
    return other.memory.read_text()


@pytest.mark.parametrize("damage", [_longer, _another_root, _shorter, _lost, _rubbish, _another_key])
async def test_a_memory_that_contradicts_the_log_ends_the_signing(
    site: Site, tmp_path: Path, damage: Callable[[Site, Path], Awaitable[None]]
) -> None:
    await site.grow(5)
    await covered(site, site.open(), 5)
    await site.close()
    await damage(site, tmp_path)
    await site.grow(1)
    published, signatures = await site.kept(), site.signer.signatures
    checkpoints = site.open()
    for size in (6, 1, 6):
        with pytest.raises(SiteError, match=r"audit\.inconsistent"):
            await asyncio.wait_for(checkpoints.covering(size), 10)
    assert await site.kept() == published
    assert site.signer.signatures == signatures


async def test_what_the_log_s_key_has_not_signed_is_never_returned(site: Site) -> None:
    class Careless(LogSigner):
        async def sign(self, data: bytes) -> bytes:
            return bytes(64)

    site.signer = Careless()
    checkpoints = site.open()
    await site.grow(2)
    with pytest.raises(SiteError, match=r"audit\.inconsistent"):
        await asyncio.wait_for(checkpoints.covering(2), 10)
    assert await site.kept() is None
    assert not site.memory.exists()


async def test_what_could_not_be_remembered_is_neither_published_nor_returned(site: Site) -> None:
    site.memory.with_name(f".{site.memory.name}.new").mkdir()  # writing the memory fails
    site.clock = ManualClock()  # and is tried again at once
    checkpoints = site.open()
    await site.grow(1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(checkpoints.covering(1), 0.1)
    assert await site.kept() is None
    site.memory.with_name(f".{site.memory.name}.new").rmdir()
    assert (await covered(site, checkpoints, 1)).size == 1
