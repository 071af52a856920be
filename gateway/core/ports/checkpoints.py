"""The signed heads of the audit log."""

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


class Checkpoints(Protocol):
    """The signer of the audit log, as those see it who wait for a checkpoint."""

    async def covering(self, size: int) -> PublishedCheckpoint:
        """The newest checkpoint once one of at least `size` leaves is signed and durable.

        Raises:
            SiteError: `audit.inconsistent` when the signer refuses to sign (its memory says otherwise).
        """
        ...
