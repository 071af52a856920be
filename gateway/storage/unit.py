"""The unit of work: the ledgers of one transaction over one connection."""

from sqlalchemy import Connection

from gateway.storage.access import AccessLedger
from gateway.storage.directory import DirectoryLedger
from gateway.storage.documents import DocumentLedger
from gateway.storage.inbox import InboxLedger
from gateway.storage.inspection import InspectionLedger
from gateway.storage.interventions import InterventionLedger
from gateway.storage.log import LogLedger
from gateway.storage.named_blobs import NamedBlobLedger
from gateway.storage.non_deliveries import NonDeliveryLedger
from gateway.storage.order import OrderLedger
from gateway.storage.resyncs import ResyncLedger
from gateway.storage.statements import Statements
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
        "inspection",
        "interventions",
        "log",
        "non_deliveries",
        "order",
        "resyncs",
        "timestamps",
        "transfers",
        "work",
    )

    def __init__(self, connection: Connection, /) -> None:
        statements = Statements(connection)
        self.documents = DocumentLedger(statements)
        self.transfers = TransferLedger(statements)
        self.inbox = InboxLedger(statements)
        self.order = OrderLedger(statements)
        self.resyncs = ResyncLedger(statements)
        self.timestamps = TimestampLedger(statements)
        self.non_deliveries = NonDeliveryLedger(statements)
        self.blobs = NamedBlobLedger(statements)
        self.work = WorkLedger(statements)
        self.log = LogLedger(statements)
        self.directory = DirectoryLedger(statements)
        self.access = AccessLedger(statements)
        self.inspection = InspectionLedger(statements)
        self.interventions = InterventionLedger(statements)
