"""The tables of due work: what has to be done when, leases and their fences, roads, dead letters (`tables`)."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Text, UniqueConstraint, text

from gateway.storage.columns import Whole, maybe_whole, only, row_number, strict, whole, words

URGENT: Final = text("urgency > 0")
MOST_URGENT: Final = text("urgency DESC")
"""Downwards in the index, too: else all that is equally urgent would be sorted for each claim."""

work: Final = strict(
    "work",
    row_number(),
    words("kind"),
    words("subject"),
    words("destination"),
    whole("due_at"),
    whole("attempts"),
    whole("fence"),
    maybe_whole("lease_until"),
    # `Priority` of the document. Younger than the table, hence the default; so is the one of the dead letters.
    Column("urgency", Whole, nullable=False, server_default=text("0")),
    # Added again while leased: `finish` then makes it due at this time instead of dropping it (no lost wake-up).
    maybe_whole("again_at"),
    UniqueConstraint("kind", "subject"),
    Index("ix_work_due", "due_at", "row"),
    Index("ix_work_road", "destination", "due_at", "row"),
    # Few rows, if any: what a turn of urgency looks at first.
    Index("ix_work_urgent", MOST_URGENT, "due_at", "row", **only("urgency > 0")),
    Index("ix_work_urgent_road", "destination", MOST_URGENT, "due_at", "row", **only("urgency > 0")),
    CheckConstraint("attempts >= 0", name="attempts"),
)

fences: Final = strict(
    "fences",
    # One row. A fence is never given twice, also not to an item that was finished and added again.
    Column("one", Whole, primary_key=True, autoincrement=False),
    whole("last"),
    CheckConstraint("one = 1", name="one"),
)

destinations: Final = strict(
    "destinations",
    Column("name", Text, primary_key=True),
    whole("failures"),
    maybe_whole("not_before"),
    CheckConstraint("failures >= 0", name="failures"),
)

dead_letters: Final = strict(
    "dead_letters",
    row_number(),
    words("kind"),
    words("subject"),
    words("destination"),
    whole("due_at"),
    whole("attempts"),
    words("reason"),
    whole("at"),
    Column("urgency", Whole, nullable=False, server_default=text("0")),
)
