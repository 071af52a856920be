"""A figure of a run, and the list that is kept (`benchmarks/latest.json`)."""

import json
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

LONG: Final = "long."
"""How the ids of what `make bench-long` measures begin: `make bench` leaves them as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value. `target` is None where only the truth is asked for; then `met` is None, too."""

    id: str
    value: float
    unit: str
    target: float | None = None
    """At least this much, or at most where `at_most`."""
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target was reached."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


def percentile(values: Sequence[float], rank: int) -> float:
    """The value below which `rank` per cent lie."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(sorted(values), n=100, method="inclusive")[rank - 1]


def write_figures(path: Path, figures: Sequence[Figure], *, kept: Sequence[Mapping[str, object]] = ()) -> None:
    """Write `[{id, value, unit, target, met}, ...]`, one to a line, so that a diff shows what changed; `kept` rows first."""
    rows = [*kept]
    for figure in figures:
        members = {**asdict(figure), "met": figure.met}
        del members["at_most"]
        rows.append(members)
    lines = ("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def rows_besides(path: Path, prefix: str) -> list[Mapping[str, object]]:
    """What a file has of other parts than the one whose ids begin so: measuring that part alone leaves them as they are."""
    return [row for row in json.loads(path.read_text(encoding="utf-8")) if not row["id"].startswith(prefix)]


def rows_of(path: Path, prefix: str) -> list[Mapping[str, object]]:
    """What a file has of the part whose ids begin so; nothing where there is no file."""
    if not path.exists():
        return []
    return [row for row in json.loads(path.read_text(encoding="utf-8")) if row["id"].startswith(prefix)]


def rows_without(path: Path, measured: Collection[str]) -> list[Mapping[str, object]]:
    """What a file has beside these figures, which were measured anew; nothing where there is no file."""
    if not path.exists():
        return []
    return [row for row in json.loads(path.read_text(encoding="utf-8")) if row["id"] not in measured]
