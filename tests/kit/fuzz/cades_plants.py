"""Duties of a detached signature left out on purpose: fuzzing that does not find that finds nothing."""

from typing import Any, Final

from gateway.crypto.cades import verify

DUTIES: Final = ("check_signature", "check_message_digest", "check_content_type")


def _nothing(*_: Any) -> None:
    """A check that is not made."""


def plant(name: str) -> None:
    """Leave that one out from here on."""
    assert name in DUTIES
    setattr(verify, name, _nothing)
