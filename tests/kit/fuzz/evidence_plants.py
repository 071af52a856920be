"""Mistakes planted in evidence on purpose: fuzzing that does not find these finds nothing."""

from collections.abc import Callable
from typing import Any, Final

from gateway.audit import parse_leaf
from gateway.evidence import proof_file
from gateway.exchange import receipts


def _way_not_checked() -> None:
    """Whatever leaf it is, the log has it."""

    def verify(logged: Any, _: Any) -> Any:
        return parse_leaf(logged.data)

    setattr(proof_file, "verify_logged", verify)  # noqa: B010 - a name that is not the module's own


def _line_not_checked() -> None:
    """Whatever a line of a receipt says, its leaf is not looked at."""
    setattr(receipts, "verify_logged", lambda *_: None)  # noqa: B010 - as above


PLANTS: Final[dict[str, Callable[[], None]]] = {"way": _way_not_checked, "line": _line_not_checked}


def plant(name: str) -> None:
    """Make that mistake from here on."""
    PLANTS[name]()
