"""The signed heads of the audit log."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class PublishedCheckpoint(Protocol):
    """A signed tree head that is durable."""

    @property
    def size(self) -> int:
        """Leaves it covers."""
        ...

    @property
    def note(self) -> str:
        """C2SP signed note."""
        ...


class LeafProof(Protocol):
    """Where a leaf stands in the tree of a checkpoint, and its way to the root."""

    @property
    def index(self) -> int:
        """Its place in the log."""
        ...

    @property
    def path(self) -> tuple[bytes, ...]:
        """Merkle audit path, leaf to root (RFC 6962 section 2.1.1)."""
        ...


class Checkpoints(Protocol):
    """The signer of the audit log, as those see it who wait for a checkpoint."""

    async def covering(self, size: int) -> PublishedCheckpoint:
        """The newest checkpoint once one of at least `size` leaves is signed and durable.

        Raises:
            SiteError: `audit.inconsistent` when the signer refuses to sign (its memory says otherwise).
        """
        ...

    async def proving(self, leaf_hashes: Sequence[bytes]) -> tuple[PublishedCheckpoint, Mapping[bytes, LeafProof]]:
        """A checkpoint that covers these leaves, signed and durable, and the proof of each under it, by leaf hash.

        Raises:
            SiteError: `audit.inconsistent` as above; `store.busy`: they were not given their place in time;
                `store.damaged`: nodes of the tree are missing.
        """
        ...
