"""A file and the signature beside it: who signed, what it covers, and what is said when it is not this file's."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.directory import Body, BodyStatus
from gateway.core.errors import SenderError
from gateway.core.ids import GatewayId, OrganId
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import InlineJudge, certificate_digest
from gateway.evidence import DetachedExamination, signature_beside
from tests.kit.clock import ManualClock
from tests.kit.pki import MOMENT, Pki
from tests.kit.transport import make_snapshot
from tests.unit.crypto.detached import CONTENT, Recipe, signed

PKI = Pki()
GOOD = PKI.leaf("seal")


@pytest.fixture
def examination() -> DetachedExamination:
    return DetachedExamination(judge=InlineJudge(), trust=PKI.trust, clock=ManualClock(MOMENT))


def laid(folder: Path, signature: bytes, content: bytes = CONTENT, name: str = "Phụ lục.xlsx") -> Path:
    path = folder / name
    path.write_bytes(content)
    path.with_name(path.name + ".p7s").write_bytes(signature)
    return path


async def test_a_good_pair(tmp_path: Path, examination: DetachedExamination) -> None:
    path = laid(tmp_path, signed(GOOD))
    report = await examination.examine(path, signature_beside(path))
    assert (report.name, report.size, report.kind) == ("Phụ lục.xlsx", len(CONTENT), "other")
    assert report.digest == hashlib.sha256(CONTENT).hexdigest()
    assert report.examined_at == MOMENT
    assert report.indication is Indication.TOTAL_PASSED
    (part,) = report.parts
    assert [one.certificate for one in part.verdict.signatures] == [certificate_digest(GOOD.der)]


async def test_another_file_is_not_the_one_that_was_signed(tmp_path: Path, examination: DetachedExamination) -> None:
    path = laid(tmp_path, signed(GOOD), CONTENT + b"\n")
    report = await examination.examine(path, signature_beside(path))
    assert report.indication is Indication.TOTAL_FAILED
    assert report.parts[0].verdict.sub_indication is SubIndication.HASH_FAILURE


async def test_a_signature_by_another_digest_is_hashed_for_it(tmp_path: Path, examination: DetachedExamination) -> None:
    path = laid(tmp_path, Recipe(leaf=GOOD, digest="sha512").cms())
    report = await examination.examine(path, signature_beside(path))
    assert report.indication is Indication.TOTAL_PASSED
    assert report.digest == hashlib.sha256(CONTENT).hexdigest()


async def test_a_signature_that_holds_its_content_is_examined_alone(
    tmp_path: Path, examination: DetachedExamination
) -> None:
    path = tmp_path / "minutes.p7m"
    path.write_bytes(Recipe(leaf=GOOD).cms(inside=CONTENT))
    report = await examination.examine(path, None)
    assert report.indication is Indication.TOTAL_PASSED
    assert report.parts[0].verdict.signatures[0].covers == "content inside"
    path.write_bytes(signed(GOOD))
    report = await examination.examine(path, None)
    assert report.parts[0].verdict.sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND


async def test_the_registry_names_the_body(tmp_path: Path) -> None:
    body = Body(
        organ_id=OrganId("H29.16"),
        name="Office",
        in_charge="",
        gateway=GatewayId("party.example"),
        status=BodyStatus.ACTIVE,
        successor=None,
        transport_certificates=(),
        seal_certificates=(certificate_digest(GOOD.der),),
    )
    snapshot = replace(make_snapshot({}), bodies={body.organ_id: body})
    knowing = DetachedExamination(judge=InlineJudge(), trust=PKI.trust, clock=ManualClock(MOMENT), snapshot=snapshot)
    path = laid(tmp_path, signed(GOOD))
    report = await knowing.examine(path, signature_beside(path))
    assert report.signers == ((certificate_digest(GOOD.der), OrganId("H29.16")),)


async def test_rubbish_beside_a_file_is_undecided(tmp_path: Path, examination: DetachedExamination) -> None:
    path = laid(tmp_path, b"no signature")
    report = await examination.examine(path, signature_beside(path))
    assert report.indication is Indication.INDETERMINATE
    path.with_name(path.name + ".p7s").write_bytes(b"")
    with pytest.raises(SenderError) as caught:
        await examination.examine(path, signature_beside(path))
    assert caught.value.code == "file.empty"


def test_only_a_file_of_that_name_lies_beside(tmp_path: Path) -> None:
    path = laid(tmp_path, signed(GOOD), name="a.docx")
    assert signature_beside(path) == tmp_path / "a.docx.p7s"
    assert signature_beside(tmp_path / "b.docx") is None
    (tmp_path / "c.docx.p7s").mkdir()
    assert signature_beside(tmp_path / "c.docx") is None
