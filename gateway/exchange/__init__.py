"""The exchange: the conductor for offices. A document's whole walk, from the office that sends to the office that answers.

    submit ─> steps (judge and seal, wrap, route) ─> dispatch ─> deliver ─> [another gateway, or `local`] ─> receive
                                                        ^                                                      │
                                                        └────────── receipt: checked, only then delivered <────┘
    statuses: what the receiving office says (03, 02 ...) walks back the same way; queries: how things stand; events: what
    happened, told gap-free from any position on.

What belongs together beside that walk:

    order       ordering (what a stream lets into an inbox, and when), gaps (what will not come), order_probe
    amending    what a body says of a document it has sent: recalls (13), answering (15, 16), amending (both sides' rows)
    by hand     operating (pause, retry, void by two persons), rerouting, release
    time out    non_delivery (the signed notice to the sender), late_probe
    restore     reopening (the log goes on), resync and resync_answers (what did a peer get from, or have for us?), resend,
                came_again, skipped (numbers that nobody is to wait for)
    roads       roads (the breaker of each), due (how urgent what is due is)
    leaves      subjects (what an event says of the row it happens to), journal; claims (what gateways sign)

Rules. Every arrow is one transaction: the new state, the next work item, the audit leaf. The slow part of a step is done
before it, without any transaction, and may be repeated. Nothing is said to be done before it is durable. What a
stranger's file contains is looked at by a judge only; what the key signs, a key-holder signs.

Failure story. The power may fail at any point: the row has its old state and its work item, so the step is done again;
a transfer that was being sent is first asked for. A peer that is away costs nobody else anything. An error of the sender
refuses the document with its code; what we cannot decide is held; what fails by itself eight times lies among the dead
letters. Read `steps` for who does what, `duties` for what reception checks, `receipts` for what a receipt proves.
"""

from gateway.exchange.amending import KINDS, amended
from gateway.exchange.answering import AmendmentAnswers
from gateway.exchange.contract import (
    AmendmentDesk,
    DeliveryPage,
    DocumentPage,
    DocumentView,
    EnvelopeOrder,
    EventDesk,
    FeedPage,
    Notice,
    NoticePage,
    QueryDesk,
    RecallDesk,
    RecallView,
    ReleaseDesk,
    StatusDesk,
    SubmissionDesk,
    SubmissionOrder,
    UploadedFile,
)
from gateway.exchange.deliver import TransferDelivery
from gateway.exchange.desk import Desk
from gateway.exchange.events import Events
from gateway.exchange.findings import findings, readable
from gateway.exchange.gaps import GapNotices
from gateway.exchange.held import HeldProbe
from gateway.exchange.journal import Journal
from gateway.exchange.judging import sender_of_file
from gateway.exchange.late_probe import LateProbe
from gateway.exchange.lateness import Lateness
from gateway.exchange.local import LocalTransport
from gateway.exchange.measured import MeasuredTransport
from gateway.exchange.non_delivery import NonDeliveryNotices, check_notice
from gateway.exchange.opening import clock_step, opening
from gateway.exchange.operating import Operating
from gateway.exchange.operator_contract import OperatorDesk
from gateway.exchange.order_probe import OrderProbe
from gateway.exchange.ordering import OrderRelease
from gateway.exchange.owed_probe import OwedProbe
from gateway.exchange.queries import Queries
from gateway.exchange.recalls import Recalls
from gateway.exchange.receipts import check as check_receipt
from gateway.exchange.receive import Reception
from gateway.exchange.reception_contract import ReceiptForm, ReceptionDesk, ResyncDesk
from gateway.exchange.records import ExchangeRecords
from gateway.exchange.release import Release
from gateway.exchange.reopening import RestoredLog, reopening
from gateway.exchange.rescanning import Rescanning
from gateway.exchange.resend import Resending
from gateway.exchange.resync import Resynchronising
from gateway.exchange.resync_answers import ResyncAnswers
from gateway.exchange.resync_probe import ResyncProbe
from gateway.exchange.roads import Roads
from gateway.exchange.skipped import SkippedNumbers
from gateway.exchange.slips import carried
from gateway.exchange.stamping import Stamping
from gateway.exchange.statuses import BusinessStatuses
from gateway.exchange.steps import DocumentSteps
from gateway.exchange.submit import Submission

__all__ = [
    "KINDS",
    "AmendmentAnswers",
    "AmendmentDesk",
    "BusinessStatuses",
    "DeliveryPage",
    "Desk",
    "DocumentPage",
    "DocumentSteps",
    "DocumentView",
    "EnvelopeOrder",
    "EventDesk",
    "Events",
    "ExchangeRecords",
    "FeedPage",
    "GapNotices",
    "HeldProbe",
    "Journal",
    "LateProbe",
    "Lateness",
    "LocalTransport",
    "MeasuredTransport",
    "NonDeliveryNotices",
    "Notice",
    "NoticePage",
    "Operating",
    "OperatorDesk",
    "OrderProbe",
    "OrderRelease",
    "OwedProbe",
    "Queries",
    "QueryDesk",
    "RecallDesk",
    "RecallView",
    "Recalls",
    "ReceiptForm",
    "Reception",
    "ReceptionDesk",
    "Release",
    "ReleaseDesk",
    "Rescanning",
    "Resending",
    "RestoredLog",
    "ResyncAnswers",
    "ResyncDesk",
    "ResyncProbe",
    "Resynchronising",
    "Roads",
    "SkippedNumbers",
    "Stamping",
    "StatusDesk",
    "Submission",
    "SubmissionDesk",
    "SubmissionOrder",
    "TransferDelivery",
    "UploadedFile",
    "amended",
    "carried",
    "check_notice",
    "check_receipt",
    "clock_step",
    "findings",
    "opening",
    "readable",
    "reopening",
    "sender_of_file",
]
