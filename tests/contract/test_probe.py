"""The promises of the port `Probe`, on every probe there is: well, and not well."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

import gateway
from gateway.api import ServiceProbe
from gateway.audit import CheckpointPublisher, LogProbe, SignerMemory, SignerProbe
from gateway.core.errors import CATALOGUE, GatewayError
from gateway.core.health import FINDINGS, TIMEOUT, Check, Finding, Health, found
from gateway.core.ids import Digest, EntryKey, GatewayId, TransferKey, uuid7
from gateway.core.ledgers import UnitOfWork
from gateway.core.message import Priority
from gateway.core.order import StagedEntry, Stream, Waiting
from gateway.core.ports import Probe
from gateway.core.resync import Reopening, Resync, ResyncState
from gateway.core.scanning import ScannerState
from gateway.core.states import DeliveryState, DocumentState
from gateway.core.work import WorkItem, WorkKind
from gateway.crypto import (
    CertificateProbe,
    ConfinementProbe,
    FileSigner,
    KeyFile,
    KeyProbe,
    TrustProbe,
    load_trust,
    read_certificates,
)
from gateway.delivery import QueueProbe
from gateway.exchange import HeldProbe, LateProbe, OrderProbe, ResyncProbe
from gateway.malware import ScannerProbe
from gateway.observe import ClockWatch, DescriptorsProbe, FileTimesProbe, PortProbe, ask, explain, text
from gateway.registry import RegistryProbe
from gateway.storage import (
    BlobsProbe,
    DatabaseProbe,
    DiskThresholds,
    DiskWatch,
    SqliteStore,
    StoreProbe,
    open_blobs,
)
from tests.kit import rows
from tests.kit.clock import ManualClock
from tests.kit.exchange_world import MOMENT, Materials, make_materials
from tests.kit.scanner import FakeScanner
from tests.kit.sqlite import open_test_sqlite

BOUNDS = DiskThresholds(filling=0.85, full=0.92, read_only=0.97)
HERE = GatewayId("here.example")


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Materials:
    return make_materials(tmp_path_factory.mktemp("materials"))


class Bench:
    """What the probes look at."""

    def __init__(self, folder: Path, store: SqliteStore, materials: Materials) -> None:
        self.folder = folder
        self.store = store
        self.clock = ManualClock(MOMENT)
        self.materials = materials
        self.files = materials.pki.gateways[materials.world.party].files
        self.registry = materials.folder / "registry.json"
        self.publisher = CheckpointPublisher(
            store=store,
            signer=FileSigner(self.files.log_key, key_id="log"),
            origin="here.example/audit",
            memory=SignerMemory(path=folder / "memory"),
            clock=self.clock,
        )
        open_blobs(folder / "blobs")

    def key(self, **changes: object) -> KeyProbe:
        values = {
            "key_id": "peer",
            "path": self.files.tls_key,
            "certificate": self.files.tls_certificate,
            "known": lambda _: True,
        }
        return KeyProbe([KeyFile(**{**values, **changes})])  # type: ignore[arg-type]

    def disk(self, used: float) -> DiskWatch:
        return DiskWatch((self.folder,), thresholds=BOUNDS, clock=self.clock, used=lambda _: used)


@pytest.fixture
async def bench(tmp_path: Path, materials: Materials) -> AsyncIterator[Bench]:
    store = open_test_sqlite(tmp_path / "gateway.db")
    yield Bench(tmp_path, store, materials)
    await store.close()


def real(hours: float) -> ManualClock:
    return ManualClock(datetime.now(UTC) + timedelta(hours=hours))


def tls(bench: Bench, days: float) -> CertificateProbe:
    clock = ManualClock(bench.clock.now() + timedelta(days=days))
    return CertificateProbe(lambda: [("peer", read_certificates(bench.files.tls_certificate)[0])], clock=clock)


def trust(bench: Bench, days: float) -> TrustProbe:
    clock = ManualClock(bench.clock.now() + timedelta(days=days))
    return TrustProbe(lambda: load_trust(bench.files.anchors.parent, True), clock=clock)


def issuers(bench: Bench, lost: str, *issued: bytes) -> TrustProbe:
    """As if the list in that file were not there, and these certificates were to be judged."""
    folder = bench.folder / "trust"
    shutil.copytree(bench.files.anchors.parent, folder)
    for path in folder.glob(f"crls/{lost or 'none'}"):
        path.unlink()
    return TrustProbe(lambda: load_trust(folder, True), clock=bench.clock, issued=lambda: issued)


def stranger() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A stranger")])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, moment, moment + timedelta(days=9))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def damaged_blobs(bench: Bench) -> BlobsProbe:
    path = bench.folder / "blobs" / "ab" / ("ab" * 32)
    path.parent.mkdir()
    path.write_bytes(b"not what the name says")
    return BlobsProbe(bench.folder / "blobs")


async def stepped(bench: Bench) -> Probe:
    async def on_step(_seconds: float, _moment: datetime) -> None:
        pass

    class Jumping(ManualClock):
        def monotonic(self) -> float:
            return 5.0

    watch = ClockWatch(clock=Jumping(), on_step=on_step)
    watch._clock.advance(3_600)  # type: ignore[attr-defined]
    await watch.compare()
    return watch


async def even(bench: Bench) -> Probe:
    async def on_step(_seconds: float, _moment: datetime) -> None:
        raise AssertionError

    watch = ClockWatch(clock=bench.clock, on_step=on_step)
    bench.clock.advance(3_600)
    await watch.compare()
    return watch


async def given(probe: Probe) -> Probe:
    return probe


def registry(bench: Bench, digest: str) -> RegistryProbe:
    own = bench.materials.world.party
    return RegistryProbe(bench.registry, expected=Digest(digest), own=own, active=None)


class _Told(FakeScanner):
    """A scanner that says what it is told to say of itself."""

    def __init__(self, bench: Bench, *, days: int | None, away: bool = False) -> None:
        super().__init__()
        self.away = away
        self._built_at = None if days is None else bench.clock.now() - timedelta(days=days)

    async def state(self) -> ScannerState:
        if self.away:
            return await super().state()
        return ScannerState(answers=True, version="ClamAV 1.4.6", signatures="27822", built_at=self._built_at)


async def restored(bench: Bench) -> ResyncProbe:
    reopening = Reopening(number=int(MOMENT.timestamp()), kept=0, since=MOMENT, at=MOMENT)
    peer = Resync(peer=HERE, number=reopening.number, state=ResyncState.ASKING, changed_at=MOMENT)
    await bench.store.transact(lambda uow: uow.resyncs.reopen(reopening))
    await bench.store.transact(lambda uow: uow.resyncs.put(peer))
    return ResyncProbe(store=bench.store)


async def resynced(bench: Bench) -> ResyncProbe:
    probe = await restored(bench)
    peer = Resync(peer=HERE, number=int(MOMENT.timestamp()), state=ResyncState.DONE, changed_at=MOMENT)
    await bench.store.transact(lambda uow: uow.resyncs.put(peer))
    return probe


CASES: dict[str, tuple[Callable[[Bench], Awaitable[Probe]], str]] = {
    "database": (lambda b: given(StoreProbe(b.store)), "probe.database.writable"),
    "database file": (lambda b: given(DatabaseProbe(b.folder / "gateway.db")), "probe.database.good"),
    "no database": (lambda b: given(DatabaseProbe(b.folder / "none.db")), "probe.database.absent"),
    "no database at all": (lambda b: given(DatabaseProbe(b.files.tls_key)), "store.damaged"),
    "blobs": (lambda b: given(BlobsProbe(b.folder / "blobs")), "probe.blobs.good"),
    "no blobs": (lambda b: given(BlobsProbe(b.folder / "none")), "probe.blobs.absent"),
    "room": (lambda b: given(b.disk(0.1)), "probe.disk.room"),
    "filling": (lambda b: given(b.disk(0.85)), "probe.disk.filling"),
    "full": (lambda b: given(b.disk(0.92)), "probe.disk.full"),
    "read only": (lambda b: given(b.disk(0.97)), "probe.disk.read_only"),
    "queue": (lambda b: given(QueueProbe(store=b.store, clock=b.clock)), "probe.queue.good"),
    "nothing held": (lambda b: given(HeldProbe(store=b.store)), "probe.queue.none_held"),
    "in time": (lambda b: given(LateProbe(store=b.store, clock=b.clock)), "probe.queue.in_time"),
    "in order": (lambda b: given(OrderProbe(store=b.store, clock=b.clock)), "probe.queue.in_order"),
    "restored": (restored, "probe.queue.resync"),
    "all is there again": (resynced, "probe.queue.resynced"),
    "signer": (lambda b: given(SignerProbe(store=b.store, publisher=b.publisher, clock=b.clock)), "probe.log.good"),
    "log": (
        lambda b: given(LogProbe(store=b.store, memory=b.folder / "memory", key=b.publisher.key)),
        "probe.log.new",
    ),
    "even clock": (even, "probe.clock.good"),
    "jumping clock": (stepped, "probe.clock.stepped"),
    "file times": (lambda b: given(FileTimesProbe([b.registry], clock=real(0))), "probe.clock.good"),
    "files of the future": (
        lambda b: given(FileTimesProbe([b.registry], clock=real(-1))),
        "probe.clock.behind",
    ),
    "ports": (lambda b: given(PortProbe([("peer", "127.0.0.1", 0)], ours=False)), "probe.ports.free"),
    "descriptors": (lambda b: given(DescriptorsProbe(2_544, limit=lambda: 8_192)), "probe.descriptors.good"),
    "too few descriptors": (lambda b: given(DescriptorsProbe(2_544, limit=lambda: 1_024)), "probe.descriptors.low"),
    "certificate": (lambda b: given(tls(b, 0)), "probe.certificates.good"),
    "certificate that ends": (lambda b: given(tls(b, 14_000)), "probe.certificates.expired"),
    "trust": (lambda b: given(trust(b, -0.1)), "probe.trust.good"),
    "an issuer without a list": (lambda b: given(issuers(b, "issuing.crl")), "probe.trust.crl_missing"),
    "an anchor without a list": (lambda b: given(issuers(b, "root.crl")), "probe.trust.crl_missing"),
    "a stranger issued what we judge": (lambda b: given(issuers(b, "", stranger())), "probe.trust.crl_missing"),
    "all issuers have one": (lambda b: given(issuers(b, "", *b.materials.pki.transport.values())), "probe.trust.good"),
    "a damaged blob": (lambda b: given(damaged_blobs(b)), "probe.blobs.damaged"),
    "stale trust": (lambda b: given(trust(b, 14_000)), "probe.trust.crl_stale"),
    "keys": (lambda b: given(b.key()), "probe.keys.good"),
    "another pair": (lambda b: given(b.key(path=b.files.receipt_key)), "probe.keys.pair"),
    "a stranger's key": (lambda b: given(b.key(known=lambda _: False)), "probe.keys.stranger"),
    "no key": (lambda b: given(b.key(path=b.folder / "none.pem")), "key.missing"),
    "registry": (
        lambda b: given(registry(b, b.materials.snapshot.digest)),
        "probe.registry.good",
    ),
    "another registry": (lambda b: given(registry(b, "0" * 64)), "registry.digest"),
    "no scanner": (lambda b: given(ScannerProbe(None, clock=b.clock)), "probe.scanner.none"),
    "no scanner in a demo": (lambda b: given(ScannerProbe(None, clock=b.clock, demo=True)), "probe.scanner.demo"),
    "a scanner": (lambda b: given(ScannerProbe(_Told(b, days=1), clock=b.clock)), "probe.scanner.good"),
    "a scanner with old signatures": (
        lambda b: given(ScannerProbe(_Told(b, days=7), clock=b.clock)),
        "probe.scanner.stale",
    ),
    "a scanner with none of its maker's": (
        lambda b: given(ScannerProbe(_Told(b, days=None), clock=b.clock)),
        "probe.scanner.unofficial",
    ),
    "a scanner that is away": (
        lambda b: given(ScannerProbe(_Told(b, days=1, away=True), clock=b.clock)),
        "probe.scanner.away",
    ),
    "nobody's service": (
        lambda b: given(ServiceProbe("http://127.0.0.1:1/readyz", own=HERE)),
        "probe.service.stopped",
    ),
}


async def test_what_is_held_is_a_warning_with_its_numbers(bench: Bench) -> None:
    for name in ("a", "b"):
        held = rows.document(state=DocumentState.HELD, reason=name)
        await bench.store.transact(lambda uow, held=held: uow.documents.add(held))
    await bench.store.transact(
        lambda uow: uow.documents.add_deliveries([rows.delivery(held, state=DeliveryState.HELD)])
    )
    probe = HeldProbe(store=bench.store)
    (finding,) = await probe.look()
    assert (finding.code, finding.health) == ("probe.queue.held", Health.WARN)
    assert dict(finding.params) == {"documents": 2, "deliveries": 1}
    assert {reading.metric.name: reading.value for reading in await probe.readings()} == {
        "gateway_documents_held": 2,
        "gateway_deliveries_held": 1,
    }


async def test_what_has_no_receipt_is_a_warning_by_its_age_and_sooner_if_it_is_urgent(bench: Bench) -> None:
    probe, now = LateProbe(store=bench.store, clock=bench.clock), bench.clock.now()

    async def send(minutes: float, urgency: Priority) -> None:
        at = now - timedelta(minutes=minutes)
        key = TransferKey(uuid7(at, bytes))

        def unit(uow: UnitOfWork) -> None:
            document = rows.document()
            uow.documents.add(document)
            uow.transfers.add([rows.transfer(document, slip=rows.slip(key, sent_at=at))])
            work = WorkItem(kind=WorkKind.TRANSFER, subject=key, destination="there", due_at=at, urgency=urgency)
            uow.work.add(work)

        await bench.store.transact(unit)

    for minutes, urgency, codes in (
        (59, Priority.NORMAL, ["probe.queue.in_time"]),
        (1, Priority.URGENT, ["probe.queue.in_time"]),
        (3, Priority.IMMEDIATE, ["probe.queue.late_urgent"]),
        (90, Priority.NORMAL, ["probe.queue.late_urgent", "probe.queue.late"]),
    ):
        await send(minutes, urgency)
        assert [finding.code for finding in await probe.look()] == codes
    assert [reading.value for reading in await probe.readings()] == [1, 180, 1, 5400]
    await send(-119, Priority.NORMAL)
    assert [reading.value for reading in await probe.readings()] == [1, 180, 1, 5400]
    await send(-9 * 60, Priority.NORMAL)  # by a clock that was ahead: it would wait until then, and nobody would know
    assert [reading.value for reading in await probe.readings()] == [1, 180, 2, 5400]


async def test_what_is_staged_is_a_warning_when_it_waits_long(bench: Bench) -> None:
    probe, now = OrderProbe(store=bench.store, clock=bench.clock), bench.clock.now()

    def wait(since: timedelta) -> Waiting:
        key = f"waits {since}"
        entry = StagedEntry(key=EntryKey(key), transfer=TransferKey("t"), leaf="", since=now - since, ends_at=now)
        number = since.seconds + 2
        return Waiting(recipient=rows.WARD, first=number, last=number, entry=entry)

    for minutes, code in ((10, "probe.queue.staged"), (20, "probe.queue.staged_late")):
        row = wait(timedelta(minutes=minutes))
        await bench.store.transact(lambda uow, row=row: uow.order.wait(rows.PARTY, [row]))
        assert [finding.code for finding in await probe.look()] == [code]
    overdue = Stream(recipient=rows.WARD, overdue_at=now - timedelta(hours=23))
    await bench.store.transact(lambda uow: uow.order.put(rows.PARTY, [overdue]))
    assert [finding.code for finding in await probe.look()] == ["probe.queue.order_overdue", "probe.queue.staged_late"]
    assert [reading.value for reading in await probe.readings()] == [2, 1200, 1]


@pytest.fixture(params=CASES)
async def case(request: pytest.FixtureRequest, bench: Bench) -> tuple[Probe, str]:
    make, code = CASES[request.param]
    return await make(bench), code


async def test_it_finds_what_there_is(case: tuple[Probe, str]) -> None:
    probe, code = case
    findings = await ask([probe])
    assert {finding.code for finding in findings} == {code}


async def test_a_finding_is_its_own_check_s_and_has_words(case: tuple[Probe, str]) -> None:
    probe, _ = case
    for finding in await ask([probe]):
        assert finding.check is probe.check
        if finding.health is Health.OK:
            assert text(finding.code, finding.params).vi
        else:
            said = explain(finding.code, finding.params)
            assert said.todo_vi
            assert said.todo_en
            assert "không rõ" not in said.what_vi + said.todo_vi


async def test_it_may_be_asked_by_two_at_once_and_changes_nothing(case: tuple[Probe, str], bench: Bench) -> None:
    probe, code = case
    before = sorted(path.name for path in bench.folder.iterdir() if "-shm" not in path.name and "-wal" not in path.name)
    answers = await asyncio.gather(*(ask([probe]) for _ in range(3)))
    assert {finding.code for answer in answers for finding in answer} == {code}
    after = sorted(path.name for path in bench.folder.iterdir() if "-shm" not in path.name and "-wal" not in path.name)
    assert after == before


def test_whether_judges_are_confined_is_the_kernel_s_to_say() -> None:
    (finding,) = asyncio.run(ConfinementProbe().look())
    assert finding.code in {"probe.workers.confined", "probe.workers.open"}


class Slow:
    check = Check.DISK

    async def look(self) -> tuple[Finding, ...]:
        await asyncio.sleep(60)
        raise AssertionError


class Broken:
    check = Check.QUEUE

    async def look(self) -> tuple[Finding, ...]:
        raise GatewayError("store.busy")


async def test_what_does_not_come_back_or_fails_is_a_finding_and_the_order_stays() -> None:
    findings = await ask([Slow(), Broken(), Slow()], seconds=0.01)
    assert [(finding.check, finding.code) for finding in findings] == [
        (Check.DISK, TIMEOUT),
        (Check.QUEUE, "store.busy"),
        (Check.DISK, TIMEOUT),
    ]
    assert {finding.health for finding in findings} == {Health.FAIL}


def test_every_finding_of_the_catalogue_is_found_somewhere() -> None:
    program = "\n".join(
        path.read_text("utf-8") for path in Path(gateway.__file__).parent.rglob("*.py") if path.name != "health.py"
    )
    assert [code for code in FINDINGS if f'"{code}"' not in program] == []
    assert all(found(code).check in set(Check) for code in FINDINGS)
    assert not FINDINGS.keys() & CATALOGUE.keys()
