"""The ledger of blobs that rows name."""

from collections.abc import Collection
from typing import Protocol

from gateway.core.ids import Digest


class NamedBlobs(Protocol):
    """Which blobs rows name. The other ledgers write it, each in the unit that writes the row."""

    def named(self, digests: Collection[Digest]) -> frozenset[Digest]:
        """Those of them that a row names or ever named: nobody else may miss the bytes."""
        ...
