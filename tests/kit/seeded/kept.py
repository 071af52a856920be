"""What a gateway has kept when all is still: every row, leaf and blob, read out once, frozen, for the judges of worlds."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from gateway.core.activation import Activation
from gateway.core.amendments import Amendment
from gateway.core.directory import Snapshot
from gateway.core.events import TreeHead
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.model import Delivery, Document, InboxEntry, IncomingTransfer, Transfer
from gateway.core.work import DeadLetter
from gateway.storage.amendments import _amendment
from gateway.storage.tables import amendments, incoming_streams, metadata, named_blobs, openings, streams
from tests.kit.seeded.gateway import Gateway

ROWS = 100_000
# Each is made once: a statement is compiled for every object that it is.
_EVERY_TABLE: Final = tuple(select(table).order_by(*table.primary_key.columns) for table in metadata.sorted_tables)
_NAMED: Final = select(named_blobs.c.digest)
_STREAMS: Final = select(streams)
_INCOMING_STREAMS: Final = select(incoming_streams)
_AMENDMENTS: Final = select(amendments)
_OPENINGS: Final = select(openings).order_by(openings.c.row)


@dataclass(frozen=True)
class Opening:
    """One opened leaf."""

    hash: bytes
    salt: bytes
    private: bytes
    at_millis: int
    event: str
    subject: str
    document: str
    recipient: str | None


@dataclass(frozen=True)
class Kept:
    """One gateway's whole memory."""

    own: GatewayId
    snapshot: Snapshot
    """The newest edition: every certificate and key that ever was in force stands in it."""
    documents: tuple[Document, ...]
    deliveries: tuple[Delivery, ...]
    transfers: tuple[Transfer, ...]
    incoming: tuple[IncomingTransfer, ...]
    entries: tuple[InboxEntry, ...]
    amendments: tuple[Amendment, ...]
    dead: tuple[DeadLetter, ...]
    work: int
    """Items of work that are left."""
    streams: Mapping[tuple[OrganId, OrganId], int]
    """The next number of (sender, recipient)."""
    arrived: Mapping[tuple[OrganId, OrganId], int]
    """The smallest number of (sender, recipient) that is not settled on the receiving side."""
    staged: int
    """Numbers that wait for smaller ones."""
    leaves: tuple[bytes, ...]
    openings: tuple[Opening, ...]
    pending: int
    head: TreeHead
    checkpoint: tuple[int, str] | None
    memory: str
    """The signer's own memory."""
    activations: tuple[Activation, ...]
    blobs: Mapping[Digest, bytes]
    named: frozenset[Digest]
    """Blobs that its rows name or ever named, as the gateway itself wrote it down."""
    content: str
    """Digest over all rows and blobs."""

    @property
    def story(self) -> str:
        """Counts that do not depend on a key's bytes."""
        rows: tuple[Document | Delivery | Transfer, ...] = (*self.documents, *self.deliveries, *self.transfers)
        states = sorted(f"{row.state.value}:{row.reason}" for row in rows)
        said = sorted(f"{entry.cursor}:{entry.business_status.value}" for entry in self.entries)
        return f"{len(self.leaves)} leaves, {len(self.incoming)} in, {states} {said}"


async def read_out(gateway: Gateway, snapshot: Snapshot) -> Kept:
    """Everything, straight from the disk."""
    disk = gateway.disk
    memory = disk.memory.read_text() if disk.memory.exists() else ""
    content = hashlib.sha256()

    def unit(uow: Any) -> dict[str, Any]:
        connection = uow.log._connection
        for whole in _EVERY_TABLE:
            for row in connection.execute(whole):
                content.update(repr(tuple(row)).encode())
        documents = uow.documents.page(None, ROWS)
        organs = frozenset(snapshot.bodies)
        every = [Digest(digest) for digest in connection.execute(_NAMED).scalars()]
        counted = connection.execute(_STREAMS).all()
        come = connection.execute(_INCOMING_STREAMS).all()
        return {
            "documents": documents,
            "named": frozenset(every),
            "deliveries": tuple(one for row in documents for one in uow.documents.deliveries(row.key)),
            "transfers": uow.transfers.page(None, ROWS),
            "incoming": uow.transfers.incoming_page(None, ROWS),
            "entries": uow.inbox.page(organs, 0, ROWS).entries,
            "amendments": tuple(_amendment(row, "") for row in connection.execute(_AMENDMENTS)),
            "dead": uow.work.dead(ROWS),
            "streams": {(OrganId(row.sender), OrganId(row.recipient)): row.next_number for row in counted},
            "arrived": {(OrganId(row.sender), OrganId(row.recipient)): row.expected for row in come},
            "staged": connection.exec_driver_sql("SELECT count(*) FROM incoming_numbers").scalar_one(),
            "leaves": uow.log.leaves(0, ROWS),
            "openings": tuple(_opening(row) for row in connection.execute(_OPENINGS)),
            "pending": int(uow.log.any_pending()),
            "head": uow.log.head(),
            "checkpoint": uow.log.checkpoint(),
            "activations": uow.directory.history(),
            "work": connection.exec_driver_sql("SELECT count(*) FROM work").scalar_one(),
        }

    rows = await disk.store.read(unit)
    for digest in sorted(disk.blobs):
        content.update(digest.encode())
    return Kept(
        own=gateway.own,
        snapshot=snapshot,
        memory=memory,
        blobs=dict(disk.blobs),
        content=content.hexdigest(),
        **rows,
    )


def _opening(row: Any) -> Opening:
    return Opening(
        hash=row.hash,
        salt=row.salt,
        private=row.private,
        at_millis=row.at,
        event=row.event,
        subject=row.subject,
        document=row.document,
        recipient=row.recipient,
    )
