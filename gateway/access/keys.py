"""API keys as text: `gwk_<key id>_<43 characters>`, the id 16 hex digits, the rest 32 random bytes in base64url."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from gateway.core.base64url import encode_base64url
from gateway.core.errors import SiteError
from gateway.core.grants import ApiKey
from gateway.core.ids import Digest, Entropy, OrganId
from gateway.core.principal import Scope

SCOPES: Final = frozenset(Scope)
"""Everything a key can be allowed to do."""

# The prefix lets secret scanners find a key that was committed or pasted somewhere.
_KEY: Final = re.compile(r"gwk_([0-9a-z]{1,32})_[A-Za-z0-9_-]{43}")
KEY_CHARS_MAX: Final = 80
"""`gwk_`, an id of 32, `_`, 43."""


def make_key(
    *,
    name: str,
    organs: Iterable[OrganId],
    scopes: Iterable[str],
    entropy: Entropy,
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """A new key: the text, to be shown once, and the row to be kept.

    Raises:
        SiteError: `config.invalid` for a scope that does not exist, or a key without bodies or scopes.
    """
    bodies, granted = frozenset(organs), frozenset(scopes)
    if not bodies or not granted:
        raise SiteError("config.invalid", path=f"api key {name}", reason="a key needs bodies and scopes")
    if granted - SCOPES:
        raise SiteError("config.invalid", path=f"api key {name}", reason=f"no such scope: {sorted(granted - SCOPES)}")
    key_id = entropy(8).hex()
    shown = f"gwk_{key_id}_{encode_base64url(entropy(32))}"
    row = ApiKey(
        key_id=key_id,
        name=name,
        secret_digest=secret_digest(shown),
        organs=bodies,
        scopes=frozenset(map(Scope, granted)),
        expires_at=expires_at,
        revoked_at=None,
    )
    return shown, row


def secret_digest(text: str) -> Digest:
    """SHA-256 (hex) of the whole key text, id included: a secret cannot be moved to another id."""
    return Digest(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def key_id_of(presented: str) -> str | None:
    """The id inside a key text; None when the text has not the form of a key."""
    found = _KEY.fullmatch(presented) if len(presented) <= KEY_CHARS_MAX else None
    return found.group(1) if found else None
