"""Conductors for offices: submit, steps, deliver, receive, queries. `contract` says what the doors ask of them."""

from gateway.exchange.contract import (
    DocumentView,
    QueryDesk,
    StatusDesk,
    SubmissionDesk,
    SubmissionOrder,
    UploadedFile,
)

__all__ = ["DocumentView", "QueryDesk", "StatusDesk", "SubmissionDesk", "SubmissionOrder", "UploadedFile"]
