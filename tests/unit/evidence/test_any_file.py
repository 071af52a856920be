"""Which signatures a file is judged by: those in it, the one beside it, or both."""

import shutil
from pathlib import Path

import pytest

from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.validation import Indication
from gateway.crypto import InlineJudge
from gateway.evidence import AnyFileExamination, DetachedExamination, FileExamination, Result, verified
from gateway.exchange import ExchangeRecords
from tests.kit.clock import ManualClock
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.detached import CONTENT, signed
from tests.unit.crypto.sealing import sealed

PKI = Pki()
GOOD = PKI.leaf("seal")
PASSED, FAILED = Indication.TOTAL_PASSED, Indication.TOTAL_FAILED


@pytest.fixture
def examination() -> AnyFileExamination:
    judge, clock = InlineJudge(), ManualClock(MOMENT)
    records = ExchangeRecords(trust=PKI.trust, judge_all=True)
    return AnyFileExamination(
        inside=FileExamination(judge=judge, records=records, clock=clock),
        beside=DetachedExamination(judge=judge, trust=PKI.trust, clock=clock),
    )


def laid(folder: Path, name: str, data: bytes, signature: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes(data)
    if signature is not None:
        path.with_name(f"{name}.p7s").write_bytes(signature)
    return path


async def test_a_file_of_any_kind_by_the_signature_beside_it(tmp_path: Path, examination: AnyFileExamination) -> None:
    path = laid(tmp_path, "Phụ lục.xlsx", CONTENT, signed(GOOD))
    found = verified(await examination.examine(path))
    assert (found.result, len(found.signatures)) == (Result.PASSED, 1)
    beside = path.with_name("Phụ lục.xlsx.p7s")
    assert (await examination.examine(beside)).name == "Phụ lục.xlsx", "whoever names the signature means the file"
    away = tmp_path / "away.bin"
    shutil.move(beside, away)
    assert verified(await examination.examine(path)).result is Result.UNSIGNED
    assert verified(await examination.examine(path, away)).result is Result.PASSED


async def test_a_signature_of_another_file_fails(tmp_path: Path, examination: AnyFileExamination) -> None:
    path = laid(tmp_path, "a.xlsx", CONTENT + b"\n", signed(GOOD))
    assert verified(await examination.examine(path)).result is Result.FAILED


async def test_a_signature_alone_is_of_nothing_that_is_there(tmp_path: Path, examination: AnyFileExamination) -> None:
    path = laid(tmp_path, "a.xlsx.p7s", signed(GOOD))
    assert verified(await examination.examine(path)).result is not Result.PASSED


async def test_a_pdf_is_judged_by_both(tmp_path: Path, examination: AnyFileExamination) -> None:
    """The worst of them decides: neither hides the other."""
    pdf = sealed(tiny_pdf(), GOOD)
    both = await examination.examine(laid(tmp_path, "both.pdf", pdf, signed(GOOD, pdf)))
    assert (both.kind, both.indication, len(verified(both).signatures)) == ("pdf", PASSED, 2)
    other = await examination.examine(laid(tmp_path, "other.pdf", pdf, signed(GOOD, pdf + b"\n")))
    assert other.indication is FAILED
    broken = pdf.replace(b"Van ban", b"Van bam", 1)
    inside = await examination.examine(laid(tmp_path, "inside.pdf", broken, signed(GOOD, broken)))
    assert inside.indication is FAILED
    plain = await examination.examine(laid(tmp_path, "plain.pdf", tiny_pdf(), signed(GOOD, tiny_pdf())))
    assert plain.indication is PASSED


async def test_a_file_too_large_to_be_looked_into_is_judged_from_beside(
    tmp_path: Path, examination: AnyFileExamination
) -> None:
    data = bytes(ENVELOPE_BYTES_MAX + 1)
    path = laid(tmp_path, "disk.img", data, signed(GOOD, data))
    assert (await examination.examine(path)).indication is PASSED


async def test_an_envelope_is_judged_by_its_own_signature_only(tmp_path: Path, examination: AnyFileExamination) -> None:
    data = b"<edXML/>"
    report = await examination.examine(laid(tmp_path, "a.edxml", data, signed(GOOD, data)))
    assert (report.kind, report.indication) == ("edxml", Indication.INDETERMINATE)
