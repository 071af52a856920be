"""What the disk says of our files, in our words. One that fails ends the process, as one of the database does.

The file alone could be refused and written anew. But after an I/O error nobody knows what the kernel has forgotten, the next
fsync may well say that all is well, and the database is on that disk, too (reliability.md B2.5).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.core.disk_errors import FAILING, NO_ROOM
from gateway.core.errors import SiteError
from gateway.storage.entrance import OnFatal


class DiskErrors:
    """Stands around everything that is made durable in one folder."""

    def __init__(self, on_fatal: OnFatal | None, /) -> None:
        """`on_fatal`: told once, from a thread, that the disk fails; None: nobody has to end."""
        self._on_fatal = on_fatal
        self._failed: str | None = None

    @contextmanager
    def touched(self) -> Iterator[None]:
        """Full or read-only is `store.full`; an error of the disk itself `store.failing`, and so is all that follows."""
        if self._failed is not None:
            raise SiteError("store.failing", reason=self._failed)
        try:
            yield
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            if error.errno in NO_ROOM:
                raise SiteError("store.full", reason=reason) from error
            if error.errno not in FAILING:
                raise SiteError("store.damaged", reason=reason) from error
            first, self._failed = self._failed is None, reason
            if first and self._on_fatal is not None:
                self._on_fatal(error)
            raise SiteError("store.failing", reason=reason) from error
