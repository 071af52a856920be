"""The registry in force: one reference to one frozen edition."""

from gateway.core.directory import Snapshot
from gateway.core.errors import SiteError


class LoadedDirectory:
    """Port `Directory` over a loaded edition. Readers may be in any thread; only one replaces."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def current(self) -> Snapshot:
        """The edition in force: one object per edition."""
        return self._snapshot

    def replace(self, snapshot: Snapshot) -> None:
        """Put a later edition in force. The one already in force is taken without a change.

        Raises:
            SiteError: `registry.epoch` for a lower epoch (a roll-back), or the same epoch with another content (two
                registries under one number).
        """
        held = self._snapshot
        if snapshot.digest == held.digest:
            return
        if snapshot.epoch <= held.epoch:
            raise SiteError("registry.epoch", epoch=snapshot.epoch, active=held.epoch)
        self._snapshot = snapshot
