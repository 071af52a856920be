"""`--dry-run` tells what would happen, and nothing happens."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.cli.exits import Exit
from gateway.core.directory import BodyStatus
from gateway.core.ids import OrganId
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState
from tests.unit.api.world import MUTE_KEY, OTHER, PARTY, PDF, WARD, WARD_KEY
from tests.unit.cli.world import LETTER, Office

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def known(running: Office) -> Office:
    for code in (PARTY, WARD, OTHER):
        running.desks.register(code, f"Cơ quan {code}")
    return running


class Untouched:
    """What the desks held, to be compared."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.before = self._now()

    def _now(self) -> object:
        desks = self.office.desks
        return copy.deepcopy((desks.kept, desks.orders, desks.entries, desks.stories))

    def check(self) -> None:
        assert self._now() == self.before


async def rehearsed(office: Office, capsys: Capture, *line: str, code: int = 0) -> dict[str, Any]:
    untouched = Untouched(office)
    capsys.readouterr()
    assert await office.run(*line, "--dry-run", "--json") == code
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    untouched.check()
    assert told["possible"] == (code == 0)
    return told


def codes(told: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in told["problems"]]


async def test_a_letter_that_could_be_sent(known: Office, letter: str, capsys: Capture) -> None:
    told = await rehearsed(known, capsys, "send", letter, *LETTER)
    assert (told["command"], told["problems"]) == ("send", [])
    assert told["request"]["files"][0]["size"] == len(PDF)
    assert told["request"]["metadata"]["recipients"] == [WARD]
    assert await known.run("send", letter, *LETTER, "--dry-run") == 0
    said = capsys.readouterr()
    assert said.out == f"Sẽ gửi 12/CV/VPTU của {PARTY} đến 1 nơi nhận, 1 tệp, {len(PDF)} byte.\n"
    assert said.err == "Chạy thử (--dry-run): chưa thay đổi gì.\n"


async def test_the_key_of_the_rehearsal_is_the_key_of_the_play(known: Office, letter: str, capsys: Capture) -> None:
    told = await rehearsed(known, capsys, "send", letter, *LETTER)
    assert await known.run("send", letter, *LETTER) == 0
    (document,) = known.desks.kept.values()
    assert document.idempotency_key == told["request"]["idempotency_key"]


async def test_everything_that_stands_against_it_is_told_at_once(
    known: Office, letter: str, tmp_path: Any, capsys: Capture
) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")
    desks = known.desks
    desks.bodies[OTHER] = replace(desks.bodies[OTHER], status=BodyStatus.CLOSED, successor=OrganId("Z79.77"))
    line = ("send", letter, str(tmp_path / "empty.pdf"), *LETTER, "--to", OTHER, "--to", "Z79.99.99")
    told = await rehearsed(known, capsys, *line, code=Exit.PROBLEM)
    assert codes(told) == ["file.empty", "recipient.closed", "recipient.unknown"]
    assert "Z79.77" in told["problems"][1]["what_vi"]
    assert await known.run(*line, "--dry-run") == Exit.PROBLEM
    shown = capsys.readouterr().out
    assert shown.count("✘") == 3
    assert "[recipient.unknown]" in shown


async def test_who_may_not_send_is_told(
    known: Office, letter: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await rehearsed(known, capsys, "send", letter, *LETTER, "--from", WARD, code=Exit.PERMISSION)
    assert codes(told) == ["access.organ"]
    monkeypatch.setenv("GATEWAY_API_KEY", MUTE_KEY)
    assert await known.run("send", letter, *LETTER, "--dry-run") == Exit.PERMISSION


async def test_what_the_real_command_finds_locally_the_rehearsal_finds_too(known: Office, letter: str) -> None:
    assert await known.run("send", "/no/such.pdf", *LETTER, "--dry-run") == 3
    assert await known.run("send", letter, *LETTER, "--date", "mai", "--dry-run") == 2


async def test_accept_and_refuse(known: Office, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await known.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    told = await rehearsed(known, capsys, "accept", "1")
    assert (told["request"]["key"], told["request"]["business_status"]) == (entry.key, "03")
    assert await known.run("accept", "1", "--dry-run") == 0
    assert 'từ "Đã đến" sang "Đã tiếp nhận"' in capsys.readouterr().out
    told = await rehearsed(known, capsys, "refuse", "1", "--reason", " \n ", code=Exit.USAGE)
    assert codes(told) == ["reason.missing"]
    assert codes(await rehearsed(known, capsys, "refuse", "1", "--reason", "x" * 501, code=Exit.USAGE)) == [
        "request.field"
    ]
    known.desks.entries[entry.key] = replace(entry, business_status=BusinessStatus.ACCEPTED)
    assert codes(await rehearsed(known, capsys, "refuse", "1", "--reason", "x", code=Exit.CONFLICT)) == [
        "conflict.state"
    ]
    assert await known.run("accept", "1", "--dry-run") == 0
    assert "lặp lại không thay đổi gì" in capsys.readouterr().out
    assert await known.run("accept", "9", "--dry-run") == 3


async def test_release(known: Office, letter: str, capsys: Capture) -> None:
    assert await known.run("send", letter, *LETTER) == 0
    (key,) = known.desks.kept
    assert codes(await rehearsed(known, capsys, "release", key, code=Exit.CONFLICT)) == ["conflict.state"]
    known.desks.ending = DeliveryState.HELD
    assert (await rehearsed(known, capsys, "release", key))["request"]["held_deliveries"] == 1
    known.desks.kept[key] = replace(known.desks.kept[key], state=DocumentState.HELD)
    assert (await rehearsed(known, capsys, "release", key))["problems"] == []
