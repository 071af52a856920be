"""What every conductor of this room works with: one frozen bundle of ports, handed over by `gateway.app`."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.core.ids import Entropy, GatewayId, uuid7
from gateway.core.patience import DELIVERY_DEADLINE_DAYS_DEFAULT
from gateway.core.ports import Blobs, Clock, Directory, Judge, Meter, Scanner, Sealer, Store
from gateway.core.sizes import USUAL, Sizes
from gateway.crypto import LoadedTrust
from gateway.exchange.journal import Journal
from gateway.exchange.lateness import Lateness
from gateway.observe import UNMEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The ports that every conductor of this room shares. What only one of them needs is handed to that one alone."""

    own: GatewayId
    store: Store
    blobs: Blobs
    clock: Clock
    lateness: Lateness
    """What ends something for good asks it, and never the clock itself."""
    directory: Directory
    judge: Judge
    sealer: Sealer
    trust: LoadedTrust
    journal: Journal
    entropy: Entropy
    scanner: Scanner | None = None
    """None where no scanner is configured: files are not looked at for malware."""
    meter: Meter = UNMEASURED
    deadline: timedelta = timedelta(days=DELIVERY_DEADLINE_DAYS_DEFAULT)
    """So long a delivery is tried; in days of the calendar, so that no list of holidays decides when it ends."""
    sizes: Sizes = USUAL

    def new_key(self) -> str:
        """A fresh UUIDv7."""
        return uuid7(self.clock.now(), self.entropy)
