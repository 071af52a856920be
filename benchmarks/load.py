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
from collections.abc import Coroutine, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.cases import Case
from benchmarks.sealing import Seal
from gateway.api import OfficeClient

PATIENCE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.05
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


class OnTheWay:
    """The documents of one run that have not their receipts yet."""

    def __init__(self, office: Office, run: Run) -> None:
        self._run = run
        self._deliveries = Deliveries(office.database)
        self._handing_in: set[asyncio.Task[tuple[str, float]]] = set()
        self._waiting: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._handing_in)

    def begin(self, handing_in: Coroutine[Any, Any, tuple[str, float]]) -> None:
        """One more."""
        self._handing_in.add(asyncio.create_task(handing_in))

    def look(self) -> None:
        """Who has its answer waits for its receipts; who has those is written into the run."""
        for task in [task for task in self._handing_in if task.done()]:
            self._handing_in.discard(task)
            key, at = task.result()
            self._waiting.add(key)
            self._run.begun[key] = at
        for key, at in self._deliveries.finished(self._waiting).items():
            self._waiting.discard(key)
            self._run.taken.append(at - self._run.begun[key])
            self._run.ended = max(self._run.ended, at)

    def close(self) -> None:
        """Look no more."""
        for task in self._handing_in:
            task.cancel()
        self._deliveries.close()


async def drive(office: Office, case: Case, *, in_flight: int, seconds: float) -> Run:
    """Keep `in_flight` documents on their way for about that long, then wait for the last."""
    run = Run(started=time.time())
    pause = 0.02 if case.recipients == 1 else 0.05
    with closing(OnTheWay(office, run)) as under_way:
        while (open_for_more := time.time() < run.started + seconds) or under_way:
            while open_for_more and len(under_way) < in_flight:
                under_way.begin(hand_in(office, case, run))
            assert time.time() < run.started + seconds + PATIENCE_SECONDS, "documents are stuck"
            await asyncio.sleep(pause)
            under_way.look()
    return run


async def drive_at(office: Office, case: Case, *, rate: float, seconds: float, priority: str = "") -> Run:
    """Hand in `rate` documents a second for that long, whatever becomes of those before; then wait for the last."""
    run, begun = Run(started=time.time()), 0
    with closing(OnTheWay(office, run)) as under_way:
        while (open_for_more := time.time() < run.started + seconds) or under_way:
            assert time.time() < run.started + seconds + PATIENCE_SECONDS, "documents are stuck"
            while open_for_more and begun < rate * (time.time() - run.started):
                begun += 1
                under_way.begin(hand_in(office, case, run, priority=priority))
            await asyncio.sleep(min(LOOK_SECONDS, 0.5 / rate))
            under_way.look()
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
