"""How far the walk through all rows has come: a small file of its own, so that the next run goes on from there.

It decides nothing but where to look next: one that is missing, torn or of another version is the beginning.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.core.ids import DocumentKey, OrganId

_BYTES_MAX: Final = 4096
NO_DOCUMENT: Final = DocumentKey("")
NO_STREAM: Final = (OrganId(""), OrganId(""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The last row of each kind that was looked at."""

    document: DocumentKey = NO_DOCUMENT
    cursor: int = 0
    stream: tuple[OrganId, OrganId] = NO_STREAM


class WalkFile:
    """Where the walk is kept."""

    def __init__(self, path: Path, /) -> None:
        self._path = path

    def read(self) -> Walk:
        """As far as it has come."""
        try:
            with self._path.open("rb") as file:
                document, cursor, sender, recipient = json.loads(file.read(_BYTES_MAX))
        except (OSError, ValueError, TypeError):
            return Walk()
        if not (isinstance(cursor, int) and all(isinstance(one, str) for one in (document, sender, recipient))):
            return Walk()
        return Walk(document=DocumentKey(document), cursor=cursor, stream=(OrganId(sender), OrganId(recipient)))

    def write(self, walk: Walk) -> bool:
        """Keep it; False when the folder does not let us. Not synced: what a power failure loses is looked at again."""
        new = self._path.with_name(f".{self._path.name}.new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump([walk.document, walk.cursor, *walk.stream], file)
            new.replace(self._path)
        except OSError:
            return False
        return True
