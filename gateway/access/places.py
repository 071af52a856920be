"""Whose every open connection of a listener is: a stranger's, or somebody's who has shown a good credential over it.

Strangers are a pool of their own. When it is full, or one address has its share of it, the *oldest* stranger goes, never the
newest: who has something to show shows it within a second of his handshake, and who sits there in silence keeps nobody out.
A connection that has shown a good credential counts for its principal and is not touched for anybody's sake. Beyond its
principal's share (or that of all of them together) a connection is served all the same, but stays among the strangers.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.access.buckets import Rate
from gateway.core.limits import (
    CONNECTIONS_BURST,
    CONNECTIONS_MAX,
    CONNECTIONS_PER_ADDRESS,
    CONNECTIONS_PER_MINUTE,
    CONNECTIONS_PER_PRINCIPAL,
    STRANGERS_MAX,
)

_ARRIVALS: Final = Rate(per_minute=CONNECTIONS_PER_MINUTE, burst=CONNECTIONS_BURST)
_NOBODY: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a listener gives."""

    open: int = CONNECTIONS_PER_ADDRESS
    """Strangers from one address (a /64 with IPv6)."""
    strangers: int = STRANGERS_MAX
    """Strangers in all."""
    per_principal: int = CONNECTIONS_PER_PRINCIPAL
    """Connections of one principal."""
    known: int = CONNECTIONS_MAX
    """Connections of all principals."""
    arrivals: Rate = _ARRIVALS
    """New connections of one address."""


class Place:
    """The place of one connection, from its accepting to its closing."""

    __slots__ = ("_cut", "_pool", "address", "name")

    def __init__(self, pool: "Places", address: str, cut: Callable[[], None]) -> None:
        self._pool = pool
        self._cut = cut
        self.address: Final = address
        self.name = _NOBODY
        """The principal it counts for; empty for a stranger."""

    def known(self, name: str) -> None:
        """A good credential of this principal was shown over it."""
        if name != self.name:
            self._pool.move(self, name)

    def unknown(self) -> None:
        """What was shown last is not good, or not any more."""
        if self.name:
            self._pool.move(self, _NOBODY)

    def cut_by(self, cut: Callable[[], None]) -> None:
        """From now on the connection is ended by this."""
        self._cut = cut

    def cut(self) -> None:
        """End the connection: its place is wanted."""
        self._cut()


class Places:
    """All places of one listener. Not thread-safe: used in one event loop."""

    def __init__(self, share: Share, *, on_cut: Callable[[str, Place], None]) -> None:
        self._share = share
        self._on_cut = on_cut
        self._strangers: dict[Place, None] = {}  # in the order of their coming
        self._by_address: dict[str, dict[Place, None]] = {}
        self._known: dict[Place, None] = {}
        self._by_name: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    @property
    def strangers(self) -> int:
        """How many have shown nothing good."""
        return len(self._strangers)

    def take(self, address: str, cut: Callable[[], None]) -> Place:
        """The place of a newcomer; whoever has to go for it is cut."""
        place = Place(self, address, cut)
        self._admit(place)
        return place

    def leave(self, place: Place) -> None:
        """The connection is closed. Harmless when it has left already."""
        if place in self._known:
            del self._known[place]
            self._by_name[place.name] -= 1
            if not self._by_name[place.name]:
                del self._by_name[place.name]
        elif place in self._strangers:
            del self._strangers[place]
            own = self._by_address[place.address]
            del own[place]
            if not own:
                del self._by_address[place.address]

    def move(self, place: Place, name: str) -> None:
        """Count it for another principal, or for none."""
        if place not in self._known and place not in self._strangers:
            return  # cut, and its last request is still being answered
        if name and (self._by_name[name] >= self._share.per_principal or len(self._known) >= self._share.known):
            name = _NOBODY
        if name == place.name:
            return
        self.leave(place)
        place.name = name
        if name:
            self._known[place] = None
            self._by_name[name] += 1
        else:
            self._admit(place)

    def cut_oldest(self, count: int, reason: str) -> None:
        """Cut strangers, the oldest first."""
        for place in list(self._strangers)[:count]:
            self._end(place, reason)

    def _admit(self, place: Place) -> None:
        own = self._by_address.get(place.address, {})
        if len(own) >= self._share.open:
            self._end(next(iter(own)), "address")
        elif len(self._strangers) >= self._share.strangers:
            self._end(next(iter(self._strangers)), "strangers")
        self._strangers[place] = None
        self._by_address.setdefault(place.address, {})[place] = None

    def _end(self, place: Place, reason: str) -> None:
        self.leave(place)
        self._on_cut(reason, place)
        place.cut()
