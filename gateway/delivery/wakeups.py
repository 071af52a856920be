"""Port `CommitListener`: carries news of a commit from the writer's thread to the loop."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.core.events import TreeHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Wakeups:
    """Implements `gateway.core.ports.CommitListener`; all callables run on the loop's thread."""

    loop: asyncio.AbstractEventLoop
    work_added: Callable[[], None]
    """Something became due."""
    head_moved: Sequence[Callable[[TreeHead], None]]
    """The tree grew: it wants a checkpoint, and there are events to be told."""

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        """See `CommitListener.committed`."""
        if work_added:
            self.loop.call_soon_threadsafe(self.work_added)
        if head is not None:
            for moved in self.head_moved:
                self.loop.call_soon_threadsafe(moved, head)
