"""Backup: one gateway's database, log and files, copied beside the running service, checked, and put back.

A backup is a folder: `gateway.db` (SQLite), `signer-memory`, `blobs/`, and `manifest.note`, a C2SP signed note by the log's
own key that says the digests of all that and the head of the log. The database is copied first and what it names afterwards:
files never change and are never taken away, so all of it is there. The signer's memory is taken out of the *copied* database:
the real one may have gone on meanwhile, and over a log that is shorter than its memory no gateway starts. Private keys are
never in it.

A database on a PostgreSQL server is copied in one snapshot into the same file: the tables are the same, so a backup can be
put back into either. What is put back is *reopened* (`reopen`): the log goes on under another name, and the peers are asked for
what they believe delivered.
"""

from gateway.backup.check import CheckedBackup, check_backup
from gateway.backup.manifest import Manifest
from gateway.backup.put_back import Restored, restore_backup
from gateway.backup.reopen import reopen_in_place
from gateway.backup.take import Taken, take_backup

__all__ = [
    "CheckedBackup",
    "Manifest",
    "Restored",
    "Taken",
    "check_backup",
    "reopen_in_place",
    "restore_backup",
    "take_backup",
]
