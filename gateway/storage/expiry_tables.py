"""The table of transfers that expired, with the notices that their senders are told by (`tables`)."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Text

from gateway.storage.columns import maybe_whole, strict, whole, words

non_deliveries: Final = strict(
    "non_deliveries",
    Column("transfer", Text, ForeignKey("transfers.key"), primary_key=True),
    Column("document", Text, ForeignKey("documents.key"), nullable=False),
    whole("expired_at"),
    whole("attempts"),
    maybe_whole("last_tried_at"),
    words("last_reason"),
    maybe_whole("signed_at"),
    Column("notice", LargeBinary, nullable=True),
    Index(None, "document", "transfer"),
    CheckConstraint("attempts >= 0", name="attempts"),
    CheckConstraint("(notice IS NULL) = (signed_at IS NULL)", name="signed"),
)
