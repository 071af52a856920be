"""The board of a document: who has it and who has not."""

import json

import pytest

from tests.unit.cli.world import LETTER, Office

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
