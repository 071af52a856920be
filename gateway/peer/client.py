"""The calling side of peer/v1: one transfer out, one outcome back (port `Transport`). It never guesses and never retries."""

import asyncio
import hashlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import aiohttp
import structlog
from aiohttp import hdrs
from yarl import URL

from gateway.core import large_limits, limits
from gateway.core.carrying import CarryResult, Indeterminate, TellResult, TryLater, Unknown, Unreachable
from gateway.core.content_digest import format_content_digest
from gateway.core.errors import SiteError
from gateway.core.ids import Entropy, GatewayId, TransferKey
from gateway.core.model import Transfer, TransferSlip
from gateway.core.ports import Directory
from gateway.core.sizes import patience
from gateway.observe import TraceParent, new_parent_id
from gateway.peer.connector import PinnedConnector, WrongKeyError
from gateway.peer.outcome import (
    Reply,
    conclude_carry,
    conclude_inquiry,
    conclude_notice,
    conclude_piece,
    conclude_question,
)
from gateway.peer.session import assert_strict
from gateway.peer.wire import (
    CONTENT_TYPE,
    GAPS_PATH,
    OFFSET,
    PIECE_TYPE,
    RECEIPT_TYPE,
    RECEIPTS_ACCEPTED,
    RESYNC_PATH,
    TRANSFERS_PATH,
    UPLOAD,
    UPLOADED_TYPE,
    encode_slip,
    read_offset,
)

_READ_BYTES: Final = 4 * limits.CHUNK_BYTES
_NEXT_TURN: Final = TryLater("upload.incomplete", 0.0, road=False, asked=False)
"""What is due besides goes first, for it was due before."""
_ROAD_FAILURES: Final = (aiohttp.ClientError, TimeoutError, OSError)
# Raised only before a connection was ours to write on.
_NOT_CONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    WrongKeyError,
)


class PeerTransport:
    """Carries transfers to other gateways. Use as an async context manager, or `close` it."""

    def __init__(self, *, directory: Directory, ssl_context: ssl.SSLContext, own: GatewayId, entropy: Entropy) -> None:
        """`ssl_context`: client side, our certificate loaded, the peers' CA trusted, TLS 1.3. `own`: who we are.

        To be made inside the running event loop.
        """
        self._directory = directory
        self._own = own
        self._entropy = entropy
        self._context = ssl_context
        self._large: Counter[GatewayId] = Counter()
        """Large envelopes on their way, by destination."""
        self._unfinished: dict[TransferKey, None] = {}
        """Those whose turn was over before they were: looked through, and not again at each turn."""
        self._session = aiohttp.ClientSession(
            connector=PinnedConnector(directory=directory, ssl_context=ssl_context),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=limits.TRANSFER_SECONDS_MAX, connect=limits.CONNECT_SECONDS_MAX),
            headers={hdrs.USER_AGENT: "edoc-gateway", hdrs.ACCEPT_ENCODING: "identity", hdrs.ACCEPT: RECEIPTS_ACCEPTED},
            auto_decompress=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def use(self, ssl_context: ssl.SSLContext) -> None:
        """Show and believe what this context does from the next request on.

        The pool keeps connections apart by their context, so one from before is never used again and closes when idle.
        """
        assert_strict(ssl_context)
        self._context = ssl_context

    async def close(self) -> None:
        """Close every connection. May be called twice."""
        await self._session.close()

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:
        """Hand over the slip and the envelope's bytes (port `Transport`).

        Raises:
            SiteError: `blob.damaged`: the envelope on disk is not what the slip says; nothing was sent.
        """
        slip = transfer.slip
        assert slip.origin == self._own, "a transfer of another gateway"
        line = encode_slip(slip)
        if slip.envelope.size > large_limits.PIECES_ABOVE_BYTES:
            return await self._carry_large(slip, line, envelope)
        digest, whole = await asyncio.to_thread(_look_through, line, slip, envelope)
        headers = {
            hdrs.CONTENT_TYPE: CONTENT_TYPE,
            hdrs.CONTENT_LENGTH: str(len(line) + slip.envelope.size),
            "Content-Digest": format_content_digest(digest),
        }
        # Opened and closed here: a request that is cut leaves its body's generator unfinished, and the file with it.
        with BytesIO(whole) if whole else await asyncio.to_thread(envelope.open, "rb") as file:
            body = _Body(line=line, file=file, size=slip.envelope.size)
            try:
                return conclude_carry(await self._ask(hdrs.METH_POST, slip, headers, body))
            except _ROAD_FAILURES as error:
                # As long as no byte of the body was handed out, the peer cannot have stored anything.
                return Indeterminate(_reason(error)) if body.begun else Unreachable(_reason(error))

    async def _carry_large(self, slip: TransferSlip, line: bytes, envelope: Path) -> CarryResult:
        """In pieces, if there is a place for it. Nobody waits for one here: who runs has a place among all work that runs."""
        there = slip.destination
        if self._large[there] >= large_limits.LARGE_AT_ONCE_TO_ONE or (
            self._large.total() >= large_limits.LARGE_AT_ONCE_MAX
        ):
            return TryLater("upload.limit", large_limits.LARGE_WAIT_SECONDS, road=False, asked=False)
        self._large[there] += 1
        try:
            if slip.transfer not in self._unfinished:
                await asyncio.to_thread(_check_whole, slip, envelope)
            result = await self._carry_in_pieces(slip, line, envelope)
        finally:
            self._large[there] -= 1
        self._unfinished.pop(slip.transfer, None)
        if result is _NEXT_TURN:
            self._unfinished[slip.transfer] = None
            while len(self._unfinished) > large_limits.UPLOADS_MAX:
                del self._unfinished[next(iter(self._unfinished))]
        return result

    async def _carry_in_pieces(self, slip: TransferSlip, line: bytes, envelope: Path) -> CarryResult:
        """From where the peer stands, piece after piece; then the transfer itself, which is only its slip any more."""
        headers = {
            hdrs.CONTENT_TYPE: CONTENT_TYPE,
            hdrs.CONTENT_LENGTH: str(len(line)),
            "Content-Digest": format_content_digest(hashlib.sha256(line).digest()),
        }
        until = asyncio.get_running_loop().time() + large_limits.LARGE_TURN_SECONDS
        with await asyncio.to_thread(envelope.open, "rb") as file:
            try:
                reply = await self._ask(hdrs.METH_POST, slip, headers, _Body.of(line), below=UPLOAD)
                begun = at = _standing(reply)
                left = _pieces_max(slip.envelope.size)
                while at is not None and at < slip.envelope.size:
                    if at != begun and asyncio.get_running_loop().time() >= until:
                        return _NEXT_TURN
                    reply = await self._send_piece(slip, file, at)
                    before, at, left = at, _standing(reply), left - 1
                    if at is not None and (at <= before or not left):
                        return Indeterminate("an upload that does not go on")
            except _ROAD_FAILURES as error:
                return Unreachable(_reason(error))  # without its transfer it is nothing to the peer
        if at is None:
            return conclude_piece(reply)
        body = _Body.of(line)
        try:
            uploaded = {**headers, hdrs.CONTENT_TYPE: UPLOADED_TYPE}
            return conclude_carry(await self._ask(hdrs.METH_POST, slip, uploaded, body))
        except _ROAD_FAILURES as error:
            return Indeterminate(_reason(error)) if body.begun else Unreachable(_reason(error))

    async def _send_piece(self, slip: TransferSlip, file: BinaryIO, at: int) -> Reply:
        size = min(large_limits.UPLOAD_PIECE_BYTES, slip.envelope.size - at)
        await asyncio.to_thread(file.seek, at)
        headers = {hdrs.CONTENT_TYPE: PIECE_TYPE, hdrs.CONTENT_LENGTH: str(size), OFFSET: str(at)}
        body = _Body(line=b"", file=file, size=size)
        # After the last one the peer looks through the whole.
        seconds = None if at + size == slip.envelope.size else limits.TRANSFER_SECONDS_MAX
        return await self._ask(hdrs.METH_PATCH, slip, headers, body, below=UPLOAD, seconds=seconds)

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        """Ask what became of a transfer, without sending the payload (port `Transport`)."""
        try:
            return conclude_inquiry(await self._ask(hdrs.METH_GET, transfer.slip, {}, None))
        except _NOT_CONNECTED as error:
            return Unreachable(_reason(error))
        except _ROAD_FAILURES as error:
            return Indeterminate(_reason(error))

    async def _ask(  # noqa: PLR0913 - one request, its parts by name
        self,
        method: str,
        slip: TransferSlip,
        headers: Mapping[str, str],
        body: "_Body | None",
        *,
        below: str = "",
        seconds: float | None = None,
    ) -> Reply:
        """One request, one complete answer. `seconds`: for all of it; None: as long as a whole envelope may take.

        Raises:
            aiohttp.ClientError, TimeoutError, OSError: the road failed.
        """
        async with self._session.request(
            method,
            self._url(slip, below),
            headers={**headers, "traceparent": self._traceparent(slip)},
            data=body.chunks() if body else None,
            timeout=aiohttp.ClientTimeout(
                total=seconds or patience(limits.TRANSFER_SECONDS_MAX, slip.envelope.size),
                connect=limits.CONNECT_SECONDS_MAX,
            ),
            ssl=self._context,
            server_hostname=slip.destination,
            allow_redirects=False,
        ) as response:
            return await _reply(response)

    async def tell(self, destination: GatewayId, notice: bytes) -> TellResult:
        """Hand over a gap notice (port `Transport`)."""
        try:
            return conclude_notice(await self._say(destination, GAPS_PATH, notice))
        except _NOT_CONNECTED as error:
            return Unreachable(_reason(error))
        except _ROAD_FAILURES as error:
            return Indeterminate(_reason(error))

    async def ask(self, destination: GatewayId, question: bytes) -> CarryResult:
        """Hand over the question of a restored gateway; `Answered` bears the page."""
        try:
            return conclude_question(await self._say(destination, RESYNC_PATH, question))
        except _NOT_CONNECTED as error:
            return Unreachable(_reason(error))
        except _ROAD_FAILURES as error:
            return Indeterminate(_reason(error))

    async def _say(self, destination: GatewayId, path: str, token: bytes) -> Reply:
        async with self._session.post(
            self._address(destination).with_path(path),
            headers={hdrs.CONTENT_TYPE: RECEIPT_TYPE},
            data=token,
            ssl=self._context,
            server_hostname=destination,
            allow_redirects=False,
        ) as response:
            return await _reply(response)

    def _url(self, slip: TransferSlip, below: str) -> URL:
        return self._address(slip.destination).with_path(TRANSFERS_PATH + slip.transfer + below)

    def _address(self, destination: GatewayId) -> URL:
        """The address stands in the registry and nowhere else."""
        entry = self._directory.current().gateways.get(destination)
        if entry is None:
            raise aiohttp.InvalidURL(destination, "no such gateway in the registry")
        return URL(entry.url)

    def _traceparent(self, slip: TransferSlip) -> str:
        """The trace of the work in hand; without one, the transfer's own UUID is as good a trace id as any."""
        trace_id = structlog.contextvars.get_contextvars().get("trace_id", slip.transfer.replace("-", ""))
        return TraceParent(trace_id=trace_id, parent_id=new_parent_id(self._entropy)).header()


@dataclass(slots=True)
class _Body:
    """What is sent, and whether sending has begun."""

    line: bytes
    file: BinaryIO
    size: int
    begun: bool = False

    @classmethod
    def of(cls, line: bytes) -> "_Body":
        """A slip alone."""
        return cls(line=line, file=BytesIO(), size=0)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The slip's line, then the envelope in pieces; read in a thread, the file may lie on a slow disk.

        Not asked for an end of file: the answer would overtake that, and aiohttp closes a connection whose request is
        answered before its body has ended.
        """
        self.begun = True
        if self.line:
            yield self.line
        left = self.size
        while left and (chunk := await self._read(min(left, _READ_BYTES))):
            left -= len(chunk)
            yield chunk

    async def _read(self, size: int) -> bytes:
        in_memory = isinstance(self.file, BytesIO)
        return self.file.read(size) if in_memory else await asyncio.to_thread(self.file.read, size)


def _look_through(line: bytes, slip: TransferSlip, path: Path) -> tuple[bytes, bytes]:
    """SHA-256 of the whole body, the envelope compared with its slip on the way; and the envelope, if it is small.

    What was read in one piece is not opened and read again, each time in a thread.
    """
    whole, envelope, size, last = hashlib.sha256(line), hashlib.sha256(), 0, b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                whole.update(chunk)
                envelope.update(chunk)
                size += len(chunk)
                last = chunk
    except OSError as error:
        raise SiteError("blob.damaged", digest=slip.envelope.digest) from error
    if size != slip.envelope.size or envelope.hexdigest() != slip.envelope.digest:
        raise SiteError("blob.damaged", digest=slip.envelope.digest)
    return whole.digest(), last if len(last) == size else b""


def _check_whole(slip: TransferSlip, path: Path) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    except OSError as error:
        raise SiteError("blob.damaged", digest=slip.envelope.digest) from error
    if found != (slip.envelope.digest, slip.envelope.size):
        raise SiteError("blob.damaged", digest=slip.envelope.digest)


def _pieces_max(size: int) -> int:
    """Of one attempt: twice what it takes. Who keeps a byte of each would be sent the whole for years."""
    return 2 * (size // large_limits.UPLOAD_PIECE_BYTES + 1)


def _standing(reply: Reply) -> int | None:
    """How much of an envelope the peer says that it has; None when it says something else."""
    return read_offset(reply.offset) if reply.status == HTTPStatus.NO_CONTENT else None


async def _reply(response: aiohttp.ClientResponse) -> Reply:
    return Reply(
        status=response.status,
        media_type=response.content_type,
        retry_after=response.headers.get(hdrs.RETRY_AFTER, ""),
        body=await _bounded(response.content),
        offset=response.headers.get(OFFSET, ""),
    )


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    """The answer, at most one byte more than a receipt may have."""
    answer = bytearray()
    while chunk := await content.read(limits.RECEIPT_BYTES_MAX + 1 - len(answer)):
        answer += chunk
    return bytes(answer)


def _reason(error: Exception) -> str:
    """Kind of failure for the operator: no address, no text of the peer."""
    return type(error).__name__
