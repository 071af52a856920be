"""What many tasks need travels once to each child."""

import os
import pickle
import signal

import pytest

from gateway.crypto import JudgePool, Trust
from gateway.crypto.processes import shared
from gateway.crypto.processes.shared import SHARED_MAX, Sender, unpack
from tests.kit import tasks


def trust(size: int = 100_000) -> Trust:
    return Trust(anchors=(os.urandom(size),))


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_HELD", type(shared._HELD)())


def test_the_first_message_brings_it_and_the_others_name_it() -> None:
    sender, believed = Sender(), trust()
    first, second = sender.pack(("task", believed)), sender.pack(("other", {"inside": (believed,)}))
    assert len(first) > 100_000 > 1_000 > len(second)
    (_, one), (_, inside) = unpack(first), unpack(second)
    assert one == believed
    assert inside["inside"][0] is one, "what is computed from it may be kept with it"


def test_another_one_that_is_equal_is_sent_by_itself() -> None:
    sender, believed = Sender(), trust()
    twin = Trust(anchors=believed.anchors)
    assert unpack(sender.pack(believed)) == unpack(sender.pack(twin)) == believed


def test_the_oldest_is_forgotten_on_both_sides() -> None:
    sender, all_of_them = Sender(), [trust(10) for _ in range(SHARED_MAX + 2)]
    for round_of in (all_of_them, all_of_them[::-1], all_of_them):
        for believed in round_of:
            assert unpack(sender.pack(believed)) == believed
            assert len(shared._HELD) <= SHARED_MAX


def test_a_message_that_cannot_be_packed_leaves_nothing_half_sent() -> None:
    sender, believed = Sender(), trust(10)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        sender.pack((believed, lambda: None))
    assert unpack(sender.pack(believed)) == believed


async def test_a_new_judge_is_sent_it_again() -> None:
    pool, believed = JudgePool(size=1, preload=()), trust()
    await pool.start()
    assert [await pool.run(tasks.first_anchor, believed) for _ in range(2)] == [believed.anchors[0][:8]] * 2
    os.kill(pool.pids[0], signal.SIGKILL)
    assert await pool.run(tasks.first_anchor, believed) == believed.anchors[0][:8]
    await pool.close()
