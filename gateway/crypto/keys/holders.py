"""Key-holders: child processes that hold private keys and understand one request: sign these bytes with that key.

They are never given a document, run no task of anybody's choosing, and answer with a signature or an error. RSA holds
the interpreter lock (measured.md), so signing scales over holders, not over threads. Keys are loaded when they are first
asked for: 338 keys checked at start would cost 14 s.

Keys in files share a few processes; each PKCS#11 token has one of its own (`tokens`), so that a device that hangs keeps
nobody waiting but those who need it.

A file must be readable by its owner alone (`guarded`); another mode is `key.missing`, as is a missing file, a missing entry, a
password that does not open it, and a key that is neither RSA (>= 2048 bits) nor on one of the NIST curves P-256, P-384, P-521.
"""

import asyncio
from collections.abc import Iterable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol, TypeGuard

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.core import limits, metrics
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ports import Meter
from gateway.core.reasons import because
from gateway.crypto.keys.key_reader import read_private_key
from gateway.crypto.keys.own_memory import keep_memory_private
from gateway.crypto.keys.sources import FileSource, KeySource, PemFile, Pkcs11Key, Token
from gateway.crypto.keys.tokens import TokenHolder
from gateway.crypto.processes.seat import Kind
from gateway.crypto.processes.shared import unpack
from gateway.crypto.processes.worker_child import answer_all, watch_parent
from gateway.crypto.processes.workers import WorkerPool
from gateway.observe import UNMEASURED

BodyKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class KeyHolder(Protocol):
    """Signs with keys that only it can see."""

    async def sign(self, key_id: str, data: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), or ECDSA with SHA-256 in DER, as the key is.

        Raises:
            SiteError: `key.missing`; of a token also `key.pin` (never tried again by itself) and `key.token` (perhaps later).
        """
        ...


class KeyHolderPool:
    """Key-holders in their own processes: `size` for keys in files, and one for each token.

    A bare path is a PEM file without a password. `own_files`: the key files were written by this gateway itself, so the
    costly RSA key check (41 ms) is left out.
    """

    def __init__(
        self, *, keys: Mapping[str, Path | KeySource], size: int = 1, own_files: bool = False, meter: Meter = UNMEASURED
    ) -> None:
        files = {key_id: _file(source) for key_id, source in keys.items() if not isinstance(source, Pkcs11Key)}
        kind = Kind(
            name="key-holder",
            main=holder_main,
            arguments=(files, own_files),
            wall_seconds=limits.HOLDER_WALL_SECONDS_MAX,
            preload=(__name__,),
            blames_task=False,
        )
        self._pool = WorkerPool(kind, size, meter=meter)
        self._tokens = _holders_of_tokens(keys, meter)
        self._meter = meter

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the key-holders."""
        return (*self._pool.pids, *(pid for holder in self._each() for pid in holder.pids))

    async def start(self) -> None:
        """Start the key-holders. No file is opened, and no token, before a key is asked for."""
        try:
            await self._pool.start()
            for holder in self._each():
                await holder.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let running signatures end, then end the key-holders."""
        await asyncio.gather(self._pool.close(), *(holder.close() for holder in self._each()))

    async def sign(self, key_id: str, data: bytes) -> bytes:
        """See `KeyHolder.sign`."""
        token = self._tokens.get(key_id)
        try:
            request = _request(key_id, data)
            signature = await (token.sign(*request) if token is not None else self._pool.call(request))
        except GatewayError:
            self._meter.add(metrics.SIGNATURES, "failed")
            raise
        self._meter.add(metrics.SIGNATURES, "done")
        assert isinstance(signature, bytes), "a holder answers with bytes"
        return signature

    def _each(self) -> Iterable[TokenHolder]:
        return dict.fromkeys(self._tokens.values())


def _file(source: Path | FileSource) -> FileSource:
    return PemFile(path=source) if isinstance(source, Path) else source


def _holders_of_tokens(keys: Mapping[str, Path | KeySource], meter: Meter) -> dict[str, TokenHolder]:
    """For each key in a token the holder of that token."""
    tokens: dict[Token, dict[str, Pkcs11Key]] = {}
    for key_id, source in keys.items():
        if isinstance(source, Pkcs11Key):
            tokens.setdefault(source.token, {})[key_id] = source
    found: dict[str, TokenHolder] = {}
    for token, own in tokens.items():
        found.update(dict.fromkeys(own, TokenHolder(token, own, meter=meter)))
    return found


class InlineHolder:
    """Key-holding without a process: for tests and seeded worlds."""

    def __init__(self, *, keys: Mapping[str, Path | FileSource], own_files: bool = False) -> None:
        self._ring = KeyRing({key_id: _file(source) for key_id, source in keys.items()}, own_files=own_files)

    async def sign(self, key_id: str, data: bytes) -> bytes:
        """See `KeyHolder.sign`."""
        return self._ring.sign(*_request(key_id, data))


def _request(key_id: str, data: bytes) -> tuple[str, bytes]:
    assert len(data) <= limits.HOLDER_SIGN_BYTES_MAX, "what is signed is small by nature"
    return key_id, data


class KeyRing:
    """Private keys by id, loaded from their files when first asked for."""

    def __init__(self, keys: Mapping[str, FileSource], *, own_files: bool) -> None:
        self._sources = dict(keys)
        self._own_files = own_files
        self._loaded: dict[str, BodyKey] = {}

    def sign(self, key_id: str, data: bytes) -> bytes:
        """See `KeyHolder.sign`."""
        key = self._loaded.get(key_id) or self._load(key_id)
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), SHA256())
        return key.sign(data, ec.ECDSA(SHA256()))

    def _load(self, key_id: str) -> BodyKey:
        if key_id not in self._sources:
            raise SiteError("key.missing", key=key_id, reason=because("not_configured"))
        key = read_private_key(self._sources[key_id], key_id, skip_check=self._own_files)
        if not _is_body_key(key):
            raise SiteError("key.missing", key=key_id, reason=because("weak_key"))
        self._loaded[key_id] = key
        return key


def _is_body_key(key: PrivateKeyTypes) -> TypeGuard[BodyKey]:
    """The same strength that judges ask of a certificate."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.key_size >= limits.RSA_BITS_MIN
    return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(
        key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1
    )


# --- in the child ----------------------------------------------------------------------------------------------------


def holder_main(pipe: Connection, keys: Mapping[str, FileSource], own_files: bool) -> None:
    """A key-holder's life."""
    watch_parent()
    keep_memory_private()
    ring = KeyRing(keys, own_files=own_files)
    answer_all(pipe, lambda message: _sign(ring, message))


def _sign(ring: KeyRing, message: bytes) -> bytes:
    """The one request there is. Anything else is not understood."""
    key_id, data = unpack(message)
    if not isinstance(key_id, str) or not isinstance(data, bytes) or len(data) > limits.HOLDER_SIGN_BYTES_MAX:
        raise TypeError("a key-holder signs bytes with a named key")
    return ring.sign(key_id, data)
