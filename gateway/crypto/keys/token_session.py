"""One session with one PKCS#11 token (OASIS PKCS #11 3.1). Imported by the child that holds the token, and by nobody else.

The walk from nothing to a signature; each step fails with its own reason:

1. The vendor's library is loaded, and initialised anew whenever a session was lost: what it had cached is worth nothing.
2. The token is found by label and serial number; two that fit are none.
3. Its flags: a PIN that is locked, or has one try left, is not tried. The last try belongs to a person.
4. The PIN is read from its file and tried **once**. What the token refuses is remembered, and never tried again by this
   process: ten more tries would lock the token for everybody.
5. The key is found by CKA_ID, and that is the id of the certificate with our digest. Labels are never looked at: two keys
   of one label are common, and the wrong one would sign just as gladly. Two keys of one id are refused.
6. RSASSA-PKCS1-v1_5 or ECDSA, over SHA-256, with what the token offers: many do the hashing, some want the digest.

A session that is lost (the token was pulled, another program finalised it, the network went) is opened again once within
the same request. When that fails, too, the process ends after its answer, and the next request begins at step 1 in a new one.
"""

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

import pkcs11
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, TokenFlag
from pkcs11 import exceptions as raised
from pkcs11._pkcs11 import lib as Library  # noqa: N812 - a class, whatever it is called

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.reasons import Reason, because
from gateway.crypto.keys.guarded import UnusableError, name_of, read_secret
from gateway.crypto.keys.sources import Pkcs11Key, Token
from gateway.crypto.keys.token_seen import TokenSeen

OBJECTS_MAX: Final = 2_000
"""Certificates of a token that are looked at: one for every body of a city, twice over."""
_PIN_WRONG: Final = because("pin_wrong")
_PIN_REFUSED: Final[Mapping[type[pkcs11.PKCS11Error], Reason]] = MappingProxyType(
    {
        raised.PinIncorrect: _PIN_WRONG,
        raised.PinInvalid: _PIN_WRONG,
        raised.PinLenRange: _PIN_WRONG,
        raised.PinLocked: because("pin_locked"),
        raised.PinExpired: because("pin_expired"),
        raised.UserPinNotInitialized: because("pin_unset"),
    }
)
_FAILURES: Final = (pkcs11.PKCS11Error, ValueError, LookupError)
"""What the binding raises: for what a library returns, and for what it should not have returned."""
_SHA256_DIGEST_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of RFC 8017 section 9.2, note 1, up to the digest itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A private key in the token, of this session."""

    handle: pkcs11.SignMixin
    is_rsa: bool
    asks_each_time: bool
    """CKA_ALWAYS_AUTHENTICATE, as qualified seals have it: the PIN goes along with every signature."""


class TokenSession:
    """The token, opened when a key of it is first asked for."""

    def __init__(self, token: Token, keys: Mapping[str, Pkcs11Key]) -> None:
        self._token = token
        self._keys = keys
        self._library: Library | None = None
        self._session: pkcs11.Session | None = None
        self._mechanisms: frozenset[object] = frozenset()
        self._found: dict[str, _Key] = {}
        self._refused: Reason | None = None
        self.lost = False
        """Whether this process should end: nothing that it could do would bring the token back."""

    def sign(self, key_id: str, data: bytes) -> bytes:
        """See `KeyHolder.sign`.

        Raises:
            SiteError: `key.missing`, `key.pin`, `key.token`.
        """
        was_open = self._session is not None
        try:
            return self._sign(key_id, data)
        except _FAILURES as error:
            self._close()
            if not was_open:
                raise self._gone(error) from error
        try:
            return self._sign(key_id, data)
        except _FAILURES as error:
            raise self._gone(error) from error

    def look(self) -> TokenSeen:
        """What can be seen of the token without its PIN, for `doctor`: not a try is spent.

        Raises:
            SiteError: `key.missing` for the PIN's file, `key.pin`, `key.token`.
        """
        try:
            found = self._find_token()
            self._check_pin(found)
            session = found.open()
            with contextlib.closing(session):
                seen = {hashlib.sha256(der).hexdigest() for _, der in _certificates(session)}
        except _FAILURES as error:
            raise self._gone(error) from error
        unseen = (name for name, key in self._keys.items() if not key.object_id and key.certificate not in seen)
        return TokenSeen(few_tries=TokenFlag.USER_PIN_COUNT_LOW in found.flags, unseen=tuple(sorted(unseen)))

    # --- 1 to 4 ------------------------------------------------------------------------------------------------------

    def _connected(self) -> pkcs11.Session:
        if self._session is None:
            found = self._find_token()
            pin = self._check_pin(found)
            self._session = found.open(user_pin=pin)
            self._mechanisms = frozenset(found.slot.get_mechanisms())
        return self._session

    def _find_token(self) -> pkcs11.Token:
        """Duties 1 and 2."""
        if self._library is None:
            self._library = pkcs11.lib(str(self._token.module))
        else:
            with contextlib.suppress(pkcs11.PKCS11Error):  # it may have been finalised already
                self._library.finalize()
            self._library.initialize()
        wanted = self._token
        fitting = [
            token
            for token in self._library.get_tokens(token_label=wanted.label or None)
            if not wanted.serial or token.serial.decode(errors="replace") == wanted.serial
        ]
        if len(fitting) != 1:
            raise self._without(because("token_several") if fitting else because("token_absent"))
        return fitting[0]

    def _check_pin(self, found: pkcs11.Token) -> str:
        """Duty 3, and the PIN of duty 4."""
        if self._refused is not None:
            raise self._no_pin(self._refused)
        if TokenFlag.USER_PIN_LOCKED in found.flags:
            raise self._no_pin(because("pin_locked"))
        if TokenFlag.USER_PIN_FINAL_TRY in found.flags:
            raise self._no_pin(because("pin_last_try"))
        return self._pin()

    def _pin(self) -> str:
        try:
            return read_secret(self._token.pin_file)
        except UnusableError as error:
            raise SiteError("key.missing", key=self._token.name, reason=error.reason) from error

    # --- 5 and 6 -----------------------------------------------------------------------------------------------------

    def _sign(self, key_id: str, data: bytes) -> bytes:
        try:
            session = self._connected()
            key = self._found.get(key_id) or self._find(session, key_id)
            pin = self._pin() if key.asks_each_time else None
            return self._signature(key, data, pin)
        except tuple(_PIN_REFUSED) as error:
            self._refused = _PIN_REFUSED[type(error)]
            self._close()
            raise self._no_pin(self._refused) from error

    def _find(self, session: pkcs11.Session, key_id: str) -> _Key:
        source = self._keys[key_id]
        object_id = bytes.fromhex(source.object_id) if source.object_id else _id_of(session, source, key_id)
        found = _objects(session, {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: object_id}, 2)
        if len(found) != 1:
            reason = because("token_two_keys") if found else because("token_no_key")
            raise SiteError("key.missing", key=key_id, reason=reason)
        handle, kind = found[0], found[0][Attribute.KEY_TYPE]
        if not isinstance(handle, pkcs11.SignMixin):
            raise SiteError("key.missing", key=key_id, reason=because("token_no_sign"))
        is_rsa = kind == KeyType.RSA
        weak = is_rsa and len(handle[Attribute.MODULUS]) * 8 < limits.RSA_BITS_MIN
        if weak or kind not in (KeyType.RSA, KeyType.EC):
            raise SiteError("key.missing", key=key_id, reason=because("weak_key"))
        key = _Key(handle=handle, is_rsa=is_rsa, asks_each_time=_asks_each_time(handle))
        self._found[key_id] = key
        return key

    def _signature(self, key: _Key, data: bytes, pin: str | None) -> bytes:
        """By the token's own hashing or by ours, whichever it offers."""
        digest, offered, by = hashlib.sha256(data).digest(), self._mechanisms, Mechanism
        if key.is_rsa:
            hashes = by.SHA256_RSA_PKCS in offered
            way, signed = (by.SHA256_RSA_PKCS, data) if hashes else (by.RSA_PKCS, _SHA256_DIGEST_INFO + digest)
            return key.handle.sign(signed, mechanism=way, pin=pin)
        way, signed = (by.ECDSA, digest) if by.ECDSA in offered else (by.ECDSA_SHA256, data)
        return _in_der(key.handle.sign(signed, mechanism=way, pin=pin))

    # --- what goes wrong ---------------------------------------------------------------------------------------------

    def _close(self) -> None:
        """Forget the session; the library ends it when it is initialised anew."""
        self._session = None
        self._found.clear()

    def _gone(self, error: Exception) -> SiteError:
        self._close()
        self.lost = True
        said = str(error) if type(error) is pkcs11.PKCS11Error else type(error).__name__
        return self._without(because("token_says", detail=said))

    def _without(self, reason: Reason) -> SiteError:
        self.lost = True
        return SiteError("key.token", token=self._token.name, reason=reason)

    def _no_pin(self, reason: Reason) -> SiteError:
        return SiteError("key.pin", token=self._token.name, path=name_of(self._token.pin_file), reason=reason)


def _certificates(session: pkcs11.Session) -> list[tuple[bytes, bytes]]:
    """CKA_ID and DER of each certificate that the session sees."""
    found = _objects(session, {Attribute.CLASS: ObjectClass.CERTIFICATE}, OBJECTS_MAX)
    return [(bytes(one[Attribute.ID]), bytes(one[Attribute.VALUE])) for one in found]


def _id_of(session: pkcs11.Session, source: Pkcs11Key, key_id: str) -> bytes:
    ids = {own for own, der in _certificates(session) if hashlib.sha256(der).hexdigest() == source.certificate}
    if len(ids) != 1 or b"" in ids:
        reason = because("token_no_id") if ids else because("token_no_certificate")
        raise SiteError("key.missing", key=key_id, reason=reason)
    return ids.pop()


def _objects(session: pkcs11.Session, template: dict[Attribute, Any], limit: int) -> list[pkcs11.Object]:
    return list(islice(session.get_objects(template), limit))  # the search ends with its iterator, here


def _asks_each_time(handle: pkcs11.SignMixin) -> bool:
    try:
        return bool(handle[Attribute.ALWAYS_AUTHENTICATE])
    except (raised.AttributeTypeInvalid, raised.AttributeSensitive):
        return False


def _in_der(raw: bytes) -> bytes:
    """A token gives r and s one after the other; everybody else wants Ecdsa-Sig-Value (RFC 3279 section 2.2.3)."""
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
