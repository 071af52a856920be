from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.audit import (
    AuditError,
    Checkpoint,
    InclusionProof,
    LoggedLeaf,
    LogReport,
    VerifierKey,
    format_checkpoint,
    leaf_hash,
    parse_leaf,
    prove,
    sequence,
    sign_note,
    verify_log,
    verify_logged,
)
from gateway.audit import verify as verify_module
from gateway.core.events import TreeHead
from tests.kit.log_signer import LogSigner
from tests.kit.memory_log import LogState, LogUnit, MemoryLog, MemoryLogStore
from tests.unit.audit.world import ORIGIN, append, grow, leaf, salt

SIGNER = LogSigner()
KEY = VerifierKey.of(ORIGIN, SIGNER.public_key)


async def signed(state: LogState) -> str:
    body = format_checkpoint(Checkpoint(origin=ORIGIN, size=state.head.size, root=state.head.root))
    return await sign_note(body, key=KEY, signer=SIGNER)


async def a_log(leaves: int = 23, after: int = 9) -> LogState:
    """A log with a checkpoint, some leaves after it, and one pending."""
    store = MemoryLogStore()
    grow(store, leaves)
    store.state.checkpoint = (leaves, await signed(store.state))
    grow(store, after)
    append(store, leaf(leaves + after))
    return store.state


def check(state: LogState, known: tuple[Checkpoint, ...] = ()) -> LogReport:
    return verify_log(MemoryLog(state, writable=False), [KEY], known=known)


def first_bad(report: LogReport) -> int:
    return min(fault.index for fault in report.faults if fault.index is not None)


@pytest.fixture(params=[1, 2, 5, 16, 2000])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    size = int(request.param)
    monkeypatch.setattr(verify_module, "LOG_PAGE_LEAVES", size)
    return size


class Watched(MemoryLog):
    """Remembers the largest page that was asked for."""

    largest = 0

    def leaves(self, first: int, count: int) -> tuple[bytes, ...]:
        self.largest = max(self.largest, count)
        return super().leaves(first, count)

    def openings(self, after: int, limit: int) -> tuple[tuple[int, bytes, bytes, bytes], ...]:
        self.largest = max(self.largest, limit)
        return super().openings(after, limit)


async def test_a_sound_log_page_by_page(page: int) -> None:
    state = await a_log()
    read = Watched(state, writable=False)
    report = verify_log(read, [KEY])
    assert report.faults == ()
    assert report.sound
    assert (report.leaves, report.openings, report.pending) == (32, 32, 1)
    assert report.root == state.head.root
    assert report.events == {"received": 32}
    assert report.checkpoint is not None
    assert report.checkpoint.size == 23
    assert read.largest <= page


async def test_a_new_log_is_sound() -> None:
    report = check(LogState())
    assert report.sound
    assert (report.leaves, report.checkpoint) == (0, None)


async def test_checkpoints_from_elsewhere_are_roots_of_the_same_log(page: int) -> None:
    state = await a_log()
    visits = []
    for size in (0, 1, 5, 22, 32):
        earlier = MemoryLogStore()
        grow(earlier, size)
        visits.append(Checkpoint(origin=ORIGIN, size=size, root=earlier.state.head.root))
    assert check(state, tuple(visits)).sound
    for lie in (
        replace(visits[2], root=visits[3].root),
        replace(visits[4], size=33),
        replace(visits[0], root=bytes(32)),
    ):
        assert not check(state, (*visits, lie)).sound


def _leaf_changed(state: LogState) -> None:
    state.leaves[17] = state.leaves[17].replace(b'"q":18', b'"q":19')


def _leaf_unreadable(state: LogState) -> None:
    state.leaves[17] = b"{}"


def _leaf_exchanged(state: LogState) -> None:
    state.leaves[17] = leaf(17).data


def _leaf_removed(state: LogState) -> None:
    del state.leaves[17]


def _hash_changed(state: LogState) -> None:
    state.nodes[0, 17] = leaf_hash(b"")


def _hash_lost(state: LogState) -> None:
    del state.nodes[0, 17]


def _salt_changed(state: LogState) -> None:
    state.appended[17] = replace(state.appended[17], salt=salt(0))


def _private_changed(state: LogState) -> None:
    state.appended[17] = replace(state.appended[17], private=state.appended[17].private.replace(b"12", b"13"))


def _opening_lost(state: LogState) -> None:
    del state.appended[17]


def _order_changed(state: LogState) -> None:
    """An event before the one that it names as the previous one, everything else recomputed."""
    state.leaves[17], state.leaves[18] = state.leaves[18], state.leaves[17]
    again = MemoryLogStore(LogState(pending=list(state.leaves)))
    again.do(sequence)
    state.nodes, state.indexes, state.head = again.state.nodes, again.state.indexes, again.state.head
    state.checkpoint = None


@pytest.mark.parametrize(
    "damage",
    [
        _leaf_changed,
        _leaf_unreadable,
        _leaf_exchanged,
        _leaf_removed,
        _hash_changed,
        _hash_lost,
        _salt_changed,
        _private_changed,
        _opening_lost,
        _order_changed,
    ],
)
async def test_the_first_bad_leaf_is_named(damage: Callable[[LogState], None], page: int) -> None:
    state = await a_log()
    damage(state)
    report = check(state)
    assert not report.sound
    assert first_bad(report) == 17


async def test_a_node_above_the_leaves(page: int) -> None:
    state = await a_log()
    state.nodes[2, 4] = bytes(32)
    report = check(state)
    assert [fault.index for fault in report.faults] == [16]
    del state.nodes[2, 4]
    assert "missing" in check(state).faults[0].reason


async def test_the_head(page: int) -> None:
    state = await a_log()
    head = state.head
    for wrong in (
        TreeHead(size=32, root=bytes(32), frontier=head.frontier),
        TreeHead(size=32, root=head.root, frontier=(bytes(32),)),
        TreeHead(size=31, root=head.root, frontier=head.frontier),
        TreeHead(size=33, root=head.root, frontier=head.frontier),
        TreeHead(size=0, root=head.root, frontier=()),
    ):
        state.head = wrong
        assert not check(state).sound


async def test_a_leaf_beyond_a_head_that_is_itself_in_order(page: int) -> None:
    state = await a_log()
    earlier = MemoryLogStore()
    grow(earlier, 31)
    state.head = earlier.state.head
    assert [fault.reason for fault in check(state).faults] == ["a leaf beyond the head"]


async def test_the_published_checkpoint() -> None:
    state = await a_log()
    assert state.checkpoint is not None
    size, note = state.checkpoint
    other = await signed(await a_log(22))
    for wrong in (
        (size, note.replace("\n23\n", "\n22\n")),
        (size + 1, note),
        (size, "nothing"),
        (32, other),
    ):
        state.checkpoint = wrong
        report = check(state)
        assert not report.sound
    state.checkpoint = (size, note)
    assert not verify_log(MemoryLog(state), [VerifierKey.of(ORIGIN, LogSigner(2).public_key)]).sound


async def test_a_log_rewritten_whole_is_betrayed_by_its_checkpoint() -> None:
    state = await a_log()
    other = MemoryLogStore()
    append(other, *[leaf(number) for number in range(40)])
    other.do(sequence)
    other.state.checkpoint = state.checkpoint
    report = check(other.state)
    assert [fault.reason for fault in report.faults] == [
        "the log is not the one that the checkpoint of size 23 was signed for"
    ]


async def test_a_report_stays_short() -> None:
    state = await a_log()
    state.appended.clear()
    report = check(state)
    assert first_bad(report) == 0
    assert len(report.faults) == verify_module.FAULTS_MAX


async def test_one_leaf_of_a_receipt() -> None:
    state = await a_log()
    checkpoint = Checkpoint(origin=ORIGIN, size=32, root=state.head.root)
    made = state.appended[20]
    proof = prove(LogUnit(MemoryLog(state)), [made.hash], 32)[made.hash]
    good = LoggedLeaf(data=made.data, salt=made.salt, private=made.private, proof=proof)
    assert verify_logged(good, checkpoint) == parse_leaf(made.data)
    other = state.appended[19]
    lies = [
        (replace(good, data=other.data, salt=other.salt, private=other.private), checkpoint),
        (replace(good, salt=other.salt), checkpoint),
        (replace(good, private=made.private + b" "), checkpoint),
        (replace(good, proof=replace(proof, index=19)), checkpoint),
        (replace(good, proof=replace(proof, path=proof.path[:-1])), checkpoint),
        (replace(good, proof=replace(proof, size=31)), checkpoint),
        (replace(good, proof=InclusionProof(index=0, size=1, path=())), replace(checkpoint, size=1)),
        (good, replace(checkpoint, root=bytes(32))),
        (good, replace(checkpoint, size=31)),
    ]
    for lie, against in lies:
        with pytest.raises(AuditError):
            verify_logged(lie, against)
