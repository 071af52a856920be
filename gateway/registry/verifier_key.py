"""Verifier keys of audit logs: `origin+hash+base64` (C2SP signed-note, "Verifier keys"), Ed25519 only."""

import base64
import binascii
import hashlib
import re
from typing import Final

_ED25519: Final = b"\x01"
_FORM: Final = re.compile(r"(?P<name>[^\s+]{1,253})\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]{44})")


def check_verifier_key(text: str) -> None:
    """Pass a well-formed key whose id is right: with a wrong one no checkpoint of that log could ever be verified.

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
    key_id = hashlib.sha256(found["name"].encode() + b"\n" + typed).digest()[:4]
    if key_id.hex() != found["id"]:
        raise ValueError("key id of the verifier key is wrong")
