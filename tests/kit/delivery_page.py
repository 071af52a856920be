"""The diagrams and figures of docs/DELIVERY.md, from the program itself: `python -m tests.kit.delivery_page` writes them anew.

A test compares the page with what stands here, so no state and no limit changes without the page.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from gateway.core import large_limits, limits, patience, states

PAGE: Final = Path(__file__).parents[2] / "docs" / "DELIVERY.md"
_BLOCK: Final = re.compile(r"(<!-- from the program: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
DAY, HOUR, MINUTE = 24 * 3600.0, 3600.0, 60.0

FIGURES: Final[Mapping[str, str]] = {
    "WINDOW_START": "transfers in flight to one destination, at first",
    "WINDOW_MAX": "... and at most: each good answer widens the window by one, a road that fails closes it to one",
    "WORK_RUNNING_MAX": "steps and transfers that run at once",
    "PLACES_KEPT": "... of them for the first item of a destination that answered last time, or was not asked yet",
    "LARGE_AT_ONCE_MAX": "... of them envelopes above 30 MiB",
    "LARGE_AT_ONCE_TO_ONE": "... and of those to one gateway",
    "LARGE_TURN_SECONDS": "... after which what else is due there has its turn, and the envelope goes on",
    "LEASE_SECONDS": "a claim's lease, renewed four times as often while it runs",
    "BACKOFF_FIRST_SECONDS": "longest wait after a first failure; each further one doubles it, half of it is chance",
    "BACKOFF_CAP_SECONDS": "... and the longest of all",
    "STEP_ATTEMPTS_MAX": "failures of a step by itself, until it is a dead letter and its document or transfer is held",
    "DELIVERY_DEADLINE_DAYS_DEFAULT": "how long a delivery is tried (`[delivery] deadline_days`; 5 to 21)",
    "SECOND_PERSON_SECONDS_MAX": "a second person confirms within",
    "SENT_AHEAD_SECONDS_MAX": "a slip's time may lie this far ahead",
    "SENT_AGE_SECONDS_MAX": "... and this far back",
    "ORDER_WAIT_SECONDS_MAX": "a staged entry waits for smaller numbers at most",
    "ORDER_WAIT_URGENT_SECONDS_MAX": "... an urgent one",
    "ORDER_ROWS_MAX": "entries that one unit lets in",
    "ORDER_HURRIED_MAX": "transfers before an urgent one that become as urgent as it",
    "GAP_NOTICE_SECONDS_MAX": "a gap notice is repeated after the deadline of its transfer for",
    "CONNECT_SECONDS_MAX": "a connection to a peer is given up after",
    "TRANSFER_SECONDS_MAX": "... and a request to it",
    "CHECKPOINT_IDLE_SECONDS": "leaves for which nobody waits are signed after at most",
    "ORPHAN_SECONDS_MIN": "bytes that no row names are swept when they are older than",
    "GROUP_COMMIT_UNITS_MAX": "units of work in one commit",
    "STORE_QUEUE_MAX": "units of work that wait for the writer; beyond that `store.busy`",
}
"""Limits that the page gives, each with what it bounds."""


def machine(moves: Mapping[Any, frozenset[Any]], *first: StrEnum) -> str:
    """A table of allowed moves as a diagram, and where one begins."""
    lines = ["stateDiagram-v2", *(f"    [*] --> {state.value}" for state in first)]
    for state in type(first[0]):
        targets = [target for target in type(first[0]) if target in moves[state]]
        lines += [f"    {state.value} --> {target.value}" for target in targets]
        lines += [] if targets else [f"    {state.value} --> [*]"]
    return "\n".join(("```mermaid", *lines, "```", ""))


def amount(name: str) -> str:
    """A limit with its unit, as people say it."""
    value = next(getattr(module, name) for module in (limits, patience, large_limits) if hasattr(module, name))
    if "_DAYS" in name:
        return f"{value} days"
    if "_SECONDS" not in name:
        return f"{value:,}"
    for unit, length in (("days", DAY), ("h", HOUR), ("min", MINUTE)):
        if value >= 2 * length and value % length == 0:
            return f"{value / length:g} {unit}"
    return f"{value:g} s"


def _figures() -> Iterator[str]:
    yield "| what | how much | name |"
    yield "|---|---|---|"
    for name, meaning in FIGURES.items():
        yield f"| {meaning} | {amount(name)} | `{name}` |"


BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "document": lambda: machine(states.DOCUMENT_MOVES, states.DocumentState.ACCEPTED),
    "transfer": lambda: machine(states.TRANSFER_MOVES, states.TransferState.QUEUED),
    "delivery": lambda: machine(states.DELIVERY_MOVES, states.DeliveryState.QUEUED),
    "amendment": lambda: machine(
        states.AMENDMENT_MOVES,
        *(states.AmendmentState(name) for name in ("waiting", "asked", "stopped", "in_effect")),
    ),
    "figures": lambda: "\n".join((*_figures(), "")),
}


def filled(page: str) -> str:
    """The page with every marked block written anew."""
    return _BLOCK.sub(lambda found: found[1] + BLOCKS[found[2]]() + found[3], page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
