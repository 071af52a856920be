"""Every SELECT of a ledger either locks the rows it returns, or says here why nobody writes back what it read."""

import importlib
import pkgutil

from sqlalchemy import Select
from sqlalchemy.dialects import postgresql, sqlite

import gateway.storage

UNLOCKED = {
    # rows that never change once they are there
    "transfers._INCOMING": "its only change is the answer, and the first answer wins in one UPDATE",
    "transfers._INCOMING_RECIPIENTS": "written once",
    "transfers._KEPT_ANSWER": "written once; read after the UPDATE of the same unit",
    "streams._UNDER_WAY": "only makes more urgent what it finds",
    "streams._HANDLES": "written once; two units that make the same handle collide and one runs again",
    "inbox._KNOWN_MESSAGES": "written once, under the named lock",
    "inbox._SEEN": "under the named lock",
    "named_blobs._NAMED": "never taken out; who removes a blob asks while nobody holds it (lease)",
    "directory._NEWEST": "under the named lock",
    "log._CHECKPOINT": "under the named lock",
    "log._OLDEST": "a part of the DELETE that takes them out",
    "log._LEAF_HASHES": "written once",
    "log._NODES": "written once",
    "log._INDEXES": "written once",
    "log._LEAVES": "written once",
    # compare-and-set
    "log._HEAD": "the sequencer moves the head from the size it read, or not at all",
    "log._ANY_PENDING": "only asked whether to go on",
    # names of a document: they never change, and its state is never written back from here
    "documents._BY_IDEMPOTENCY_KEY": "a second one collides, and its unit runs again",
    "documents._LIVE": "a second one collides, and its unit runs again",
    "documents._NEWEST_REFUSED": "a refused one stays as it is",
    # lists for people, the feed and the verifier
    "documents._PAGE": "a list",
    "documents._HELD": "a list; who lets one go on finds it by its key",
    "documents._COUNT_HELD": "a count",
    "documents._COUNT_HELD_DELIVERIES": "a count",
    "transfers._PAGE": "a list",
    "transfers._INCOMING_PAGE": "a list",
    "inbox._OLDEST": "a list",
    "inbox._NEWEST": "in the snapshot of that list",
    "inbox._BY_CURSORS": "the rows of that list",
    "inbox._ENTRIES": "a part of other statements",
    "inbox._BY_KEYS": "after the UPDATE of the same unit that let them in, whose row locks are held until it ends",
    "inbox._MESSAGES": "written once, under its digest",
    "directory._ALL": "a list",
    "log._CHECKPOINTS": "written once; a page for the verifier",
    "log._HISTORY": "a list",
    "log._HISTORY_AFTER": "a list",
    "log._OF_SUBJECT": "a list",
    "log._OPENINGS": "a list",
    "work.PAUSED": "a part of that",
    "work._NEXT_DUE": "says only when to look again",
    "work._DEAD": "a list",
    "work._DEAD_FOR": "a list",
    "work._DEAD_OF": "who redrives removes them in the same unit, and an item is due once however often it is added",
    "work._COUNT_DEAD_FOR": "a count",
    # keys and certificates are declared at the start and by one reload after the other, in the one process that has the lock
    "access._ALL_KEYS": "declared by one task of the one process",
    "access._ALL_CERTIFICATES": "declared by one task of the one process",
    # what only looks: lists, counts, proofs
    "documents._NEWEST": "a list",
    "documents._BY_KEYS": "the rows of that list",
    "documents._COUNTS": "a count",
    "documents._ROWS_OF": "rows of a list",
    "documents._ROW_OF": "where that list goes on",
    "documents._DELIVERIES_AT": "the rows of that list",
    "documents._FIND_DELIVERY": "looks; who changes a delivery finds it by its document",
    "inspection._LATE": "a count",
    "inspection._LATE_URGENT": "a count",
    "inspection._OLDEST": "a count",
    "inspection._OLDEST_URGENT": "a count",
    "inspection._STEPS": "a count",
    "non_deliveries._AFTER": "a page for a reader",
    "order._STREAMS": "under the named lock",
    "order._COVERED": "under the named lock",
    "order._WAITING": "under the named lock",
    "order._READY": "under the named lock",
    "order._NEXT_END": "under the named lock",
    "order._STAGED": "a count",
    "order._OVERDUE": "a count",
    "documents._NOT_MOVED": "after the UPDATE of the same unit, whose row locks are held until it ends",
    "feed._OF_ONE": "rows that never change, up to a head that was read before",
    "feed._OF_MANY": "rows that never change, up to a head that was read before",
    "feed._OPENINGS": "written once",
    "log._COUNT_PENDING": "a count",
    "log._SALTS": "written once",
    "inspection._ARRIVAL": "looks; the doctor writes nothing back",
    "inspection._ARRIVALS_OF": "looks; the doctor writes nothing back",
    "inspection._ARRIVING": "looks; the doctor writes nothing back",
    "inspection._AT_WORK": "looks; the doctor writes nothing back",
    "inspection._BLOBS": "looks; the doctor writes nothing back",
    "inspection._CURSORS": "looks; the doctor writes nothing back",
    "inspection._DEAD": "looks; the doctor writes nothing back",
    "inspection._GREATEST_FENCE": "looks; the doctor writes nothing back",
    "inspection._HOLDS": "looks; the doctor writes nothing back",
    "inspection._LAST_FENCE": "looks; the doctor writes nothing back",
    "inspection._NEWEST": "looks; the doctor writes nothing back",
    "inspection._NEWEST_ARRIVALS": "looks; the doctor writes nothing back",
    "inspection._NUMBERS": "looks; the doctor writes nothing back",
    "inspection._SAME_NAME": "looks; the doctor writes nothing back",
    "inspection._STAGED": "looks; the doctor writes nothing back",
    "inspection._STREAM": "looks; the doctor writes nothing back",
    "inspection._STREAMS": "looks; the doctor writes nothing back",
    "inspection._WAITING_PAIRS": "looks; the doctor writes nothing back",
    "inspection._UNHELD": "looks; the doctor writes nothing back",
    "interventions.PAUSED": "a part of the statements that claim",
    "interventions._ASKED": "who confirms settles it in the same unit, and the row of what is voided is locked",
    "interventions._IS_PAUSED": "a second pause collides, and its unit runs again",
    "interventions._PAUSES": "a list",
    "interventions._PENDING": "a list",
    "amendments._ABOUT": "looks; who changes one finds it by its name",
    "amendments._CARRIED": "looks; who changes one finds it by its name",
    "amendments._ENTRY": "under the lock of the inbox",
    "amendments._WITH_REACHED": "a part of those two",
    "timestamps._UNPAID": "a count",
    "work._BACKLOG": "a count",
    "work._COUNTS": "a count",
    "work._COUNT_CLOSED": "a count",
    "work._COUNT_DEAD": "a count",
    "work._DESTINATIONS": "a list",
    "work._OLDEST": "a count",
    "work._QUEUED": "a list",
    "work._QUEUED_FOR": "a list",
    "log._NEWEST_AT": "looks, while nobody else writes",
    "reopened._ALL": "written while nobody else writes",
    "reopened._LAST": "written while nobody else writes",
    "resyncs._REOPENINGS": "written while nobody else writes",
    "resyncs._ALL": "a list",
    "resyncs._OPEN": "a count",
    "resyncs._COUNT_MISSING": "a count",
    "resyncs._KNOWN": "what came in stays",
    "resyncs._WANTED": "a second one collides, and its unit runs again",
    "resyncs._IS_WANTED": "looks",
    "resyncs._TO_ASK": "written by who holds the peer's item",
    "resyncs._MISSING": "written by who holds the peer's item",
    "resyncs._SKIPPED": "written while nobody else writes",
    "resyncs._COUNT_RESTORED": "looks; a restore that is told of meanwhile makes its item due again",
    "resyncs._RESTORED": "a second one collides, and its unit runs again",
}


def statements() -> dict[str, Select[tuple[object, ...]]]:
    found = {}
    for module in pkgutil.iter_modules(gateway.storage.__path__, "gateway.storage."):
        if module.ispkg:
            continue
        loaded = importlib.import_module(module.name)
        short = module.name.rpartition(".")[2]
        found |= {f"{short}.{name}": value for name, value in vars(loaded).items() if isinstance(value, Select)}
    return found


def test_a_select_locks_its_rows_or_is_on_the_list_with_its_reason() -> None:
    """Without that, a unit on PostgreSQL may decide on what another one is changing (docs/adr/0005-postgresql.md)."""
    unlocked = {name for name, statement in statements().items() if statement._for_update_arg is None}
    assert sorted(unlocked) == sorted(UNLOCKED)


def test_locks_do_not_stand_in_the_way_of_foreign_keys_and_sqlite_knows_nothing_of_them() -> None:
    locking = {name: s for name, s in statements().items() if s._for_update_arg is not None}
    assert len(locking) > 8
    for name, statement in locking.items():
        text = str(statement.compile(dialect=postgresql.dialect()))
        assert "FOR NO KEY UPDATE" in text or name in {"work._DUE", "work._URGENT", "named_lock._ACQUIRE"}, name
        assert " FOR " not in str(statement.compile(dialect=sqlite.dialect())), name
