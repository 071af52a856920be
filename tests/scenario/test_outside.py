"""Every envelope that two gateways wrote, looked at by somebody who has nothing but the file and whom to believe."""

from pathlib import Path

import pytest

from gateway.core.validation import Indication, Outcome
from gateway.core.verdict import SignatureVerdict
from gateway.evidence import FileExamination, Standing, limits_of
from gateway.exchange import ExchangeRecords
from tests.kit.exchange_world import World, letter
from tests.kit.pdfs import tiny_pdf
from tests.kit.verifications import verification


async def exchanged(world: World, folder: Path) -> list[Path]:
    """Documents and statuses in both directions; what lies in the stores of both gateways."""
    party, government = world.party, world.government
    ward = next(ward for ward in world.wards if ".UB." in ward)
    await party.submit(letter(world.sender, world.wards, await party.file("a.pdf", tiny_pdf())))
    await world.settle()
    (entry,) = (await government.queries.inbox(government.principal(ward), 0, 10)).entries
    await government.statuses.accept(government.principal(ward), entry.key, trace_id="1" * 32)
    reply = letter(ward, (world.sender,), await government.file("b.pdf", tiny_pdf("Tra loi")), number="25")
    await government.submit(reply)
    await world.settle()
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if b"<edXML" in path.read_bytes()[:200]]


@pytest.mark.parametrize("registered", [False, True], ids=["by the certificate", "by the registry"])
async def test_what_a_gateway_signs_for_a_body_is_that_body_s(world: World, tmp_path: Path, registered: bool) -> None:
    envelopes = await exchanged(world, tmp_path)
    node = world.party
    records = node.records
    assert isinstance(records, ExchangeRecords)
    examination = FileExamination(
        judge=node.desk.judge,
        records=ExchangeRecords(trust=records.trust, judge_all=True),
        clock=world.clock,
        snapshot=node.directory.current() if registered else None,
    )
    senders = set()
    for path in envelopes:
        report = await examination.examine(path)
        assert isinstance(report.envelope, SignatureVerdict)
        assert report.envelope.indication is Indication.TOTAL_PASSED, report.envelope.reason
        assert report.indication is Indication.TOTAL_PASSED
        assert report.speaker is not None
        assert report.speaker.standing is (Standing.REGISTRY if registered else Standing.CERTIFICATE)
        assert report.envelope.details.checks[-1].outcome is Outcome.MET
        whole = verification(report)
        assert not {one.code for one in limits_of(whole.files[0], whole.circumstances)} & {"sender", "sender_name"}
        senders.add(report.speaker.organ_id)
    assert world.sender in senders
    assert len(senders) >= 2, "both sides have written"
