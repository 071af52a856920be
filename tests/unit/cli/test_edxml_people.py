"""`gateway edxml` as a clerk and an integrator meet it: what the first screen says, and whether the advice can be followed."""

import errno
import os
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.observe import text
from tests.unit.cli.envelopes import META, PDF, Capture, changed, left_in, packed, told, written
from tests.unit.cli.world import stdin

MARKED = "MẬT: về việc họp giao ban"


def secret(folder: Path, capsys: Capture) -> Path:
    """A file that bears a mark, which only others can make."""
    return changed(packed(folder, capsys), ("Về việc họp giao ban".encode(), MARKED.encode()))


def said(capsys: Capture, *line: str | Path, code: int = 0) -> tuple[str, str]:
    """What people read of a command: its data, its talk."""
    capsys.readouterr()
    assert main([*map(str, line), "--lang", "vi"]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def example(capsys: Capture, kind: str) -> str:
    return said(capsys, "edxml", "pack", "--template", "--kind", kind)[0]


# --- what to do about a finding ------------------------------------------------------------------------------------------


def test_each_finding_has_its_own_remedy(tmp_path: Path, capsys: Capture) -> None:
    path = secret(tmp_path, capsys)
    changed(path, (b"<edXML:Subject>", b"<edXML:X/><edXML:Subject>"))
    report = told(capsys, "edxml", "inspect", path, code=4)
    remedies = {one["code"]: (one["todo_vi"], one["todo_en"]) for one in report["findings"]}
    assert set(remedies) == {"secrecy", "unknown"}
    for code, remedy in remedies.items():
        words = text(f"edxml.finding.{code}.todo")
        assert remedy == (words.vi, words.en)
    out, _ = said(capsys, "edxml", "inspect", path, code=4)
    assert [line for line in out.splitlines() if "Cần làm:" in line] == [
        f"    Cần làm: {remedies[code][0]}" for code in ("secrecy", "unknown")
    ]


def test_findings_of_one_code_stand_together_above_their_remedy(tmp_path: Path, capsys: Capture) -> None:
    path = packed(tmp_path, capsys)
    changed(
        path,
        (b"<edXML:Subject>", b"<edXML:X/><edXML:Place>null</edXML:Place><edXML:Y/><edXML:Subject>"),
        ("Văn phòng Thành ủy".encode(), b"null"),
    )
    out, _ = said(capsys, "edxml", "inspect", path)
    found = [line.rpartition("[")[2] for line in out.splitlines() if line.startswith("  · ")]
    assert found == sorted(found, key=found.index)
    assert out.count("Cần làm:") == len(set(found)) == 2


# --- a mark of secrecy ---------------------------------------------------------------------------------------------------


def test_a_secret_file_is_not_to_be_asked_for_again(tmp_path: Path, capsys: Capture) -> None:
    path = secret(tmp_path, capsys)
    error = told(capsys, "edxml", "unpack", path, "-d", tmp_path / "out", code=4)["error"]
    assert error["code"] == "cli.edxml.secret"
    assert error["fields"][0]["path"] == "MessageHeader/Subject"
    assert "không yêu cầu gửi lại" in error["todo_vi"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (META.replace("Về việc họp giao ban", MARKED), "a.pdf"),
        (META + 'appendixes = ["Phụ lục 1", "TỐI MẬT"]\n', "a.pdf"),
        (META, "MẬT.pdf"),
    ],
)
def test_what_bears_a_mark_is_not_packed(form: str, name: str, tmp_path: Path, capsys: Capture) -> None:
    """`inspect` refuses it, so must `pack`."""
    meta, letter = written(tmp_path, "a.toml", form), written(tmp_path, name, PDF)
    error = told(capsys, "edxml", "pack", meta, letter, "-o", tmp_path / "a.edxml", code=2)["error"]
    assert [one["code"] for one in error["fields"]] == ["field.secrecy"]
    assert left_in(tmp_path) == sorted(["a.toml", name])


def test_a_status_that_bears_a_mark_is_not_made(tmp_path: Path, capsys: Capture) -> None:
    line = ("edxml", "status", "--for", packed(tmp_path, capsys), "--code", "02", "--from", "Z79.UB.25747")
    out = tmp_path / "status.edxml"
    error = told(capsys, *line, "--description", "Mật", "-o", out, code=2)["error"]
    assert [(one["path"], one["code"]) for one in error["fields"]] == [("description", "field.secrecy")]
    assert not out.exists()


# --- files that are not what they should be ------------------------------------------------------------------------------


def test_an_empty_file_is_not_packed(tmp_path: Path, capsys: Capture) -> None:
    meta, letter = written(tmp_path, "a.toml", META), written(tmp_path, "rỗng.pdf", b"")
    error = told(capsys, "edxml", "pack", meta, letter, "-o", tmp_path / "a.edxml", code=1)["error"]
    assert (error["code"], "rỗng.pdf" in error["what_vi"]) == ("file.empty", True)
    assert left_in(tmp_path) == sorted(["a.toml", "rỗng.pdf"])


def test_a_file_of_another_kind_than_its_name_says_is_remarked(tmp_path: Path, capsys: Capture) -> None:
    meta = written(tmp_path, "a.toml", META)
    files = [
        written(tmp_path, "thư.pdf", b"xin chao"),
        written(tmp_path, "b.pdf", PDF),
        written(tmp_path, "c.txt", "chào"),
    ]
    _, err = said(capsys, "edxml", "pack", meta, *files, "-o", tmp_path / "a.edxml")
    assert [line.partition(" không phải")[0] for line in err.splitlines()[1:]] == ["Lưu ý: nội dung của thư.pdf"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: Capture) -> None:
    meta = written(tmp_path, "a.toml", META)
    error = told(capsys, "edxml", "pack", meta, "-o", tmp_path / "nowhere" / "a.edxml", code=3)["error"]
    assert error["code"] == "cli.no_folder"
    assert error["what_en"] == f"There is no folder {tmp_path / 'nowhere'}; nothing was written."


def test_the_wrong_file_is_named_and_not_blamed_on_its_sender_alone(tmp_path: Path, capsys: Capture) -> None:
    _, err = said(capsys, "edxml", "inspect", written(tmp_path, "công văn.pdf", PDF), code=4)
    first, _, todo = err.splitlines()
    assert first.startswith("Lỗi: công văn.pdf không phải là tệp edXML")
    assert todo.startswith("Cần làm: Kiểm tra xem có đúng tệp")


def test_a_folder_that_cannot_be_written_is_named_in_one_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    path = packed(tmp_path, capsys)

    make = os.mkdir

    def denied(place: Path, mode: int = 0o777) -> None:
        if ".gateway-" in str(place):
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        make(place, mode)

    monkeypatch.setattr(os, "mkdir", denied)
    _, err = said(capsys, "edxml", "unpack", path, "-d", tmp_path / "out", code=6)
    assert err.splitlines()[0] == f"Lỗi: Không dùng được tệp {tmp_path / 'out'} ({text('why.eacces').vi})."
    assert not (tmp_path / "out").exists()


# --- forms ---------------------------------------------------------------------------------------------------------------


def fields_of(folder: Path, capsys: Capture, form: str, *, name: str = "a.toml") -> dict[str, str]:
    error = told(capsys, "edxml", "pack", written(folder, name, form), "-o", folder / "x", code=2)["error"]
    return {one["path"]: one["message_vi"] for one in error["fields"]}


def test_faults_say_what_is_allowed(tmp_path: Path, capsys: Capture) -> None:
    found = fields_of(tmp_path, capsys, META + "document_type = 3\n")
    assert found == {"document_type": "Giá trị không hợp lệ (chỉ nhận: 1–2)."}
    assert fields_of(tmp_path, capsys, 'type = "letter"\n') == {"type": "phải là một trong: edoc, status"}


def test_wrong_types_and_what_the_regulation_forbids_are_told_at_once(tmp_path: Path, capsys: Capture) -> None:
    form = META.replace('number = "12"', "number = 12").replace("Về việc họp giao ban", "")
    found = fields_of(tmp_path, capsys, form + 'document_type = 3\npriority = "khẩn"\n')
    assert list(found) == ["code.number", "priority", "document_type", "subject"]
    status = 'type = "status"\nstatus = "03"\ndescription = 1\n'
    assert {"description", "sender.organ_id"} <= fields_of(tmp_path, capsys, status).keys()
    assert list(fields_of(tmp_path, capsys, 'type = "status"\nstatus = 3\n')) == ["status"]


def test_an_id_that_would_be_made_of_missing_parts_is_not_asked_for(tmp_path: Path, capsys: Capture) -> None:
    assert "document_id" not in fields_of(tmp_path, capsys, META.replace("CV/VPTU", ""))


def test_a_form_that_is_none_has_no_nameless_field(tmp_path: Path, capsys: Capture) -> None:
    _, err = said(capsys, "edxml", "pack", written(tmp_path, "a.json", "[]"), "-o", tmp_path / "x", code=2)
    assert err.splitlines()[1] == "  phải là một bảng"


@pytest.mark.parametrize(
    ("name", "form", "place"),
    [
        ("a.toml", 'subject = "x"\ncode = \n', " (dòng 2, cột 8)"),
        ("a.json", '{"sender":\n', " (dòng 2, cột 1)"),
        ("a.toml", "subject".encode("utf-16"), ""),
    ],
)
def test_where_a_form_cannot_be_read_is_said_in_one_language(
    name: str, form: str | bytes, place: str, tmp_path: Path, capsys: Capture
) -> None:
    path = written(tmp_path, name, form)
    _, err = said(capsys, "edxml", "pack", path, "-o", tmp_path / "x", code=2)
    assert err.splitlines()[0] == f"Lỗi: Tệp {path} không phải là TOML hay JSON đúng cách viết{place}."


# --- the first screen ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "title", "lines"),
    [
        ("new", "Văn bản", ["Trả lời hoặc liên quan văn bản: 5/UBND-VP"]),
        ("revoke", "Thu hồi văn bản", ["Văn bản bị thu hồi: 11-CV/VPTU"]),
        ("update", "Cập nhật văn bản", ["Nội dung cập nhật: thông tin của văn bản, danh sách nơi nhận"]),
        ("replace", "Thay thế văn bản", ["Nơi đang giữ văn bản đó: Z79.UB.25747; Z79.DU.25747"]),
        ("status", "Trạng thái xử lý", ["Về văn bản: 5/UBND-VP"]),
    ],
)
def test_the_first_line_says_what_it_is(
    kind: str, title: str, lines: list[str], tmp_path: Path, capsys: Capture
) -> None:
    path = packed(tmp_path, capsys, meta=example(capsys, kind))
    out, _ = said(capsys, "edxml", "inspect", path)
    assert out.splitlines()[0] == f"a.edxml: {title}"
    for line in lines:
        assert f"  {line}" in out


def test_all_that_the_example_says_is_shown(tmp_path: Path, capsys: Capture) -> None:
    path = packed(
        tmp_path, capsys, meta=example(capsys, "new").replace('steering_type = "none"', 'steering_type = "report"')
    )
    out, _ = said(capsys, "edxml", "inspect", path)
    for line in (
        "Tóm tắt nội dung: Đề nghị các cơ quan chuẩn bị báo cáo và cử người dự họp.",
        "Người ký: Nguyễn Văn A, T/L BAN THƯỜNG VỤ Chánh Văn phòng",
        "Chỉ đạo: Báo cáo kết quả chỉ đạo",
        "Số trang: 2",
        "Số bản: 1",
        "Phụ lục: Phụ lục 1: Chương trình hội nghị",
        "Nơi nhận ghi cuối văn bản: Thường trực Thành ủy (để báo cáo); Lưu: VT",
    ):
        assert f"  {line}" in out.splitlines()


def test_the_first_line_says_that_there_are_errors(tmp_path: Path, capsys: Capture) -> None:
    out, _ = said(capsys, "edxml", "inspect", secret(tmp_path, capsys), code=4)
    assert out.splitlines()[0] == "a.edxml: Văn bản — CÓ LỖI"


def test_standard_input_and_output_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    path = packed(tmp_path, capsys)
    for command in ("inspect", "validate"):
        stdin(monkeypatch, path.read_bytes())
        assert said(capsys, "edxml", command, "-")[0].startswith("Đầu vào chuẩn: ")


def test_the_codes_of_a_status_are_explained(capsys: Capture) -> None:
    out = " ".join(said(capsys, "edxml", "status", "--help")[0].split())
    for words in ("02 từ chối tiếp nhận", "03 đã tiếp nhận", "16 từ chối lấy lại"):
        assert words in out
