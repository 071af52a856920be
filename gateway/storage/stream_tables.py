"""The tables of streams (sender, recipient): whose numbers we give, and how far those have come that we receive (`tables`)."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Text, text

from gateway.storage.columns import Whole, maybe_whole, maybe_words, octets, only, strict, whole, words

OVERDUE: Final = "overdue_at IS NOT NULL"
STAGED: Final = "since IS NOT NULL"
"""Of an index over a part of the rows. A query uses it that says the very same, and not by a parameter."""

# --- outgoing --------------------------------------------------------------------------------------------------------

streams: Final = strict(
    "streams",
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    whole("next_number"),
    # Younger than the table: where the newest number went, and the first of all that went there in a row.
    Column("destination", Text, nullable=False, server_default=text("''")),
    Column("since", Whole, nullable=False, server_default=text("1")),
    CheckConstraint("next_number > 1", name="next_number"),
)

stream_handles: Final = strict(
    "stream_handles",
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("year", Whole, primary_key=True, autoincrement=False),
    octets("handle"),
    CheckConstraint("length(handle) = 16", name="handle"),
)

# --- incoming --------------------------------------------------------------------------------------------------------

incoming_streams: Final = strict(
    "incoming_streams",
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    whole("expected"),
    whole("waiting"),
    maybe_whole("overdue_at"),
    # Smaller numbers came before this gateway kept any order.
    Column("kept_from", Whole, nullable=False, server_default=text("1")),
    Index("ix_incoming_streams_overdue", "overdue_at", **only(OVERDUE)),
    CheckConstraint("expected > 0", name="expected"),
    CheckConstraint("waiting >= 0", name="waiting"),
)

incoming_numbers: Final = strict(
    "incoming_numbers",
    # Numbers that are settled though a smaller one is not. An entry is named by its key, and has one number.
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("first", Whole, primary_key=True, autoincrement=False),
    whole("last"),
    maybe_words("entry"),
    words("transfer"),
    words("leaf"),
    maybe_whole("since"),
    maybe_whole("ends_at"),
    Index("ix_incoming_numbers_ends_at", "sender", "ends_at", **only(STAGED)),
    CheckConstraint("last >= first", name="last"),
    CheckConstraint("(entry IS NULL) = (since IS NULL)", name="entry"),
    CheckConstraint("(ends_at IS NULL) = (since IS NULL)", name="ends_at"),
)
