"""What many tasks of a child need and none of them should carry: sent to each child once, then named by a number.

Whom we believe (`Trust`) is such a thing: the revocation lists of a real authority weigh megabytes, and come along with
every task. So a task is packed with a number in the place of each `Shared` object, and the object itself travels with the
first task of a child that needs it; a new child has been sent nothing yet.

In the child the same object is found again for every task, so what is computed from it (parsed certificates, results) can
be kept as long as the object itself. This way leads only from the service to its children: what a child answers is never
unpickled (`answers`).
"""

import io
import pickle
from collections import OrderedDict
from typing import Any, Final

SHARED_MAX: Final = 4
"""Objects that a child holds: today's, and those of tasks that were begun before a reload."""


class Shared:
    """A frozen object of the service that its children keep."""

    __slots__ = ()


class Sender:
    """Packs the messages for one child, and remembers what that child holds."""

    def __init__(self) -> None:
        self._held: tuple[tuple[int, Shared], ...] = ()
        self._next = 1

    def pack(self, message: object) -> bytes:
        """The message, with whatever the child does not hold yet. One that cannot be packed changes nothing."""
        body = io.BytesIO()
        packer = _Packer(body, held=self._held, following=self._next)
        packer.dump(message)
        assert len(packer.new) <= SHARED_MAX, "the child would forget the first before it reads the message"
        packed = pickle.dumps((packer.new, body.getvalue()), protocol=pickle.HIGHEST_PROTOCOL)
        self._held = (*self._held, *packer.new.items())[-SHARED_MAX:]
        self._next += len(packer.new)
        return packed


class _Packer(pickle.Pickler):
    """A pickler that writes a number where a `Shared` object stands."""

    def __init__(self, file: io.BytesIO, *, held: tuple[tuple[int, Shared], ...], following: int) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._held = held
        self._following = following
        self.new: dict[int, Shared] = {}

    def reducer_override(self, value: object) -> Any:
        """How an object that is no plain value is pickled."""
        return (recall, (self._number_of(value),)) if isinstance(value, Shared) else NotImplemented

    def _number_of(self, shared: Shared) -> int:
        for number, held in (*self._held, *self.new.items()):
            if held is shared:  # by identity: equal ones would have to be compared byte by byte
                return number
        number = self._following + len(self.new)
        self.new[number] = shared
        return number


# --- in the child ----------------------------------------------------------------------------------------------------

_HELD: Final[OrderedDict[int, Shared]] = OrderedDict()


def unpack(data: bytes) -> Any:
    """The message that `Sender.pack` packed for this child."""
    new, body = pickle.loads(data)  # noqa: S301 - from the service, which this child trusts
    _HELD.update(new)
    while len(_HELD) > SHARED_MAX:
        _HELD.popitem(last=False)
    return pickle.loads(body)  # noqa: S301 - see above


def recall(number: int) -> Shared:
    """The object of that number."""
    return _HELD[number]
