"""Where the time of one document goes: the moments that both audit logs have of it, and the differences between them."""

import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

STAGES: Final = (
    "taken in",
    "judged and sealed",
    "wrapped and signed",
    "routed",
    "carried and judged",
    "receipted and verified",
)
"""What happened up to each moment: accepted, sealed, wrapped, routed, received by the other gateway, delivered."""
_EVENTS: Final = ("accepted", "sealed", "wrapped", "routed")


def stage_medians(party: Path, government: Path, begun: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds of each stage, the median over these documents (key -> seconds since the epoch when handed in)."""
    ours, theirs = _opened(party), _opened(government)
    try:
        rows = [_moments(ours, theirs, key, at * 1000) for key, at in begun.items()]
    finally:
        ours.close()
        theirs.close()
    spans = [[later - earlier for earlier, later in pairwise(row)] for row in rows]
    return {stage: statistics.median(column) for stage, column in zip(STAGES, zip(*spans, strict=True), strict=True)}


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True)


def _moments(ours: sqlite3.Connection, theirs: sqlite3.Connection, key: str, begun: float) -> Sequence[float]:
    at = dict(ours.execute("SELECT event, min(at) FROM openings WHERE document = ? GROUP BY event", (key,)))
    (transfer,) = ours.execute(
        "SELECT key FROM transfers WHERE document = ? AND origin <> destination", (key,)
    ).fetchone()
    (received,) = theirs.execute("SELECT min(at) FROM openings WHERE document = ?", (transfer,)).fetchone()
    (delivered,) = ours.execute(
        "SELECT max(changed_at) FROM deliveries WHERE document = ? AND transfer = ?", (key, transfer)
    ).fetchone()
    return (begun, *(at[event] for event in _EVENTS), received, delivered)
