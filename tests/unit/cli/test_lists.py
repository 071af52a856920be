"""`documents` and `org find`: pages, all of it, and nothing at all."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from gateway.cli import paging
from gateway.cli.sent import print_documents
from gateway.core.ids import OrganId
from gateway.core.states import DocumentState
from tests.unit.api.world import OTHER, PARTY, WARD
from tests.unit.cli.world import LETTER, Office, printed, terminal

Capture = pytest.CaptureFixture[str]


async def three_sent(office: Office, letter: str, capsys: Capture) -> list[str]:
    """Their keys, oldest first."""
    for number in ("1", "2", "3"):
        assert await office.run("send", letter, *LETTER, "--number", number) == 0
    return capsys.readouterr().out.split()


async def test_what_was_sent_newest_first(running: Office, letter: str, capsys: Capture) -> None:
    assert await running.run("documents") == 0
    assert capsys.readouterr() == ("", "Không có văn bản đi.\n")
    keys = await three_sent(running, letter, capsys)
    assert await running.run("documents", "--limit", "2") == 0
    said = capsys.readouterr()
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert rows[0] == ["Số, ký hiệu", "Trích yếu", "Đã đến", "Trạng thái", "Ngày gửi", "Mã"]
    assert rows[1] == [
        *("3-CV/VPTU", "Về việc chuẩn bị hội nghị", "0/1", "Đã nhận vào cổng", "21/11/2026 13:05", keys[2]),
    ]
    assert [row[-1] for row in rows[1:]] == [keys[2], keys[1]]
    assert said.err == f"Còn nữa: thêm --all để xem hết, hoặc --cursor {keys[1]} để xem tiếp.\n"
    assert await running.run("documents", "--limit", "2", "--cursor", keys[1]) == 0
    said = capsys.readouterr()
    assert [line.split("\t")[-1] for line in said.out.splitlines()[1:]] == [keys[0]]
    assert said.err == ""


async def test_all_of_it_is_one_list(
    running: Office, letter: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS_MAX", 2)
    keys = await three_sent(running, letter, capsys)
    assert await running.run("documents", "--all", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["key"] for one in told["items"]] == keys[::-1]
    assert (told["more"], told["next"]) == (False, None)


async def test_all_of_it_has_an_end(
    running: Office, letter: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS_MAX", 1)
    monkeypatch.setattr(paging, "ROWS_MAX", 2)
    keys = await three_sent(running, letter, capsys)
    assert await running.run("documents", "--all", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["key"] for one in told["items"]] == [keys[2], keys[1]]
    assert (told["more"], told["next"]) == (True, keys[1])


async def test_by_state(running: Office, letter: str, capsys: Capture) -> None:
    keys = await three_sent(running, letter, capsys)
    held = next(key for key in running.desks.kept if key == keys[1])
    running.desks.kept[held] = replace(running.desks.kept[held], state=DocumentState.HELD, reason="seal.undecided")
    assert await running.run("documents", "--state", "held") == 0
    assert [line.split("\t")[-1] for line in capsys.readouterr().out.splitlines()[1:]] == [held]
    assert await running.run("documents", "--state", "wrapped") == 0
    assert capsys.readouterr() == ("", 'Không có văn bản đi nào ở trạng thái "Đã đóng gói".\n')
    assert await running.run("documents", "--state", "wrapped", "--json") == 0
    assert json.loads(capsys.readouterr().out)["items"] == []
    assert await running.run("documents", "--state", "bogus") == 2
    assert "accepted, sealed, wrapped, routed, refused, held" in capsys.readouterr().err
    assert await running.run("documents", "--cursor", "bogus") == 2


DOCUMENT: dict[str, Any] = {
    "key": "01900000-0000-7000-8000-000000000001",
    "document_id": "Z79.VPTU,2026/11/21,12/CV/VPTU",
    "state": "accepted",
    "accepted_at": "2026-11-21T06:05:09Z",
    "metadata": {
        "code": {"number": "12", "notation": "CV/VPTU"},
        "subject": "Về việc chuẩn bị hội nghị tổng kết công tác văn thư, lưu trữ năm 2026",
        "recipients": ["Z79.01.01"] * 1200,
    },
    "deliveries": {"total": 1201, "counts": {"delivered": 1199, "queued": 1, "rerouted": 1}},
}


@pytest.mark.parametrize("width", [40, 80, 100, 120])
def test_the_key_is_whole_on_any_terminal(width: int) -> None:
    """People copy it from here into the next command."""
    shown = terminal(tty=True, width=width)
    print_documents(shown, [DOCUMENT, {**DOCUMENT, "metadata": None}])
    text = re.sub("\x1b\\[[0-9;]*m", "", printed(shown.out))
    assert text.count(DOCUMENT["key"]) == 2
    assert "12-CV/VPTU" in text
    assert max(map(len, text.splitlines())) <= width
    assert ("21/11/2026" in text) == (width >= 100)
    assert "1.199/1.200" in text


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        ({"deliveries": {"total": 0, "counts": {}}}, "0/1.200"),
        ({"deliveries": {"total": 1200, "counts": {"sending": 1200}}}, "0/1.200"),
        ({}, "1.200"),
    ],
)
def test_how_many_have_it(progress: dict[str, Any], shown: str) -> None:
    """Before it is routed nobody has it; a gateway of an older version does not say."""
    out = terminal()
    print_documents(out, [{key: value for key, value in DOCUMENT.items() if key != "deliveries"} | progress])
    assert printed(out.out).splitlines()[1].split("\t")[2] == shown


async def test_bodies_by_part_of_their_name(running: Office, capsys: Capture) -> None:
    running.desks.register(WARD, "Ủy ban nhân dân Phường Thủ Dầu Một")
    running.desks.register(OTHER, "Đảng ủy Phường Thủ Đức")
    assert await running.run("org", "find", "thu", "dau", "mot") == 0
    assert capsys.readouterr() == (
        f"Mã định danh\tTên cơ quan\tTrạng thái\n{WARD}\tỦy ban nhân dân Phường Thủ Dầu Một\tĐang hoạt động\n",
        "",
    )
    assert await running.run("org", "find", "không có") == 0
    assert capsys.readouterr() == ("", "Không có cơ quan nào mà mã hoặc tên chứa chữ này.\n")
    assert await running.run("org", "find", "không có", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"items": [], "more": False, "next": None}
    assert await running.run("org", "find", "Z79", "--limit", "1") == 0
    said = capsys.readouterr()
    assert [line.split("\t")[0] for line in said.out.splitlines()[1:]] == [PARTY]
    assert f"--cursor {PARTY}" in said.err
    assert await running.run("org", "find", "x" * 300) == 2


async def test_all_bodies(running: Office, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS_MAX", 3)
    for number in range(10):
        running.desks.register(OrganId(f"Z79.02.{number:02}"), "Ủy ban nhân dân")
    assert await running.run("org", "find", "uy ban", "--all", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["organ_id"] for one in told["items"]] == [f"Z79.02.{number:02}" for number in range(10)]
    assert told["more"] is False
