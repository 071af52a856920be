"""`Content-Digest` (RFC 9530 section 2): the SHA-256 of a message's content, as both doors write and read it."""

import base64
import re
from typing import Final

# A member of the dictionary (RFC 8941 section 3.2) that is a byte sequence of 32 bytes.
_SHA_256: Final = re.compile(r"\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*")


def format_content_digest(sha256: bytes) -> str:
    """The header's value for a SHA-256 (32 bytes)."""
    return f"sha-256=:{base64.b64encode(sha256).decode('ascii')}:"


def parse_content_digest(value: str) -> bytes | None:
    """The SHA-256 in the header's value; other algorithms are passed over.

    None unless there is exactly one, well formed: of two, two programs on the way could believe different ones.
    """
    found = [match for member in value.split(",") if (match := _SHA_256.fullmatch(member))]
    return base64.b64decode(found[0][1]) if len(found) == 1 else None
