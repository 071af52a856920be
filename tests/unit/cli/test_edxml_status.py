"""`gateway edxml status`: an answer about a document that is in hand; the document says nearly all of it."""

from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.core.message import StatusMessage
from gateway.core.states import BusinessStatus
from gateway.edxml import read_message
from gateway.safe_xml import read_skeleton
from tests.unit.cli.envelopes import META, PDF, Capture, changed, left_in, packed, told, written
from tests.unit.cli.test_edxml_unpack import damaged
from tests.unit.cli.world import stdin

WARD = "Z79.UB.25747"
NAMED = META.replace(f'"{WARD}"', f'{{ organ_id = "{WARD}", name = "Phường Thủ Dầu Một" }}')
ALONE = META.replace(', "Z79.DU.25747"', "")


def answered(path: Path) -> StatusMessage:
    message = read_message(read_skeleton([path.read_bytes()])).message
    assert isinstance(message, StatusMessage)
    return message


def answer(folder: Path, document: Path, *line: str) -> StatusMessage:
    out = folder / "status.edxml"
    assert main(["edxml", "status", "--for", str(document), *line, "-o", str(out), "--force", "-q"]) == 0
    return answered(out)


@pytest.mark.parametrize("code", [code for code in BusinessStatus if code != BusinessStatus.RECALL_ASKED])
def test_who_received_it_tells_who_sent_it(code: BusinessStatus, tmp_path: Path, capsys: Capture) -> None:
    document = packed(tmp_path, capsys, written(tmp_path, "a.pdf", PDF), meta=NAMED)
    message = answer(tmp_path, document, "--code", code.value, "--from", WARD, "--description", "vì sao")
    assert (message.sender.organ_id, message.sender.name) == (WARD, "Phường Thủ Dầu Một")
    assert message.response_for.organ_id == "Z79.VPTU"
    assert message.response_for.document_id == "Z79.VPTU,2026/11/20,12/CV/VPTU"
    assert message.response_for.code == "12-CV/VPTU"
    assert str(message.response_for.promulgation_date) == "2026-11-20"
    assert (message.status, message.description) == (code, "vì sao")
    assert told(capsys, "edxml", "validate", tmp_path / "status.edxml")["valid"]


def test_who_sent_it_asks_who_received_it(tmp_path: Path, capsys: Capture) -> None:
    message = answer(tmp_path, packed(tmp_path, capsys), "--code", "13", "--to", WARD)
    assert (message.sender.organ_id, message.response_for.organ_id) == ("Z79.VPTU", WARD)
    assert message.sender.name == "Văn phòng Thành ủy"
    assert message.description == "Lấy lại"


def test_what_can_only_be_one_need_not_be_said(tmp_path: Path, capsys: Capture) -> None:
    document = packed(tmp_path, capsys, meta=ALONE)
    assert answer(tmp_path, document, "--code", "03").sender.organ_id == WARD
    assert answer(tmp_path, document, "--code", "13").response_for.organ_id == WARD


def test_whom_to_ask_stands_in_it(tmp_path: Path, capsys: Capture) -> None:
    line = ("--code", "04", "--staff", "Nguyễn Thị B", "--department", "Văn phòng")
    staff = answer(tmp_path, packed(tmp_path, capsys, meta=ALONE), *line).staff
    assert staff is not None
    assert (staff.staff, staff.department) == ("Nguyễn Thị B", "Văn phòng")


def refused(folder: Path, capsys: Capture, document: Path, *line: str, code: int = 2) -> Any:
    before = left_in(folder)
    error = told(capsys, "edxml", "status", "--for", document, *line, "-o", folder / "no.edxml", code=code)["error"]
    assert left_in(folder) == before
    return error


def test_what_the_line_leaves_open(tmp_path: Path, capsys: Capture) -> None:
    document = packed(tmp_path, capsys)
    for line, option in ((("--code", "03"), "--from"), (("--code", "13"), "--to")):
        error = refused(tmp_path, capsys, document, *line)
        assert error["code"] == "cli.edxml.whom"
        assert f"2 recipients, so {option}" in error["what_en"]


@pytest.mark.parametrize("code", ["02", "16"])
def test_whoever_refuses_says_why(code: str, tmp_path: Path, capsys: Capture) -> None:
    assert (
        refused(tmp_path, capsys, packed(tmp_path, capsys), "--code", code, "--from", WARD)["code"]
        == "cli.edxml.reason"
    )


def test_what_the_regulation_does_not_allow(tmp_path: Path, capsys: Capture) -> None:
    line = ("--code", "03", "--from", WARD, "--description", "x" * 501, "--staff", "y" * 51)
    error = refused(tmp_path, capsys, packed(tmp_path, capsys), *line)
    assert [field["path"] for field in error["fields"]] == ["description", "staff.staff"]


def test_an_answer_is_about_a_document(tmp_path: Path, capsys: Capture) -> None:
    answer(tmp_path, packed(tmp_path, capsys, meta=ALONE), "--code", "03")
    error = refused(tmp_path, capsys, tmp_path / "status.edxml", "--code", "03")
    assert error["code"] == "cli.edxml.not_document"
    nobody = changed(packed(tmp_path, capsys, name="b.edxml"), (b"<edXML:OrganId>Z79.VPTU</edXML:OrganId>", b""))
    error = refused(tmp_path, capsys, nobody, "--code", "03", "--from", WARD, code=4)
    assert error["code"] == "cli.edxml.unnamed"


def test_a_damaged_document_can_be_refused_with_a_warning(tmp_path: Path, capsys: Capture) -> None:
    message = answer(tmp_path, damaged(tmp_path, capsys), "--code", "02", "--from", WARD, "--description", "Tệp hỏng")
    assert message.status is BusinessStatus.REFUSED
    assert "có lỗi" in capsys.readouterr().err


def test_a_body_that_the_document_does_not_name_is_remarked(tmp_path: Path, capsys: Capture) -> None:
    assert answer(tmp_path, packed(tmp_path, capsys), "--code", "01", "--from", "Z79.XX").sender.organ_id == "Z79.XX"
    assert "không nêu Z79.XX" in capsys.readouterr().err


def test_standard_input_and_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    stdin(monkeypatch, packed(tmp_path, capsys, meta=ALONE).read_bytes())
    assert main(["edxml", "status", "--for", "-", "--code", "03", "-o", "-", "-q"]) == 0
    assert answered(written(tmp_path, "out.edxml", capsys.readouterr().out)).sender.organ_id == WARD
