"""F-20: whom a gateway asks besides its peers is away, slow, or talks nonsense: timestamp authority, source of lists, scanner.

The scanner is ClamAV's daemon with a signature of our own: killed, frozen and started again, while every tenth letter of
the party's office carries what it finds. Nothing passes unseen: what it cannot look at is held, and goes on by itself.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from signal import SIGCONT, SIGSTOP, Signals

from aiohttp import web

from gateway.config import load_config
from tests.kit.certomancer.declared import answer_timestamp, certificate, crl_of
from tests.kit.lab.fault import Done, MissingError, Order, hurt
from tests.kit.lab.site import Site, site
from tests.kit.lab.traffic import Letter, Traffic, make_letter, offices, until_read
from tests.kit.pdfs import tiny_pdf
from tests.kit.scanner import CLAMD, MARKER, RealClamd, real_clamd
from tests.kit.timestamp_authority import reply
from tests.kit.web_site import serving

SIDE = "party"
MOODS = ("away", "hangs", "nonsense", "good")
UNPAID = "SELECT count(*) FROM owed_timestamps WHERE state <> 'stamped'"
PAID = "SELECT count(*) FROM owed_timestamps WHERE state = 'stamped'"
WAITING = "SELECT count(*) FROM documents WHERE state = 'held' AND reason LIKE 'scanner.%'"
INFECTED_EVERY = 10
PAID_SECONDS = 90.0
HANG_SECONDS = 8.0
"""Longer than the gateway waits for it, whether a document waits or not."""


@dataclass
class Outsiders:
    """One server that is a timestamp authority and a source of lists, in one mood at a time."""

    mood: str = "away"
    asked: Counter[str] = field(default_factory=Counter)
    """By what and mood."""
    port: int = 0

    async def stamp(self, request: web.Request) -> web.Response:
        body = await request.read()
        return await self._in_mood("stamp", lambda: reply(answer_timestamp(body, _now())))

    async def list(self, _request: web.Request) -> web.Response:
        return await self._in_mood("list", lambda: web.Response(body=crl_of("stamp-root", _now())))

    async def _in_mood(self, what: str, good: Callable[[], web.Response]) -> web.Response:
        self.asked[f"{what} {self.mood}"] += 1
        if self.mood == "away":
            return web.Response(status=503)
        if self.mood == "hangs":
            await asyncio.sleep(HANG_SECONDS)
        if self.mood == "nonsense":
            return web.Response(body=b"\x30\x03\x02\x01\x00 nonsense", content_type="application/timestamp-reply")
        return good()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@asynccontextmanager
async def outsiders() -> AsyncIterator[Outsiders]:
    made, app = Outsiders(), web.Application()
    app.router.add_post("/tsa", made.stamp)
    app.router.add_get("/root.crl", made.list)
    async with serving(app) as made.port:
        yield made


def _configure(made: Site, port: int, scanner: RealClamd) -> None:
    """The sender's gateway asks there, and believes the authority when it answers."""
    trust = load_config(made.network.sides[SIDE].config).trust.folder
    (trust / "authorities").mkdir()
    (trust / "authorities" / "stamp-root.crt").write_bytes(certificate("stamp-root"))
    (trust / "crls" / "stamp-root.crl").write_bytes(crl_of("stamp-root", _now()))
    address = f"http://127.0.0.1:{port}"
    made.configure(SIDE, f'\n[timestamps]\nurls = ["{address}/tsa"]\nseconds = 1.0\nlater_seconds = 3.0\n')
    asked = f'hosts = ["127.0.0.1:{port}"]\nprivate_hosts = ["127.0.0.1"]\n'
    source = f'[[revocation.sources]]\nurl = "{address}/root.crl"\nevery_seconds = 60\n'
    made.configure(SIDE, f'\n[scanner]\nurl = "unix:{scanner.socket}"\nseconds = 2.0\n')
    made.configure(SIDE, f"\n[revocation]\n{asked}\n{source}")


@contextmanager
def _scanner() -> Iterator[RealClamd]:
    if CLAMD is None:
        raise MissingError("clamd is not installed")
    with real_clamd() as daemon:
        yield daemon


def _as_sent(letter: Letter, sender: str) -> Letter:
    """What the party's office sends is a PDF that its gateway seals; every tenth of its letters is infected."""
    if letter.sender != sender:
        return letter
    if letter.number % INFECTED_EVERY == 0:
        return replace(letter, files=((f"nhiem-{letter.number}.bin", MARKER * 3),), expect="stopped")
    return replace(letter, files=((f"cong-van-{letter.number}.pdf", tiny_pdf(f"Van ban {letter.number}")),))


@dataclass
class Trouble:
    """Everybody's moods, each for some seconds, until everything was handed in."""

    made: Site
    asked: Outsiders
    scanner: RealClamd
    chance: random.Random
    held: int = 0
    """The most documents that were held at once for want of a scanner."""

    async def run(self, traffic: Traffic) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._moods(traffic))
            group.create_task(self._scans(traffic))
            group.create_task(self._watch(traffic))

    async def _moods(self, traffic: Traffic) -> None:
        while not traffic.handed_in.is_set():
            for self.asked.mood in MOODS:
                await asyncio.sleep(self.chance.uniform(1.0, 3.0))

    async def _scans(self, traffic: Traffic) -> None:
        """Away, well, frozen, well."""
        while not traffic.handed_in.is_set():
            await asyncio.to_thread(self.scanner.stop)
            await asyncio.sleep(self.chance.uniform(1.0, 3.0))
            await asyncio.to_thread(self.scanner.start)
            await asyncio.sleep(self.chance.uniform(3.0, 5.0))
            self._signal(SIGSTOP)
            await asyncio.sleep(self.chance.uniform(0.5, 2.0))
            self._signal(SIGCONT)
            await asyncio.sleep(self.chance.uniform(1.0, 3.0))

    def _signal(self, which: Signals) -> None:
        assert self.scanner.process
        self.scanner.process.send_signal(which)

    async def _watch(self, traffic: Traffic) -> None:
        while not traffic.handed_in.is_set():
            self.held = max(self.held, await self.waiting())
            await asyncio.sleep(0.3)

    async def waiting(self) -> int:
        """How many are held for want of a scanner."""
        return int((await asyncio.to_thread(self.made.books.rows, SIDE, WAITING))[0][0])


async def outsiders_down(order: Order) -> Done:
    """Documents go on whatever the mood, or wait; in the end, once everybody answers well, nothing is owed and nothing held."""
    with _scanner() as scanner:
        async with outsiders() as asked, site(order.folder, seed=order.seed) as made:
            _configure(made, asked.port, scanner)
            numbers = range(1, order.documents + 1)
            letters = [_as_sent(make_letter(made, order.seed, number), made.offices[0]) for number in numbers]
            trouble = Trouble(made, asked, scanner, random.Random(order.seed))
            async with made.gateways, offices(made, order.seed) as traffic:
                async with asyncio.TaskGroup() as group:
                    group.create_task(trouble.run(traffic))
                    await traffic.run(letters)
                owed = await _mended(trouble)
                await until_read(made, traffic)
            paid = int(made.books.rows(SIDE, PAID)[0][0])
            bad = sum(count for what, count in asked.asked.items() if not what.endswith("good"))
            hurt(paid > 0 and bad > 0 and any("list" in what for what in asked.asked), f"asked {dict(asked.asked)}")
            hurt(trouble.held > 0, "nobody missed the scanner")
            notes = {"timestamps owed at rest": owed, "paid later": paid, "held at once": trouble.held}
            return Done(notes={**notes, **asked.asked})


async def _mended(trouble: Trouble) -> int:
    """The scanner first, then, when everything is at rest, the others; how many timestamps were owed by then."""
    made, asked = trouble.made, trouble.asked
    asked.mood = "away"
    async with asyncio.timeout(PAID_SECONDS):
        while await trouble.waiting():
            await asyncio.sleep(0.2)
    await made.rest()  # nobody waits for an outsider
    owed = int(made.books.rows(SIDE, UNPAID)[0][0])
    asked.mood = "good"
    async with asyncio.timeout(PAID_SECONDS):
        while made.books.rows(SIDE, UNPAID) != [(0,)]:
            await asyncio.sleep(0.2)
    return owed
