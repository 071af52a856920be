"""Documents handed in through the office API, and how long each took until its last receipt was verified.

The generator keeps a fixed number of documents on their way: a new one is handed in when an old one is delivered. It
learns of deliveries from the sender's database, read-only, beside the service: asking through the API would measure
the asking. `changed_at` of a delivery is written in the unit that verified its receipt.
"""

import asyncio
import itertools
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.cases import Case
from benchmarks.sealing import Seal
from gateway.api import OfficeClient

PATIENCE_SECONDS: Final = 60.0
_FINISHED: Final = (
    "SELECT document, min(\"row\"), count(*) FILTER (WHERE state = 'delivered'), count(*), max(changed_at),"
    ' min(state), max("row") FROM deliveries WHERE "row" > ? GROUP BY document'
)
_NUMBERS: Final[Iterator[int]] = itertools.count(1)


class Deliveries:
    """The sender's table of deliveries, seen from outside."""

    def __init__(self, database: Path | str) -> None:
        """`database`: a file, or the URL of a database on a server."""
        self._connection: Any
        if isinstance(database, Path):
            self._connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, check_same_thread=False)
        else:
            self._connection = psycopg.connect(database.replace("+psycopg", ""), autocommit=True)
        self._mark = "?" if isinstance(database, Path) else "%s"
        self._from_row = self._newest_row()
        self._told: set[str] = set()

    def _newest_row(self) -> int:
        return int(self._connection.execute('SELECT coalesce(max("row"), 0) FROM deliveries').fetchone()[0])

    def finished(self, waiting: set[str]) -> dict[str, float]:
        """Of the documents that are waited for, those whose every delivery is delivered: key -> seconds since the epoch.

        Raises:
            AssertionError: a delivery ended otherwise.
        """
        rows = self._connection.execute(_FINISHED.replace("?", self._mark), (self._from_row,)).fetchall()
        done = {row[0]: row[4] / 1000 for row in rows if row[0] in waiting and row[2] == row[3]}
        bad = [row for row in rows if row[5] in {"refused", "expired", "held"}]
        assert not bad, f"not delivered: {bad[0]}"
        self._told |= done.keys()
        # A document may be delivered before its 202 has been read: what nobody waits for yet is looked at again.
        open_rows = [row[1] for row in rows if row[0] not in self._told]
        if rows:
            self._from_row = min(open_rows) - 1 if open_rows else max(row[6] for row in rows)
        return done

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass
class Run:
    """What became of the documents of one run."""

    started: float = 0.0
    ended: float = 0.0
    taken: list[float] = field(default_factory=list)
    """Seconds from the first byte of the request to the verified receipt of the last recipient, each document."""
    begun: dict[str, float] = field(default_factory=dict)
    """By key: when the document was handed in, seconds since the epoch."""
    accepted: list[float] = field(default_factory=list)
    """Seconds until the office had its 202."""

    @property
    def rate(self) -> float:
        """Documents a second."""
        return len(self.taken) / (self.ended - self.started)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The sender's system, and whom it writes to."""

    client: OfficeClient
    sender: str
    recipients: tuple[str, ...]
    database: Path | str
    """A file, or the URL of a database on a server."""
    seal: Seal
    spread: int = 1
    """Documents to one recipient go to so many of them in turn."""


async def drive(office: Office, case: Case, *, in_flight: int, seconds: float) -> Run:
    """Keep `in_flight` documents on their way for about that long, then wait for the last."""
    deliveries = Deliveries(office.database)
    run, waiting = Run(started=time.time()), set[str]()
    handing_in: set[asyncio.Task[tuple[str, float]]] = set()
    pause = 0.02 if case.recipients == 1 else 0.05
    try:
        while True:
            open_for_more = time.time() < run.started + seconds
            while open_for_more and len(waiting) + len(handing_in) < in_flight:
                handing_in.add(asyncio.create_task(hand_in(office, case, run)))
            if not waiting and not handing_in:
                break
            assert time.time() < run.started + seconds + PATIENCE_SECONDS, "documents are stuck"
            await asyncio.sleep(pause)
            for task in [task for task in handing_in if task.done()]:
                handing_in.discard(task)
                key, at = task.result()
                waiting.add(key)
                run.begun[key] = at
            for key, at in deliveries.finished(waiting).items():
                waiting.discard(key)
                run.taken.append(at - run.begun[key])
                run.ended = max(run.ended, at)
    finally:
        deliveries.close()
    return run


async def hand_in(office: Office, case: Case, run: Run, *, priority: str = "") -> tuple[str, float]:
    """Hand one document in; its key, and when that began."""
    number = next(_NUMBERS)
    started = time.time()
    metadata = _metadata(office, case, number) | ({"priority": priority} if priority else {})
    document = await office.client.send_contents(
        metadata, [case.content(office.seal)], f"bench-{case.id}-{number}-{os.getpid()}"
    )
    run.accepted.append(time.time() - started)
    return str(document["key"]), started


def _metadata(office: Office, case: Case, number: int) -> dict[str, Any]:
    one = office.recipients[number % office.spread]
    return {
        "sender": office.sender,
        "recipients": list(office.recipients) if case.recipients > 1 else [one],
        "code": {"number": str(number), "notation": "CV/VPTU"},
        "promulgation_place": "Thành phố Hồ Chí Minh",
        "promulgation_date": "2026-02-02",
        "subject": f"Văn bản đo kiểm số {number}",
    }
