"""In whose name an envelope speaks: not in another body's, and never unmarked where nobody can say."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.cli.verify_told import print_file
from gateway.core.directory import Body, BodyStatus, Snapshot
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.message import Message, Organ
from gateway.core.validation import Indication, Outcome, SignerIdentity, SignerKind, SubIndication
from gateway.crypto import InlineJudge
from gateway.edxml import assemble, write_skeleton
from gateway.evidence import (
    FileExamination,
    FileReport,
    NextStep,
    Result,
    Standing,
    Wording,
    limits_of,
    record_of,
    verified,
)
from gateway.evidence.speaker import NO_CODE, SENDER_CHECK, compared
from gateway.exchange import ExchangeRecords
from tests.kit.clock import ManualClock
from tests.kit.pki import MOMENT, Leaf, Pki
from tests.kit.verifications import FULL, UNDECIDED, report, signature, verification
from tests.unit.cli.schemas import check
from tests.unit.cli.world import printed, terminal
from tests.unit.crypto.envelopes import signed
from tests.unit.edxml.samples import DOCUMENT, SENDER, STATUS, attachment

PKI = Pki()
OWN = PKI.leaf("transport", organ_id=SENDER.organ_id)
OTHER = PKI.leaf("transport", organ_id="Z79.UB.26734")
NAMELESS = PKI.leaf("transport", organ_id="")
FILE = b"PK\x03\x04 a table"


def body(organ_id: str, *leaves: Leaf, name: str = "Văn phòng Thành ủy") -> Body:
    return Body(
        organ_id=OrganId(organ_id),
        name=name,
        in_charge="",
        gateway=GatewayId("g"),
        status=BodyStatus.ACTIVE,
        successor=None,
        transport_certificates=tuple(leaf.der for leaf in leaves),
        seal_certificates=(),
    )


def registry(*bodies: Body) -> Snapshot:
    named: Mapping[OrganId, Body] = {one.organ_id: one for one in bodies}
    return Snapshot(epoch=1, digest=Digest("0" * 64), issued_at=MOMENT, bodies=named, gateways={})


def envelope(leaf: Leaf, message: Message = DOCUMENT) -> bytes:
    if message is not DOCUMENT:
        return signed(write_skeleton(message, ()), leaf)
    file = attachment(1, FILE, name="bang.zip")
    return b"".join(assemble(signed(write_skeleton(message, (file,)), leaf), [(file, [FILE])]))


async def examined(folder: Path, data: bytes, snapshot: Snapshot | None = None) -> FileReport:
    path = folder / "goi-tin.edxml"
    path.write_bytes(data)
    records = ExchangeRecords(trust=PKI.trust, judge_all=True)
    examination = FileExamination(judge=InlineJudge(), records=records, clock=ManualClock(MOMENT), snapshot=snapshot)
    return await examination.examine(path)


def codes(report: FileReport) -> list[str]:
    whole = verification(report)
    return [limit.code for limit in limits_of(whole.files[0], whole.circumstances)]


@pytest.mark.parametrize("message", [DOCUMENT, STATUS], ids=["document", "status"])
async def test_nobody_speaks_in_another_body_s_name(tmp_path: Path, message: Message) -> None:
    liar = PKI.leaf("transport", organ_id="H29.7")
    report = await examined(tmp_path, envelope(liar, message))
    found = verified(report)
    assert (found.result, found.next_step) == (Result.UNDECIDED, NextStep.QUESTION)
    (one,) = found.signatures
    assert (one.verdict.indication, one.verdict.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    assert one.verdict.reason == f"signed by H29.7, in the name of {message.sender.organ_id}"
    *_, last = one.details.checks
    assert (last.duty, last.name, last.outcome) == (13, SENDER_CHECK, Outcome.UNDECIDED)
    assert one.integrity == "intact", "what was signed is there: it is only somebody else's"


async def test_whose_signature_and_in_whose_name_is_said_first_in_both_languages(tmp_path: Path) -> None:
    report = await examined(tmp_path, envelope(OTHER))
    expected = {
        "vi": "Gói tin đứng tên Z79.VPTU (Văn phòng Thành ủy), nhưng chữ ký là của Z79.UB.26734.",
        "en": "The envelope speaks in the name of Z79.VPTU (Văn phòng Thành ủy), but the signature is that of Z79.UB.26734.",
    }
    for language, said in expected.items():
        shown = terminal(language)
        print_file(shown, verified(report))
        assert printed(shown.out).splitlines()[1] == f"  ! {said}"
        paper = Wording(verification(report), language).paper()
        conclusion, signers = (repr(section.blocks) for section in paper.chapters[0].sections[:2])
        assert said in conclusion
        assert said in signers
    record = record_of(verification(report))
    check("verify", record)
    sender = record["files"][0]["envelope"]["sender"]
    assert (sender["standing"], sender["organ_id"], sender["signer"]) == ("other", "Z79.VPTU", "Z79.UB.26734")
    assert (sender["message_vi"], sender["message_en"]) == (expected["vi"], expected["en"])


@pytest.mark.parametrize("code", ["", "VATVN-0301234567", "MST:0301234567", "z79.vptu", "000.00.16.H29"])
async def test_a_certificate_without_a_code_is_not_passed_over_in_silence(tmp_path: Path, code: str) -> None:
    report = await examined(tmp_path, envelope(PKI.leaf("transport", organ_id=code)))
    found = verified(report)
    assert found.result is Result.PASSED, "the signature is good, and says so; the sender is a claim, and says so"
    *_, last = found.signatures[0].details.checks
    assert (last.name, last.outcome, last.detail) == (SENDER_CHECK, Outcome.NOT_MADE, NO_CODE)
    assert "sender" in codes(report)
    shown = terminal("en")
    print_file(shown, found)
    assert printed(shown.out).splitlines()[1].startswith("  ! The envelope speaks in the name of Z79.VPTU (")
    conclusion = repr(Wording(verification(report), "vi").paper().chapters[0].sections[0].blocks)
    assert "chứng thư số của người ký không ghi mã định danh điện tử" in conclusion
    check("verify", record_of(verification(report)))


@pytest.mark.parametrize("message", [DOCUMENT, STATUS], ids=["document", "status"])
async def test_a_body_s_own_envelope_passes_as_before(tmp_path: Path, message: Message) -> None:
    leaf = PKI.leaf("transport", organ_id=message.sender.organ_id)
    report = await examined(tmp_path, envelope(leaf, message))
    found = verified(report)
    assert (report.indication, found.result) == (Indication.TOTAL_PASSED, Result.PASSED)
    *_, last = found.signatures[0].details.checks
    assert (last.outcome, last.detail) == (Outcome.MET, "by the certificate")
    assert not {"sender", "sender_name"} & set(codes(report))
    shown = terminal("en")
    print_file(shown, found)
    assert f"Sent in the name of {message.sender.organ_id} (" in printed(shown.out)


@pytest.mark.parametrize(
    ("leaf", "bodies", "standing"),
    [
        (OTHER, [body("Z79.VPTU", OTHER)], Standing.REGISTRY),
        (NAMELESS, [body("Z79.VPTU", NAMELESS)], Standing.REGISTRY),
        (OTHER, [body("Z79.UB.1", OTHER), body("Z79.VPTU", OTHER)], Standing.REGISTRY),
        (OWN, [body("Z79.UB.1", OWN), body("Z79.VPTU")], Standing.OTHER),
        (NAMELESS, [body("Z79.UB.1", NAMELESS)], Standing.OTHER),
        (OWN, [body("Z79.VPTU")], Standing.CERTIFICATE),
        (OTHER, [body("Z79.VPTU")], Standing.OTHER),
        (NAMELESS, [body("Z79.VPTU")], Standing.NO_CODE),
    ],
)
async def test_where_a_registry_is_given_it_is_asked_before_the_certificate(
    tmp_path: Path, leaf: Leaf, bodies: list[Body], standing: Standing
) -> None:
    report = await examined(tmp_path, envelope(leaf), registry(*bodies))
    assert report.speaker is not None
    assert report.speaker.standing is standing
    assert (report.indication is Indication.TOTAL_PASSED) is (standing is not Standing.OTHER)


async def test_what_did_not_pass_is_compared_with_nobody(tmp_path: Path) -> None:
    """A code in a certificate that nobody vouches for says nothing."""
    stranger = Pki(name="Stranger").leaf("transport", organ_id=SENDER.organ_id)
    report = await examined(tmp_path, envelope(stranger))
    assert report.envelope is not None
    assert report.envelope.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert report.speaker is not None
    assert report.speaker.standing is Standing.UNJUDGED
    assert report.envelope.details.checks[-1].outcome is Outcome.NOT_MADE
    check("verify", record_of(verification(report)))


async def test_a_sender_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    report = await examined(
        tmp_path, envelope(OWN).replace(b"<AttachmentEncoded>", b"<AttachmentEncoded><Attachment/>")
    )
    assert report.trouble is not None
    assert report.envelope is not None
    assert report.speaker is not None
    assert report.speaker.standing is Standing.UNREAD
    assert "sender" in codes(report)
    shown = terminal("en")
    print_file(shown, verified(report))
    assert "In whose name the envelope speaks could not be read" in printed(shown.out)


@pytest.mark.parametrize(
    ("name", "organization", "told"),
    [
        ("Văn phòng  Thành ủy", "VĂN PHÒNG THÀNH ỦY", False),
        ("Văn phòng Chính phủ", "Văn phòng Thành ủy", True),
        ("", "Văn phòng Thành ủy", False),
        ("Văn phòng Chính phủ", "", False),
    ],
)
def test_a_name_that_is_not_the_signer_s_is_told_and_decides_nothing(name: str, organization: str, told: bool) -> None:
    identity = SignerIdentity(kind=SignerKind.BODY, name="x", organization=organization, organ_id="Z79.VPTU", title="")
    good = signature(details=replace(FULL, identity=identity))
    verdict, speaker = compared(good, Organ(organ_id=OrganId("Z79.VPTU"), name=name), None)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert speaker.standing is Standing.CERTIFICATE
    assert speaker.other_name is told
    whole = verification(report_of(verdict, speaker))
    assert ("sender_name" in [one.code for one in limits_of(whole.files[0], whole.circumstances)]) is told


def report_of(verdict: object, speaker: object) -> FileReport:
    return report(kind="edxml", envelope=verdict, speaker=speaker, indication=Indication.TOTAL_PASSED, parts=())


def test_what_was_undecided_before_keeps_its_reason() -> None:
    verdict, speaker = compared(UNDECIDED, SENDER, registry(body("Z79.UB.1", OWN)))
    assert (verdict.sub_indication, verdict.reason) == (UNDECIDED.sub_indication, UNDECIDED.reason)
    assert speaker.standing is Standing.UNJUDGED


def test_hostile_names_are_harmless_and_bounded() -> None:
    name = "a\x1b[2J\u202e" + "x" * 10_000
    good = signature(certificate=Digest(sha256(b"?").hexdigest()))
    verdict, speaker = compared(good, Organ(organ_id=OrganId("H29.7"), name=name), None)
    shown = terminal("en")
    print_file(shown, verified(report_of(verdict, speaker)))
    line = printed(shown.out).splitlines()[1]
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert len(line) < 500
    assert line.endswith("Z79.VPTU (Thành ủy Thành phố Hồ Chí Minh).")
