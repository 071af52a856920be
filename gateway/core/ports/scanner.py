"""Where files are looked at for malware."""

from pathlib import Path
from typing import Protocol

from gateway.core.scanning import Scan, ScannerState


class Scanner(Protocol):
    """A program that looks at a file for malware."""

    async def scan(self, path: Path) -> Scan:
        """Look at the whole file.

        * MUST answer CLEAN only when the scanner itself said so of every byte of it; whatever else happens is another result.
        * MUST NOT hold the file in memory, MUST NOT block, and MUST come back in a bounded time.
        * MUST tell AWAY (ask again later, about any file) from FAILED (this file is the trouble).

        Raises:
            SiteError: `blob.damaged`: the file itself cannot be read.
        """
        ...

    async def state(self) -> ScannerState:
        """Whether it answers, and how old its signatures are; MUST NOT raise for what it finds."""
        ...
