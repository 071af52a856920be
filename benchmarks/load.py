"""Documents handed in through the office API, and how long each took until its last receipt was verified.

The generator keeps a fixed number of documents on their way: a new one is handed in when an old one is delivered. It
learns of deliveries from the sender's database, read-only, beside the service: asking through the API would measure
the asking. `changed_at` of a delivery is written in the unit that verified its receipt.
"""

import asyncio
import itertools
import json
import os
import sqlite3
import time
from collections.abc import Collection, Coroutine, Iterator
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
SHOWN_MAX: Final = 5
UNDELIVERED: Final = frozenset({"refused", "expired", "held"})
_FINISHED: Final = (
    "SELECT document, count(*) FILTER (WHERE state = 'delivered'), count(*), max(changed_at), min(state), max(state)"
    " FROM deliveries WHERE document {among} GROUP BY document"
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
        self._of_a_file = isinstance(database, Path)

    def finished(self, waiting: Collection[str]) -> dict[str, float]:
        """Of the documents that are waited for, those whose every delivery is delivered: key -> seconds since the epoch.

        Each is asked for by its key: on a server rows are not seen in the order of their numbers.

        Raises:
            AssertionError: a delivery ended otherwise.
        """
        rows = self._rows(waiting)
        bad = [row for row in rows if UNDELIVERED & {row[4], row[5]}]
        assert not bad, f"not delivered: {bad[0]}"
        return {row[0]: row[3] / 1000 for row in rows if row[1] == row[2]}

    def describe(self, waiting: Collection[str]) -> str:
        """Where those are that did not come to an end."""
        known = {row[0]: f"{row[1]} of {row[2]} delivered, {row[4]} to {row[5]}" for row in self._rows(waiting)}
        return "; ".join(f"{key}: {known.get(key, 'no delivery yet')}" for key in sorted(waiting)[:SHOWN_MAX])

    def _rows(self, waiting: Collection[str]) -> list[tuple[Any, ...]]:
        if self._of_a_file:
            query = _FINISHED.format(among="IN (SELECT value FROM json_each(?))")
            return [*self._connection.execute(query, (json.dumps([*waiting]),))]
        return [*self._connection.execute(_FINISHED.format(among="= ANY(%s)"), ([*waiting],))]

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

    def check(self, *, until: float) -> None:
        """Raises AssertionError: by then (seconds since the epoch) all should have had their receipts."""
        assert time.time() < until, f"documents are stuck: {self._deliveries.describe(self._waiting)}"

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
            under_way.check(until=run.started + seconds + PATIENCE_SECONDS)
            await asyncio.sleep(pause)
            under_way.look()
    return run


async def drive_at(office: Office, case: Case, *, rate: float, seconds: float, priority: str = "") -> Run:
    """Hand in `rate` documents a second for that long, whatever becomes of those before; then wait for the last."""
    run, begun = Run(started=time.time()), 0
    with closing(OnTheWay(office, run)) as under_way:
        while (open_for_more := time.time() < run.started + seconds) or under_way:
            under_way.check(until=run.started + seconds + PATIENCE_SECONDS)
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
