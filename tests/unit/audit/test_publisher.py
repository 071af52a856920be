"""The order of A2.4: committed, consistent, signed, remembered, published; and what a crash between two of them leaves."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from gateway.audit import (
    Checkpoint,
    CheckpointPublisher,
    SignerMemory,
    VerifierKey,
    format_checkpoint,
    prove,
    sequence,
    sign_note,
    verify_checkpoint,
)
from gateway.audit import publisher as publishing
from gateway.core.errors import SiteError
from gateway.core.events import Leaf, TreeHead
from gateway.core.limits import CHECKPOINT_IDLE_SECONDS, CHECKPOINT_RETRY_SECONDS
from tests.kit.log_signer import LogSigner
from tests.kit.logs import caught_logs, logged_events
from tests.kit.memory_log import LogState, MemoryLogStore
from tests.unit.audit.world import ORIGIN, HandClock, append, grow, leaf

KEY = VerifierKey.of(ORIGIN, LogSigner().public_key)


class PlainMemory:
    """`CheckpointMemory` without a disk, whose next writes can be made to fail."""

    def __init__(self) -> None:
        self.note: str | None = None
        self.full = 0
        self.error = errno.ENOSPC

    async def recall(self) -> str | None:
        return self.note

    async def remember(self, note: str) -> None:
        if self.full:
            self.full -= 1
            raise OSError(self.error, "the disk refuses")
        self.note = note


@dataclass
class Site:
    """What outlives a crash (the store's state and the memory), and what does not."""

    store: MemoryLogStore = field(default_factory=MemoryLogStore)
    memory: PlainMemory = field(default_factory=PlainMemory)
    clock: HandClock = field(default_factory=HandClock)
    signer: LogSigner = field(default_factory=LogSigner)
    died: list[BaseException] = field(default_factory=list)

    def publisher(self) -> CheckpointPublisher:
        return CheckpointPublisher(
            store=self.store,
            signer=self.signer,
            origin=ORIGIN,
            memory=self.memory,
            clock=self.clock,
            on_fatal=self.died.append,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[CheckpointPublisher]:
        publisher = self.publisher()
        task = asyncio.create_task(publisher.run())
        try:
            yield publisher
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, SiteError):
                await task

    async def fails(self) -> SiteError:
        """Run a publisher that must give up."""
        with pytest.raises(SiteError) as caught:
            await asyncio.wait_for(self.publisher().run(), 5)
        return caught.value


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def soon(publisher: CheckpointPublisher, size: int) -> Checkpoint:
    published = await asyncio.wait_for(publisher.covering(size), 5)
    checkpoint = verify_checkpoint(published.note, [KEY.format()])
    assert (published.size, published.root) == (checkpoint.size, checkpoint.root)
    return checkpoint


async def test_a_receipt_s_leaf_is_proven_under_the_published_checkpoint(tmp_path: Path) -> None:
    site = Site()
    memory = SignerMemory(path=tmp_path / "memory")
    publisher = CheckpointPublisher(
        store=site.store, signer=site.signer, origin=ORIGIN, memory=memory, clock=site.clock
    )
    task = asyncio.create_task(publisher.run())
    for batch in (1, 2, 7, 336):
        leaves = grow(site.store, batch)
        publisher.notify(site.store.state.head)
        checkpoint = await soon(publisher, site.store.state.head.size)
        proofs = await site.store.read(partial(prove, leaf_hashes=[one.hash for one in leaves], size=checkpoint.size))
        for one in leaves:
            proofs[one.hash].check(one.hash, checkpoint.root)
        assert site.store.state.checkpoint == (checkpoint.size, await memory.recall())
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_one_checkpoint_serves_all_who_wait() -> None:
    site = Site()
    async with site.running() as publisher:
        waiting = [asyncio.create_task(publisher.covering(size)) for size in range(1, 51)]
        await settle()
        grow(site.store, 50)
        publisher.notify(site.store.state.head)
        assert {(await one).size for one in waiting} == {50}
        assert (await publisher.covering(3)).size == 50
    assert site.signer.signatures == 1


async def test_nobody_waits_longer_than_for_its_own_leaves() -> None:
    site = Site()
    grow(site.store, 3)
    async with site.running() as publisher:
        later = asyncio.create_task(publisher.covering(4))
        assert (await soon(publisher, 3)).size == 3
        await settle()
        assert not later.done()
        grow(site.store, 1)
        publisher.notify(site.store.state.head)
        assert (await later).size == 4


async def test_leaves_that_nobody_waits_for_gather_under_one_signature() -> None:
    site = Site()
    async with site.running() as publisher:
        await settle()
        for _ in range(10):
            grow(site.store, 1)
            publisher.notify(site.store.state.head)
            await settle()
        assert site.signer.signatures == 0
        assert site.clock.sleeping == [CHECKPOINT_IDLE_SECONDS]
        site.clock.release()
        await settle()
        assert site.store.state.checkpoint is not None
        assert site.store.state.checkpoint[0] == 10
        assert site.signer.signatures == 1


async def test_they_gather_again_after_somebody_waited() -> None:
    site = Site()
    async with site.running() as publisher:
        waiting = asyncio.create_task(publisher.covering(1))
        await settle()
        for _ in range(3):
            grow(site.store, 1)
            publisher.notify(site.store.state.head)
            await settle()
        assert (await waiting).size == 1
        assert site.signer.signatures == 1
        assert site.clock.sleeping == [CHECKPOINT_IDLE_SECONDS]


async def test_looking_without_need_writes_nothing() -> None:
    site = await signed_at(7)
    commits, signatures = site.store.commits, site.signer.signatures
    async with site.running() as publisher:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(publisher.covering(8), 0.01)
    assert (site.store.commits, site.signer.signatures) == (commits, signatures)


async def test_a_receipt_does_not_wait_for_the_gathering() -> None:
    site = Site()
    async with site.running() as publisher:
        await settle()
        grow(site.store, 2)
        publisher.notify(site.store.state.head)
        await settle()
        assert (await soon(publisher, 2)).size == 2


async def test_a_waiter_that_gives_up_is_forgotten() -> None:
    site = Site()
    async with site.running() as publisher:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(publisher.covering(9), 0.01)
        grow(site.store, 9)
        assert (await soon(publisher, 9)).size == 9


async def test_nothing_is_published_before_it_is_remembered() -> None:
    site = Site()
    site.memory.full = 2
    grow(site.store, 1)
    async with site.running() as publisher:
        waiting = asyncio.create_task(publisher.covering(1))
        for _ in range(2):
            await settle()
            assert site.clock.sleeping == [CHECKPOINT_RETRY_SECONDS]
            assert site.store.state.checkpoint is None
            assert not waiting.done()
            site.clock.release()
        assert (await waiting).size == 1
    assert site.memory.note is not None


@pytest.mark.parametrize("number", [errno.EIO, errno.EUCLEAN])
async def test_a_memory_that_cannot_be_synced_ends_the_process(number: int) -> None:
    """Once more, and the kernel might say that all is well."""
    site = Site()
    site.memory.full, site.memory.error = 1, number
    grow(site.store, 1)
    publisher = site.publisher()
    waiting = asyncio.create_task(publisher.covering(1))
    await asyncio.sleep(0)
    with pytest.raises(SiteError, match=r"store\.failing"):
        await asyncio.wait_for(publisher.run(), 5)
    with pytest.raises(SiteError, match=r"store\.failing"):
        await waiting
    assert [getattr(one, "errno", None) for one in site.died] == [number]
    assert site.store.state.checkpoint is None


async def test_a_busy_store_only_delays() -> None:
    site = Site()
    site.store.busy = 1
    grow(site.store, 1)
    async with site.running() as publisher:
        waiting = asyncio.create_task(publisher.covering(1))
        await settle()
        assert site.memory.note is not None, "remembered, not yet published"
        assert site.store.state.checkpoint is None
        assert not waiting.done()
        site.clock.release()
        assert (await waiting).size == 1
    assert site.signer.signatures == 1, "the same note is published, not a second one signed"


async def test_a_delay_is_told_in_the_service_s_own_log(capsys: pytest.CaptureFixture[str]) -> None:
    site = Site()
    site.memory.full = 1
    grow(site.store, 1)
    with caught_logs() as stream:
        async with site.running() as publisher:
            waiting = asyncio.create_task(publisher.covering(1))
            await settle()
            site.clock.release()
            await waiting
    (line,) = [line for line in logged_events(stream) if line["event"] == "checkpoint.delayed"]
    assert line["level"] == "error"
    assert capsys.readouterr().out == "", "stdout is for data"


async def test_killed_between_remembering_and_publishing() -> None:
    site = Site()
    grow(site.store, 5)
    async with site.running() as publisher:
        before = (await publisher.covering(5)).note
    site.store.state.checkpoint = None
    site = Site(store=MemoryLogStore(site.store.state), memory=site.memory)
    async with site.running() as publisher:
        assert (await publisher.covering(5)).note == before
    assert site.signer.signatures == 0
    assert site.store.state.checkpoint == (5, before)


async def test_killed_there_and_grown_since() -> None:
    site = Site()
    grow(site.store, 5)
    async with site.running() as publisher:
        await publisher.covering(5)
    site.store.state.checkpoint = None
    grow(site.store, 6)
    site = Site(store=MemoryLogStore(site.store.state), memory=site.memory)
    async with site.running() as publisher:
        assert (await soon(publisher, 11)).size == 11


async def test_an_idle_log_is_not_signed() -> None:
    site = Site()
    async with site.running():
        await settle()
        assert site.store.state.checkpoint is None
        assert site.memory.note is None
    assert site.signer.signatures == 0


async def signed_at(size: int) -> Site:
    """A site whose log has that many leaves, all signed and published; its publisher was killed."""
    site = Site()
    grow(site.store, size)
    async with site.running() as publisher:
        await publisher.covering(size)
    return site


def _replace(state: LogState, other: LogState) -> None:
    state.nodes, state.leaves, state.indexes, state.head = other.nodes, other.leaves, other.indexes, other.head


def _rewritten(state: LogState) -> None:
    """Longer, and its first leaf is another."""
    other = MemoryLogStore()
    append(other, *[leaf(number + 1) for number in range(9)])
    other.do(sequence)
    _replace(state, other.state)


def _restored(state: LogState) -> None:
    """A true log, as it was before."""
    earlier = MemoryLogStore()
    grow(earlier, 3)
    _replace(state, earlier.state)
    state.checkpoint = None


def _other_root(state: LogState) -> None:
    state.head = TreeHead(size=7, root=bytes(32), frontier=state.head.frontier)


def _node_lost(state: LogState) -> None:
    longer = MemoryLogStore(state.copy())
    grow(longer, 4)
    _replace(state, longer.state)
    del state.nodes[0, 7]


@pytest.mark.parametrize("damage", [_rewritten, _restored, _other_root, _node_lost])
async def test_a_log_that_does_not_grow_out_of_what_was_signed_ends_the_signing(
    damage: Callable[[LogState], None],
) -> None:
    site = await signed_at(7)
    damage(site.store.state)
    published, remembered, signatures = site.store.state.checkpoint, site.memory.note, site.signer.signatures
    publisher = site.publisher()
    waiting = asyncio.create_task(publisher.covering(8))
    await settle()
    with pytest.raises(SiteError, match=r"audit\.inconsistent"):
        await asyncio.wait_for(publisher.run(), 5)
    for asked in (waiting, publisher.covering(8), publisher.covering(1)):
        with pytest.raises(SiteError, match=r"audit\.inconsistent"):
            await asked
    assert (site.store.state.checkpoint, site.memory.note) == (published, remembered)
    assert site.signer.signatures == signatures


async def test_the_same_while_it_runs() -> None:
    site = await signed_at(7)
    publisher = site.publisher()
    task = asyncio.create_task(publisher.run())
    assert (await soon(publisher, 7)).size == 7
    _rewritten(site.store.state)
    with pytest.raises(SiteError, match=r"audit\.inconsistent"):
        await publisher.covering(9)
    with pytest.raises(SiteError, match=r"audit\.inconsistent"):
        await task


async def test_a_lost_memory_is_not_a_new_log() -> None:
    site = await signed_at(7)
    site.memory.note = None
    assert (await site.fails()).code == "audit.inconsistent"


async def test_a_restored_memory_is_older_than_what_was_published() -> None:
    site = await signed_at(7)
    older = (await signed_at(5)).memory.note
    newer, site.memory.note = site.memory.note, older
    assert (await site.fails()).code == "audit.inconsistent"
    site.memory.note = newer  # the operator puts the newest checkpoint that anybody holds in its place
    async with site.running() as publisher:
        assert (await publisher.covering(7)).size == 7


async def test_a_memory_of_another_key_is_not_believed() -> None:
    site = await signed_at(7)
    body = format_checkpoint(Checkpoint(origin=ORIGIN, size=7, root=site.store.state.head.root))
    other = LogSigner(2)
    site.memory.note = await sign_note(body, key=VerifierKey.of(ORIGIN, other.public_key), signer=other)
    assert (await site.fails()).code == "audit.inconsistent"


async def test_another_published_checkpoint_of_the_same_size() -> None:
    site = await signed_at(7)
    body = format_checkpoint(Checkpoint(origin=ORIGIN, size=7, root=bytes(32)))
    site.store.state.checkpoint = (7, await sign_note(body, key=KEY, signer=site.signer))
    assert (await site.fails()).code == "audit.inconsistent"


async def test_the_first_signature_is_over_the_tree_that_is_stored() -> None:
    site = Site()
    grow(site.store, 7)
    _other_root(site.store.state)
    assert (await site.fails()).code == "audit.inconsistent"
    assert site.signer.signatures == 0


async def test_a_signer_that_signs_wrongly_is_stopped() -> None:
    class Broken(LogSigner):
        async def sign(self, data: bytes) -> bytes:
            return bytes(64)

    site = Site(signer=Broken())
    grow(site.store, 1)
    assert (await site.fails()).code == "audit.inconsistent"
    assert site.memory.note is None


async def test_who_waits_when_the_gateway_stops_is_told_to_come_again() -> None:
    site = Site()
    async with site.running() as publisher:
        waiting = asyncio.create_task(publisher.covering(1))
        await settle()
    with pytest.raises(SiteError, match=r"store\.busy"):
        await waiting
    with pytest.raises(SiteError, match=r"store\.busy"):
        await publisher.covering(1)


# --- proofs ----------------------------------------------------------------------------------------------------------


async def proven(publisher: CheckpointPublisher, leaves: Sequence[Leaf]) -> Checkpoint:
    """Proofs for these leaves, every one of them checked under the checkpoint that came along."""
    published, proofs = await asyncio.wait_for(publisher.proving([one.hash for one in leaves]), 5)
    checkpoint = verify_checkpoint(published.note, [KEY.format()])
    assert proofs.keys() == {one.hash for one in leaves}
    for one in leaves:
        proofs[one.hash].check(one.hash, checkpoint.root)
    return checkpoint


async def test_all_who_wait_for_proofs_share_one_look_and_one_signature() -> None:
    site = Site()
    leaves = grow(site.store, 40)
    async with site.running() as publisher:
        waiting = [asyncio.create_task(proven(publisher, leaves[n : n + 4])) for n in range(0, 40, 4)]
        assert {checkpoint.size for checkpoint in await asyncio.gather(*waiting)} == {40}
    assert (site.store.reads, site.signer.signatures) == (2, 1), "one look before anybody asked, and one for all"


async def test_leaves_that_were_signed_long_ago_are_proven_too() -> None:
    site = Site()
    leaves = grow(site.store, 7)
    async with site.running() as publisher:
        assert (await soon(publisher, 7)).size == 7
        assert (await proven(publisher, leaves[2:5])).size == 7
    assert site.signer.signatures == 1


async def test_who_waits_for_a_leaf_without_a_place_holds_nobody_up() -> None:
    site = Site()
    (placed,) = grow(site.store, 1)
    late = leaf(1)
    append(site.store, late)
    async with site.running() as publisher:
        waiting = asyncio.create_task(proven(publisher, [placed, late]))
        await settle()
        assert (await proven(publisher, [placed])).size == 1
        assert not waiting.done()
        site.store.do(sequence)  # by another node: nobody tells the publisher
        await settle()
        site.clock.release()
        assert (await waiting).size == 2


async def test_a_leaf_that_never_gets_a_place_is_not_waited_for_any_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "PLACED_SECONDS", 0.01)
    site = Site()
    grow(site.store, 1)
    async with site.running() as publisher:
        with pytest.raises(SiteError, match=r"store\.busy"):
            await publisher.proving([leaf(9).hash])
        assert (await soon(publisher, 1)).size == 1


async def test_more_leaves_than_fit_are_proven_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "PROVEN_LEAVES_MAX", 5)
    site = Site()
    leaves = grow(site.store, 13)
    async with site.running() as publisher:
        some = (leaves[:2], leaves[2:5], leaves[5:6], leaves[6:])
        await asyncio.gather(*(proven(publisher, one) for one in some))
    assert site.store.reads == 4, "nobody had asked; five of three; one; seven that are more than fit by themselves"


async def test_a_node_that_is_missing_costs_only_those_under_it() -> None:
    site = await signed_at(8)
    first, fifth = leaf(0).hash, site.store.state.appended[4]
    del site.store.state.nodes[0, 1]
    async with site.running() as publisher:
        bad = asyncio.create_task(publisher.proving([first]))
        assert (await proven(publisher, [fifth])).size == 8
        with pytest.raises(SiteError, match=r"store\.damaged"):
            await bad
        assert publisher.failure is None


async def test_no_proofs_from_one_who_signs_no_more() -> None:
    site = await signed_at(3)
    site.memory.note = None
    publisher = site.publisher()
    waiting = asyncio.create_task(publisher.proving([leaf(0).hash]))
    with pytest.raises(SiteError, match=r"audit\.inconsistent"):
        await asyncio.wait_for(publisher.run(), 5)
    for asked in (waiting, publisher.proving([leaf(0).hash])):
        with pytest.raises(SiteError, match=r"audit\.inconsistent"):
            await asked
