"""The tables of restores: when the database went back, what is asked of the peers then, what they ask of us (`tables`)."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, Text

from gateway.storage.columns import Whole, maybe_whole, strict, whole, words

# --- this database went back ---------------------------------------------------------------------------------------------

reopenings: Final = strict(
    "reopenings",
    Column("number", Whole, primary_key=True, autoincrement=False),
    whole("kept"),
    whole("since"),
    whole("at"),
    CheckConstraint("kept >= 0", name="kept"),
)

skipped_numbers: Final = strict(
    "skipped_numbers",
    # Of our streams: what may have been given after the moment to which the database went back.
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("first", Whole, primary_key=True, autoincrement=False),
    whole("last"),
    words("destination"),
    Index("ix_skipped_numbers_destination", "destination", "sender", "recipient"),
    CheckConstraint("last >= first", name="last"),
)

resyncs: Final = strict(
    "resyncs",
    Column("peer", Text, primary_key=True),
    whole("number"),
    words("state"),
    words("after"),
    whole("named"),
    whole("lost"),
    whole("newest"),
    whole("changed_at"),
)

wanted: Final = strict(
    "wanted_transfers",
    Column("peer", Text, primary_key=True),
    Column("transfer", Text, primary_key=True),
    words("receipt"),
    maybe_whole("asked_at"),
)

# --- a peer's database went back -----------------------------------------------------------------------------------------

restored_peers: Final = strict(
    "restored_peers",
    Column("peer", Text, primary_key=True),
    Column("number", Whole, primary_key=True, autoincrement=False),
    whole("at"),
)

resends: Final = strict(
    "resends",
    Column("transfer", Text, primary_key=True),
    whole("number"),
    whole("at"),
    Column("answer", LargeBinary, nullable=True),
)
