"""The holder of a token: one process for each, which speaks to the vendor's library and signs bytes with the keys in it.

The library is a stranger's code in native language: it may crash, hang, or keep a lock for ever. So it is loaded by the child
alone, when a key is first asked for, and a child that does not come back is killed (`limits.TOKEN_WALL_SECONDS_MAX`)
and replaced. None of that keeps the gateway from starting, or other keys from signing.

A PIN that the token refused is remembered here, too, not only in the child: a new child would try it again. Only a reload
forgets it. What is wrong for the moment (`key.token`: the device is gone, the library died) is tried again by whoever asks
next.
"""

import os
import signal
from collections.abc import Callable, Mapping
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Final, Protocol

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.ports import Meter
from gateway.core.reasons import because
from gateway.crypto.keys.own_memory import keep_memory_private
from gateway.crypto.keys.sources import Pkcs11Key, Token
from gateway.crypto.keys.token_seen import TokenSeen
from gateway.crypto.processes.seat import Kind
from gateway.crypto.processes.shared import unpack
from gateway.crypto.processes.worker_child import answer_all, watch_parent
from gateway.crypto.processes.workers import WorkerPool
from gateway.observe import UNMEASURED

_SESSION: Final = "gateway.crypto.keys.token_session"
"""By name: it needs the extra `pkcs11`, which an installation without tokens does not have."""
_LOOK: Final = "look"
ALARM_SECONDS: Final = 2.0
"""Later than the service's own patience."""


class TokenHolder:
    """One token, from the service's side."""

    def __init__(self, token: Token, keys: Mapping[str, Pkcs11Key], *, meter: Meter = UNMEASURED) -> None:
        self._token = token
        self._refused: SiteError | None = None
        kind = Kind(
            name="key-holder",
            main=token_main,
            arguments=(token, dict(keys), limits.TOKEN_WALL_SECONDS_MAX),
            wall_seconds=limits.TOKEN_WALL_SECONDS_MAX,
            preload=(__name__,),
            blames_task=False,
        )
        self._pool = WorkerPool(kind, 1, meter=meter)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids."""
        return self._pool.pids

    async def start(self) -> None:
        """Start the process; the token itself is not touched."""
        await self._pool.start()

    async def close(self) -> None:
        """See `WorkerPool.close`."""
        await self._pool.close()

    async def sign(self, key_id: str, data: bytes) -> bytes:
        """See `KeyHolder.sign`.

        Raises:
            SiteError: `key.missing`, `key.pin`, `key.token`.
        """
        if (refused := self._refused) is not None:
            raise SiteError(refused.code, **refused.params)
        signature = await self._ask((key_id, data))
        assert isinstance(signature, bytes), "a holder answers with bytes"
        return signature

    async def look(self) -> TokenSeen:
        """What there is to see without a PIN.

        Raises:
            SiteError: as `sign`.
        """
        seen = await self._ask(_LOOK)
        assert isinstance(seen, TokenSeen), "a holder answers with what it has seen"
        return seen

    async def _ask(self, message: object) -> object:
        try:
            return await self._pool.call(message)
        except SiteError as error:
            if error.code == "key.pin":
                self._refused = error
            if error.code != "worker.died":
                raise
            reason = because("token_holder_died", seconds=round(limits.TOKEN_WALL_SECONDS_MAX))
            raise SiteError("key.token", token=self._token.name, reason=reason) from error


# --- in the child ----------------------------------------------------------------------------------------------------


class _Session(Protocol):
    """What the child needs of `token_session.TokenSession`."""

    lost: bool

    def sign(self, key_id: str, data: bytes) -> bytes: ...

    def look(self) -> TokenSeen: ...


def token_main(pipe: Connection, token: Token, keys: Mapping[str, Pkcs11Key], seconds: float) -> None:
    """The life of a token's holder. `seconds`: for one answer."""
    watch_parent()
    keep_memory_private()
    os.environ.update(token.environment)
    desk = _Desk(token, keys)

    def answer(message: bytes) -> bytes | TokenSeen:
        # The service kills who is late. Should the service itself be gone, and the library hang with the interpreter lock in
        # its hands, then no thread of ours can see that: the kernel's alarm ends this process without asking anybody.
        signal.setitimer(signal.ITIMER_REAL, seconds + ALARM_SECONDS)
        try:
            return desk.answer(message)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    answer_all(pipe, answer, tidy=desk.end_if_lost)


class _Desk:
    """Understands two requests: sign these bytes with that key, and look."""

    def __init__(self, token: Token, keys: Mapping[str, Pkcs11Key]) -> None:
        self._token = token
        self._keys = keys
        self._session: _Session | None = None

    def answer(self, message: bytes) -> bytes | TokenSeen:
        """The answer to a message. Anything else is not understood."""
        asked = unpack(message)
        if asked == _LOOK:
            return self._opened().look()
        key_id, data = asked
        if not isinstance(key_id, str) or not isinstance(data, bytes) or len(data) > limits.HOLDER_SIGN_BYTES_MAX:
            raise TypeError("a key-holder signs bytes with a named key")
        if key_id not in self._keys:
            raise SiteError("key.missing", key=key_id, reason=because("not_configured"))
        return self._opened().sign(key_id, data)

    def end_if_lost(self) -> None:
        """Leave it to a new process to begin anew: a library that has lost its token is not to be trusted with another try."""
        if self._session is not None and self._session.lost:
            raise SystemExit

    def _opened(self) -> _Session:
        if self._session is None:
            self._session = _session_class(self._token)(self._token, self._keys)
        return self._session


def _session_class(token: Token) -> Callable[[Token, Mapping[str, Pkcs11Key]], _Session]:
    try:
        found: Callable[[Token, Mapping[str, Pkcs11Key]], _Session] = import_module(_SESSION).TokenSession
    except ImportError as error:
        raise SiteError("key.missing", key=token.name, reason=because("no_token_extra")) from error
    return found
