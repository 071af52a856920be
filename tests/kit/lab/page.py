"""`docs/FAULTS.md`: what the long set found when it ran last, written by the lab itself.

Each fault keeps its own last run, for the set takes hours and may be run in parts; the page itself is where it is kept.
"""

import platform
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.kit.lab.fault import Fault
from tests.kit.lab.results import Result, machine

HEAD = """# What the fault lab found

Written by `make fault-long`, never by hand: each row is the last long run of that fault. How the lab works, what is counted
and by whom stands in [TESTING.md](TESTING.md#the-fault-lab). The quick set (`make fault`) runs with every change.

*lost*: acknowledged, and not in exactly one final state where it belongs. *dup*: an effect twice, or of something that
nobody sent. *order*: a number of a stream that is missing, twice, or let in before a smaller one.
"""
TABLE = (
    "| fault | | documents | kills | lost | dup | order | minutes | when | seed |",
    "|---|---|---|---|---|---|---|---|---|---|",
)
NOT_RUN = "| not run yet |"
NOTES = "## What was done in each\n"


def write_page(page: Path, faults: Sequence[Fault], results: Sequence[Result], seed: int) -> None:
    """The results into the page; of a fault that was not run it keeps what it says."""
    known = page.read_text(encoding="utf-8") if page.exists() else ""
    ran = (line for line in known.splitlines() if line.startswith("| F-") and NOT_RUN not in line)
    rows = {line.split()[1]: line for line in ran}
    notes = {note.partition(".**")[0]: note for note in known.split("\n\n**")[1:]}
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    for result in results:
        rows[result.id] = _row(result, at, seed)
        notes[result.id] = "\n".join(_note(result))
    table = [rows.get(fault.id, f"| {fault.id} {fault.title} {NOT_RUN} | | | | | | | |") for fault in faults]
    told = [f"**{notes[fault.id].strip()}\n" for fault in faults if fault.id in notes]
    page.write_text("\n".join([HEAD, *TABLE, *table, "", NOTES, *told]), encoding="utf-8")


def _row(result: Result, at: str, seed: int) -> str:
    verdict = result.verdict
    cells = [
        f"{result.id} {result.title}",
        "**FAILED**" if result.wrong else "left out" if result.missing else "ok",
        f"{verdict['documents']:,}" if verdict else "-",
        result.kills or "-",
        *(len(verdict[kind]) if verdict else "-" for kind in ("lost", "dup", "order")),
        f"{result.seconds / 60:.1f}",
        at,
        seed,
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _note(result: Result) -> Iterator[str]:
    said = "; ".join(f"{what}: {_plain(value)}" for what, value in result.notes.items())
    yield f"{result.id}.** {said or 'As its row says.'}"
    yield from (f"  - wrong: {' '.join(wrong.split())}" for wrong in result.wrong)
    yield f"On {versions()}."


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items()) or "none"
    return str(value)


def versions() -> str:
    """The machine, the program and what it stands on."""
    commit = _git("describe", "--always")
    # This page itself changes as the faults end.
    if _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/FAULTS.md"):
        commit += "-dirty"
    return (
        f"{machine()}; commit {commit or 'unknown'}, SQLite {sqlite3.sqlite_version}, psycopg {psycopg.__version__}, "
        f"{platform.libc_ver()[0]} {platform.libc_ver()[1]}"
    )


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()
