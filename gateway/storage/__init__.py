"""Storage: the ledgers in SQL, the store that runs units of work on them, and the blobs beside it.

**A unit of work** is a plain function `work(uow)`. It sees the database as the units before it left it, changes what it
must through the ledgers, and either returns or raises. When it raises, nothing of it remains. `transact` answers only
after its changes are on disk. It has no side effects, so it may be run twice (it will be, when a full disk costs a
neighbour the whole transaction) and nobody notices.

**On SQLite** one thread owns the one writing connection. It takes up to 64 waiting units into one `BEGIN IMMEDIATE …
COMMIT`, each in a savepoint; if they left audit leaves, the sequencer is one more unit in front of the COMMIT, so the
tree is never behind the state it proves. Readers have connections of their own that cannot write, and one snapshot for
each unit. When readers always overlap, the write-ahead log would never begin anew; `wal` sees to it. Seeded worlds run
the same tables and statements on `:memory:`, inline. Nothing in a ledger knows the dialect: what differs (many rows,
long lists) is in `bulk` and `rows`. What callers of both stores meet (queue, readers, the end) is in `entrance`.

**On PostgreSQL** each unit has its own transaction, a few run at once, and "one order" is kept by rules: a row that a
unit may write back is read `locked`; numbers that must become visible in order are taken under a named lock; a unit that
meets a row which was not there when it looked is run again, and so is one that the server undid to end a deadlock
(`attempts`). The sequencer is one more unit right after each commit that left leaves, before the caller is answered
(`placing`). docs/adr/0005-postgresql.md goes through every verb. The server is asked once for many rows, and its writing
sessions always take the indexes, however old its statistics are (`postgres_engine`).

**The order in which things become durable**, and what is found after kill -9 or a power failure at each point:

1. *A blob is being written*: a draft without a name. Swept away at the next start; nobody was told of it.
2. *The blob is fsynced, named, its folder fsynced*; the row is not there yet: a blob that nothing names. The keeper's sweep
   removes it, a day later.
3. *The unit has run, COMMIT has not finished*: the write-ahead log ends before it; SQLite drops the half transaction. The
   caller was told nothing, and asks again (idempotency key, transfer key) or is taken up by the work table.
4. *COMMIT has returned* (`synchronous=FULL`: the log was fsynced): everything is there, rows, work and leaves together. A
   caller that was not told yet finds it when it asks again.
5. *The commit listener was not told*: the work is due in its row and the head in its table; both are looked up at start.

A blob is always durable before the row that names it, and both before anybody hears of them. What a row named once
stays; what was put and never named (the request was refused) is removed when its lease ends (`lease`, `keeper`). On PostgreSQL
(`synchronous_commit` on, checked at start) there are two more points: *the connection is lost during COMMIT*: nobody
knows, the caller is told `store.busy` and asks again; *between the unit's commit and the sequencer's*: the leaves are
pending, and the next start, or the keeper a second later, places them.

**When the disk fails.** Full inside a unit: that unit fails with `store.full`, its neighbours stand. Any I/O error, or
any error of COMMIT itself: the store refuses everything with `store.failing` and calls `on_fatal`; the process must
end, because the kernel has forgotten which pages it could not write, and only recovery from the log tells what is there
(reliability.md B2.5). So does an I/O error while a blob, or a piece of an upload, is made durable (`disk_errors`). A damaged
file is refused at start (`quick_check`, as far as it comes in a second: `soundness`), a stored value that does not read back is
`store.damaged` and never a guess. A PostgreSQL server looks after its own disk; the store goes on when it is back
(`store.busy` until then), and ends only when the server says that its files are damaged.

**While it fills.** `DiskWatch` refuses new documents at 92 % and everything that writes at 97 %, so that what is here can
still be delivered, answered and logged; it lets them in again by itself. `StoreIntake` asks it and the writer's queue.

**One process.** `<database>.lock` (on PostgreSQL an advisory lock of a session of its own, `instance`) is held as long
as the store is open; a second gateway gets `store.locked`. Whoever only reads (`open_reader`: verification from
outside) needs no lock and changes neither database nor log.
"""

from gateway.storage.blobs import FileBlobs, open_blobs
from gateway.storage.copying import copy_database, hold_database, schema_version, settle_database
from gateway.storage.disk import DiskLevel, DiskThresholds, DiskWatch, used_share
from gateway.storage.entrance import OnFatal
from gateway.storage.failures import EXIT_DISK, EXIT_DISK_AGAIN, exit_of_failure
from gateway.storage.group_commit import Sequencer
from gateway.storage.intake import StoreIntake
from gateway.storage.keeper import BlobKeeper
from gateway.storage.memory import MemoryStore, open_memory
from gateway.storage.opening import ServiceStore, open_store, open_store_for_reading
from gateway.storage.postgres import PostgresStore, open_postgres, open_postgres_reader
from gateway.storage.postgres_url import read_url
from gateway.storage.probes import BlobsProbe, DatabaseProbe, StoreProbe, lock_holder
from gateway.storage.reader import ReadOnlyStore, open_reader
from gateway.storage.server_copy import copy_server, hold_server, load_server, refuse_full_server
from gateway.storage.sqlite import SqliteStore, open_sqlite
from gateway.storage.uploads import FileUploads, open_uploads

__all__ = [
    "EXIT_DISK",
    "EXIT_DISK_AGAIN",
    "BlobKeeper",
    "BlobsProbe",
    "DatabaseProbe",
    "DiskLevel",
    "DiskThresholds",
    "DiskWatch",
    "FileBlobs",
    "FileUploads",
    "MemoryStore",
    "OnFatal",
    "PostgresStore",
    "ReadOnlyStore",
    "Sequencer",
    "ServiceStore",
    "SqliteStore",
    "StoreIntake",
    "StoreProbe",
    "copy_database",
    "copy_server",
    "exit_of_failure",
    "hold_database",
    "hold_server",
    "load_server",
    "lock_holder",
    "open_blobs",
    "open_memory",
    "open_postgres",
    "open_postgres_reader",
    "open_reader",
    "open_sqlite",
    "open_store",
    "open_store_for_reading",
    "open_uploads",
    "read_url",
    "refuse_full_server",
    "schema_version",
    "settle_database",
    "used_share",
]
