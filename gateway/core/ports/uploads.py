"""Files that come in pieces, over as many connections as it takes, and are whole in the end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from gateway.core.model import BlobRef
from gateway.core.ports.blobs import BlobLease


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadId:
    """Whose it is (a key, a gateway), and what the owner calls it. Nobody else's calls reach it."""

    owner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """How an upload stands."""

    whole: BlobRef
    """What it will be: announced when it was begun."""
    offset: int
    """Bytes that are here, durable; where the owner goes on."""


class Uploads(Protocol):
    """Partial files: durable, bounded in number, age and share of the disk; never taken for what they are not.

    What is here survives any end of this process. Their bytes count for nothing before all of them are here and are those
    that were announced.
    """

    async def begin(self, upload: UploadId, whole: BlobRef, *, mark: str = "") -> Upload:
        """Make room for a file, or say how far one has come that was begun before, with the same digest, size and mark.

        Raises:
            Conflict: `upload.conflict`: another file was begun under this name.
            SiteError: `upload.limit`: there is no room for one more now; `store.full`, `store.damaged`, `store.failing`.
        """
        ...

    async def find(self, upload: UploadId) -> Upload | None:
        """How it stands; None when there is none, or no more."""
        ...

    async def append(self, upload: UploadId, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        """Write what comes, from there on. What came before it broke off MUST be kept.

        The last piece is the end of it only if the digest is right.

        Raises:
            NotFound: there is no such upload.
            Conflict: `upload.offset`: not where it stands, or more than was announced; `upload.busy`: another piece of it
                is still being written.
            SenderError: `upload.digest`: the whole is not what was announced; it begins anew. And whatever `chunks` raises:
                after `request.digest` and `transfer.digest` nothing of this piece is kept.
            SiteError: `store.full`, `store.damaged`, `store.failing`.
        """
        ...

    async def take(self, upload: UploadId, lease: BlobLease) -> BlobRef:
        """The whole file as a blob; the upload stays until it is dropped.

        Raises:
            NotFound: there is no such upload.
            Conflict: `upload.incomplete`: something is missing yet; `upload.busy`.
            SenderError: `upload.digest`.
            SiteError: `store.full`, `store.damaged`, `store.failing`.
        """
        ...

    async def spend(self, upload: UploadId) -> None:
        """A row names the blob that was taken: the upload needs no room any more, and taking it again MUST give the same."""
        ...

    async def drop(self, upload: UploadId) -> None:
        """Forget it, if it is there; one that is being written stays until its piece has ended, or its time."""
        ...
