import pytest

from gateway.audit import NotCoveredError, prove, sequence
from gateway.audit.proof import prove_covered
from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.limits import SEQUENCE_LEAVES_MAX
from tests.kit.memory_log import LogState, LogUnit, MemoryLog, MemoryLogStore
from tests.unit.audit.world import append, grow, leaf


def test_nothing_pending_is_nothing_sequenced() -> None:
    store = MemoryLogStore()
    assert store.do(sequence) is None
    assert store.state.head.size == 0


def test_leaves_get_their_indexes_in_the_order_of_appending() -> None:
    store = MemoryLogStore()
    leaves = grow(store, 3) + grow(store, 5)
    assert store.state.leaves == [one.data for one in leaves]
    assert store.state.pending == []
    assert store.state.head.size == 8


def test_one_run_takes_a_bounded_number() -> None:
    state = LogState(pending=[b"%d" % number for number in range(SEQUENCE_LEAVES_MAX + 1)])
    store = MemoryLogStore(state)
    first, second = store.do(sequence), store.do(sequence)
    assert first is not None
    assert second is not None
    assert (first.size, second.size) == (SEQUENCE_LEAVES_MAX, SEQUENCE_LEAVES_MAX + 1)


@pytest.mark.parametrize("frontier", [(), (b"x" * 32, b"y" * 32), (b"x" * 32,)])
def test_nothing_is_built_on_a_head_that_contradicts_itself(frontier: tuple[bytes, ...]) -> None:
    store = MemoryLogStore()
    grow(store, 2)
    store.state.head = TreeHead(size=2, root=store.state.head.root, frontier=frontier)
    append(store, leaf(9))
    with pytest.raises(SiteError, match=r"audit\.inconsistent"):
        store.do(sequence)
    assert store.state.pending == [leaf(9).data], "the leaf is still pending"


def test_336_leaves_are_proven_with_one_look_at_the_nodes() -> None:
    store = MemoryLogStore()
    grow(store, 1000)
    leaves = grow(store, 336)
    grow(store, 100)
    log = MemoryLog(store.state)
    proofs = prove(LogUnit(log), [one.hash for one in leaves], 1400)
    assert log.node_calls == 1
    assert [proofs[one.hash].index for one in leaves] == list(range(1000, 1336))
    other = MemoryLogStore()
    grow(other, 1400)
    for one in leaves:
        proofs[one.hash].check(one.hash, other.state.head.root)


def test_a_leaf_that_is_not_there_yet_is_not_proven() -> None:
    store = MemoryLogStore()
    (first,) = grow(store, 1)
    (second,) = grow(store, 1)
    pending = leaf(2)
    append(store, pending)
    unit = LogUnit(MemoryLog(store.state))
    assert prove(unit, [], 2) == {}
    assert prove_covered(unit, [first.hash, second.hash, pending.hash], 2).keys() == {first.hash, second.hash}
    assert prove_covered(unit, [first.hash, second.hash], 1) == prove(unit, [first.hash], 1)
    for hashes, size in (([first.hash, pending.hash], 2), ([second.hash], 1)):
        with pytest.raises(NotCoveredError):
            prove(unit, hashes, size)
