"""The promises of the port `Records`, on what a world of two gateways has really stored."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.core.errors import PeerError, SenderError
from gateway.core.ids import GatewayId
from gateway.core.message import DocumentMessage
from gateway.core.model import Transfer
from gateway.core.ports import Records
from gateway.core.sizes import LARGEST
from gateway.core.states import MessageKind, Outcome
from gateway.core.validation import Indication
from gateway.crypto import InlineJudge, JudgePool, Trust, judge_pdf
from gateway.evidence import FileExamination
from gateway.exchange import ExchangeRecords
from tests.kit.exchange_world import Materials, World, exchange_world, letter, make_materials
from tests.kit.pdfs import tiny_pdf


@dataclass
class Stored:
    """One letter to two bodies of the other gateway, delivered: everything that is kept of it."""

    records: Records
    world: World
    transfer: Transfer
    folder: Path

    @property
    def trust(self) -> Trust:
        assert isinstance(self.records, ExchangeRecords)
        return self.records.trust

    @property
    def envelope(self) -> Path:
        return self.world.party.blobs.path(self.transfer.slip.envelope)

    @property
    def receipt(self) -> bytes:
        assert self.transfer.answer is not None
        return self.transfer.answer

    def file(self, data: bytes) -> Path:
        path = self.folder / "file"
        path.write_bytes(data)
        return path


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Materials:
    return make_materials(tmp_path_factory.mktemp("materials"))


@pytest.fixture
async def stored(materials: Materials, tmp_path: Path) -> AsyncIterator[Stored]:
    async with exchange_world(materials, tmp_path) as world:
        wards = tuple(ward for ward in world.wards if ".UB." in ward)[:2]
        await world.party.submit(letter(world.sender, wards, await world.party.file("a.pdf", tiny_pdf())))
        await world.settle()
        (transfer,) = await world.party.store.read(lambda uow: uow.transfers.page(None, 10))
        yield Stored(world.party.records, world, transfer, tmp_path)


async def test_a_receipt_s_lines_come_in_the_order_of_the_slip(stored: Stored) -> None:
    snapshot = stored.world.party.directory.current()
    lines = stored.records.check_receipt(stored.receipt, stored.transfer.slip, snapshot)
    assert [line.organ_id for line in lines] == [one.organ_id for one in stored.transfer.slip.recipients]
    assert {line.outcome for line in lines} == {Outcome.RECEIVED}
    indexes = await stored.world.government.store.read(lambda uow: uow.log.indexes([one.leaf_hash for one in lines]))
    assert [indexes[line.leaf_hash] for line in lines] == [line.index for line in lines]
    assert stored.records.check_receipt(stored.receipt, stored.transfer.slip, snapshot) == lines


async def test_a_receipt_that_does_not_fit_slip_and_registry_is_the_peer_s_error(stored: Stored) -> None:
    slip, snapshot = stored.transfer.slip, stored.world.party.directory.current()
    changed = bytearray(stored.receipt)
    changed[len(changed) // 2] ^= 1
    nowhere = replace(slip, destination=GatewayId("nowhere.example"))
    swapped = replace(slip, destination=slip.origin)
    fewer = replace(slip, recipients=slip.recipients[:1])
    for receipt, claimed in (
        (bytes(changed), slip),
        (b"", slip),
        *((stored.receipt, s) for s in (nowhere, swapped, fewer)),
    ):
        with pytest.raises(PeerError) as caught:
            stored.records.check_receipt(receipt, claimed, snapshot)
        assert caught.value.code == "peer.receipt"


async def test_an_envelope_is_read_verified_and_its_files_are_judged(stored: Stored) -> None:
    reading = stored.records.read_envelope(stored.envelope, stored.world.clock.now())
    assert reading.kind is MessageKind.DOCUMENT
    assert isinstance(reading.message, DocumentMessage)
    assert reading.message.document_id == stored.transfer.slip.document_id
    assert (reading.bound, reading.secrecy) == (True, "")
    assert reading.signature is not None
    assert reading.signature.indication is Indication.TOTAL_PASSED
    body = stored.world.party.directory.current().body(stored.world.sender)
    assert body is not None
    assert reading.certificate in body.transport_certificates
    (file,) = reading.files
    assert (file.position, file.name, file.data.startswith(tiny_pdf())) == (1, "a.pdf", True)
    assert file.verdict.indication is Indication.TOTAL_PASSED


def spoiled(data: bytes) -> bytes:
    """The envelope with one byte of its attachment changed, base64 as before."""
    at = data.index(b"ContentTransferEncoded") + 200
    return data[:at] + (b"B" if data[at : at + 1] == b"A" else b"A") + data[at + 1 :]


async def test_who_signed_an_envelope_is_told_even_if_its_files_are_others(stored: Stored) -> None:
    moment, path = stored.world.clock.now(), stored.file(spoiled(stored.envelope.read_bytes()))
    with pytest.raises(SenderError) as caught:
        stored.records.read_envelope(path, moment)
    assert caught.value.code == "envelope.attachments"
    truth = stored.records.read_envelope(stored.envelope, moment).signature
    assert stored.records.judge_signature(path, moment) == truth
    assert truth is not None
    with pytest.raises(SenderError):
        stored.records.judge_signature(stored.file(b"<edXML"), moment)


async def test_an_examination_names_the_signer_of_a_spoiled_envelope(stored: Stored) -> None:
    path = stored.file(spoiled(stored.envelope.read_bytes()))
    examination = FileExamination(
        judge=InlineJudge(),
        records=stored.records,
        clock=stored.world.clock,
        snapshot=stored.world.party.directory.current(),
    )
    report = await examination.examine(path)
    assert (report.indication, report.kind, report.parts) == (Indication.TOTAL_FAILED, "edxml", ())
    assert report.envelope is not None
    assert stored.world.sender in dict(report.signers).values()
    assert report.trouble is not None
    assert (await examination.examine(stored.file(b"<edXML"))).indication is Indication.INDETERMINATE


def repaired(data: bytes) -> dict[str, tuple[bytes, str]]:
    """The envelope as only a tolerant reader takes it, and the finding that says so."""
    undeclared = data.replace(b"<AttachmentEncoded>", b'<AttachmentEncoded xlink:type="simple">')
    return {
        "junk": (b"1212" + data, "xml.junk"),
        "more junk": (b"\r\n HTTP/1.1 200 OK\r\n\r\n" + data, "xml.junk"),
        "prefix": (undeclared, "xml.prefix"),
        "comment": (data.replace(b"</edXML:Subject>", b"<!--x--></edXML:Subject>"), "xml.comment"),
        "comment before": (data.replace(b"<edXML ", b"<!--x--><edXML ", 1), "xml.comment"),
        "instruction": (data.replace(b"<edXML ", b"<?x y?><edXML ", 1), "xml.instruction"),
        "namespace": (
            data.replace(b"http://www.mic.gov.vn/TBT/QCVN_102_2016", b"http://www.e-doc.vn/Schema/"),
            "namespace",
        ),
    }


REPAIRED = tuple(repaired(b""))


@pytest.mark.parametrize("case", REPAIRED)
async def test_what_had_to_be_repaired_is_never_better_than_indeterminate(stored: Stored, case: str) -> None:
    """Its signature is good, over other bytes; it is judged over none. Its files are listed, with their own seals."""
    data, code = repaired(stored.envelope.read_bytes())[case]
    path, moment = stored.file(data), stored.world.clock.now()
    with pytest.raises(SenderError):
        stored.records.read_envelope(path, moment)
    snapshot = stored.world.party.directory.current()
    examination = FileExamination(
        judge=InlineJudge(), records=stored.records, clock=stored.world.clock, snapshot=snapshot
    )
    report = await examination.examine(path)
    assert (report.kind, report.indication, report.repaired) == ("edxml", Indication.INDETERMINATE, True)
    assert (report.envelope, report.trouble, report.bound) == (None, None, False)
    assert code in {one.code for one in report.findings if one.severity == "repaired"}
    (part,) = report.parts
    assert (part.name, part.verdict.indication) == ("a.pdf", Indication.TOTAL_PASSED)
    assert stored.world.sender in dict(report.signers).values(), "the seal of the file names its body"
    unchanged = await examination.examine(stored.envelope)
    assert (unchanged.indication, unchanged.repaired, unchanged.findings) == (Indication.TOTAL_PASSED, False, ())


async def test_a_broken_seal_in_a_repaired_envelope_is_a_broken_seal(stored: Stored, materials: Materials) -> None:
    reading = stored.records.read_envelope(stored.envelope, stored.world.clock.now())
    sealed = reading.files[0].data
    broken = sealed.replace(b"/MediaBox", b"/MediaBax", 1)
    assert broken != sealed
    data = b"1212" + stored.envelope.read_bytes().replace(b64encode(sealed), b64encode(broken))
    examination = FileExamination(judge=InlineJudge(), records=stored.records, clock=stored.world.clock)
    report = await examination.examine(stored.file(data))
    assert (report.indication, report.repaired) == (Indication.TOTAL_FAILED, True)
    assert "attachment.digest" in {one.code for one in report.findings}


async def test_what_is_noticed_of_a_spoiled_envelope_is_told_too(stored: Stored) -> None:
    path = stored.file(spoiled(stored.envelope.read_bytes()))
    examination = FileExamination(judge=InlineJudge(), records=stored.records, clock=stored.world.clock)
    report = await examination.examine(path)
    assert (report.indication, report.repaired) == (Indication.TOTAL_FAILED, False)
    assert "attachment.digest" in {one.code for one in report.findings if one.severity == "error"}


@pytest.mark.parametrize("data", [b"<edXML", b"junk <edXML", b"junk <?xml version='1.0'?>", b"<!DOCTYPE a><a/>"])
async def test_what_no_reader_takes_is_told_as_before(stored: Stored, data: bytes) -> None:
    examination = FileExamination(judge=InlineJudge(), records=stored.records, clock=stored.world.clock)
    report = await examination.examine(stored.file(data))
    assert (report.indication, report.repaired, report.findings) == (Indication.INDETERMINATE, False, ())
    assert report.trouble is not None


async def test_a_tolerant_reading_travels_from_a_judge(stored: Stored) -> None:
    moment, path = stored.world.clock.now(), stored.file(b"1212" + stored.envelope.read_bytes())
    pool = JudgePool(size=1, preload=())
    await pool.start()
    try:
        reading = await pool.run(stored.records.read_foreign, path, moment)
    finally:
        await pool.close()
    assert reading.repaired
    assert reading == stored.records.read_foreign(path, moment)


async def test_the_files_of_an_envelope_that_is_not_believed_are_examined_on_demand(stored: Stored) -> None:
    """A trial: `cong-van.pdf: No signature`, and it bore a good seal that nobody had looked at."""
    assert isinstance(stored.records, ExchangeRecords)
    moment = stored.world.clock.now()
    changed = stored.file(stored.envelope.read_bytes().replace(b"Subject>", b"Subject>X", 1))
    (file,) = stored.records.read_envelope(changed, moment).files
    assert file.verdict.indication is Indication.INDETERMINATE
    (file,) = replace(stored.records, judge_all=True).read_envelope(changed, moment).files
    assert file.verdict.indication is Indication.TOTAL_PASSED


async def test_a_file_that_cannot_be_read_spoils_the_verdict_on_its_envelope(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no signature that could count, and the envelope's own is good: that made a ✔."""
    reading = stored.records.read_envelope(stored.envelope, stored.world.clock.now())
    (file,) = reading.files
    assert reading.signature is not None
    assert reading.signature.indication is Indication.TOTAL_PASSED
    broken = judge_pdf(file.data[: len(file.data) // 2], trust=stored.trust, moment=stored.world.clock.now())
    assert broken.signatures == ()
    unreadable = replace(reading, files=(replace(file, verdict=broken),))
    monkeypatch.setattr(ExchangeRecords, "read_envelope", lambda *_: unreadable)
    examination = FileExamination(judge=InlineJudge(), records=stored.records, clock=stored.world.clock)
    assert (await examination.examine(stored.envelope)).indication is broken.indication


async def test_a_judge_can_read_in_its_own_process(stored: Stored) -> None:
    pool = JudgePool(size=1, preload=())
    await pool.start()
    try:
        moment = stored.world.clock.now()
        reading = await pool.run(stored.records.read_envelope, stored.envelope, moment)
        assert reading == stored.records.read_envelope(stored.envelope, moment)
        verdict = await pool.run(stored.records.judge_file, stored.file(reading.files[0].data), moment)
        assert verdict == reading.files[0].verdict
    finally:
        await pool.close()


async def test_reading_changes_nothing(stored: Stored) -> None:
    stored.records.read_envelope(stored.envelope, stored.world.clock.now())
    assert sha256(stored.envelope.read_bytes()).hexdigest() == stored.transfer.slip.envelope.digest


async def test_a_changed_byte_is_refused_found_or_says_nothing_else(stored: Stored) -> None:
    """What is outside the signature (the trace of hubs, list attributes) may change; what is said may not."""
    moment, data = stored.world.clock.now(), stored.envelope.read_bytes()
    truth = stored.records.read_envelope(stored.envelope, moment)
    assert isinstance(truth.message, DocumentMessage)
    for at in range(0, len(data), len(data) // 120):
        changed = bytearray(data)
        changed[at] ^= 1
        try:
            reading = stored.records.read_envelope(stored.file(bytes(changed)), moment)
        except SenderError:
            continue
        if reading.bound and reading.signature and reading.signature.indication is Indication.TOTAL_PASSED:
            assert isinstance(reading.message, DocumentMessage)
            assert replace(reading.message, created_at=truth.message.created_at) == truth.message, at
            assert [file.data for file in reading.files] == [file.data for file in truth.files], at


async def test_what_is_no_envelope_cannot_be_read(stored: Stored) -> None:
    moment = stored.world.clock.now()
    for data in (b"", b"<edXML/>", b"<!DOCTYPE x []><edXML/>", tiny_pdf(), b"\xff" * 1000):
        with pytest.raises(SenderError):
            stored.records.read_envelope(stored.file(data), moment)
    huge = stored.file(b"")
    with huge.open("r+b") as file:
        file.truncate(LARGEST.envelope_bytes + 1)
    with pytest.raises(SenderError) as caught:
        stored.records.read_envelope(huge, moment)
    assert caught.value.code == "size.limit"


async def test_a_file_s_verdict_is_of_the_moment_that_is_asked_about(stored: Stored) -> None:
    moment = stored.world.clock.now()
    (sealed,) = stored.records.read_envelope(stored.envelope, moment).files
    path = stored.file(sealed.data)
    assert stored.records.judge_file(path, moment).indication is Indication.TOTAL_PASSED
    for other in (moment - timedelta(days=400), moment + timedelta(days=40_000)):
        assert stored.records.judge_file(path, other).indication is Indication.INDETERMINATE


async def test_a_file_without_a_signature_has_no_verdict_on_any(stored: Stored) -> None:
    for data, media_type in ((tiny_pdf(), "application/pdf"), (b"text", "application/octet-stream")):
        verdict = stored.records.judge_file(stored.file(data), stored.world.clock.now())
        assert (verdict.media_type, verdict.indication, verdict.signatures) == (media_type, None, ())


async def test_a_seal_over_another_text_is_broken(stored: Stored) -> None:
    (sealed,) = stored.records.read_envelope(stored.envelope, stored.world.clock.now()).files
    forged = sealed.data.replace(b"Van ban", b"Van sai", 1)
    assert forged != sealed.data
    verdict = stored.records.judge_file(stored.file(forged), stored.world.clock.now())
    assert verdict.indication is Indication.TOTAL_FAILED
