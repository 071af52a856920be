"""The highest number of a trust list that was in force here: in a file of its own, so that no older list comes back.

Written when a list is put in force, read when one is loaded. As with the checkpoint signer's memory: temporary file, fsync,
rename, fsync of the folder; a memory that cannot be read is an error, for who does not know what he believed must not go on.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.ids import DIGEST, Digest
from gateway.core.reasons import because, of_os
from gateway.crypto.paths.trust_list import TrustList

_BYTES_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Remembered:
    """A list that was in force."""

    number: int
    digest: Digest


def _remembered(number: object, digest: object) -> Remembered:
    if not (isinstance(number, int) and isinstance(digest, str) and DIGEST.fullmatch(digest)):
        raise ValueError("not a number and a digest")
    return Remembered(number, Digest(digest))


class ListMemory:
    """The memory in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self) -> Remembered | None:
        """The list with the highest number; None: there never was one.

        Raises:
            SiteError: `config.invalid`: it cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                tree = json.loads(file.read(_BYTES_MAX))
            return _remembered(tree["number"], tree["sha256"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SiteError("config.invalid", path=str(self._path), reason=of_os(error)) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            reason = because("other", detail=f"{type(error).__name__}: {error}")
            raise SiteError("config.invalid", path=str(self._path), reason=reason) from error

    def check(self, number: int, digest: Digest, *, path: str) -> None:
        """Refuse to go back.

        Raises:
            SiteError: `trust.number`: lower than what was in force, or the same number with another content.
        """
        before = self.recall()
        if before is None or number > before.number or Remembered(number, digest) == before:
            return
        raise SiteError("trust.number", path=path, number=number, active=before.number)

    def remember(self, found: TrustList) -> None:
        """Keep this one durably, unless it is the one that is kept already.

        Raises:
            SiteError: as `check` and `recall`.
            OSError: the disk refused; what was kept is still there.
        """
        self.check(found.number, found.digest, path=str(self._path))
        if self.recall() == Remembered(found.number, found.digest):
            return
        write_durably(self._path, json.dumps({"number": found.number, "sha256": found.digest}).encode() + b"\n")


def write_durably(path: Path, data: bytes) -> None:
    """The whole file or the old one, also after a power cut.

    Raises:
        OSError: the disk refused.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
