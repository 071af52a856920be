"""One connection: its place, the time its heads may take, and what is answered to what is not HTTP.

An error in the request line or the headers never reaches a middleware; aiohttp answers it in plain text from the
protocol and logs what was sent, so the protocol is ours.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from gateway.core import limits
from gateway.core.errors import GatewayError, SenderError, SiteError
from gateway.core.ids import Entropy
from gateway.http.answers import dressed, refusal
from gateway.observe import bound_ids, logger, new_trace_id

HEADERS_MAX: Final = 64
LINGER_SECONDS: Final = 5.0
"""How long the rest of a body that was refused is read and thrown away, so that the answer is heard."""
_LINE_BYTES_MAX: Final = limits.HEADER_BYTES_MAX // 2
_log = logger(__name__)


class Place(Protocol):
    """What a connection counts as at its listener."""

    def known(self, name: str) -> None:
        """A good credential of this name was shown over it. May be said with every request."""
        ...

    def unknown(self) -> None:
        """What was shown last is not good, or not any more."""
        ...

    def cut_by(self, cut: Callable[[], None]) -> None:
        """Told when the handshake is done: how the connection is ended from now on when its place is wanted."""
        ...


class _Uncounted:
    """The place of a connection that nobody counts: on a site of aiohttp's own."""

    def known(self, name: str) -> None:
        """See `Place.known`."""

    def unknown(self) -> None:
        """See `Place.unknown`."""

    def cut_by(self, cut: Callable[[], None]) -> None:
        """See `Place.cut_by`."""


UNCOUNTED: Final[Place] = _Uncounted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What one listener does in its own way."""

    name: str
    """As it stands in the log and in metrics."""
    document: Callable[[GatewayError, str, str], bytes]
    """The problem document of an error, for a path, under a trace id."""
    entropy: Entropy
    head_seconds: float = limits.HEAD_SECONDS_MAX
    stall_seconds: float = limits.ANSWER_STALL_SECONDS_MAX
    keepalive_seconds: float = 75.0
    """An idle connection is closed after this long."""

    @property
    def bounds(self) -> dict[str, Any]:
        """As aiohttp's protocol takes them."""
        return {
            "access_log": None,
            "keepalive_timeout": self.keepalive_seconds,
            "lingering_time": LINGER_SECONDS,
            "max_line_size": _LINE_BYTES_MAX,
            "max_field_size": _LINE_BYTES_MAX,
            "max_headers": HEADERS_MAX,
            # Compressed bodies are refused by their header; nothing is inflated, not even while it is thrown away.
            "auto_decompress": False,
        }


class Server(web.Server):
    """The connections of one listener."""

    def __init__(self, handler: Any, *, request_factory: Any, door: Door) -> None:
        super().__init__(handler, request_factory=request_factory)
        self.door = door

    def __call__(self) -> "Connection":
        """The protocol of a connection that nobody counts."""
        return self.connection(UNCOUNTED)

    def connection(self, place: Place) -> "Connection":
        """The protocol of one connection."""
        return Connection(self, place, loop=asyncio.get_running_loop(), **self.door.bounds)


class Connection(web.RequestHandler):
    """One connection."""

    __slots__ = ("_door", "_head", "_stall", "gone", "leaving", "place")

    def __init__(self, server: Server, place: Place, **kwargs: Any) -> None:
        super().__init__(server, **kwargs)
        self._door = server.door
        self._head: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self.place: Final = place
        self.leaving = False
        """Whether the answer in hand is the last one."""
        self.gone = asyncio.Event()
        """Set when the other side has left: nobody reads an answer any more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done; the first head has to come in time."""
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        self.place.cut_by(transport.abort)
        self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wake who waits on behalf of the other side."""
        self._head_is_here()
        if self._stall is not None:
            self._stall.cancel()
        self.gone.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come: the end of a head, or the beginning of one, which then has to be ended in time."""
        before = self._request_count
        super().data_received(data)
        if self._request_count > before:
            self._head_is_here()
        elif data and self._head is None and self._is_idle():
            self._await_head()

    def pause_writing(self) -> None:
        """Our buffers are full of what the other side has not taken: from now on it has so long to take some of it."""
        super().pause_writing()
        self._stall = asyncio.get_running_loop().call_later(self._door.stall_seconds, self._cut_stall)

    def resume_writing(self) -> None:
        """It has taken some."""
        if self._stall is not None:
            self._stall.cancel()
        super().resume_writing()

    def _cut_stall(self) -> None:
        """A reader that takes a byte a minute holds no file, no memory and no connection any longer: whatever it reads.

        Aborted and not closed: closing would wait until the other side has taken what lies here.
        """
        _log.info("connection.stalled", listener=self._door.name)
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        """Close when the request in hand is answered; aiohttp says this, too, when it shuts down."""
        self.leaving = True
        super().close()

    def let_go(self) -> None:
        """The same, and at once when there is no request."""
        self.close()
        if self._current_request is None:
            self.force_close()

    def has_certificate(self) -> bool:
        """Whether the other side has shown one."""
        return self.transport is not None and bool(self.transport.get_extra_info("peercert"))

    def _is_idle(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _await_head(self) -> None:
        count = self._request_count
        self._head = asyncio.get_running_loop().call_later(self._door.head_seconds, self._cut_silence, count)

    def _head_is_here(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _cut_silence(self, count: int) -> None:
        """No request in all that time, or half of one: a slow-loris holds its place no longer (security.md 16)."""
        self._head = None
        if self._request_count == count:
            _log.info("connection.silent", listener=self._door.name)
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's signature; it quotes what was sent
    ) -> web.StreamResponse:
        """An error that no middleware has seen: what came is not HTTP, or it was too much of it.

        Raises:
            ConnectionError: there is nobody to answer, or half of another answer is out. aiohttp ends the connection.
        """
        if isinstance(exc, ConnectionError):
            _log.info("connection.gone", listener=self._door.name)
            raise ConnectionError("the caller has gone") from exc
        error = _error_of(status, exc)
        response = refuse_early(self._door, request, error, fault=exc if isinstance(error, SiteError) else None)
        if request.writer.output_size > 0:
            raise ConnectionError("the head of another answer is out already")
        return response


def refuse_early(
    door: Door, request: web.BaseRequest, error: GatewayError, *, fault: BaseException | None = None
) -> web.Response:
    """The last answer on a connection, to what no middleware has seen; one line in the log, without what was sent."""
    trace_id, request_id = new_trace_id(door.entropy), door.entropy(16).hex()
    with bound_ids(trace_id=trace_id, request_id=request_id):
        _log.info("request.refused", listener=door.name, code=error.code, exc_info=fault)
    response = refusal(error, door.document(error, request.path, trace_id))
    dressed(response, request_id)
    response.force_close()
    return response


def mark_known(request: web.BaseRequest, name: str) -> None:
    """A good credential of this name came with the request: its connection is no stranger's."""
    if isinstance(request.protocol, Connection):
        request.protocol.place.known(name)


def mark_unknown(request: web.BaseRequest) -> None:
    """The credential that came with the request is not good."""
    if isinstance(request.protocol, Connection):
        request.protocol.place.unknown()


def _error_of(status: int, exc: BaseException | None) -> GatewayError:
    # aiohttp has a class for a header that is too long, and none for headers that are too many.
    too_many = isinstance(exc, BadHttpMessage) and exc.message.startswith("Too many headers")
    if too_many or isinstance(exc, LineTooLong):
        return SenderError("size.headers", limit=limits.HEADER_BYTES_MAX)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return SenderError("request.malformed", reason="HTTP")
    return SiteError("internal")
