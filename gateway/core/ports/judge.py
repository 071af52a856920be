"""Where a stranger's file is looked at."""

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Judge(Protocol):
    """A place where a function may look at a stranger's file: a killable process without keys and without network."""

    def on_behalf(self, whose: str) -> "Judge":
        """For the files of a body, a key or a peer. These MUST take turns, however many files each of them brings."""
        ...

    async def run(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a pure, importable function there; MUST NOT begin it once its caller has gone. What it returns or raises.

        MUST bound CPU, memory and time (`limits.JUDGE_*`); a killed task fails alone and its process is replaced.

        Raises:
            SenderError: `worker.killed`, with the bound it hit.
            SiteError: `worker.busy`: too many wait.
        """
        ...
