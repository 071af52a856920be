"""Exit codes of every command, and which of our error codes means which."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Exit(IntEnum):
    """Exit codes of every command (experience.md 2.6)."""

    OK = 0
    PROBLEM = 1
    """A check, or somebody's rule, says no."""
    USAGE = 2
    NOT_FOUND = 3
    VERIFICATION = 4
    """A signature, a receipt, a proof or the log does not hold, or that cannot be decided."""
    UNREACHABLE = 5
    PERMISSION = 6
    CONFLICT = 7
    CONFIGURATION = 8
    BUG = 70
    INTERRUPTED = 130
    READER_GONE = 141
    """Whoever read the data went away before the end: what any program says that SIGPIPE has ended (128 + 13)."""


_BY_CODE: Final[Mapping[str, Exit]] = MappingProxyType(
    {
        # by family: the first word of the code
        "request": Exit.USAGE,
        "count": Exit.USAGE,
        "reason": Exit.USAGE,
        "access": Exit.PERMISSION,
        "not_found": Exit.NOT_FOUND,
        "conflict": Exit.CONFLICT,
        "envelope": Exit.VERIFICATION,
        "peer": Exit.UNREACHABLE,
        "worker": Exit.UNREACHABLE,
        "timestamp": Exit.UNREACHABLE,
        "key": Exit.CONFIGURATION,
        "config": Exit.CONFIGURATION,
        "registry": Exit.CONFIGURATION,
        "trust": Exit.CONFIGURATION,
        "store": Exit.CONFIGURATION,
        "blob": Exit.VERIFICATION,
        "backup": Exit.VERIFICATION,
        "restore": Exit.CONFLICT,
        "audit": Exit.VERIFICATION,
        "internal": Exit.BUG,
        # by code, where it differs from its family
        "request.timeout": Exit.UNREACHABLE,
        "seal.broken": Exit.VERIFICATION,
        "seal.evidence": Exit.CONFIGURATION,
        "peer.receipt": Exit.VERIFICATION,
        "trust.unsigned": Exit.VERIFICATION,
        "trust.number": Exit.VERIFICATION,
        "worker.killed": Exit.PROBLEM,
        "store.busy": Exit.UNREACHABLE,
        "store.full": Exit.UNREACHABLE,
        "store.failing": Exit.UNREACHABLE,
        "store.locked": Exit.CONFLICT,
        "store.damaged": Exit.VERIFICATION,
        "backup.not_empty": Exit.CONFLICT,
    }
)

_BY_STATUS: Final[Mapping[int, Exit]] = MappingProxyType(
    {
        400: Exit.USAGE,
        401: Exit.PERMISSION,
        403: Exit.PERMISSION,
        404: Exit.NOT_FOUND,
        408: Exit.UNREACHABLE,
        409: Exit.CONFLICT,
        429: Exit.UNREACHABLE,
        502: Exit.UNREACHABLE,
        503: Exit.UNREACHABLE,
        504: Exit.UNREACHABLE,
    }
)


def exit_code(code: str, status: int = 0) -> Exit:
    """The exit code of an error code of ours, whoever raised it; of one that we do not know, by its HTTP status."""
    for name in (code, code.partition(".")[0]):
        if name in _BY_CODE:
            return _BY_CODE[name]
    return _BY_STATUS.get(status, Exit.PROBLEM)
