"""How large documents may be here: the usual bounds, or what the operator allows; and how long large ones may take."""

from dataclasses import dataclass
from typing import Final

from gateway.core import large_limits, limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bounds of what this gateway takes, from its offices and from other gateways."""

    file_bytes: int = limits.FILE_BYTES_MAX
    document_bytes: int = limits.DOCUMENT_BYTES_MAX

    @property
    def envelope_bytes(self) -> int:
        """The usual bound, and what the further bytes are in base64."""
        return limits.ENVELOPE_BYTES_MAX + -(-max(0, self.document_bytes - limits.DOCUMENT_BYTES_MAX) // 3) * 4

    @property
    def request_bytes(self) -> int:
        """A form with a document in it."""
        return self.document_bytes + limits.REQUEST_BYTES_MAX - limits.DOCUMENT_BYTES_MAX


USUAL: Final = Sizes()
LARGEST: Final = Sizes(
    file_bytes=large_limits.LARGE_FILE_MIB_MAX * limits.MIB,
    document_bytes=large_limits.LARGE_DOCUMENT_MIB_MAX * limits.MIB,
)
"""Whatever the bounds were when it was taken in."""


def patience(seconds: float, size: int) -> float:
    """A bound in time for something of that size: the usual one up to the usual size, then growing with it."""
    return seconds + max(0, size - limits.ENVELOPE_BYTES_MAX) / large_limits.LARGE_BYTES_PER_SECOND
