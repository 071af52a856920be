"""The queue by hand, as whoever types it is told how it went."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.api import listen_operator
from gateway.cli import main
from gateway.cli.exits import Exit
from gateway.core.errors import Conflict
from tests.kit.operators_desk import OperatorsDesk
from tests.unit.cli.site import THERE, Site

Capture = pytest.CaptureFixture[str]


async def queue(site: Site, *line: str) -> int:
    return await asyncio.to_thread(main, ["queue", *line, "--config", str(site.config_file)])


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[OperatorsDesk]:
    desk = OperatorsDesk()
    end = await listen_operator(desk, site.config.admin_socket, entropy=secrets.token_bytes, who=lambda _: "hoa")
    yield desk
    await end()


async def test_what_was_done_is_said_in_a_sentence(site: Site, capsys: Capture) -> None:
    lines = {
        ("pause", THERE, "--reason", "bảo trì"): ("pause", "hoa", THERE, "bảo trì"),
        ("resume", THERE): ("resume", "hoa", THERE),
        ("retry", "x"): ("retry", "hoa", "x"),
        ("reroute", "x"): ("reroute", "hoa", "x"),
        ("void", "x", "--reason", "nhầm"): ("ask", "hoa", "x", "nhầm"),
        ("void", "x", "--confirm"): ("confirm", "hoa", "x"),
    }
    async with serving(site) as desk:
        for line in lines:
            assert await queue(site, *line) == Exit.OK
        assert desk.asked == list(lines.values())
    assert len(capsys.readouterr().out.splitlines()) == len(lines)


async def test_who_confirms_gives_no_reason_of_his_own(site: Site, capsys: Capture) -> None:
    """It would stand nowhere: the request has one, and that is what is confirmed."""
    async with serving(site) as desk:
        assert await queue(site, "void", "x", "--confirm", "--reason", "khác", "--json") == Exit.USAGE
        assert desk.asked == []
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli.void"


async def test_the_services_no_has_its_own_exit_code(site: Site, capsys: Capture) -> None:
    async with serving(site) as desk:
        desk.fault = Conflict("conflict.same_person", name="hoa")
        assert await queue(site, "void", "x", "--confirm", "--json") == Exit.CONFLICT
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "conflict.same_person"


async def test_nobody_there_and_an_answer_that_breaks_off_are_told_apart(site: Site, capsys: Capture) -> None:
    """After the second nobody knows whether it was done."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    assert await queue(site, "retry", "x", "--json") == Exit.UNREACHABLE
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli.no_service"
    server = await asyncio.start_unix_server(hang_up, site.config.admin_socket)
    assert await queue(site, "retry", "x", "--json") == Exit.UNREACHABLE
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli.no_answer"
    server.close()
    await server.wait_closed()
    site.config.admin_socket.unlink(missing_ok=True)
