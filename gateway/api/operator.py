"""The operator's other door: a socket in the state folder by which the queue is changed by hand, on this machine only.

Whoever may open the socket may do all of this: it is mode 0600 in a folder of mode 0700, so that is the service's own user and
root. *Who* it is tells the kernel, not the caller (SO_PEERCRED): the login name that the session began with (`loginuid`, which
sudo does not change), else the user's. That is how two operators who both act as the service's user are two persons.

* `POST /queue/pause`: `{"destination": …, "reason": …}`; `/queue/resume`: `{"destination": …}`
* `POST /queue/retry`, `/queue/reroute`: `{"subject": …}`
* `POST /queue/void`: `{"subject": …, "reason": …}` asks; with `"confirm": true` it confirms what another has asked.

Answers are JSON; errors are problem documents as on the office API.
"""

import asyncio
import json
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api.local_border import answered, json_answer
from gateway.core import limits
from gateway.core.clock import rfc3339
from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import Entropy
from gateway.core.interventions import Request
from gateway.core.plain_text import first_unseen
from gateway.exchange import OperatorDesk
from gateway.http import dress
from gateway.observe import bound_ids, logger, new_trace_id

Json = dict[str, Any]
Who = Callable[[socket.socket], str]
"""The login name of whoever is at the other end of a connection."""

BACKLOG: Final = 16
SHUTDOWN_SECONDS: Final = 1.0
_BY: Final = web.RequestKey("by", str)
"""Set by the border: who asks."""
_CREDENTIALS: Final = struct.Struct("iII")
"""`struct ucred`: process, user, group."""
_NO_LOGIN: Final = 0xFFFFFFFF
_log = logger("gateway.operator")


def who_asks(connection: socket.socket) -> str:
    """The login name at the other end, as the kernel knows it.

    A process that has ended meanwhile has no session any more: then it is the user that opened the connection.
    """
    given = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _ = _CREDENTIALS.unpack(given)
    login = _login_of(process)
    return _name(user if login is None else login)


def _login_of(process: int) -> int | None:
    """With whose login its session began; None where nobody logged in (a timer, a container)."""
    with suppress(OSError, ValueError):
        login = int(Path(f"/proc/{process}/loginuid").read_text(encoding="ascii"))
        return None if login == _NO_LOGIN else login
    return None


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def open_socket(path: Path) -> socket.socket:
    """Bind, for the owner alone. What a process that was killed left behind is removed; a live one is not.

    Raises:
        SiteError: `config.invalid` when somebody answers there.
        OSError: it cannot be bound.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        short = f"/proc/self/fd/{folder}/{path.name}"  # an address has 107 bytes, and a folder's name may have more
        _remove_stale(path, short)
        made.bind(short)  # nobody can connect before `listen`
        path.chmod(0o600)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    finally:
        os.close(folder)
    return made


def _remove_stale(path: Path, short: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)  # one that hangs, its queue full, is one that is there
        try:
            asking.connect(short)
        except BlockingIOError:
            pass
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise SiteError("config.invalid", path="gateway.state", reason=f"another process answers on {path}")


async def listen_operator(
    desk: OperatorDesk, path: Path, *, entropy: Entropy, who: Who = who_asks
) -> Callable[[], Awaitable[None]]:
    """Serve the desk on that socket; the answer ends it and removes the socket."""
    door = _Door(desk, entropy, who)
    app = web.Application(middlewares=[door.border], client_max_size=limits.METADATA_BYTES_MAX)
    app.on_response_prepare.append(dress)
    app.router.add_post("/queue/pause", door.pause)
    app.router.add_post("/queue/resume", door.resume)
    app.router.add_post("/queue/retry", door.retry)
    app.router.add_post("/queue/reroute", door.reroute)
    app.router.add_post("/queue/void", door.void)
    sock = await asyncio.to_thread(open_socket, path)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    await web.SockSite(runner, sock, backlog=BACKLOG).start()

    async def end() -> None:
        await runner.cleanup()
        await asyncio.to_thread(path.unlink, missing_ok=True)

    return end


class _Door:
    """The handlers and what they are handed."""

    def __init__(self, desk: OperatorDesk, entropy: Entropy, who: Who) -> None:
        self._desk = desk
        self._entropy = entropy
        self._who = who

    @property
    def border(self) -> Any:
        """Every answer is one of ours, and every change is in the service's log with who made it."""

        @web.middleware
        async def border(request: web.Request, handler: Handler) -> web.StreamResponse:
            trace_id = new_trace_id(self._entropy)
            with bound_ids(trace_id=trace_id):
                return await answered(request, self._named(handler), trace_id)

        return border

    def _named(self, handler: Handler) -> Handler:
        async def named(request: web.Request) -> web.StreamResponse:
            by = request[_BY] = await self._asker(request)
            response = await handler(request)
            _log.info("operator.done", by=by, path=request.path)
            return response

        return named

    async def pause(self, request: web.Request) -> web.Response:
        """Let nothing go there."""
        said = await _said(request, "destination", "reason")
        pause = await self._desk.pause(request[_BY], said["destination"], said["reason"])
        return json_answer(
            {
                "done": "paused",
                "destination": pause.destination,
                "by": pause.by,
                "reason": pause.reason,
                "at": rfc3339(pause.at),
            }
        )

    async def resume(self, request: web.Request) -> web.Response:
        """Let it go on."""
        said = await _said(request, "destination")
        await self._desk.resume(request[_BY], said["destination"])
        return json_answer({"done": "resumed", "destination": said["destination"], "by": request[_BY]})

    async def retry(self, request: web.Request) -> web.Response:
        """Try at once."""
        said = await _said(request, "subject")
        count = await self._desk.retry(request[_BY], said["subject"])
        return json_answer({"done": "retried", "subject": said["subject"], "by": request[_BY], "count": count})

    async def reroute(self, request: web.Request) -> web.Response:
        """Send where the registry says by now."""
        said = await _said(request, "subject")
        count = await self._desk.reroute(request[_BY], said["subject"])
        return json_answer({"done": "rerouted", "subject": said["subject"], "by": request[_BY], "count": count})

    async def void(self, request: web.Request) -> web.Response:
        """Ask to give up, or confirm it."""
        said = await _said(request, "subject", "reason", optional=frozenset({"reason", "confirm"}))
        by, subject = request[_BY], said["subject"]
        if said.get("confirm"):
            count = await self._desk.confirm_void(by, subject)
            return json_answer({"done": "void", "subject": subject, "by": by, "count": count})
        asked = await self._desk.ask_void(by, subject, said.get("reason", ""))
        return json_answer(
            {"done": "asked", "subject": subject, "by": by, "requests": [_request(one) for one in asked]}
        )

    async def _asker(self, request: web.Request) -> str:
        """In a thread: accounts may stand in a directory on the network."""
        connection = request.transport.get_extra_info("socket") if request.transport else None
        if connection is None:
            raise ConnectionResetError("whoever asked has gone")
        try:
            return await asyncio.to_thread(self._who, connection)
        except OSError as error:
            raise ConnectionResetError("whoever asked has gone") from error


def _request(one: Request) -> Json:
    return {"transfer": one.subject, "by": one.by, "reason": one.reason, "at": rfc3339(one.at)}


async def _said(request: web.Request, *names: str, optional: frozenset[str] = frozenset()) -> Mapping[str, Any]:
    """The members of the request: texts of these names, and no others (`confirm` is a truth value)."""
    try:
        members = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise SenderError("request.malformed", reason="JSON") from error
    if not isinstance(members, dict) or not set(members) <= {*names, *optional}:
        raise SenderError("request.malformed", reason="members")
    for name in {*names, *members}:
        kind = bool if name == "confirm" else str
        if (name in members and not isinstance(members[name], kind)) or (name not in members and name not in optional):
            raise SenderError("request.malformed", reason=name)
        if name in ("destination", "subject") and first_unseen(members[name]):
            raise SenderError("request.malformed", reason=name)  # no row holds half a letter
    if blank := [name for name in ("destination", "subject") if not members.get(name, "-").strip()]:
        raise SenderError("request.malformed", reason=blank[0])  # the road without a name is that of our own steps
    return members
