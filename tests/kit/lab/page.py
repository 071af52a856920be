"""`docs/FAULTS.md`: what the long set found when it ran last, written by the lab itself.

Each fault keeps its own last run (in `fault/long.json`), for the set takes hours and may be run in parts.
"""

import json
import platform
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from tests.kit.lab.fault import Fault
from tests.kit.lab.results import Result, machine

HEAD = """# What the fault lab found

Written by `make fault-long`, never by hand: each row is the last long run of that fault. How the lab works, what is counted
and by whom stands in [TESTING.md](TESTING.md#the-fault-lab). The quick set (`make fault`) runs with every change.

*lost*: acknowledged, and not in exactly one final state where it belongs. *dup*: an effect twice, or of something that
nobody sent. *order*: a number of a stream that is missing, twice, or let in before a smaller one.
"""


def write_page(page: Path, kept: Path, faults: Sequence[Fault], results: Sequence[Result], seed: int) -> None:
    """The results into what is kept, and all that is kept into the page."""
    runs: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    about = {"at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "seed": seed, "versions": versions()}
    runs |= {result.id: {**about, "result": asdict(result), "wrong": result.wrong} for result in results}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(runs, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    page.write_text("\n".join([HEAD, *_table(faults, runs), "", *_notes(runs)]) + "\n", encoding="utf-8")


def _table(faults: Sequence[Fault], runs: dict[str, Any]) -> Iterator[str]:
    yield "| fault | | documents | kills | lost | dup | order | minutes | when | seed |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for fault in faults:
        if (run := runs.get(fault.id)) is None:
            yield f"| {fault.id} {fault.title} | not run yet | | | | | | | | |"
            continue
        result, verdict = run["result"], run["result"]["verdict"]
        counts = [len(verdict[kind]) if verdict else "-" for kind in ("lost", "dup", "order")]
        cells = [
            f"{fault.id} {fault.title}",
            "**FAILED**" if run["wrong"] else "ok",
            f"{verdict['documents']:,}" if verdict else "-",
            result["kills"] or "-",
            *counts,
            f"{result['seconds'] / 60:.1f}",
            run["at"],
            run["seed"],
        ]
        yield f"| {' | '.join(map(str, cells))} |"


def _notes(runs: dict[str, Any]) -> Iterator[str]:
    yield "## What was done in each"
    yield ""
    for name, run in sorted(runs.items()):
        said = "; ".join(f"{what}: {_plain(value)}" for what, value in run["result"]["notes"].items())
        yield f"**{name}.** {said or 'As its row says.'}"
        yield from (f"  - wrong: {wrong}" for wrong in run["wrong"])
        yield f"On {run['versions']}."
        yield ""


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items()) or "none"
    return str(value)


def versions() -> str:
    """The machine, the program and what it stands on."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"{machine()}; commit {commit or 'unknown'}, SQLite {sqlite3.sqlite_version}, psycopg {psycopg.__version__}, "
        f"{platform.libc_ver()[0]} {platform.libc_ver()[1]}"
    )
