"""Verifier keys of audit logs: `origin+hash+base64` (C2SP signed-note, "Verifier keys"), Ed25519 only."""

import base64
import binascii
import hashlib
import re
from typing import Final

_ED25519: Final = b"\x01"
_FORM: Final = re.compile(r"(?P<name>[^\s+]{1,253})\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]{44})")


def verifier_key(origin: str, public_key: bytes) -> str:
    """The verifier key of a log by its origin and its raw Ed25519 public key (32 bytes)."""
    assert len(public_key) == 32, "an Ed25519 public key has 32 bytes"
    typed = _ED25519 + public_key
    return f"{origin}+{_key_id(origin, typed)}+{base64.b64encode(typed).decode()}"


def parse_verifier_key(text: str) -> tuple[str, bytes]:
    """Origin and raw Ed25519 public key. The key id is recomputed: a wrong one would make every note unverifiable.

    Raises:
        ValueError: not a verifier key, of another algorithm, or with a wrong key id.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not a verifier key")
    try:
        typed = base64.b64decode(found["key"], validate=True)
    except binascii.Error:
        raise ValueError("not a verifier key") from None
    if len(typed) != 33 or not typed.startswith(_ED25519):
        raise ValueError("not an Ed25519 verifier key")
    if _key_id(found["name"], typed) != found["id"]:
        raise ValueError("key id of the verifier key is wrong")
    return found["name"], typed[1:]


def _key_id(name: str, typed: bytes) -> str:
    return hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4].hex()
