"""Port `CommitListener`: carries news of a commit from the writer's thread to the loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.events import TreeHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Wakeups:
    """Implements `gateway.core.ports.CommitListener`; both callables run on the loop's thread."""

    loop: asyncio.AbstractEventLoop
    work_added: Callable[[], None]
    """Something became due."""
    head_moved: Callable[[TreeHead], None]
    """The tree grew, and wants a checkpoint."""

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        """See `CommitListener.committed`."""
        if work_added:
            self.loop.call_soon_threadsafe(self.work_added)
        if head is not None:
            self.loop.call_soon_threadsafe(self.head_moved, head)
