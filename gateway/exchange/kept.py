"""The files of an envelope: what is kept of them in memory while it is read, and the rest of them when it is wanted."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from gateway.core.limits import ENVELOPE_PIECE_BYTES
from gateway.core.magic import MAGIC_BYTES
from gateway.core.sizes import Sizes
from gateway.safe_xml import EXCHANGE, Caps, decoded


class Keeper:
    """A store for payloads (`safe_xml.Store`) with room for so many bytes: of what does not fit the beginning is kept."""

    def __init__(self, room: int, /) -> None:
        self.room = room

    def open(self, _: int) -> "Kept":
        """For the next payload."""
        return Kept(self)


class Kept(BytesIO):
    """One payload, whole, or no more of it than tells what it is."""

    def __init__(self, keeper: Keeper) -> None:
        super().__init__()
        self._keeper = keeper
        self._whole = True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # decoders write bytes
        """Takes everything, and keeps it as long as there is room."""
        size = len(data)
        if self._whole and size <= self._keeper.room:
            self._keeper.room -= size
            return super().write(data)
        if self._whole:
            self._whole = False
            self._keeper.room += self.tell()
            self.truncate(min(self.tell(), MAGIC_BYTES))
            self.seek(0, 2)
        super().write(data[: MAGIC_BYTES - self.tell()])
        return size


def caps_for(sizes: Sizes) -> Caps:
    """The bounds of an envelope's parts."""
    return Caps(file_bytes=sizes.envelope_bytes, payload_bytes=sizes.file_bytes)


def payload_pieces(envelope: Path, place: tuple[int, int], *, caps: Caps = EXCHANGE) -> Iterator[bytes]:
    """The bytes of one file out of a stored envelope that was judged: the text that stands there, decoded once more.

    Raises:
        SenderError: `envelope.malformed`: no such text stands there.
    """
    return decoded(_text(envelope, place), caps=caps)


def _text(envelope: Path, place: tuple[int, int]) -> Iterator[bytes]:
    start, end = place
    with envelope.open("rb", buffering=0) as file:
        file.seek(start)
        left = end - start
        while left > 0 and (piece := file.read(min(left, ENVELOPE_PIECE_BYTES))):
            left -= len(piece)
            yield piece
