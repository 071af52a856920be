import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.cli.office import print_entries
from gateway.cli.output import Column, choose_language
from gateway.core.clock import evidence_time, local_time
from gateway.core.plain_text import shown
from tests.unit.cli.world import printed, terminal

KEY_AND_SUBJECT = (Column(heading="cli.column.key"), Column(heading="cli.column.subject"))
HOSTILE = "a\x1b[2J\r\nb\u202ec\td\ud800"


@pytest.mark.parametrize(
    ("asked", "environ", "language"),
    [
        (None, {}, "vi"),
        (None, {"LANG": "C.UTF-8"}, "vi"),
        (None, {"LANG": "en_GB.UTF-8"}, "en"),
        (None, {"LANG": "en"}, "en"),
        (None, {"LANG": "eng"}, "vi"),
        (None, {"LANG": "en_GB.UTF-8", "LC_ALL": "de_DE"}, "vi"),
        (None, {"LC_MESSAGES": "en_US", "LANG": "vi_VN"}, "en"),
        ("vi", {"LANG": "en_GB"}, "vi"),
        ("xx", {"LANG": "en_GB"}, "en"),
    ],
)
def test_the_language(asked: str | None, environ: dict[str, str], language: str) -> None:
    assert choose_language(asked, environ) == language


def test_foreign_text_moves_no_cursor() -> None:
    assert shown(HOSTILE) == "a[U+001B][2J[U+000D][U+000A]b[U+202E]c[U+0009]d[U+D800]"


def test_a_moment_is_told_in_vietnams_time() -> None:
    moment = datetime(2026, 11, 21, 17, 30, 5, tzinfo=UTC)
    assert local_time(moment) == "22/11/2026 00:30"
    assert local_time(moment, seconds=True) == "22/11/2026 00:30:05"


@pytest.mark.parametrize("tty", [False, True])
def test_a_hostile_cell_is_one_cell(tty: bool) -> None:
    shown = terminal(tty=tty)
    shown.table(KEY_AND_SUBJECT, [("1", HOSTILE), ("2", "[bold]x[/]")])
    text = printed(shown.out)
    assert len(text.splitlines()) == 3
    assert "[bold]x[/]" in text
    assert "\x1b[2J" not in text


def test_a_pipe_gets_tabs_and_everything() -> None:
    shown = terminal()
    shown.table(KEY_AND_SUBJECT, [("1", "dài " * 100)])
    assert printed(shown.out) == "Mã\tTrích yếu\n1\t" + "dài " * 100 + "\n"


def test_numbers_and_dates_stay_whole_where_room_is_scarce() -> None:
    entry: dict[str, Any] = {
        "cursor": 1024,
        "key": "01900000-0000-7000-8000-000000000001",
        "sender": "Z79.00.01",
        "message": {
            "code": {"text": "1234-QĐ-UBND/TTHC"},
            "subject": "Về việc chuẩn bị hội nghị tổng kết công tác văn thư, lưu trữ năm 2026",
            "sender": {"name": "Văn phòng Thành ủy Thành phố Hồ Chí Minh"},
            "priority": "immediate_at_time",
        },
        "attachments": [{"indication": "INDETERMINATE"}],
        "business_status": "02",
        "received_at": "2026-11-21T06:05:09Z",
    }
    narrow, wide = terminal(tty=True, width=80), terminal(tty=True, width=200)
    print_entries(narrow, [entry])
    print_entries(wide, [entry])
    shown = re.sub("\x1b\\[[0-9;]*m", "", printed(narrow.out))
    assert max(map(len, shown.splitlines())) <= 80
    for whole in ("1024", "1234-QĐ-UBND/TTHC", "21/11/2026", "Chưa đủ", "Từ chối", "tiếp nhận", "chuẩn bị"):
        assert whole in shown
    assert "Hỏa tốc" not in shown
    assert "Hỏa tốc hẹn" in printed(wide.out)
    assert "21/11/2026 13:05" in printed(wide.out)
    assert entry["key"] not in shown + printed(wide.out)


def test_who_reads_the_inbox_sees_what_waits_for_an_answer() -> None:
    entry: dict[str, Any] = {
        "cursor": 7,
        "key": "k",
        "sender": "Z79.00.01",
        "message": {"code": {"text": "1-CV"}, "subject": "s", "sender": {"name": "n"}, "priority": "normal"},
        "attachments": [],
        "business_status": "03",
        "received_at": "2026-11-21T06:05:09Z",
        "amendments": [{"kind": "recall", "state": "asked"}],
    }
    shown = terminal()
    print_entries(shown, [entry])
    assert "Đã tiếp nhận · Thu hồi: Đã đề nghị, chưa trả lời" in printed(shown.out)


def test_evidence_names_its_zone() -> None:
    assert evidence_time(datetime(2026, 11, 21, 17, 30, 5, tzinfo=UTC)) == "22/11/2026 00:30:05 +07:00"


def test_json_keeps_letters() -> None:
    shown = terminal(as_json=True)
    shown.value({"subject": "Trích yếu\x1b"})
    assert "Trích yếu" in printed(shown.out)
    assert "\x1b" not in printed(shown.out)
    assert json.loads(printed(shown.out)) == {"subject": "Trích yếu\x1b"}


HEADINGS = ("cli.column.code", "cli.column.subject", "cli.column.status", "cli.column.received")
ROWS = [("12-CV/VPTU", "Về việc chuẩn bị hội nghị tổng kết", "Đã đến", "21/11/2026 13:05"), ("13", "", "", "")]


@pytest.mark.parametrize("width", [24, 30, 40])
def test_what_has_no_room_as_a_table_is_a_list(width: int) -> None:
    shown = terminal(tty=True, width=width)
    shown.table([Column(heading=heading) for heading in HEADINGS], ROWS)
    lines = re.sub("\x1b\\[[0-9;]*m", "", printed(shown.out)).splitlines()
    assert lines[0] == "Số, ký hiệu: 12-CV/VPTU"
    assert "Trạng thái: Đã đến" in lines
    assert lines[-2:] == ["Số, ký hiệu: 13", ""]
    assert max(map(len, lines)) <= width


def test_what_has_room_is_a_table() -> None:
    shown = terminal(tty=True, width=80)
    shown.table([Column(heading=heading) for heading in HEADINGS], ROWS)
    assert re.match("Số, ký hiệu +Trích yếu", re.sub("\x1b\\[[0-9;]*m", "", printed(shown.out)))
    assert len(printed(shown.out).splitlines()) == 3


def test_a_state_of_a_newer_version_is_shown_as_it_is() -> None:
    assert terminal().word("delivery.queued") == "Chờ gửi"
    assert terminal("en").word("delivery.queued") == "Waiting"
    assert terminal().word("delivery.tele\x1bported") == "tele[U+001B]ported"
