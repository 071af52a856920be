"""Mistakes planted in crypto on purpose: fuzzing that does not find these finds nothing."""

from collections.abc import Callable
from typing import Any, Final

from pyhanko.sign.validation.generic_cms import validate_sig_integrity

from gateway.crypto.pades import verify
from gateway.crypto.timestamps import verify as timestamps


def _digest_not_compared() -> None:
    """A PDF that was changed after it was signed is intact all the same."""

    def validate(*arguments: Any) -> tuple[bool, bool]:
        return True, validate_sig_integrity(*arguments)[1]

    setattr(verify, "validate_sig_integrity", validate)  # noqa: B010 - a name that is not the module's own


def _stamp_not_verified() -> None:
    """Whoever signed a timestamp, or nobody."""
    setattr(timestamps, "_check_signature", lambda *_: None)  # noqa: B010 - as above


PLANTS: Final[dict[str, Callable[[], None]]] = {"digest": _digest_not_compared, "stamp": _stamp_not_verified}


def plant(name: str) -> None:
    """Make that mistake from here on."""
    PLANTS[name]()
