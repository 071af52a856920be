"""A world in which nearly everything has happened once, kept as bytes: every test spoils a copy of its own.

Party side: a letter to everybody with one recipient that does not exist, answered with 03 and 02; a reply received; a
letter refused for its missing seal, one held, one held and released, one expired, one refused by the other gateway for one
of two recipients, a transfer held, one held and released, and one that still waits. Government side: all of that as it
arrives, and the first letter a second time, in another transfer, after somebody had tried its name for a body that is not his.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from sqlite3 import Connection

from gateway.audit import sequence
from gateway.core.directory import BodyStatus, Snapshot
from gateway.core.errors import PeerError
from gateway.core.ids import GatewayId, OrganId, TransferKey
from gateway.core.model import Document, Transfer
from gateway.core.work import WorkKind
from gateway.crypto import InlineJudge
from gateway.demo.registry_seed import log_origin
from gateway.evidence import InstallationCheck, InstallationReport
from gateway.exchange import ExchangeRecords
from gateway.exchange.opening import opening
from gateway.storage import MemoryStore, open_blobs, open_memory
from tests.kit.clock import ManualClock
from tests.kit.exchange_world import Materials, Node, World, exchange_world, letter
from tests.kit.pdfs import tiny_pdf

UNKNOWN = OrganId("Z79.UB.99999")
FIRST_NUMBER = ",1/CV/"
AGAIN = TransferKey("01900000-0000-7000-8000-000000000001")


@dataclass(frozen=True)
class Kept:
    """One gateway at rest: its database as bytes, its blobs in a folder."""

    own: GatewayId
    database: bytes
    blobs: Path
    snapshot: Snapshot
    records: ExchangeRecords
    clock: ManualClock

    @contextmanager
    def opened(self, folder: Path) -> Iterator["Opened"]:
        """A copy that may be spoiled."""
        shutil.copytree(self.blobs, folder / "blobs")
        store = open_memory(sequencer=sequence)
        db = store._connection.connection.dbapi_connection
        assert isinstance(db, Connection)
        db.deserialize(self.database)
        db.execute("PRAGMA foreign_keys = OFF")
        db.create_function("sha256", 1, lambda text: sha256(text.encode()).hexdigest(), deterministic=True)
        try:
            yield Opened(kept=self, store=store, db=db, folder=folder / "blobs")
        finally:
            store._connection.close()
            store._connection.engine.dispose()


@dataclass(frozen=True)
class Opened:
    """A copy of a gateway, its database open for whatever one does with SQL."""

    kept: Kept
    store: MemoryStore
    db: Connection
    folder: Path

    def sql(self, script: str) -> None:
        """Run it; a change that touches no row would make a test that proves nothing."""
        for statement in script.split(";"):
            changed = self.db.execute(statement).rowcount
            assert changed > 0 or statement.startswith("create"), statement

    def one(self, query: str) -> str:
        (value,) = self.db.execute(query).fetchone()
        return str(value)

    def blob(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest

    async def check(self, on_step: Callable[[str], None] = lambda _: None) -> InstallationReport:
        check = InstallationCheck(
            own=self.kept.own,
            store=self.store,
            blobs=open_blobs(self.folder),
            snapshot=self.kept.snapshot,
            records=self.kept.records,
            judge=InlineJudge(),
            clock=self.kept.clock,
        )
        return await check.run(on_step=on_step)


def lines(report: InstallationReport) -> list[str]:
    """Everything that a report says does not hold."""
    return [
        *(f"log: {fault.reason}" for fault in report.log.faults),
        *(f"{problem.what}: {problem.why}" for problem in report.problems),
    ]


async def make_kept(materials: Materials, folder: Path) -> tuple[dict[str, Kept], dict[str, Kept]]:
    """Both gateways of the world, after the first letter, and after everything."""
    async with exchange_world(materials, folder) as world:
        for node in world.nodes.values():
            await node.store.transact(
                opening(
                    node.own,
                    log_origin(node.own),
                    node.directory.current(),
                    journal=node.desk.journal,
                    moment=world.clock.now(),
                )
            )
        await _first_letter(world)
        earlier = _keep(world, folder)
        await _answers(world)
        await _all_the_rest(world)
        return earlier, _keep(world, folder)


def _keep(world: World, folder: Path) -> dict[str, Kept]:
    return {
        side: Kept(
            own=node.own,
            database=_bytes(node.store),
            blobs=folder / node.own / "blobs",
            snapshot=node.directory.current(),
            records=node.records,
            clock=ManualClock(world.clock.now()),
        )
        for side, node in (("party", world.party), ("government", world.government))
    }


def _bytes(store: MemoryStore) -> bytes:
    db = store._connection.connection.dbapi_connection
    assert isinstance(db, Connection)
    return db.serialize()


async def _all_the_rest(world: World) -> None:
    party = world.party
    one, two, three = committees(world)
    await _send(world, "2", one, scopes=frozenset({"send", "read"}))
    await world.settle()
    held = await _send(world, "3", one)
    await _bury(world, party, WorkKind.DOCUMENT)
    await _send(world, "4", two)
    await _bury(world, party, WorkKind.DOCUMENT)
    await party.releases.release(party.principal(world.sender), held.key)
    await world.settle()

    await _send(world, "5", one)
    await _give_up_transfer(world)
    again = await _send(world, "6", one)
    await _give_up_transfer(world)
    await party.releases.release(party.principal(world.sender), again.key)
    await world.settle()

    party.road.down = True
    await _send(world, "7", one, two)
    await world.settle(limit=timedelta(days=6))
    await _send(world, "8", two, three)
    await world.settle(limit=timedelta(minutes=1))
    party.road.down = False
    good = party.directory.current().bodies[three]
    world.replace_body(three, status=BodyStatus.CLOSED)
    await world.settle()
    world.replace_body(three, status=good.status)
    for node in world.nodes.values():  # the edition of the first day, as the receipts and the opening know it
        node.directory.replace(replace(node.directory.current(), epoch=1))
    await _second_transfer(world)
    party.road.down = True
    await _send(world, "9", one)
    await world.settle(limit=timedelta(minutes=1))


def committees(world: World) -> tuple[OrganId, ...]:
    """The three bodies of the other gateway."""
    return tuple(ward for ward in world.wards if ".UB." in ward)


async def _first_letter(world: World) -> None:
    party = world.party
    files = (
        await party.file("công  văn.pdf", tiny_pdf()),
        await party.file("phụ lục.xlsx", b"PK\x03\x04 no spreadsheet \x00\xff" * 9, "application/vnd.ms-excel"),
    )
    order = letter(world.sender, (*world.wards, UNKNOWN), *files, number="1", content="Hai  dòng,\n dòng hai & <ba>")
    await party.submit_to_gone(order, UNKNOWN)
    await world.settle()


async def _answers(world: World) -> None:
    one, two, _ = committees(world)
    government = world.government
    for ward, refused in ((one, ""), (two, "Không thuộc thẩm quyền")):
        principal = government.principal(ward)
        key = (await government.queries.inbox(principal, 0, 10)).entries[0].key
        if refused:
            await government.statuses.refuse(principal, key, refused, trace_id="2" * 32)
        else:
            await government.statuses.accept(principal, key, trace_id="1" * 32)
    reply = letter(one, (world.sender,), await government.file("tra-loi.pdf", tiny_pdf("Tra loi")), number="25")
    await government.submit(reply)
    await world.settle()


async def _send(world: World, number: str, *wards: OrganId, **scopes: object) -> Document:
    file = await world.party.file("a.pdf", tiny_pdf(number))
    return await world.party.submit(letter(world.sender, wards, file, number=number), **scopes)  # type: ignore[arg-type]


async def _give_up_transfer(world: World) -> None:
    """The peer has the transfer, its answer was lost, and asking for it fails again and again."""
    world.party.road.lose_answers = 1
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    world.clock.advance(3600)
    await _bury(world, world.party, WorkKind.TRANSFER)


async def _bury(world: World, node: Node, kind: WorkKind) -> None:
    windows = {"": 9, **{str(name): 9 for name in node.directory.current().gateways}}
    claims = await node.store.transact(
        lambda uow: uow.work.claim(world.clock.now(), lease=60, windows=windows, limit=9)
    )
    (claim,) = (claim for claim in claims if claim.item.kind is kind)

    def unit(uow: object) -> None:
        node.handlers[kind].give_up(uow, claim, "key.missing")  # type: ignore[arg-type]
        uow.work.bury(claim, "key.missing", world.clock.now())  # type: ignore[attr-defined]

    await node.store.transact(unit)


async def _second_transfer(world: World) -> None:
    """The first letter again, in another transfer: received, without a second effect."""
    transfers = await world.party.store.read(lambda uow: uow.transfers.page(None, 100))
    first: Transfer = next(
        t for t in transfers if FIRST_NUMBER in t.slip.document_id and t.slip.destination != t.slip.origin
    )
    slip = replace(first.slip, transfer=AGAIN, sent_at=world.clock.now())
    with suppress(PeerError):  # an alarm, under a name that a real transfer will have
        await world.government.reception.admit(world.party.own, replace(slip, sender=committees(world)[0]))
    answer = await world.government.reception.receive(world.party.own, slip, slip.envelope)
    checked = world.party.records.check_receipt(answer, slip, world.party.directory.current())
    assert [line.outcome.value for line in checked] == ["received"] * 3
