"""base64url without padding (RFC 4648 section 5) in its one form: no two texts stand for the same bytes."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode_base64url(data: bytes) -> str:
    """The text of some bytes."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """The bytes of a text.

    Raises:
        ValueError: another alphabet, padding, or stray bits at the end: `encode_base64url` would not write it so.
    """
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(data) != text:
        raise ValueError("base64url is not in its one form")
    return data
