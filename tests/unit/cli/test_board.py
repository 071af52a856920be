"""The board of a document: who has it and who has not."""

import json
from dataclasses import replace

import pytest

from gateway.cli.exits import Exit
from gateway.cli.outcome import tell_ending
from gateway.core.states import DeliveryState
from tests.unit.api.world import OTHER, WARD
from tests.unit.cli.world import LETTER, Office, terminal

Capture = pytest.CaptureFixture[str]


async def test_the_board_counts_and_names_those_who_do_not_have_it(
    running: Office, letter: str, capsys: Capture
) -> None:
    assert await running.run("send", letter, *LETTER) == 0
    key = capsys.readouterr().out.strip()
    assert await running.run("board", key, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["document"]["key"] == key
    assert len(told["deliveries"]) == told["document"]["deliveries"]["total"]
    has = [one["state"] == "delivered" for one in told["deliveries"]]
    assert has == sorted(has)
    assert await running.run("board", key, "--missing", "--json") == 0
    missing = json.loads(capsys.readouterr().out)["deliveries"]
    assert missing == [one for one in told["deliveries"] if one["state"] != "delivered"]
    assert await running.run("board", key) == 0
    said = capsys.readouterr()
    for one in told["deliveries"]:
        assert one["recipient"] in said.out
    assert await running.run("board", "01900000-0000-7000-8000-00000000ffff") == 3


def counted(**counts: int) -> dict[str, object]:
    return {"state": "routed", "reason": None, "deliveries": {"total": sum(counts.values()), "counts": counts}}


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({"delivered": 2}, Exit.OK),
        ({"delivered": 2, "rerouted": 1}, Exit.OK),
        ({"delivered": 1, "rerouted": 1, "refused": 1}, Exit.PROBLEM),
        ({"delivered": 1, "void": 1}, Exit.PROBLEM),
        ({"rerouted": 1, "queued": 1}, Exit.PROBLEM),
    ],
)
def test_a_delivery_that_was_rerouted_is_missed_by_nobody(counts: dict[str, int], code: Exit) -> None:
    assert tell_ending(terminal(), counted(**counts), []) == code


async def test_nor_on_the_board(running: Office, letter: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The successor of a closed body has it: two rows, and nobody who has not."""
    assert await running.run("send", letter, *LETTER, "--to", OTHER) == Exit.OK
    key = capsys.readouterr().out.strip()
    states = {WARD: DeliveryState.REROUTED, OTHER: DeliveryState.DELIVERED}
    monkeypatch.setattr(running.desks, "_answered", lambda row: replace(row, state=states[row.recipient]))
    assert await running.run("board", key, "--missing", "--json") == Exit.OK
    assert json.loads(capsys.readouterr().out)["deliveries"] == []
    assert await running.run("board", key, "--json") == Exit.OK
    assert len(json.loads(capsys.readouterr().out)["deliveries"]) == 2


async def test_why_somebody_has_it_not_is_said_in_words(
    running: Office, letter: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clerk read `conflict.document_id` there, and a sentence everywhere else."""
    assert await running.run("send", letter, *LETTER) == Exit.OK
    key = capsys.readouterr().out.strip()
    refused = {"state": DeliveryState.REFUSED, "reason": "conflict.document_id"}
    monkeypatch.setattr(running.desks, "_answered", lambda row: replace(row, **refused))
    assert await running.run("board", key) == Exit.OK
    said = " ".join(capsys.readouterr().out.split())
    assert "conflict.document_id" not in said
    assert "Cơ quan gửi đã gửi" in said
