"""The tables of the audit log: openings, leaves, tree, checkpoints, and the feed that is read off them (`tables`)."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Text, UniqueConstraint, text

from gateway.storage.columns import Whole, maybe_words, octets, row_number, strict, whole, words

openings: Final = strict(
    "openings",
    row_number(),
    octets("hash"),
    octets("salt"),
    octets("private"),
    whole("at"),
    words("event"),
    words("subject"),
    words("document"),
    maybe_words("recipient"),
    # Whom it concerns: empty for the installation itself. Younger than the table, hence the default.
    Column("organ", Text, nullable=False, server_default=text("''")),
    UniqueConstraint("hash"),
    Index(None, "document", "row"),
    CheckConstraint("length(hash) = 32", name="hash"),
)

pending_leaves: Final = strict("pending_leaves", row_number(), octets("data"))

leaves: Final = strict(
    "leaves",
    Column("position", Whole, primary_key=True, autoincrement=False),
    octets("hash"),
    octets("data"),
    UniqueConstraint("hash"),
    CheckConstraint("position >= 0", name="position"),
    CheckConstraint("length(hash) = 32", name="hash"),
)

feed: Final = strict(
    "feed",
    # What each body is told, in the order of the leaves. Written with the leaves, by one statement from leaves and openings
    # themselves, so that no foreign key needs to be asked for every row.
    Column("organ", Text, primary_key=True),
    Column("position", Whole, primary_key=True, autoincrement=False),
    whole("opening"),
    sqlite_with_rowid=False,
)

tree_nodes: Final = strict(
    "tree_nodes",
    Column("level", Whole, primary_key=True, autoincrement=False),
    Column("position", Whole, primary_key=True, autoincrement=False),
    octets("hash"),
    CheckConstraint("level > 0", name="level"),
    CheckConstraint("length(hash) = 32", name="hash"),
    sqlite_with_rowid=False,
)

tree_head: Final = strict(
    "tree_head",
    Column("one", Whole, primary_key=True, autoincrement=False),
    whole("size"),
    octets("root"),
    octets("frontier"),
    # Younger than the table: what positions of the feed are counted from since the last restore.
    Column("base", Whole, nullable=False, server_default=text("0")),
    CheckConstraint("one = 1", name="one"),
    CheckConstraint("length(root) = 32", name="root"),
)

checkpoints: Final = strict("checkpoints", Column("size", Whole, primary_key=True, autoincrement=False), words("note"))
