"""One gateway at rest: a real configuration with real keys, and a database in which a few things have happened."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.audit import Checkpoint, VerifierKey, format_checkpoint, sequence, sign_note
from gateway.config import Config, load_config
from gateway.core.events import EventKind
from gateway.core.ids import DeliveryKey, DocumentKey, EntryKey, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.states import DocumentState, TransferState
from gateway.core.work import Destination, WorkKind
from gateway.crypto import FileSigner
from gateway.demo.network import build_network
from gateway.storage import SqliteStore, open_sqlite
from tests.kit import rows

DELIVERY = DeliveryKey("01900000-0000-7000-8000-0000000000d1")
ENTRY = EntryKey("01900000-0000-7000-8000-0000000000e1")
TRANSFER = TransferKey("01900000-0000-7000-8000-0000000000f1")
HERE, THERE = "dang.demo.internal", "chinhquyen.demo.internal"


@dataclass(frozen=True)
class Site:
    """Where it lies and what is in it."""

    folder: Path
    config_file: Path
    document: DocumentKey
    unsigned: DocumentKey
    """A document whose only event no checkpoint covers."""
    log_key: str

    @property
    def trust(self) -> Path:
        """Its trust folder."""
        return self.folder / "network" / "pki" / "party" / "trust"

    @property
    def config(self) -> Config:
        return load_config(self.config_file)


async def make_site(folder: Path) -> Site:
    network = build_network(folder / "network", wards=3, moment=datetime(2026, 11, 21, 6, tzinfo=UTC))
    side = network.sides["party"]
    config = load_config(side.config)
    config.gateway.state.mkdir(parents=True, exist_ok=True)
    store = open_sqlite(config.database_place(), sequencer=sequence, on_fatal=lambda error: None, migrate=True)
    signer = FileSigner(config.audit.key, key_id="audit")
    try:
        document = await store.transact(_happened)
        await _sign(store, signer, config.log_origin)
        unsigned = await store.transact(_afterwards)
    finally:
        await store.close()
    key = VerifierKey.of(config.log_origin, signer.public_key).format()
    return Site(folder=folder, config_file=side.config, document=document, unsigned=unsigned, log_key=key)


def _happened(uow: UnitOfWork) -> DocumentKey:
    document = rows.document(state=DocumentState.ROUTED)
    uow.documents.add(document)
    uow.documents.add_deliveries([rows.delivery(document, key=DELIVERY, transfer=TRANSFER)])
    slip = rows.slip(TRANSFER, destination=THERE, document_id=document.document_id)
    uow.transfers.add([rows.transfer(document, slip=slip, state=TransferState.SENDING, attempts=3)])
    uow.inbox.add([rows.entry(key=ENTRY, transfer=TransferKey("incoming-1"))])
    uow.log.append(rows.leaf(kind=EventKind.GENESIS, subject=HERE, document=HERE, recipient=None))
    last: dict[str, str] = {}
    for kind, subject, owner, after in (
        (EventKind.ACCEPTED, document.key, document.key, ""),
        (EventKind.QUEUED, DELIVERY, document.key, document.key),
        (EventKind.RECEIVED, ENTRY, "incoming-1", ""),
        (EventKind.RECEIVED, "another entry", "incoming-1", ""),
        (EventKind.DELIVERED, DELIVERY, document.key, DELIVERY),
    ):
        said = {"transfer": owner, "from": rows.PARTY} if owner == "incoming-1" else {"from": rows.PARTY}
        said |= {"document_id": document.document_id} if kind is EventKind.ACCEPTED else {}
        leaf = rows.leaf(kind=kind, subject=subject, document=owner, previous=last.get(after, ""), private=said)
        uow.log.append(leaf)
        last[subject] = leaf.hash.hex()
    _queue(uow, document.key)
    return document.key


def _queue(uow: UnitOfWork, document: DocumentKey) -> None:
    held = rows.document(state=DocumentState.HELD)
    uow.documents.add(held)
    uow.work.add(rows.item(held.key, -9, kind=WorkKind.DOCUMENT))
    (claim,) = uow.work.claim(rows.NOW, lease=60, windows={}, limit=1)
    uow.work.bury(claim, "file.unreadable \x1b[2J", rows.NOW)
    uow.work.add(rows.item(document, -5, kind=WorkKind.DOCUMENT))
    uow.work.add(rows.item(TRANSFER, 30, destination=THERE))
    far = datetime(2999, 1, 1, tzinfo=UTC)
    uow.work.set_destination(Destination(name=THERE, failures=4, not_before=far))
    uow.work.set_destination(Destination(name=HERE, failures=1, not_before=None))


def _afterwards(uow: UnitOfWork) -> DocumentKey:
    document = rows.document()
    uow.documents.add(document)
    uow.log.append(rows.leaf(subject=document.key, document=document.key))
    return document.key


async def _sign(store: SqliteStore, signer: FileSigner, origin: str) -> None:
    head = await store.read(lambda uow: uow.log.head())
    text = format_checkpoint(Checkpoint(origin=origin, size=head.size, root=head.root))
    note = await sign_note(text, key=VerifierKey.of(origin, signer.public_key), signer=signer)
    await store.transact(lambda uow: uow.log.publish(head.size, note))
