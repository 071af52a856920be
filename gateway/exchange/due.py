"""The work items of a document and of its transfers: each as urgent as the document says that it is (Độ khẩn)."""

from datetime import datetime

from gateway.core.message import Priority
from gateway.core.model import Document, Transfer
from gateway.core.work import WorkItem, WorkKind


def step_of(document: Document, due_at: datetime) -> WorkItem:
    """The next step of a document, due then."""
    return WorkItem(
        kind=WorkKind.DOCUMENT, subject=document.key, destination="", due_at=due_at, urgency=urgency_of(document)
    )


def attempt_of(transfer: Transfer, document: Document) -> WorkItem:
    """The next attempt of a transfer of this document, due since it was changed."""
    return WorkItem(
        kind=WorkKind.TRANSFER,
        subject=transfer.slip.transfer,
        destination=transfer.slip.destination,
        due_at=transfer.changed_at,
        urgency=urgency_of(document),
    )


def urgency_of(document: Document) -> Priority:
    """A status message says none; it is small, and goes as an ordinary letter does."""
    return document.metadata.priority if document.metadata else Priority.NORMAL
