"""What the databases say, straight from the tables and read-only: the lab's own eyes, beside the service or after it."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.postgres import look

SIDES = ("party", "government")
MANIFEST = "lab.json"

# What is held waits for a person: no fault of the lab lets one come, and the check says whether it should have been.
OPEN = (
    "SELECT count(*) FROM deliveries WHERE state NOT IN ('delivered', 'refused', 'expired', 'rerouted', 'void', 'held')"
)
UNROUTED = "SELECT count(*) FROM documents WHERE state NOT IN ('routed', 'refused', 'held')"
STAGED = "SELECT count(*) FROM inbox WHERE cursor < 0"
"""Entries that wait for a smaller number of their stream."""


@dataclass(frozen=True)
class Books:
    """Where everything of one fault lies."""

    folder: Path
    databases: Mapping[str, str]
    """By side: the path of an SQLite database, or the URL of one on PostgreSQL."""
    hosts: Mapping[str, str]
    """Body -> the side it is on."""

    @property
    def network(self) -> Path:
        return self.folder / "network"

    @property
    def acknowledged(self) -> Path:
        """The ledger of those who hand in."""
        return self.folder / "acknowledged.jsonl"

    @property
    def seen(self) -> Path:
        """The ledger of those who read their inbox."""
        return self.folder / "seen.jsonl"

    def is_sqlite(self, side: str) -> bool:
        return "://" not in self.databases[side]

    def rows(self, side: str, query: str) -> list[Any]:
        where = self.databases[side]
        if not self.is_sqlite(side):
            return look(where, query)
        connection = sqlite3.connect(f"file:{where}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def write(self) -> None:
        said = {"databases": dict(self.databases), "hosts": dict(self.hosts)}
        (self.folder / MANIFEST).write_text(json.dumps(said), encoding="utf-8")


def read_books(folder: Path) -> Books:
    said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Books(folder=folder, databases=said["databases"], hosts=said["hosts"])
