"""The offices of a fault: they hand in until somebody says yes, and read their inboxes by cursor, as their systems would.

What a letter is follows from the seed and its number alone: who writes to whom, how many files, how large.
"""

import asyncio
import hashlib
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from gateway.api import ApiProblem, OfficeClient
from gateway.core.errors import GatewayError, RoadError
from gateway.core.ids import OrganId
from tests.kit.lab.ledger import Ledger
from tests.kit.lab.site import NotAtRestError, Site
from tests.kit.pdfs import tiny_pdf

AHEAD = 160
"""More than so many on their way at once, and the offices wait: the fault shall meet traffic to its very end."""
STUCK_SECONDS = 600.0
"""... until so long none of those has ended: then none will, and the run ends by saying so."""
PATIENCE_SECONDS = 240.0
ACCEPTED_EVERY = 25
READ_SECONDS = 0.3


class NeverAcknowledgedError(Exception):
    """A letter that nobody took."""


@dataclass(frozen=True)
class Letter:
    """One letter as an office hands it in."""

    number: int
    sender: OrganId
    recipients: tuple[OrganId, ...]
    files: tuple[tuple[str, bytes], ...]
    expect: str = "delivered"
    """`delivered`, or `stopped`: it may go no further than its sender's gateway, which refuses or holds it."""

    @property
    def idempotency_key(self) -> str:
        return f"lab-{self.number}"

    def by(self, sender: OrganId) -> "Letter":
        """The same by another body."""
        return replace(self, sender=sender)

    def metadata(self) -> dict[str, Any]:
        return {
            "sender": self.sender,
            "recipients": list(self.recipients),
            "code": {"number": str(self.number), "notation": "CV/VP"},
            "promulgation_place": "Thành phố Hồ Chí Minh",
            "promulgation_date": "2026-02-02",
            "subject": f"Thử nghiệm số {self.number}",
        }


def make_letter(site: Site, seed: int, number: int) -> Letter:
    """The letter of a number: most cross over from one gateway to the other, some stay, some do both."""
    chance = random.Random(f"{seed} {number}")
    party, *wards = site.offices
    everybody = [body.organ_id for body in site.network.world.recipients]
    if chance.random() < 0.7:
        sender = party
        near = [organ for organ in everybody if site.books.hosts[organ] == "party"]
        recipients = chance.sample(wards, chance.choice([1, 1, 1, 2])) + near[: chance.random() < 0.1]
        if chance.random() < 0.02:
            recipients = everybody
    else:
        sender, recipients = chance.choice(wards), [party]
    seals = sender == party
    size = chance.choice([200, 800, 3_000, 3_000, 20_000, 60_000])
    name, data = f"so-lieu-{number}.bin", f"{number} ".encode() + chance.randbytes(size)
    if seals and chance.random() < 0.1:
        name, data = f"cong-van-{number}.pdf", tiny_pdf(f"Van ban {number}")
    return Letter(number=number, sender=sender, recipients=tuple(recipients), files=((name, data),))


@dataclass
class Traffic:
    """All offices of one fault."""

    site: Site
    seed: int
    acknowledged: Ledger
    seen: Ledger
    handed_in: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when everything was acknowledged."""
    refusals: int = 0
    """Answers that said `not now`."""
    patient: bool = False
    """Asks again after a 500 as well: where its system calls fail a gateway may say so, and ends."""
    turned_away: int = 0
    """Letters that were to be stopped, and were refused at once."""
    _clients: dict[OrganId, OfficeClient] = field(default_factory=dict)
    _on_the_way: int = 0

    async def run(self, letters: Iterable[Letter], *, at_once: int = 4, ahead: int = AHEAD, every: float = 0.0) -> None:
        """Hand all of them in, each until it is acknowledged; no faster than one `every` so many seconds."""
        waiting = iter(letters)

        async def office() -> None:
            for letter in waiting:
                await self.hand_in(letter)
                await self._until_fewer(ahead)
                await asyncio.sleep(every * at_once)

        async with asyncio.TaskGroup() as both:
            watch = both.create_task(self._watch())
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(office())
            watch.cancel()
        self.handed_in.set()

    async def _until_fewer(self, ahead: int) -> None:
        """Until no more than so many are on their way."""
        least, moved = self._on_the_way, time.monotonic()
        while self._on_the_way > ahead:
            await asyncio.sleep(0.1)
            if self._on_the_way < least:
                least, moved = self._on_the_way, time.monotonic()
            if time.monotonic() > moved + STUCK_SECONDS:
                raise NotAtRestError(f"{least} are on their way, and in {STUCK_SECONDS:.0f} s none has ended")

    async def _watch(self) -> None:
        while True:
            with suppress(sqlite3.Error, psycopg.Error):  # the database is just being opened, or restarted
                self._on_the_way = await self.site.on_the_way()
            await asyncio.sleep(0.25)

    async def hand_in(self, letter: Letter) -> None:
        """Until somebody says yes; then, and only then, it stands in the ledger."""
        client = self._clients[letter.sender]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                document = await self._insist(client, letter)
        except ApiProblem:
            if letter.expect != "stopped":
                raise
            self.turned_away += 1
            return
        except TimeoutError:
            raise NeverAcknowledgedError(f"{letter.idempotency_key} in {PATIENCE_SECONDS:.0f} s") from None
        self.acknowledge(letter, document)

    def acknowledge(self, letter: Letter, document: Mapping[str, Any]) -> None:
        """Somebody has said yes to it."""
        self.acknowledged.note(
            idempotency_key=letter.idempotency_key,
            document=document["key"],
            document_id=document["document_id"],
            sender=letter.sender,
            recipients=letter.recipients,
            digests=[hashlib.sha256(data).hexdigest() for name, data in letter.files if not name.endswith(".pdf")],
            expect=letter.expect,
        )

    async def _insist(self, client: OfficeClient, letter: Letter) -> dict[str, Any]:
        while True:
            try:
                return dict(await client.send_contents(letter.metadata(), list(letter.files), letter.idempotency_key))
            except RoadError:
                pass
            except ApiProblem as problem:
                again = problem.retryable or problem.status in {429, 503, 507}
                if not again and not (self.patient and problem.status == 500):
                    raise
                self.refusals += 1
            await asyncio.sleep(0.1)

    async def read(self, organ: OrganId) -> None:
        """Read an inbox by its cursor for ever, and write down each entry; accept a few of them."""
        client, after = self._clients[organ], 0
        while True:
            try:
                page = await client.inbox(after=after)
                for entry in page["entries"]:
                    if entry["cursor"] % ACCEPTED_EVERY == 0 and organ != self.site.offices[0]:
                        await self._accept(client, entry["key"])
                    self._saw(organ, entry)
                    after = entry["cursor"]
                if page["entries"]:
                    continue
            except (GatewayError, ApiProblem):
                pass
            await asyncio.sleep(READ_SECONDS)

    async def _accept(self, client: OfficeClient, key: str) -> None:
        if (await client.entry(key))["business_status"] == "01":
            await client.accept(key)

    def _saw(self, organ: OrganId, entry: dict[str, Any]) -> None:
        self.seen.note(
            organ=organ,
            cursor=entry["cursor"],
            key=entry["key"],
            sender=entry["sender"],
            document_id=entry["document_id"],
            sequence=entry["sequence"],
            accepted=entry["cursor"] % ACCEPTED_EVERY == 0 and organ != self.site.offices[0],
        )


@asynccontextmanager
async def offices(site: Site, seed: int) -> AsyncIterator[Traffic]:
    """All offices, their readers at work; at the end the readers stop where they are."""
    acknowledged, seen = Ledger(site.books.acknowledged), Ledger(site.books.seen)
    traffic = Traffic(site=site, seed=seed, acknowledged=acknowledged, seen=seen)
    async with AsyncExitStack() as stack:
        stack.callback(acknowledged.close)
        stack.callback(seen.close)
        for organ in site.offices:
            traffic._clients[organ] = await stack.enter_async_context(site.client(organ))
        readers = [asyncio.create_task(traffic.read(organ)) for organ in site.offices]
        try:
            yield traffic
        finally:
            for reader in readers:
                reader.cancel()
            ends = await asyncio.gather(*readers, return_exceptions=True)
    broken = [end for end in ends if isinstance(end, Exception)]
    if broken:
        raise broken[0]


async def until_read(site: Site, traffic: Traffic, seconds: float = 60) -> None:
    """Every reader has seen what its inbox has; whoever has not after that time has been passed over by its cursor.

    Whoever reads last may accept something, and that goes back to its sender: then all has to come to rest once more.
    """
    wanted = dict.fromkeys(site.offices, 0)
    for organ in wanted:
        query = f"SELECT count(*) FROM inbox WHERE recipient = '{organ}'"
        wanted[organ] = int(site.books.rows(site.books.hosts[organ], query)[0][0])
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while traffic.seen.lines < sum(wanted.values()):
                await asyncio.sleep(0.2)
    await site.rest()
