"""Files that rows name: there, and with that digest; hashed as far as a run has bytes to spare, else by their size."""

from collections.abc import Iterable, Iterator
from hashlib import file_digest
from typing import Final

from gateway.core.ids import Digest
from gateway.core.limits import MIB
from gateway.core.model import BlobRef
from gateway.core.ports import Blobs
from gateway.evidence.invariants.breach import Breach, Invariant

HASHED_BYTES_MAX: Final = 128 * MIB
"""In one run: less than a second of hashing. The walk brings the others; one that is larger by itself `audit verify` reads."""


class FileLook:
    """Of one run: no file is looked at twice."""

    def __init__(self, blobs: Blobs, *, hashed_max: int = HASHED_BYTES_MAX) -> None:
        self._blobs = blobs
        self._hashed_max = hashed_max
        self._left = hashed_max
        self._seen: dict[Digest, str] = {}

    def breaches(self, named: Iterable[tuple[str, BlobRef]]) -> Iterator[Breach]:
        """Blocks: for a thread."""
        for what, ref in named:
            if ref.digest not in self._seen:
                self._seen[ref.digest] = self._fault(ref)
            if why := self._seen[ref.digest]:
                yield Breach(invariant=Invariant.I1, what=what, why=f"its file {ref.digest} {why}")

    def forget_faults(self) -> None:
        """Look anew at every file that was not good, for that may have been so for a moment only; and have the bytes for it."""
        self._seen = {digest: why for digest, why in self._seen.items() if not why}
        self._left = self._hashed_max

    def _fault(self, ref: BlobRef) -> str:
        path = self._blobs.path(ref)
        try:
            if path.stat().st_size != ref.size:
                return "has another size"
            if ref.size > self._left:
                return ""
            self._left -= ref.size
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return "is not there"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        return "" if digest == ref.digest else "has other content"
