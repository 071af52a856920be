"""Mistakes planted in trust on purpose: fuzzing that does not find these finds nothing."""

from collections.abc import Callable
from typing import Final

from gateway.crypto.fetching import check
from gateway.crypto.paths import trust_list


def _list_not_verified() -> None:
    """Whatever a list says, our key has signed it."""
    setattr(trust_list, "verifies", lambda *_: True)  # noqa: B010 - a name that is not the module's own


def _evidence_not_verified() -> None:
    """Whoever signed a revocation list, or nobody."""
    setattr(check, "_signed", lambda *_: True)  # noqa: B010 - as above


PLANTS: Final[dict[str, Callable[[], None]]] = {"list": _list_not_verified, "evidence": _evidence_not_verified}


def plant(name: str) -> None:
    """Make that mistake from here on."""
    PLANTS[name]()
