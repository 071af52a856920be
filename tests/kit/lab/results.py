"""What came out: one row for each fault, for the eye and as JSON, and the last line."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SHOWN_MAX = 12


@dataclass
class Result:
    """One fault's run."""

    id: str
    title: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of all processors, as far as it can be seen from outside."""
    kills: int = 0
    mutants: tuple[int, int] = (0, 0)
    failure: str = ""
    """Why it did not come to an end; empty when it did."""
    missing: str = ""
    """What the machine has not; empty when it has everything."""
    seen: list[str] = field(default_factory=list)
    """What the fault itself saw go wrong."""
    allowed: bool = False
    """Its absence was allowed by name."""
    verdict: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)

    def found(self, kind: str) -> list[str]:
        return list(self.verdict.get(kind, []))

    @property
    def documents(self) -> int:
        return int(self.verdict.get("documents", 0))

    @property
    def wrong(self) -> list[str]:
        """Everything that is wrong, each with its kind."""
        told = [*([self.failure] if self.failure else []), *self.seen]
        if self.missing and not self.allowed:
            told.append(f"cannot run here: {self.missing}")
        caught, planted = self.mutants
        if caught < planted:
            told.append(f"{planted - caught} planted bugs were not caught")
        return told + [f"{kind}: {what}" for kind in ("lost", "dup", "order", "problems") for what in self.found(kind)]

    def line(self) -> str:
        """For the terminal."""
        if self.missing:
            return f"{self.id} {'left out' if self.allowed else 'FAILED'}: {self.missing}"
        counts = [f"{self.documents} documents"] if self.documents else []
        counts += [f"{self.kills} kills"] if self.kills else []
        counts += [f"{self.mutants[0]}/{self.mutants[1]} mutants"] if self.mutants[1] else []
        late = self.verdict.get("late", 0)
        counts += [f"{late} came when nobody waited for them any more"] if late else []
        counts += [f"{name} {value}" for name, value in self.notes.items()]
        state = "FAILED" if self.wrong else "ok"
        return f"{self.id} {state} in {self.seconds:.0f} s ({self.cpu_seconds:.0f} s of CPU): {self.title}; {', '.join(counts)}"


def last_line(results: Sequence[Result], seed: int) -> str:
    """`FAULT OK documents=… kills=… lost=0 dup=0 order=0 mutants=…/… seed=…`."""
    total = {kind: sum(len(result.found(kind)) for result in results) for kind in ("lost", "dup", "order")}
    caught, planted = (sum(result.mutants[part] for result in results) for part in (0, 1))
    state = "FAILED" if any(result.wrong for result in results) else "OK"
    documents, kills = sum(result.documents for result in results), sum(result.kills for result in results)
    counts = " ".join(f"{kind}={count}" for kind, count in total.items())
    return f"FAULT {state} documents={documents} kills={kills} {counts} mutants={caught}/{planted} seed={seed}"


def machine() -> str:
    """What it ran on."""
    cores = len(os.sched_getaffinity(0))
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, Linux {platform.release()}"


def write_results(path: Path, results: Sequence[Result], seed: int) -> None:
    """All of it as JSON."""
    said = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "seed": seed,
        "line": last_line(results, seed),
        "faults": [asdict(result) for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
