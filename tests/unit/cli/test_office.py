"""The office's commands against the real API over TLS."""

import asyncio
import hashlib
import json
import signal
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.cli import main, progress
from gateway.cli.errors import Failure
from gateway.cli.link import tls_context
from gateway.cli.office import content_key, worst_indication
from gateway.core.message import Claim
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState
from tests.unit.api.world import CITY_KEY, MUTE_KEY, OTHER, PARTY, PDF, WARD, WARD_KEY
from tests.unit.cli.world import LETTER, NAME, Office

UNKNOWN_KEY = "01900000-0000-7000-8000-00000000ffff"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "POLL_FIRST_SECONDS", 0.01)


# --- send


async def test_send_prints_the_key_and_nothing_else_on_stdout(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await running.run("send", letter, *LETTER) == 0
    said = capsys.readouterr()
    (document,) = running.desks.kept.values()
    assert said.out == f"{document.key}\n"
    assert said.err == "Cổng đã nhận văn bản Z79.00.01,2026/11/21,12/CV/VPTU.\n"
    assert document.attachments[0].name == "công văn.pdf"
    assert document.metadata is not None
    assert document.metadata.type_name == "Công văn"


async def test_a_large_file_goes_up_in_pieces_and_a_pdf_never_is_large(
    running: Office, letter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gateway.cli.large.FILE_BYTES_MAX", 2_000)
    large = tmp_path / "bản đồ.zip"
    large.write_bytes(bytes(range(256)) * 40)
    await running.run("send", letter, str(large), *LETTER, "--dry-run", "--json")  # this registry knows no ward
    (said,) = [file for file in json.loads(capsys.readouterr().out)["request"]["files"] if file["name"] == large.name]
    assert (said["size"], said["sha256"]) == (10_240, hashlib.sha256(large.read_bytes()).hexdigest())
    assert running.desks.kept == {}
    assert await running.run("send", letter, str(large), *LETTER) == 0
    assert await running.run("send", letter, str(large), *LETTER) == 0
    (order,) = running.desks.orders.values()
    assert [(file.name, file.blob.size) for file in order.files] == [("công văn.pdf", len(PDF)), (large.name, 10_240)]
    (tmp_path / "large.pdf").write_bytes(PDF * 5)
    assert await running.run("send", str(tmp_path / "large.pdf"), *LETTER) == 1
    assert "size.limit" in capsys.readouterr().err


async def test_the_same_command_again_sends_nothing_twice(running: Office, letter: str) -> None:
    assert await running.run("send", letter, *LETTER) == 0
    assert await running.run("send", letter, *LETTER) == 0
    assert len(running.desks.kept) == 1
    assert await running.run("send", letter, *LETTER, "--number", "13") == 0
    assert len(running.desks.kept) == 2


async def test_a_key_of_ones_own_cannot_carry_another_content(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await running.run("send", letter, *LETTER, "--idempotency-key", "one") == 0
    assert await running.run("send", letter, *LETTER, "--idempotency-key", "one", "--priority", "urgent") == 7
    assert "conflict.idempotency" in capsys.readouterr().err


async def test_wait_ends_when_everybody_has_it(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    running.desks.register(WARD, "Ủy ban nhân dân")
    running.desks.register(OTHER, "Đảng ủy")
    assert await running.run("send", letter, *LETTER, "--to", OTHER, "--wait", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["deliveries"] == {"total": 2, "counts": {"delivered": 2}}
    assert "Nơi nhận đã có kết quả: 2/2" in said.err
    assert "Đã đến nơi nhận: 2" in said.err


async def test_wait_says_when_somebody_never_will(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    running.desks.ending = DeliveryState.REFUSED
    assert await running.run("send", letter, *LETTER, "--wait") == 1
    said = capsys.readouterr().err.splitlines()
    assert "Bị từ chối: 1" in said
    assert said[-2:] == [
        "Z79.01.01: Bị từ chối — Mã định danh nơi nhận (Z79.01.01) không có trong danh bạ.",
        "  Cần làm: Người gửi tra lại mã định danh của nơi nhận rồi gửi lại cho nơi đó.",
    ]


async def test_wait_does_not_wait_for_what_is_held(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    running.desks.stopped = "seal.undecided"
    assert await running.run("send", letter, *LETTER, "--wait") == 1
    said = capsys.readouterr().err
    assert "Đang tạm giữ" in said
    assert "Chưa đủ căn cứ kết luận" in said


@pytest.mark.slow
async def test_the_key_is_known_before_the_waiting_begins(running: Office, letter: str) -> None:
    running.desks.register(WARD, "Ủy ban nhân dân")
    running.desks.ending = DeliveryState.QUEUED
    reach = ("--url", running.url, "--ca", str(running.ca), "--tls-name", NAME)
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("gateway"), *reach, "send", letter, *LETTER, "--wait", stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    first = await asyncio.wait_for(process.stdout.readline(), 30)
    (key,) = running.desks.kept
    assert first.decode() == f"{key}\n"
    process.send_signal(signal.SIGINT)
    rest, talk = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, rest) == (130, b"")
    assert f"gateway trace {key}" in talk.decode()


async def test_waiting_with_json_still_prints_one_value(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    running.desks.register(WARD, "Ủy ban nhân dân")
    assert await running.run("send", letter, *LETTER, "--wait", "--json") == 0
    said = capsys.readouterr()
    assert f"gateway trace {json.loads(said.out)['key']}" in said.err


async def test_a_folder_is_no_file(running: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await running.run("send", str(tmp_path), *LETTER) == 2
    assert f"{tmp_path} là thư mục, không phải tệp" in capsys.readouterr().err
    assert await running.run("inbox", "--key-file", str(tmp_path)) == 2
    assert "là thư mục" in capsys.readouterr().err


async def test_what_is_held_is_released_once(running: Office, letter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await running.run("send", letter, *LETTER) == 0
    (key,) = running.desks.kept
    held = replace(running.desks.kept[key], state=DocumentState.HELD, reason="seal.undecided")
    running.desks.kept[key] = held
    capsys.readouterr()
    assert await running.run("release", key) == 0
    assert capsys.readouterr().out == f"{held.document_id}: Đã nhận vào cổng\n"
    assert running.desks.kept[key].state is DocumentState.ACCEPTED
    assert await running.run("release", key) == 7
    running.desks.kept[key] = held
    capsys.readouterr()
    assert await running.run("release", key, "--json") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "accepted"
    assert await running.run("release", UNKNOWN_KEY) == 3


async def test_what_the_gateway_refuses_is_told_with_its_fields(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await running.run("send", letter, *LETTER, "--number", "12/3", "--lang", "en") == 2
    said = capsys.readouterr().err
    assert "/code/number" in said
    assert "trace=" in said


@pytest.mark.parametrize(
    ("more", "code"),
    [(("--from", WARD), 6), (("--date", "hôm nay"), 2), (("--to-file", "/no/such"), 3)],
)
async def test_wrong_orders(running: Office, letter: str, more: tuple[str, ...], code: int) -> None:
    assert await running.run("send", letter, *LETTER, *more) == code
    assert running.desks.kept == {}


async def test_no_such_file(running: Office) -> None:
    assert await running.run("send", "/no/such.pdf", *LETTER) == 3


def test_a_key_made_of_the_content() -> None:
    one = content_key({"a": 1}, [("x", b"1"), ("y", b"2")])
    assert one == content_key({"a": 1}, [("x", b"1"), ("y", b"2")])
    others = {
        content_key({"a": 2}, [("x", b"1"), ("y", b"2")]),
        content_key({"a": 1}, [("y", b"2"), ("x", b"1")]),
        content_key({"a": 1}, [("x", b"1"), ("y", b"3")]),
        content_key({"a": 1}, [("z", b"1"), ("y", b"2")]),
    }
    assert len(others | {one}) == 5
    assert len(one) <= 128


# --- inbox, get, accept, refuse


async def test_the_inbox_as_a_table_and_as_json(
    running: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    assert await running.run("inbox") == 0
    assert capsys.readouterr() == ("", "Không có văn bản đến.\n")
    for _ in range(3):
        await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    assert await running.run("inbox", "--limit", "2") == 0
    said = capsys.readouterr()
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert rows[0][:3] == ["Vị trí", "Số, ký hiệu", "Trích yếu"]
    assert rows[1] == [
        *("1", "1-CV/VPTU", "Về việc chuẩn bị hội nghị", "Văn phòng Thành ủy", "Khẩn"),
        *("Chữ ký hợp lệ", "Đã đến", "21/11/2026 13:05", next(iter(running.desks.entries))),
    ]
    assert said.err == "Còn nữa: gateway inbox --after 2\n"
    assert await running.run("inbox", "--after", "2", "--json") == 0
    page = json.loads(capsys.readouterr().out)
    assert ([entry["cursor"] for entry in page["entries"]], page["more"]) == ([3], False)


async def test_get_saves_everything_once(
    running: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(
        WARD,
        ("công văn.pdf", "application/pdf", PDF),
        ("..\\..\\phụ lục.xlsx", "application/zip", b"PK"),
        sender=PARTY,
    )
    folder = tmp_path / "new" / "đến"
    assert await running.run("get", entry.key, "-o", str(folder)) == 0
    names = [f"{entry.key}.edxml", "công văn.pdf", "_.._phụ lục.xlsx"]
    assert capsys.readouterr().out.split("\n")[:-1] == [str(folder / name) for name in names]
    assert (folder / names[0]).read_bytes() == b"<edXML>1</edXML>"
    assert (folder / names[1]).read_bytes() == PDF
    assert {path.name for path in folder.iterdir()} == set(names)

    (folder / names[1]).write_bytes(b"mine")
    (folder / names[0]).unlink()
    assert await running.run("get", entry.key, "-o", str(folder)) == 7
    assert (folder / names[1]).read_bytes() == b"mine"
    assert not (folder / names[0]).exists()
    assert await running.run("get", entry.key, "-o", str(folder), "--force") == 0
    assert (folder / names[1]).read_bytes() == PDF


async def test_get_tells_what_is_odd_about_a_document(
    running: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    message = replace(entry.message, subject="a\u202eb", claims=(Claim(path="sender.name", said="Bộ Chính trị"),))
    running.desks.entries[entry.key] = replace(entry, message=message)
    assert await running.run("get", entry.key, "-o", str(tmp_path / "new")) == 0
    told = capsys.readouterr().err
    assert "/message/sender/name" in told
    assert "“Bộ Chính trị”" in told
    assert "/message/subject" in told
    assert "U+202E" in told
    assert await running.run("inbox") == 0
    shown = capsys.readouterr().out
    assert "Văn phòng Thành ủy" in shown
    assert "Bộ Chính trị" not in shown
    assert "a[U+202E]b" in shown


async def test_a_folder_that_is_a_file(
    running: Office, letter: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    for folder in (letter, f"{letter}/below/it"):
        assert await running.run("get", entry.key, "-o", folder, "--force") == 7
        said = capsys.readouterr().err
        assert f"{letter} là tệp, không phải thư mục" in said
        assert "--force" not in said
    assert Path(letter).read_bytes() == PDF


async def test_accept_and_refuse(
    running: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    first = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    second = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    assert await running.run("accept", first.key) == 0
    assert await running.run("accept", first.key) == 0
    assert capsys.readouterr().out == f"{first.document_id}: Đã tiếp nhận\n" * 2
    assert await running.run("refuse", first.key, "--reason", "nhầm") == 7
    assert await running.run("refuse", second.key, "--reason", "  ") == 2
    assert await running.run("refuse", second.key, "--reason", "Không đúng thẩm quyền", "--json") == 0
    assert json.loads(capsys.readouterr().out)["business_description"] == "Không đúng thẩm quyền"
    assert running.desks.entries[second.key].business_status is BusinessStatus.REFUSED
    assert await running.run("accept", UNKNOWN_KEY) == 3


async def test_the_advice_fits_whoever_acts(
    running: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    assert await running.run("refuse", entry.key, "--reason", "x" * 501) == 2
    said = capsys.readouterr().err
    assert "/reason" in said
    assert "Người gửi" not in said
    assert await running.run("accept", entry.key) == 0
    assert await running.run("refuse", entry.key, "--reason", "nhầm") == 7
    said = capsys.readouterr().err
    assert "xem lại trạng thái" in said
    assert "tải lại trang" not in said


async def test_an_entry_may_be_named_by_its_position(
    running: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await running.desks.deliver(OTHER, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    mine = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    assert await running.run("accept", "2") == 0
    assert running.desks.entries[mine.key].business_status is BusinessStatus.ACCEPTED
    assert await running.run("trace", "2") == 0
    for position in ("1", "3", "0", "9" * 60):
        assert await running.run("refuse", position, "--reason", "x") == 3
    assert "Không có văn bản đến ở vị trí 1." in capsys.readouterr().err


def test_one_bad_file_decides() -> None:
    def entry(*indications: str | None) -> dict[str, object]:
        return {"attachments": [{"indication": indication} for indication in indications]}

    assert worst_indication(entry("TOTAL-PASSED", None, "TOTAL-FAILED", "INDETERMINATE")) == "TOTAL-FAILED"
    assert worst_indication(entry("TOTAL-PASSED", "INDETERMINATE")) == "INDETERMINATE"
    assert worst_indication(entry("TOTAL-PASSED", None)) == "TOTAL-PASSED"
    assert worst_indication(entry(None)) == worst_indication(entry()) == "none"


# --- the way there


@pytest.mark.parametrize(("key", "code"), [("gwk_nobody", 6), (MUTE_KEY, 6), ("", 6), ("two words", 6), ("đ", 6)])
async def test_keys(running: Office, monkeypatch: pytest.MonkeyPatch, key: str, code: int) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", key)
    assert await running.run("inbox") == code


async def test_a_key_that_is_not_known_is_looked_for_where_it_was_given(
    running: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", "gwk_nobody")
    assert await running.run("inbox") == 6
    said = capsys.readouterr().err
    assert "--key-file" in said
    assert "GATEWAY_API_KEY" in said
    assert "Authorization" not in said


async def test_a_key_file_comes_before_the_environment_and_should_be_private(
    running: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", "gwk_nobody")
    (tmp_path / "key").write_text(f"{CITY_KEY}\n", "utf-8")
    (tmp_path / "key").chmod(0o644)
    assert await running.run("inbox", "--key-file", str(tmp_path / "key")) == 0
    assert "chmod 600" in capsys.readouterr().err
    (tmp_path / "key").chmod(0o600)
    assert await running.run("inbox", "--key-file", str(tmp_path / "key")) == 0
    assert "chmod" not in capsys.readouterr().err


async def test_with_json_an_error_is_data_too(
    running: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await running.run("trace", UNKNOWN_KEY, "--json") == 3
    said = capsys.readouterr()
    error = json.loads(said.out)["error"]
    assert error["code"] == "not_found"
    assert len(error["trace_id"]) == 32
    assert all(error[name] for name in ("what_vi", "what_en", "todo_vi", "todo_en"))
    assert len(said.err.splitlines()) == 3
    monkeypatch.setenv("GATEWAY_API_KEY", "")
    assert await running.run("inbox", "--json") == 6
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli.no_key"


async def test_tls_is_always_verified(
    running: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await running.run("inbox", "--tls-name", "other.test") == 5
    assert "Không xác thực được cổng" in capsys.readouterr().err
    monkeypatch.setenv("GATEWAY_URL", running.url)
    monkeypatch.setenv("GATEWAY_TLS_NAME", NAME)
    monkeypatch.setenv("GATEWAY_CA", str(running.ca))
    assert await in_thread("inbox") == 0
    monkeypatch.delenv("GATEWAY_CA")
    assert await in_thread("inbox") == 5
    assert "Không xác thực được cổng" in capsys.readouterr().err


async def test_the_address_may_be_that_of_the_api(running: Office) -> None:
    for path in ("/", "/api/v1", "/api/v1/"):
        assert await running.run("inbox", "--url", running.url + path) == 0


@pytest.mark.slow
async def test_ctrl_c_is_quiet() -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    connected = asyncio.Event()
    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("gateway"), "inbox", "--url", url, stdout=PIPE, stderr=PIPE
        )
        await asyncio.wait_for(connected.wait(), 30)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.communicate(), 30) == (b"", b"")
    assert process.returncode == 130


async def in_thread(*line: str) -> int:
    return await asyncio.to_thread(main, line)


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:8443", "127.0.0.1:8443", "https://", "ftp://x", ""),
        *("https://127.0.0.1:99999", "https://127.0.0.1:abc", "https://[::1", "https://xn--", "https://ü.."),
        *("https://user@x", "https://:word@x", "https://x?a=b", "https://x#y", "https://x/api/v2", "https://x//"),
    ],
)
def test_an_address_that_no_key_travels_to(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inbox", "--url", url]) == 2
    assert capsys.readouterr().err.startswith("Lỗi: Địa chỉ cổng không dùng được")


@pytest.mark.parametrize(
    "url", ["https://a b", "https://.", f"https://{'a' * 300}", "https://127.0.0.1:0", "https://-/"]
)
def test_an_address_where_nobody_can_be(url: str) -> None:
    assert main(["inbox", "--url", url]) == 5


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inbox", "--url", "https://127.0.0.1:1"]) == 5
    assert "Không kết nối được" in capsys.readouterr().err


def test_an_authority_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("không phải PEM", "utf-8")
    with pytest.raises(Failure):
        tls_context(tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("not PEM", "utf-8")
    with pytest.raises(Failure):
        tls_context(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    "line", ["get", "accept", "refuse --reason x", "accept --dry-run", "refuse --reason x --dry-run"]
)
async def test_the_key_of_a_document_that_was_sent_names_none_that_arrived(
    running: Office, letter: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A trial: the help promised that the key printed by `send` would do, and the answer was that it does not exist."""
    assert await running.run("send", letter, *LETTER) == 0
    key = capsys.readouterr().out.strip()
    command, *more = line.split()
    assert await running.run(command, key, *more) == 3
    said = capsys.readouterr().err
    assert said.startswith(f"Lỗi: Mã này là của một văn bản đi ({key})")
    assert "gateway inbox" in said
    assert await running.run(command, UNKNOWN_KEY, *more) == 3
    assert "not_found" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["get", "accept", "refuse"])
def test_the_help_names_the_key_that_the_inbox_prints(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help", "--lang", "en"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "Position of the document that arrived (first column of gateway inbox)" in page
    assert "not the key printed when a document is sent" in page
