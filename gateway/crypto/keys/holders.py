"""Key-holders: child processes that hold private keys and understand one request: sign these bytes with that key.

They are never given a document, run no task of anybody's choosing, and answer with a signature or an error. RSA holds
the interpreter lock (measured.md), so signing scales over holders, not over threads. Keys are loaded when they are first
asked for: 338 keys checked at start would cost 14 s.

A key file must be readable by its owner alone (0400 or 0600); another mode is `key.missing`, as is a missing file, a
missing entry, and a key that is neither RSA (>= 2048 bits) nor on one of the NIST curves P-256, P-384, P-521.
"""

import ctypes
import errno
import resource
import stat
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Protocol, TypeGuard

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.core import limits, metrics
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ports import Meter
from gateway.core.reasons import because, of_os
from gateway.crypto.processes.seat import Kind
from gateway.crypto.processes.shared import unpack
from gateway.crypto.processes.worker_child import answer_all, watch_parent
from gateway.crypto.processes.workers import WorkerPool
from gateway.observe import UNMEASURED

_KEY_FILE_BYTES_MAX: Final = 64 * limits.KIB
_PR_SET_DUMPABLE: Final = 4

BodyKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class KeyHolder(Protocol):
    """Signs with keys that only it can see."""

    async def sign(self, key_id: str, data: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), or ECDSA with SHA-256 in DER, as the key is.

        Raises:
            SiteError: `key.missing`.
        """
        ...


class KeyHolderPool:
    """Key-holders in their own processes.

    `own_files`: the key files were written by this gateway itself, so the costly RSA key check (41 ms) is left out.
    """

    def __init__(
        self, *, keys: Mapping[str, Path], size: int = 1, own_files: bool = False, meter: Meter = UNMEASURED
    ) -> None:
        kind = Kind(
            name="key-holder",
            main=holder_main,
            arguments=({key_id: str(path) for key_id, path in keys.items()}, own_files),
            wall_seconds=limits.HOLDER_WALL_SECONDS_MAX,
            preload=(__name__,),
            blames_task=False,
        )
        self._pool = WorkerPool(kind, size, meter=meter)
        self._meter = meter

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the key-holders."""
        return self._pool.pids

    async def start(self) -> None:
        """Start the key-holders."""
        await self._pool.start()

    async def close(self) -> None:
        """Let running signatures end, then end the key-holders."""
        await self._pool.close()

    async def sign(self, key_id: str, data: bytes) -> bytes:
        """See `KeyHolder.sign`."""
        try:
            signature = await self._pool.call(_request(key_id, data))
        except GatewayError:
            self._meter.add(metrics.SIGNATURES, "failed")
            raise
        self._meter.add(metrics.SIGNATURES, "done")
        assert isinstance(signature, bytes), "a holder answers with bytes"
        return signature


class InlineHolder:
    """Key-holding without a process: for tests and seeded worlds."""

    def __init__(self, *, keys: Mapping[str, Path], own_files: bool = False) -> None:
        self._ring = KeyRing({key_id: str(path) for key_id, path in keys.items()}, own_files=own_files)

    async def sign(self, key_id: str, data: bytes) -> bytes:
        """See `KeyHolder.sign`."""
        return self._ring.sign(*_request(key_id, data))


def _request(key_id: str, data: bytes) -> tuple[str, bytes]:
    assert len(data) <= limits.HOLDER_SIGN_BYTES_MAX, "what is signed is small by nature"
    return key_id, data


class KeyRing:
    """Private keys by id, loaded from their files when first asked for."""

    def __init__(self, keys: Mapping[str, str], *, own_files: bool) -> None:
        self._paths = dict(keys)
        self._own_files = own_files
        self._loaded: dict[str, BodyKey] = {}

    def sign(self, key_id: str, data: bytes) -> bytes:
        """See `KeyHolder.sign`."""
        key = self._loaded.get(key_id) or self._load(key_id)
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), SHA256())
        return key.sign(data, ec.ECDSA(SHA256()))

    def _load(self, key_id: str) -> BodyKey:
        if key_id not in self._paths:
            raise SiteError("key.missing", key=key_id, reason=because("not_configured"))
        key = read_private_key(Path(self._paths[key_id]), key_id, skip_check=self._own_files)
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


def read_private_key(path: Path, key_id: str, *, skip_check: bool = False) -> PrivateKeyTypes:
    """A private key of any kind from a PEM file that only its owner can read.

    Raises:
        SiteError: `key.missing` with the reason; never with anything out of the file.
    """
    try:
        check_mode(path)
        with path.open("rb") as file:
            pem = file.read(_KEY_FILE_BYTES_MAX)
        return load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=skip_check)
    except PermissionError as error:
        reason = because("mode") if error.errno == errno.EPERM else of_os(error)  # EPERM: `check_mode`'s own
        raise SiteError("key.missing", key=key_id, reason=reason) from error
    except OSError as error:
        raise SiteError("key.missing", key=key_id, reason=of_os(error)) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SiteError("key.missing", key=key_id, reason=because("not_pem_key")) from error


def check_mode(path: Path) -> None:
    """Insist that a key file is its owner's alone.

    Raises:
        PermissionError: its mode is neither 0400 nor 0600; other `OSError`: it is not there.
    """
    if stat.S_IMODE(path.stat().st_mode) & 0o177:
        raise PermissionError(errno.EPERM, "the file's mode must be 0400 or 0600")


# --- in the child ----------------------------------------------------------------------------------------------------


def holder_main(pipe: Connection, keys: Mapping[str, str], own_files: bool) -> None:
    """A key-holder's life."""
    watch_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # another process of this user cannot read its memory
    ring = KeyRing(keys, own_files=own_files)
    answer_all(pipe, lambda message: _sign(ring, message))


def _sign(ring: KeyRing, message: bytes) -> bytes:
    """The one request there is. Anything else is not understood."""
    key_id, data = unpack(message)
    if not isinstance(key_id, str) or not isinstance(data, bytes) or len(data) > limits.HOLDER_SIGN_BYTES_MAX:
        raise TypeError("a key-holder signs bytes with a named key")
    return ring.sign(key_id, data)
