"""Ledger of the blobs that rows name: one row for each digest, written in the unit that names it and never taken out.

Digests stand in many places (envelopes of four tables, attachments inside JSON), and whoever wants to remove bytes must ask
about all of them at once, fast, however large the tables are. That a row named a blob once is enough to keep it: a document
that was sealed here keeps the file as it was handed in, which is what its request's digest speaks of, and a backup of the
database that is older than the copy of the blobs finds everything.
"""

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Text, bindparam, exists, insert, select

from gateway.core.ids import Digest
from gateway.core.model import BlobRef
from gateway.storage.bulk import execute_many
from gateway.storage.rows import among, chunks
from gateway.storage.statements import Statements
from gateway.storage.tables import named_blobs

_GIVEN: Final = bindparam("the_digest", type_=Text)
# On PostgreSQL two units may add the same name at once: the later one collides and runs again (`attempts`).
_NAME: Final = insert(named_blobs).from_select(
    ["digest"], select(_GIVEN).where(~exists().where(named_blobs.c.digest == _GIVEN))
)
_NAMED: Final = select(named_blobs.c.digest).where(among(named_blobs.c.digest, "digests"))


class NamedBlobLedger:
    """Implements `gateway.core.ledgers.NamedBlobs` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def named(self, digests: Collection[Digest]) -> frozenset[Digest]:
        """Those of them that a row names or ever named."""
        found = [
            digest
            for some in chunks(sorted(digests))
            for digest in self._connection.execute(_NAMED, {"digests": list(some)}).scalars()
        ]
        return frozenset(Digest(digest) for digest in found)


def name_blobs(connection: Statements, blobs: Iterable[BlobRef]) -> None:
    """Write down that a row names these blobs; in one order, so that two units never wait for each other."""
    if names := sorted({blob.digest for blob in blobs}):
        execute_many(connection, _NAME, [{"the_digest": digest} for digest in names])
