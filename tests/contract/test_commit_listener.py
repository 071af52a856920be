"""The promises of the port `CommitListener`; that a store keeps its side (when it tells, and what) is in `test_store`."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.audit import empty_head
from gateway.core.events import TreeHead
from gateway.core.ports import CommitListener
from gateway.delivery import Wakeups


@dataclass
class Sleepers:
    """Engine, publisher and whoever waits for events: remember that they were woken, in which thread, and by what."""

    woken: list[tuple[str, int]] = field(default_factory=list)

    def wake(self) -> None:
        self.woken.append(("work", threading.get_ident()))

    def notify(self, head: TreeHead) -> None:
        self.woken.append((f"head {head.size}", threading.get_ident()))

    def hear(self, head: TreeHead) -> None:
        self.woken.append((f"heard {head.size}", threading.get_ident()))


def _wakeups(sleepers: Any) -> CommitListener:
    return Wakeups(
        loop=asyncio.get_running_loop(), work_added=sleepers.wake, head_moved=[sleepers.notify, sleepers.hear]
    )


IMPLEMENTATIONS: tuple[Callable[[Any], CommitListener], ...] = (_wakeups,)


@pytest.mark.parametrize("make", IMPLEMENTATIONS)
async def test_it_returns_at_once_in_any_thread_and_wakes_in_the_loop_s(make: Callable[[Any], CommitListener]) -> None:
    sleepers = Sleepers()
    listener = make(sleepers)

    def commits() -> None:
        listener.committed(work_added=True, head=None)
        listener.committed(work_added=False, head=empty_head())
        listener.committed(work_added=False, head=None)

    writer = threading.Thread(target=commits)
    writer.start()
    writer.join(5)  # the loop stands still meanwhile: a listener that waited for it would hang here
    assert not writer.is_alive()
    assert sleepers.woken == []
    await asyncio.sleep(0)
    here = threading.get_ident()
    assert sleepers.woken == [("work", here), ("head 0", here), ("heard 0", here)]
