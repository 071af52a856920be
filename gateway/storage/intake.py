"""Room for more, asked once for both places where it is needed: on the disk, and in the queue of the writer."""

from gateway.core.ports import Intake, Store


class StoreIntake:
    """Implements `gateway.core.ports.Intake` over the watched disk and the store that every request ends in."""

    def __init__(self, disk: Intake, store: Store, /) -> None:
        self._disk = disk
        self._store = store

    def admit(self, *, document: bool) -> None:
        """See `Intake.admit`."""
        self._disk.admit(document=document)
        self._store.check_room()
