"""The story of a document: what a sender and a recipient read of it."""

import json
from dataclasses import replace

import pytest

from gateway.cli.outcome import delivery_lines
from gateway.cli.trace import print_events, short_detail
from gateway.core.ids import OrganId
from gateway.core.states import BusinessStatus, DeliveryState
from tests.unit.api.world import OTHER, PARTY, PDF, WARD, WARD_KEY
from tests.unit.cli.world import LETTER, Office, printed, terminal

REASON = {
    "code": "recipient.unknown",
    "what_vi": "Mã không có.",
    "todo_vi": "Tra lại.",
    "what_en": "No such code.",
    "todo_en": "Look it up.",
}


def delivery(recipient: str, state: str = "delivered", **more: object) -> dict[str, object]:
    return {
        "recipient": recipient,
        "destination": "dang.gw",
        "state": state,
        "reason": None,
        "business_status": None,
        "business_description": "",
        **more,
    }


def test_details_for_the_eye() -> None:
    assert short_detail(json.dumps({"code": "", "to": "H29", "receipt": "ab" * 32, "epoch": 1})) == (
        "to=H29 receipt=abababababab epoch=1"
    )
    assert short_detail("plain") == "plain"
    assert short_detail("[1]") == "[1]"


async def test_trace_tells_either_side(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await running.run("send", letter, *LETTER) == 0
    key = capsys.readouterr().out.strip()
    assert await running.run("trace", key) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[:2] == ["Thời điểm\tSự kiện\tNơi nhận", "21/11/2026 13:05:09\tNhận vào cổng\t"]
    assert "Đã nhận vào cổng · 0/1 đã đến" in said.err

    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    assert await running.run("trace", key) == 3
    entry = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    capsys.readouterr()
    assert await running.run("trace", entry.key, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["entry"]["key"], told["events"][0]["event"]) == (entry.key, "received")
    assert await running.run("refuse", entry.key, "--reason", "Không đúng thẩm quyền") == 0
    assert await running.run("trace", entry.key) == 0
    assert "Từ chối tiếp nhận — Không đúng thẩm quyền" in capsys.readouterr().err


async def test_the_sender_reads_why_a_recipient_refused(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    running.desks.answers = {
        WARD: (BusinessStatus.REFUSED, "Không đúng thẩm quyền;\ngửi Ủy ban nhân dân\x1b[2J"),
        OTHER: (BusinessStatus.ARRIVED, ""),
    }
    assert await running.run("send", letter, *LETTER, "--to", OTHER) == 0
    key = capsys.readouterr().out.strip()
    assert await running.run("trace", key) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"{WARD}: Từ chối tiếp nhận — Không đúng thẩm quyền; gửi Ủy ban nhân dân[U+001B][2J"
    assert not any(line.startswith(OTHER) for line in lines)
    assert await running.run("trace", key, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"document", "deliveries", "events"}
    assert [row["business_status"] for row in told["deliveries"]] == ["02", "01"]


async def test_the_sender_reads_why_it_was_not_delivered(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    running.desks.ending = DeliveryState.REFUSED
    assert await running.run("send", letter, *LETTER) == 0
    assert await running.run("trace", capsys.readouterr().out.strip()) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"{WARD}: Bị từ chối — Mã định danh nơi nhận ({WARD}) không có trong danh bạ.",
        "  Cần làm: Người gửi tra lại mã định danh của nơi nhận rồi gửi lại cho nơi đó.",
    ]


async def test_what_is_held_says_why(running: Office, letter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await running.run("send", letter, *LETTER) == 0
    running.desks.stopped = "seal.undecided"
    assert await running.run("trace", capsys.readouterr().out.strip()) == 0
    assert "Đang tạm giữ — Chưa đủ căn cứ kết luận" in capsys.readouterr().out


def test_one_remedy_is_told_once_and_waiting_is_counted_by_gateway() -> None:
    shown = terminal()
    rows = [
        delivery("A", "refused", reason=REASON),
        delivery("B", "refused", reason=REASON),
        delivery("C", "refused", reason={**REASON, "code": "new.code", "what_vi": None, "todo_vi": None}),
        delivery("D", "queued"),
        delivery("E", "queued"),
        delivery("F", "queued", destination=None),
        delivery("G", business_status="03", business_description="Đã tiếp nhận"),
        delivery("H", business_status="99", business_description="lạ"),
        delivery("I", business_status="01"),
        delivery("J"),
    ]
    assert delivery_lines(shown, rows) == [
        "A: Bị từ chối — Mã không có.",
        "B: Bị từ chối — Mã không có.",
        "  Cần làm: Tra lại.",
        "C: Bị từ chối — new.code",
        "Chờ gửi: 2 (cổng nhận dang.gw)",
        "Chờ gửi: 1",
        "G: Đã tiếp nhận",
        "H: 99 — lạ",
    ]


def test_the_words_for_events_are_true_of_every_case() -> None:
    assert terminal().word("event.sealed") == "Đã kiểm tra tệp và chữ ký"
    assert terminal().word("event.delivery.refused") == "Không gửi được đến nơi nhận"


def test_the_technical_detail_only_on_demand() -> None:
    event = {
        "at": "2026-11-21T06:05:09Z",
        "event": "wrapped",
        "recipient": None,
        "detail": json.dumps({f"key_{number}": "x" * 40 for number in range(12)}),
    }
    for verbose in (False, True):
        narrow = terminal(tty=True, width=80, verbose=verbose)
        print_events(narrow, [event])
        shown = printed(narrow.out)
        assert "21/11/2026 13:05:09" in shown
        assert (len(shown.splitlines()) > 2, "key_" in shown) == (verbose, verbose)


async def test_a_letter_to_everybody_is_traced_whole(
    running: Office, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Deliveries and story come in pages of 200: the board is put together from all of them."""
    wards = [f"Z79.{number:03}" for number in range(336)]
    to = [word for ward in wards for word in ("--to", ward)]
    line = [word for word in LETTER if word not in ("--to", WARD)]
    assert await running.run("send", letter, *line, *to) == 0
    (key,) = running.desks.kept
    story = running.desks.stories[key]
    story += [replace(story[0], recipient=OrganId(ward)) for ward in wards]
    capsys.readouterr()
    assert await running.run("trace", key, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["recipient"] for row in told["deliveries"]] == wards
    assert [event["recipient"] for event in told["events"]] == [None, *wards]
    assert await running.run("trace", key) == 0
    assert "336/336" in capsys.readouterr().err
