"""Verdicts on files: the printed forms over reports, and whole runs with a judge process."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.verify_told import print_file
from gateway.core.errors import GatewayError, SenderError, SiteError
from gateway.core.findings import Finding, Severity
from gateway.core.ids import Digest, OrganId
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import FileVerdict, SignatureVerdict
from gateway.crypto import JudgePool
from gateway.edxml import assemble, write_skeleton
from gateway.evidence import ExaminedPart, FileReport, Result, record_of, verified
from tests.kit import tasks
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import Pki
from tests.kit.verifications import verification
from tests.unit.cli.schemas import check
from tests.unit.cli.world import printed, stdin, terminal
from tests.unit.crypto.envelopes import signed
from tests.unit.crypto.sealing import sealed
from tests.unit.edxml.samples import DOCUMENT, SENDER, attachment

NOW = datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)
CERTIFICATE = Digest("ab" * 32)


def signature(indication: Indication) -> SignatureVerdict:
    passed = indication is Indication.TOTAL_PASSED
    return SignatureVerdict(
        indication=indication,
        sub_indication=None if passed else SubIndication.HASH_FAILURE,
        reason="trusted" if passed else "the bytes are not the signed ones",
        certificate=CERTIFICATE,
        signer="Văn phòng\x1b[2J Thành ủy",
        claimed_time=NOW,
        covers="whole file",
    )


def report(*signatures: SignatureVerdict, indication: Indication | None) -> FileReport:
    verdict = FileVerdict(
        media_type="application/pdf", indication=indication, sub_indication=None, signatures=signatures, reason=""
    )
    return FileReport(
        name="công\nvăn.pdf",
        size=12,
        digest=Digest("cd" * 32),
        examined_at=NOW,
        judged_at=NOW,
        kind="pdf",
        indication=indication,
        envelope=None,
        parts=(ExaminedPart(name="công\nvăn.pdf", verdict=verdict),),
        signers=((CERTIFICATE, OrganId("Z79.VPTU")),),
    )


def exit_of(found: FileReport) -> int:
    """0 only when every signature passed."""
    return 0 if verification(found).result is Result.PASSED else 4


def report_json(found: FileReport) -> dict[str, Any]:
    (members,) = record_of(verification(found))["files"]
    assert isinstance(members, dict)
    return members


@pytest.mark.parametrize(
    ("indication", "code", "verdict", "mark"),
    [
        (Indication.TOTAL_PASSED, 0, "Chữ ký hợp lệ", "✔"),
        (Indication.INDETERMINATE, 4, "Chưa đủ căn cứ kết luận", "!"),
        (Indication.TOTAL_FAILED, 4, "Chữ ký KHÔNG hợp lệ", "✘"),
    ],
)
def test_the_verdict_comes_first_and_the_next_step_last(
    indication: Indication, code: int, verdict: str, mark: str
) -> None:
    shown, found = terminal(), report(signature(indication), indication=indication)
    print_file(shown, verified(found))
    lines = printed(shown.out).splitlines()
    assert lines[0] == f"{mark} {verdict}: công[U+000A]văn.pdf"
    assert lines[1] == f"  {verdict}. Người ký: Văn phòng[U+001B][2J Thành ủy (Z79.VPTU)"
    assert "21/11/2026 13:05:09 +07:00" in lines[2]
    assert lines[-1].startswith("  Cần làm gì tiếp:")
    assert any("HASH_FAILURE" in line for line in lines) == (indication is not Indication.TOTAL_PASSED)
    assert exit_of(found) == code


@pytest.mark.parametrize(("language", "size"), [("vi", "60.673 byte"), ("en", "60,673 bytes")])
def test_a_size_is_written_as_the_language_writes_numbers(language: str, size: str) -> None:
    shown = terminal(language)
    print_file(shown, verified(replace(report(indication=None), size=60_673)))
    assert f"· {size} · 21/11/2026 13:05:09 +07:00" in printed(shown.out)


def test_a_file_without_a_signature() -> None:
    shown, found = terminal(), report(indication=None)
    print_file(shown, verified(found))
    assert printed(shown.out).startswith("? Không có chữ ký số")
    assert exit_of(found) == 4
    assert report_json(found)["indication"] is None


def test_an_envelope_nobody_signed_is_unsigned_however_good_its_files_are() -> None:
    found = replace(
        report(signature(Indication.TOTAL_PASSED), indication=Indication.TOTAL_PASSED), kind="edxml", envelope=None
    )
    assert exit_of(found) == 4
    assert exit_of(replace(found, envelope=signature(Indication.TOTAL_PASSED))) == 0
    assert exit_of(replace(found, indication=Indication.TOTAL_FAILED)) == 4


def test_the_report_for_programs() -> None:
    members = json.loads(
        json.dumps(report_json(report(signature(Indication.INDETERMINATE), indication=Indication.INDETERMINATE)))
    )
    assert members["indication"] == "INDETERMINATE"
    (one,) = members["parts"][0]["signatures"]
    expected = {
        "indication": "INDETERMINATE",
        "sub_indication": "HASH_FAILURE",
        "reason": "the bytes are not the signed ones",
        "signer": "Văn phòng\x1b[2J Thành ủy",
        "organ": "Z79.VPTU",
        "certificate_sha256": CERTIFICATE,
        "claimed_time": "2026-11-21T06:05:09.000Z",
        "covers": "whole file",
    }
    assert {name: one[name] for name in expected} == expected, "what was there stays as it was"


def test_a_file_that_was_not_examined_is_not_called_unsigned() -> None:
    """A trial: the files of a spoiled envelope were listed as bearing no signature, and nobody had looked."""
    inside = FileVerdict(
        media_type="application/pdf",
        indication=Indication.INDETERMINATE,
        sub_indication=None,
        signatures=(),
        reason="not judged",
    )
    shown = terminal("en")
    failed = replace(
        report(indication=Indication.TOTAL_FAILED),
        kind="edxml",
        envelope=signature(Indication.TOTAL_FAILED),
        parts=(ExaminedPart(name="a.pdf", verdict=inside),),
    )
    print_file(shown, verified(failed))
    assert "  a.pdf: Not examined" in printed(shown.out).splitlines()


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("code", ["envelope.attachments", "envelope.malformed"])
def test_an_envelope_that_cannot_be_read_gets_the_block_of_any_other(language: str, code: str) -> None:
    trouble = SenderError(code, reason="digest")
    changed = code == "envelope.attachments"
    shown, found = (
        terminal(language),
        replace(
            report(indication=Indication.TOTAL_FAILED if changed else Indication.INDETERMINATE),
            kind="edxml",
            envelope=signature(Indication.TOTAL_PASSED) if changed else None,
            parts=(),
            trouble=trouble,
        ),
    )
    print_file(shown, verified(found))
    first, *_, last = printed(shown.out).splitlines()
    assert first.startswith("✘ " if changed else "! ")
    assert "công[U+000A]văn.pdf" in first
    assert last.startswith("  Cần làm gì tiếp:" if language == "vi" else "  What to do next:")
    assert "digest" not in printed(shown.out)
    assert ("Văn phòng" in printed(shown.out)) == changed
    assert exit_of(found) == 4
    members = report_json(found)
    assert members["error"]["code"] == code
    assert members["indication"] == ("TOTAL-FAILED" if changed else "INDETERMINATE")
    assert not members["error"]["todo_en"].startswith("The sending body")
    check("verify", record_of(verification(found)))


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_repaired_envelope_says_that_nobody_judged_its_signature(language: str) -> None:
    findings = (
        Finding(code="null", path="MessageHeader/To/Email", severity=Severity.NOTE, params={}),
        Finding(code="xml.junk", path="", severity=Severity.REPAIRED, params={}),
        Finding(code="attachment.digest", path="Attachment[2]", severity=Severity.ERROR, params={"position": 2}),
    )
    found = replace(
        report(signature(Indication.TOTAL_PASSED), indication=Indication.INDETERMINATE),
        kind="edxml",
        bound=False,
        repaired=True,
        findings=findings,
    )
    shown = terminal(language)
    print_file(shown, verified(found))
    first, said, file, *rest = printed(shown.out).splitlines()
    verdict, todo = {
        "vi": ("Chưa đủ căn cứ kết luận", "  Cần làm gì tiếp: chưa sử dụng; đề nghị nơi đã chuyển"),
        "en": ("Not enough evidence", "  What to do next: do not use it yet; ask whoever passed"),
    }[language]
    assert first.startswith(f"! {verdict}: ")
    assert said == "  " + terminal(language).text("cli.verify.repaired")
    assert file.startswith("  công[U+000A]văn.pdf: "), "the file's own signature is told with the file"
    marks = [line for line in rest if line.endswith("]")]
    assert [line[:4] for line in marks] == ["  ✘ ", "  ! "], "the worst first; notes on demand"
    assert marks[0].startswith("  ✘ Attachment[2]: ")
    assert rest[-1].startswith(todo)
    assert exit_of(found) == 4
    check("verify", record_of(verification(found)))
    assert report_json(found)["envelope"] is None
    assert [one["code"] for one in report_json(found)["findings"]] == ["null", "xml.junk", "attachment.digest"]


def test_a_repaired_envelope_of_unsigned_files_was_looked_at() -> None:
    """It is not one of those that could not be examined."""
    found = replace(report(indication=Indication.INDETERMINATE), kind="edxml", repaired=True)
    shown = terminal("en")
    print_file(shown, verified(found))
    assert printed(shown.out).startswith("! Not enough evidence: ")
    assert terminal("en").text("cli.verify.todo.repaired") in printed(shown.out)


# --- whole runs


@pytest.mark.slow
def test_a_real_envelope_behind_junk_is_told_and_not_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed by a body whose authority is trusted, and its file sealed: valid as it is, undecided once it was repaired."""
    pki = Pki(now=datetime.now(UTC))
    trust = pki.write_trust(tmp_path / "trust")
    seal = sealed(tiny_pdf(), pki.leaf("seal", common_name="Văn phòng Thành ủy"))
    letter = attachment(1, seal, name="cong-van.pdf")
    skeleton = signed(
        write_skeleton(DOCUMENT, (letter,)), pki.leaf("transport", organ_id=SENDER.organ_id), moment=pki.now
    )
    data = b"".join(assemble(skeleton, [(letter, [seal])]))
    good, junk = tmp_path / "good.edxml", tmp_path / "junk.edxml"
    good.write_bytes(data)
    junk.write_bytes(b"1212" + data)
    assert main(["verify", str(good), "--trust", str(trust)]) == 0
    assert capsys.readouterr().out.startswith("✔ ")
    assert main(["verify", str(junk), "--trust", str(trust)]) == 4
    out = capsys.readouterr().out
    assert out.startswith("! Chưa đủ căn cứ kết luận: junk.edxml\n  Gói tin: tệp phải sửa mới đọc được")
    assert "cong-van.pdf: Chữ ký hợp lệ. Người ký: Văn phòng Thành ủy" in out
    assert "[xml.junk]" in out
    assert main(["verify", str(junk), "--trust", str(trust), "--json"]) == 4
    members = json.loads(capsys.readouterr().out)
    check("verify", members)
    (found,) = members["files"]
    assert (found["indication"], found["envelope"], found["repaired"]) == ("INDETERMINATE", None, True)
    assert [one["code"] for one in found["findings"] if one["severity"] != "note"] == ["xml.junk"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [SenderError("worker.killed", bound="cpu"), SiteError("worker.died", kind="judge")],
    ids=lambda one: one.code,
)
def test_a_file_that_costs_its_judge_costs_no_other_file(
    error: GatewayError, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found: a judge that died of something else than its bounds ended the whole run, and the files after it had no verdict."""
    pki = Pki(now=datetime.now(UTC))
    trust = pki.write_trust(tmp_path / "trust")
    for name in ("killer.pdf", "good.pdf"):
        (tmp_path / name).write_bytes(sealed(tiny_pdf(), pki.leaf("seal")))
    run = JudgePool.run

    async def dies(self: JudgePool, task: Callable[..., object], *args: object, **named: object) -> object:
        if any("killer" in str(one) for one in args):
            raise error
        return await run(self, task, *args, **named)

    monkeypatch.setattr(JudgePool, "run", dies)
    names = [str(tmp_path / name) for name in ("killer.pdf", "good.pdf")]
    assert main(["verify", *names, "--trust", str(trust), "--json"]) == 4
    failed, passed = json.loads(capsys.readouterr().out)["files"]
    assert (failed["result"], failed["error"]["code"]) == ("unexamined", error.code)
    assert passed["result"] == "passed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "bound"),
    [(tasks.crash, "crash"), (tasks.eat_memory, "memory"), (tasks.spin_with_little_cpu, "cpu")],
    ids=["crash", "memory", "cpu"],
)
def test_a_judge_that_really_dies_leaves_a_verdict_that_says_so(
    task: Callable[[], object],
    bound: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Found: such a file had an error and no indication, as if the standard had no word for it (EN 319 102-1 clause 5.1.3)."""
    pki = Pki(now=datetime.now(UTC))
    trust = pki.write_trust(tmp_path / "trust")
    for name in ("killer.pdf", "good.pdf"):
        (tmp_path / name).write_bytes(sealed(tiny_pdf(), pki.leaf("seal")))
    run = JudgePool.run

    async def hit(self: JudgePool, wanted: Callable[..., object], *args: object, **named: object) -> object:
        """The judge's process dies of what it was given, as of a file that makes it do so."""
        if any("killer" in str(one) for one in args):
            return await run(self, task)
        return await run(self, wanted, *args, **named)

    monkeypatch.setattr(JudgePool, "run", hit)
    names = [str(tmp_path / name) for name in ("killer.pdf", "good.pdf")]
    assert main(["verify", *names, "--trust", str(trust), "--json"]) == 4
    members = json.loads(capsys.readouterr().out)
    check("verify", members)
    killed, good = members["files"]
    assert (killed["result"], killed["indication"], killed["sub_indication"]) == ("unexamined", "INDETERMINATE", None)
    assert (killed["error"]["code"], killed["error"]["detail"]) == ("worker.killed", f"worker.killed · bound={bound}")
    assert (good["result"], good["indication"]) == ("passed", "TOTAL-PASSED")


@pytest.mark.slow
def test_files_of_every_kind_in_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pki = Pki(now=datetime.now(UTC))
    trust = pki.write_trust(tmp_path / "trust")
    good = sealed(tiny_pdf(), pki.leaf("seal", common_name="Văn phòng Thành ủy"))
    files = {
        "good.pdf": good,
        "changed.pdf": good.replace(b"Van ban", b"Van bam", 1),
        "unsigned.pdf": tiny_pdf(),
        "garbage.xml": b"<edXML",
        "empty.pdf": b"",
        "broken.pdf": good[: len(good) // 2],
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    def verify(*names: str, more: tuple[str, ...] = ()) -> tuple[int, str, str]:
        code = main(["verify", *(str(tmp_path / name) for name in names), "--trust", str(trust), *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    code, out, err = verify(*files)
    assert code == 4
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [
        "✔ Chữ ký hợp lệ: good.pdf",
        "✘ Chữ ký KHÔNG hợp lệ: changed.pdf",
        "? Không có chữ ký số: unsigned.pdf",
        "! Không kiểm tra được: garbage.xml",
        "! Không kiểm tra được: empty.pdf",
        "! Không kiểm tra được: broken.pdf",
        "✘ 6 tệp: 1 hợp lệ, 0 chưa đủ căn cứ kết luận, 1 KHÔNG hợp lệ, 1 không có chữ ký số, 3 không kiểm tra được",
    ]
    assert (err, out.count("Cần làm gì tiếp:")) == ("", len(files))
    assert "Lý do: nội dung đã bị thay đổi sau khi ký (HASH_FAILURE)" in out
    assert "the file was changed" not in out  # the judge's own words are English, and for engineers
    assert "Chi tiết kỹ thuật" in verify("changed.pdf", more=("--verbose",))[1]

    code, out, _ = verify("good.pdf", more=("--json",))
    assert (code, json.loads(out)["files"][0]["indication"]) == (0, "TOTAL-PASSED")
    code, out, err = verify("empty.pdf", "good.pdf", more=("--json",))
    failed, passed = json.loads(out)["files"]
    assert (code, passed["indication"], err.count("Cần làm:")) == (4, "TOTAL-PASSED", 1)
    assert (failed["name"], failed["error"]["code"]) == ("empty.pdf", "file.empty")
    assert "empty.pdf" in failed["error"]["what_vi"]
    assert all(failed["error"][name] for name in ("what_en", "todo_vi", "todo_en"))
    check("verify", json.loads(out))
    assert verify("good.pdf", "unsigned.pdf")[0] == 4
    stdin(monkeypatch, good)
    assert main(["verify", "-", "--trust", str(trust)]) == 0
    assert capsys.readouterr().out.startswith("✔ Chữ ký hợp lệ: stdin\n")


def test_what_must_be_there(tmp_path: Path) -> None:
    trust = Pki(now=datetime.now(UTC)).write_trust(tmp_path / "trust")
    (tmp_path / "a.pdf").write_bytes(tiny_pdf())
    line = ["verify", str(tmp_path / "a.pdf"), "--trust"]
    assert main(["verify", "/no/such.pdf", "--trust", str(trust)]) == 3
    assert main([*line, str(tmp_path)]) == 8
    assert main([*line, str(trust), "--registry", str(tmp_path / "a.pdf")]) == 2
    assert main([*line, str(trust), "--sha256", "ab" * 32]) == 2
    assert main([*line, str(trust), "--registry", str(tmp_path / "a.pdf"), "--sha256", "ab" * 32]) == 8


def test_the_advice_is_about_what_was_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trust = Pki(now=datetime.now(UTC)).write_trust(tmp_path / "trust")
    demo = tmp_path / "demo"
    (demo / "anchors").mkdir(parents=True)
    (demo / "anchors" / "root.cer").write_bytes(Pki(now=datetime.now(UTC)).leaf("demo").der)
    letter = tmp_path / "a.pdf"
    letter.write_bytes(tiny_pdf())

    def verify(*more: str, code: int) -> str:
        assert main(["verify", str(letter), *more]) == code
        said = capsys.readouterr().err
        assert "khởi động lại" not in said
        return said

    assert "--trust" in verify("--trust", "/nope", code=8)
    assert "--environment demo" in verify("--trust", str(demo), code=8)
    registry = ("--trust", str(trust), "--registry", str(letter))
    assert "64 chữ số" in verify(*registry, "--sha256", "00", code=2)
    assert "--registry và --sha256" in verify(*registry, code=2)
    assert "--sha256" in verify(*registry, "--sha256", "ab" * 32, code=8)
    missing = ("--trust", str(trust), "--registry", str(tmp_path / "none"), "--sha256", "ab" * 32)
    assert "--registry" in verify(*missing, code=8)
    assert f"{tmp_path} là thư mục" in verify(str(tmp_path), "--trust", str(trust), code=2)
