"""Room for more, asked once for all places where it is needed: on the disk, in the queue of steps, in that of the writer."""

from gateway.core.ids import OrganId
from gateway.core.ports import Intake, Store


class StoreIntake:
    """Implements `gateway.core.ports.Intake` over the watched disk and the store that every request ends in."""

    def __init__(self, store: Store, /, *places: Intake) -> None:
        self._store = store
        self._places = places

    def admit(self, *, document: bool, organs: frozenset[OrganId] = frozenset()) -> None:
        """See `Intake.admit`."""
        for place in self._places:
            place.admit(document=document, organs=organs)
        self._store.check_room()
