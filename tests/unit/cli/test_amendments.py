"""`replace` and `update`: what was not said is as in the earlier document."""

import json
from dataclasses import replace

import pytest

from gateway.cli.exits import Exit
from gateway.core.message import BusinessKind
from gateway.core.states import MessageKind
from tests.kit import desk_rows
from tests.unit.cli.world import LETTER, Office

Capture = pytest.CaptureFixture[str]
NEW = ("--number", "13", "--date", "21/11/2026")


@pytest.mark.parametrize(("wish", "kind"), [("replace", BusinessKind.REPLACE), ("update", BusinessKind.UPDATE)])
async def test_the_new_one_is_of_the_same_kind_and_goes_to_the_same_bodies(
    running: Office, letter: str, wish: str, kind: BusinessKind
) -> None:
    assert await running.run("send", letter, *LETTER, "--priority", "immediate_at_time") == Exit.OK
    ((key, sent),) = running.desks.kept.items()
    assert sent.metadata is not None
    said = replace(sent.metadata, type_name="Quyết định", document_type=1, type_detail=5)
    running.desks.kept[key] = replace(sent, metadata=said)
    assert await running.run(wish, key, letter, *NEW, "--reason", "Sai thể thức") == Exit.OK
    (made,) = (one.metadata for one in running.desks.kept.values() if one.key != key)
    assert made is not None
    assert made.business is not None
    assert (made.business.kind, made.business.reason) == (kind, "Sai thể thức")
    same = replace(made, code=said.code, business=None)
    assert same == said


@pytest.mark.parametrize("line", [("replace", "{key}", "{letter}", *NEW), ("recall", "{key}", "--reason", "x")])
async def test_a_status_message_is_neither_replaced_nor_recalled(
    running: Office, letter: str, line: tuple[str, ...], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key stands in histories, beside those of documents."""
    assert await running.run("send", letter, *LETTER) == Exit.OK
    ((key, sent),) = running.desks.kept.items()
    running.desks.kept[key] = replace(sent, kind=MessageKind.STATUS, metadata=None)
    monkeypatch.setattr(desk_rows, "deliveries", lambda *_: ())
    capsys.readouterr()
    words = [one.format(key=key, letter=letter) for one in line]
    code = await running.run(*words, "--dry-run", "--json")
    told = json.loads(capsys.readouterr().out)
    if line[0] == "recall":
        assert (code, [one["code"] for one in told["problems"]]) == (Exit.CONFLICT, ["conflict.state"])
    else:
        assert (code, told["error"]["code"]) == (Exit.PROBLEM, "amendment.unknown")
