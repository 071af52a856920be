"""`gateway edxml inspect`, `validate`, `schema`: what a file says, what was noticed, what is to be done."""

import json
import re
from pathlib import Path

import pytest
from lxml import etree

from gateway.cli import main
from gateway.cli.edxml.stores import Glance
from gateway.edxml import SIGNATURES_MAX, signatures_of
from gateway.safe_xml import parse_foreign
from tests.unit.cli.envelopes import PDF, Capture, changed, packed, told, written
from tests.unit.cli.everything import terminal_of
from tests.unit.cli.test_edxml_unpack import damaged, wrapped
from tests.unit.cli.world import stdin

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = '<q:QualifyingProperties xmlns:q="http://uri.etsi.org/01903/v1.3.2#"/>'


def test_a_clear_table(tmp_path: Path, capsys: Capture) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "công văn.pdf", PDF))
    assert main(["edxml", "inspect", str(path), "--lang", "vi"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0] == "a.edxml: Văn bản"
    for line in (
        "  Cơ quan gửi: Z79.VPTU — Văn phòng Thành ủy",
        "  Nơi nhận: Z79.UB.25747; Z79.DU.25747",
        "  Mã văn bản (DocumentId): Z79.VPTU,2026/11/20,12/CV/VPTU",
        "  Số, ký hiệu: 12-CV/VPTU",
        "  Ngày ban hành: 20/11/2026",
        "  Trích yếu: Về việc họp giao ban",
        "  Nghiệp vụ: Văn bản mới",
        "  Thời điểm tạo: 20/11/2026 08:30:00",
        "  Chữ ký của gói tin: Không có chữ ký số",
        "Không có gì bất thường.",
    ):
        assert line in lines
    row = next(line for line in lines if line.startswith("1\t")).split("\t")
    assert row[1:6] == ["công văn.pdf", "19", "application/pdf", "application/pdf", "có"]
    assert re.fullmatch("[0-9a-f]{64}", row[6])


def test_many_recipients_are_counted(tmp_path: Path, capsys: Capture) -> None:
    codes = [f"Z79.UB.{number}" for number in range(9)]
    form = f"recipients = {json.dumps(codes)}\nsender = 'Z79'\ncode = {{number='1', notation='CV'}}\n"
    path = packed(tmp_path, capsys, meta=f"{form}promulgation_date = 2026-11-20\nsubject = 'x'\n")
    assert main(["edxml", "inspect", str(path), "--lang", "en"]) == 0
    assert "Z79.UB.4; and 4 more\n" in capsys.readouterr().out
    assert len(told(capsys, "edxml", "inspect", path)["message"]["recipients"]) == 9


@pytest.mark.parametrize("kind", ["revoke", "update", "replace", "status"])
def test_what_it_does_to_another_document(kind: str, tmp_path: Path, capsys: Capture) -> None:
    main(["edxml", "pack", "--template", "--kind", kind])
    path = packed(tmp_path, capsys, meta=capsys.readouterr().out)
    assert main(["edxml", "inspect", str(path), "--lang", "en"]) == 0
    said = capsys.readouterr().out
    wanted = {
        "revoke": ["Business: Revokes a document", "Reason: Ban hành nhầm", "11-CV/VPTU · 19/11/2026 · Z79.VPTU"],
        "update": ["Document that is updated: Z79.VPTU,2026/11/19,11/CV/VPTU", "Recipient added: Z79.DU.25747"],
        "replace": ["Replaces document: Z79.VPTU,2026/11/19,11/CV/VPTU"],
        "status": ["Status: 03 Accepted by the recipient", "To: Z79.UBND", "Whom to ask: Nguyễn Thị B"],
    }
    for line in wanted[kind]:
        assert line in said


def test_errors_end_with_4_and_say_where_what_and_what_to_do(tmp_path: Path, capsys: Capture) -> None:
    path = damaged(tmp_path, capsys)
    report = told(capsys, "edxml", "inspect", path, code=4)
    assert report["sound"] is False
    (finding,) = [one for one in report["findings"] if one["severity"] == "error"]
    assert (finding["code"], finding["path"]) == ("attachment.digest", "Attachment[1]")
    assert all(finding[name] for name in ("message_vi", "message_en", "todo_vi", "todo_en"))
    assert main(["edxml", "inspect", str(path), "--lang", "vi"]) == 4
    said = capsys.readouterr().out
    assert f"✘ Attachment[1]: {finding['message_vi']} [attachment.digest]" in said
    assert f"Cần làm: {finding['todo_vi']}" in said


def test_the_worst_comes_first_and_each_kind_has_its_remedy_once(tmp_path: Path, capsys: Capture) -> None:
    path = damaged(tmp_path, capsys)
    changed(path, (b"<?xml", b"1212<?xml"), (b"<edXML:Subject>", b"<edXML:X/><edXML:Y/><edXML:Subject>"))
    assert main(["edxml", "inspect", str(path), "--lang", "en"]) == 4
    said = capsys.readouterr().out
    marks = re.findall(r"^  ([✘!·]) ", said, re.MULTILINE)
    assert marks == ["✘", "!", "·", "·"]
    assert said.count("To do:") == 3


def test_a_wrapped_file_shows_both_digests(tmp_path: Path, capsys: Capture) -> None:
    path = wrapped(tmp_path, capsys)
    (one,) = told(capsys, "edxml", "inspect", path)["attachments"]
    assert (one["wrapped"], one["size"], one["media_type"]) == (True, 10, "text/plain")
    assert one["carried"]["sha256"] != one["sha256"]
    assert main(["edxml", "inspect", str(path)]) == 0
    said = capsys.readouterr().out
    assert one["sha256"] in said
    assert one["carried"]["sha256"] in said


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    stdin(monkeypatch, packed(tmp_path, capsys).read_bytes())
    assert told(capsys, "edxml", "inspect", "-")["file"] == "-"


@pytest.mark.parametrize(("content", "code"), [(b"", 4), (b"no xml", 4), (b"<!DOCTYPE x><x/>", 4)])
@pytest.mark.parametrize("command", ["inspect", "validate"])
def test_what_is_no_xml_is_told_as_an_error(
    command: str, content: bytes, code: int, tmp_path: Path, capsys: Capture
) -> None:
    path = written(tmp_path, "a.edxml", content)
    assert told(capsys, "edxml", command, path, code=code)["error"]["code"] == "cli.edxml.not_edxml"


def test_any_xml_is_told_as_what_it_is_not(tmp_path: Path, capsys: Capture) -> None:
    report = told(capsys, "edxml", "inspect", written(tmp_path, "a.xml", b"<x/>"), code=4)
    assert "missing" in {one["code"] for one in report["findings"]}


# --- signatures are seen, not judged -------------------------------------------------------------------------------------


def signed(folder: Path, capsys: Capture, signature: bytes) -> Path:
    path = packed(folder, capsys)
    return changed(path, (b"</edXML:edXMLHeader>", signature + b"</edXML:edXMLHeader>"))


@pytest.mark.parametrize(
    ("signature", "form", "references"),
    [
        (
            f'<s:Signature xmlns:s="{DS}"><s:Reference URI="#header"/>{XADES}</s:Signature>',
            "xades",
            ["#header"],
        ),
        (f'<Signature xmlns="{DS}"><SignedInfo><Reference URI=""/></SignedInfo></Signature>', "xmldsig", [""]),
        ('<Signature><SignedInfo><Reference URI="cid:1"/></SignedInfo></Signature>', "foreign", ["cid:1"]),
        ("<edXML:DigitalSignature/>", "empty", []),
    ],
)
def test_the_form_of_a_signature(
    signature: str, form: str, references: list[str], tmp_path: Path, capsys: Capture
) -> None:
    path = signed(tmp_path, capsys, signature.encode())
    report = told(capsys, "edxml", "inspect", path)
    assert report["signatures"] == [{"form": form, "references": references}]
    assert main(["edxml", "inspect", str(path), "--lang", "vi"]) == 0
    assert "gateway verify kiểm tra chữ ký" in capsys.readouterr().out


def test_a_signature_in_a_signature_is_one() -> None:
    root, _ = parse_foreign(f'<a xmlns="{DS}"><Signature><b/><Signature><c/></Signature></Signature></a>'.encode())
    assert len(signatures_of(root)) == 1


# --- against the regulation and a schema ---------------------------------------------------------------------------------


def test_what_pack_makes_is_valid_by_both_schemas(tmp_path: Path, capsys: Capture) -> None:
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF))
    for schema in ("strict", "lax"):
        assert told(capsys, "edxml", "validate", path, "--schema", schema) == {
            "file": str(path),
            "schema": schema,
            "valid": True,
            "findings": [],
            "schema_faults": [],
        }
    assert main(["edxml", "validate", str(path), "--lang", "vi"]) == 0
    assert capsys.readouterr().out == "a.edxml: Đạt quy chuẩn và lược đồ strict.\n"


def test_findings_and_faults_are_told_together(tmp_path: Path, capsys: Capture) -> None:
    path = changed(packed(tmp_path, capsys), (b"<edXML:Subject>", b"<edXML:Unheard/><edXML:Subject>"))
    report = told(capsys, "edxml", "validate", path, code=1)
    assert [one["code"] for one in report["findings"]] == ["unknown"]
    assert report["schema_faults"][0]["line"] > 1
    assert "Unheard" in report["schema_faults"][0]["text"]
    assert main(["edxml", "validate", str(path), "--lang", "vi"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("a.edxml: KHÔNG đạt")
    assert f"Lược đồ (dòng {report['schema_faults'][0]['line']}):" in said


def test_a_note_counts_by_the_strict_measure_only(tmp_path: Path, capsys: Capture) -> None:
    """Another system's file, of which there is one way to read it."""
    path = wrapped(tmp_path, capsys)
    strict = told(capsys, "edxml", "validate", path, code=1)
    assert {one["severity"] for one in strict["findings"]} == {"note"}
    lax = told(capsys, "edxml", "validate", path, "--schema", "lax")
    assert (lax["valid"], lax["findings"]) == (True, strict["findings"])
    assert main(["edxml", "validate", str(path), "--schema", "lax", "--lang", "vi"]) == 0
    assert capsys.readouterr().out.startswith("a.edxml: Đọc được theo một cách duy nhất, đúng lược đồ lax.\n")
    path.unlink()
    assert told(capsys, "edxml", "validate", damaged(tmp_path, capsys), "--schema", "lax", code=1)["findings"]


@pytest.mark.parametrize("schema", ["strict", "lax"])
def test_the_schema_is_printed_as_it_is(schema: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["edxml", "schema", schema]) == 0
    text = capsys.readouterr().out
    assert told(capsys, "edxml", "schema", schema) == {"schema": schema, "xsd": text}
    xsd = etree.XMLSchema(etree.fromstring(text.encode()))
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF))
    assert xsd.validate(etree.parse(path)), xsd.error_log


def test_strict_is_the_schema_unless_said(capsys: Capture) -> None:
    assert told(capsys, "edxml", "schema")["schema"] == "strict"


# --- what is kept of an attachment ---------------------------------------------------------------------------------------


def filled(*pieces: bytes) -> tuple[int, bytes]:
    with Glance() as glance:
        for piece in pieces:
            assert glance.write(piece) == len(piece)
        end = glance.seek(0, 2)
        glance.seek(0)
        return end, glance.read()


def test_of_a_file_the_beginning_is_kept_and_of_an_archive_all() -> None:
    data = b"%PDF-" + bytes(10_000)
    assert filled(data) == (4096, data[:4096])
    assert filled(*(data[n : n + 1] for n in range(5000))) == (4096, data[:4096])
    archive = b"PK\x03\x04" + bytes(range(256)) * 400
    assert filled(archive) == (len(archive), archive)
    assert filled(*(archive[n : n + 3] for n in range(0, len(archive), 3))) == (len(archive), archive)
    assert filled(b"PK", archive[2:]) == (len(archive), archive)
    assert filled() == (0, b"")


# --- how far it is -------------------------------------------------------------------------------------------------------


def test_large_files_say_how_far_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """A line in a pipe, a bar on a terminal, nothing when nobody wants to hear of it; and the data stay the data."""
    path = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF))
    plain = told(capsys, "edxml", "inspect", path)
    assert main(["edxml", "inspect", str(path)]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("gateway.cli.edxml.gauge.LARGE_BYTES", 1)
    assert told(capsys, "edxml", "inspect", path) == plain
    assert main(["edxml", "inspect", str(path)]) == 0
    assert capsys.readouterr().err == f"Đang đọc a.edxml {path.stat().st_size:,} byte\n".replace(",", ".")
    assert main(["edxml", "inspect", str(path), "-q"]) == 0
    assert capsys.readouterr().err == ""
    with terminal_of(120, monkeypatch) as shown:
        assert main(["edxml", "inspect", str(path)]) == 0
    assert "Đang đọc a.edxml" in shown()
    assert "━" in shown()


def test_a_mark_of_secrecy_is_not_to_be_sent_again(tmp_path: Path, capsys: Capture) -> None:
    path = changed(packed(tmp_path, capsys), ("Về việc họp giao ban".encode(), "(Tối mật) Về việc họp".encode()))
    (finding,) = told(capsys, "edxml", "inspect", path, code=4)["findings"]
    assert finding["code"] == "secrecy"
    assert "bộ phận bảo mật" in finding["todo_vi"]
    assert main(["edxml", "inspect", str(path), "--lang", "vi"]) == 4
    assert f"Cần làm: {finding['todo_vi']}" in capsys.readouterr().out


def test_a_file_that_is_all_signatures_is_told_in_a_few_lines(tmp_path: Path, capsys: Capture) -> None:
    path = changed(
        packed(tmp_path, capsys), (b"</edXML:edXMLHeader>", b"<Signature/>" * 1_000 + b"</edXML:edXMLHeader>")
    )
    assert len(told(capsys, "edxml", "inspect", path)["signatures"]) == SIGNATURES_MAX + 1
    assert main(["edxml", "inspect", str(path), "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) < 100
    assert f"There are more signatures than the first {SIGNATURES_MAX}." in said
