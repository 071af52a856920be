"""base64url without padding (RFC 4648 section 5) in its one form: no two texts stand for the same bytes."""

from binascii import Error, a2b_base64, b2a_base64
from typing import Final

_WRITTEN: Final = bytes.maketrans(b"+/", b"-_")
_READ: Final = bytes.maketrans(b"-_+/=", b"+/\0\0\0")
"""What the other alphabet and padding become is in no alphabet."""
_LAST: Final = (b"", None, b"AQgw", b"AEIMQUYcgkosw048")
"""By what is left of a group of four: the last letters that leave no stray bits."""


def encode_base64url(data: bytes) -> str:
    """The text of some bytes."""
    return b2a_base64(data, newline=False).translate(_WRITTEN).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """The bytes of a text.

    Raises:
        ValueError: another alphabet, padding, or stray bits at the end: `encode_base64url` would not write it so.
    """
    last = _LAST[len(text) % 4]
    try:
        given = text.encode("ascii")
        if last is None or (last and given[-1] not in last):
            raise ValueError("base64url is not in its one form")
        return a2b_base64(given.translate(_READ) + b"==="[: -len(given) % 4], strict_mode=True)
    except (Error, UnicodeEncodeError) as error:
        raise ValueError("base64url is not in its one form") from error
