"""The operator's socket: for its owner alone, the kernel says who asks, and every wish reaches the desk as it was said."""

import asyncio
import os
import pwd
import secrets
import socket
import stat
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.api import ApiProblem, ask_operator, listen_operator, who_asks
from gateway.core.errors import Conflict, SiteError
from tests.kit.operators_desk import OperatorsDesk


@dataclass
class Served:
    """A desk behind its socket."""

    path: Path
    desk: OperatorsDesk
    who: str = "hoa"

    async def post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            connector = aiohttp.UnixConnector(f"/proc/self/fd/{folder}/{self.path.name}")
            async with aiohttp.ClientSession(connector=connector) as session:
                data = {"data": body} if isinstance(body, bytes) else {"json": body}
                async with session.post(f"http://gateway{path}", **data) as answer:
                    return answer.status, await answer.json(content_type=None)
        finally:
            os.close(folder)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    made = Served(tmp_path / ("long " * 30) / "admin.sock", OperatorsDesk())  # an address alone could not name it
    made.path.parent.mkdir()
    end = await listen_operator(made.desk, made.path, entropy=secrets.token_bytes, who=lambda _: made.who)
    yield made
    await end()
    assert not made.path.exists()


async def test_every_wish_reaches_the_desk_with_the_name_that_the_kernel_tells(served: Served) -> None:
    told = {
        "/queue/pause": {"destination": "there", "reason": "bảo trì"},
        "/queue/resume": {"destination": "there"},
        "/queue/retry": {"subject": "x"},
        "/queue/reroute": {"subject": "x"},
        "/queue/void": {"subject": "x", "reason": "nhầm"},
    }
    answers = [await served.post(path, body) for path, body in told.items()]
    answers.append(await served.post("/queue/void", {"subject": "x", "confirm": True}))
    assert [(status, body["done"], body["by"]) for status, body in answers] == [
        (200, done, "hoa") for done in ("paused", "resumed", "retried", "rerouted", "asked", "void")
    ]
    assert served.desk.asked == [
        ("pause", "hoa", "there", "bảo trì"),
        ("resume", "hoa", "there"),
        ("retry", "hoa", "x"),
        ("reroute", "hoa", "x"),
        ("ask", "hoa", "x", "nhầm"),
        ("confirm", "hoa", "x"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/queue/retry", b"{", 400),
        ("/queue/retry", [], 400),
        ("/queue/retry", {}, 400),
        ("/queue/retry", {"subject": 5}, 400),
        ("/queue/retry", {"subject": "x", "by": "somebody else"}, 400),
        ("/queue/retry", {"subject": " "}, 400),
        ("/queue/retry", b'{"subject": "\\ud800"}', 400),
        ("/queue/reroute", {"subject": "x\0"}, 400),
        ("/queue/pause", b'{"destination": "there", "reason": "\\udfff"}', 422),
        ("/queue/pause", {"destination": "there", "reason": "\x1b[2J"}, 422),
        ("/queue/pause", {"destination": "", "reason": "a variable that was empty"}, 400),
        ("/queue/void", {"subject": "x", "confirm": "yes"}, 400),
        ("/queue/void", {"subject": "x" * 300_000}, 413),
        ("/queue/nothing", {}, 404),
    ],
)
async def test_what_is_not_said_as_it_should_be_reaches_nobody(
    served: Served, path: str, body: Any, status: int
) -> None:
    answer = await served.post(path, body)
    assert answer[0] == status
    assert served.desk.asked == []


async def test_the_desks_no_is_a_problem_and_its_fault_is_ours(served: Served) -> None:
    served.desk.fault = Conflict("conflict.same_person", name="hoa")
    status, body = await served.post("/queue/void", {"subject": "x", "confirm": True})
    assert (status, body["code"]) == (409, "conflict.same_person")
    served.desk.fault = ZeroDivisionError()
    status, body = await served.post("/queue/retry", {"subject": "x"})
    assert (status, body["code"]) == (500, "internal")


async def test_who_it_is_is_looked_up_beside_the_loop(tmp_path: Path) -> None:
    """A directory of accounts on the network may take its time."""
    desk, path = OperatorsDesk(), tmp_path / "admin.sock"
    end = await listen_operator(desk, path, entropy=secrets.token_bytes, who=lambda _: threading.current_thread().name)
    await ask_operator(path, "/queue/retry", {"subject": "x"})
    await end()
    ((_, thread, _),) = desk.asked
    assert thread != threading.main_thread().name


async def test_the_socket_is_its_owners_alone(served: Served) -> None:
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600


async def test_a_live_socket_is_left_alone_and_a_dead_one_is_replaced(served: Served, tmp_path: Path) -> None:
    with pytest.raises(SiteError):
        await listen_operator(OperatorsDesk(), served.path, entropy=secrets.token_bytes)
    assert (await served.post("/queue/retry", {"subject": "x"}))[0] == 200
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(dead))
    end = await listen_operator(OperatorsDesk(), dead, entropy=secrets.token_bytes)
    await end()


async def test_a_process_that_hangs_is_there_and_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "hangs.sock"
    with socket.socket(socket.AF_UNIX) as hanging, socket.socket(socket.AF_UNIX) as first:
        hanging.bind(str(path))
        hanging.listen(0)
        first.connect(str(path))  # its queue is full
        async with asyncio.timeout(30):
            with pytest.raises(SiteError):
                await listen_operator(OperatorsDesk(), path, entropy=secrets.token_bytes)
    assert path.exists()


async def test_the_kernel_says_who_it_is() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        found = await asyncio.to_thread(who_asks, here)
    login = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
    user = os.getuid() if login == 0xFFFFFFFF else login
    assert found == pwd.getpwuid(user).pw_name


async def test_whoever_asks_reads_a_long_answer_to_its_end_and_a_no_as_a_problem(served: Served) -> None:
    served.desk.transfers = 1_000
    told = await ask_operator(served.path, "/queue/void", {"subject": "x", "reason": "y" * 500})
    assert [one["reason"] for one in told["requests"]] == ["y" * 500] * 1_000
    served.desk.fault = Conflict("conflict.not_asked")
    with pytest.raises(ApiProblem) as refused:
        await ask_operator(served.path, "/queue/void", {"subject": "x", "confirm": True})
    assert (refused.value.status, refused.value.code) == (409, "conflict.not_asked")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n75",
        b"SSH-2.0-x\r\n",
    ],
)
async def test_an_answer_that_breaks_off_is_told_from_nobody_there(tmp_path: Path, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    path = tmp_path / "admin.sock"
    with pytest.raises(FileNotFoundError):
        await ask_operator(path, "/queue/retry", {"subject": "x"})
    server = await asyncio.start_unix_server(serve, path)
    with pytest.raises(ConnectionAbortedError):
        await ask_operator(path, "/queue/retry", {"subject": "x"})
    server.close()
    await server.wait_closed()
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):  # later Pythons remove the socket
        await ask_operator(path, "/queue/retry", {"subject": "x"})
