"""The unit of work: the ledgers of one transaction over one connection."""

from sqlalchemy import Connection

from gateway.storage.access import AccessLedger
from gateway.storage.directory import DirectoryLedger
from gateway.storage.documents import DocumentLedger
from gateway.storage.inbox import InboxLedger
from gateway.storage.log import LogLedger
from gateway.storage.named_blobs import NamedBlobLedger
from gateway.storage.order import OrderLedger
from gateway.storage.timestamps import TimestampLedger
from gateway.storage.transfers import TransferLedger
from gateway.storage.work import WorkLedger


class Unit:
    """Implements `gateway.core.ledgers.UnitOfWork`. Lives as long as its transaction and is not kept."""

    __slots__ = (
        "access",
        "blobs",
        "directory",
        "documents",
        "inbox",
        "log",
        "order",
        "timestamps",
        "transfers",
        "work",
    )

    def __init__(self, connection: Connection, /) -> None:
        self.documents = DocumentLedger(connection)
        self.transfers = TransferLedger(connection)
        self.inbox = InboxLedger(connection)
        self.order = OrderLedger(connection)
        self.timestamps = TimestampLedger(connection)
        self.blobs = NamedBlobLedger(connection)
        self.work = WorkLedger(connection)
        self.log = LogLedger(connection)
        self.directory = DirectoryLedger(connection)
        self.access = AccessLedger(connection)
