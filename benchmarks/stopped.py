"""The database of a gateway that is stopped, opened for filling: without care for power cuts, with everything else as it is."""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from benchmarks.finished import NUMBERED

CACHE_KIB: Final = 3_000_000
"""Digests come in no order: their indexes fit into this."""


class SqliteFile:
    """A `benchmarks.finished.Database` on a file."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIB}", "foreign_keys = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("BEGIN")

    def rows(self, table: str, column: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        """See `Database`."""
        if self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is None:
            return []
        marks = ", ".join("?" * len(values))
        found = self._connection.execute(f'SELECT * FROM {table} WHERE "{column}" IN ({marks})', values)  # noqa: S608 - our own names
        return [dict(row) for row in found]

    def greatest(self, table: str, column: str) -> int:
        """See `Database`."""
        query = f'SELECT coalesce(max("{column}"), 0) FROM {table}'  # noqa: S608 - our own names
        return int(self._connection.execute(query).fetchone()[0])

    def newest_transfers(self, count: int) -> list[str]:
        """Keys of the transfers that were receipted last."""
        query = "SELECT key FROM transfers WHERE state = 'receipted' ORDER BY \"row\" DESC LIMIT ?"
        return [row["key"] for row in self._connection.execute(query, (count,))]

    def pour(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """See `Database`."""
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 - our own names

    def change(self, statement: str, values: Sequence[Any]) -> None:
        """See `Database`."""
        self._connection.execute(statement, values)

    def settle(self) -> None:
        """Back to the log that the service writes. Nobody has analysed the tables: the service does not, either."""
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.close()


class PostgresDatabase:
    """The same on a server; who fills it may switch off the checks of foreign keys (superuser)."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url.replace("+psycopg", ""), row_factory=dict_row)
        self._connection.execute("SET session_replication_role = replica")
        self._connection.execute("SET synchronous_commit = off")

    def rows(self, table: str, column: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        """See `Database`."""
        known = self._connection.execute("SELECT to_regclass(%s) AS found", (table,)).fetchone()
        if known is None or known["found"] is None:
            return []
        query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%s)").format(sql.Identifier(table), sql.Identifier(column))
        return [*self._connection.execute(query, (list(values),))]

    def greatest(self, table: str, column: str) -> int:
        """See `Database`."""
        query = sql.SQL("SELECT coalesce(max({}), 0) AS most FROM {}")
        found = self._connection.execute(query.format(sql.Identifier(column), sql.Identifier(table))).fetchone()
        return int(found["most"]) if found else 0

    def newest_transfers(self, count: int) -> list[str]:
        """Keys of the transfers that were receipted last."""
        query = "SELECT key FROM transfers WHERE state = 'receipted' ORDER BY \"row\" DESC LIMIT %s"
        return [row["key"] for row in self._connection.execute(query, (count,))]

    def pour(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """See `Database`."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        with self._connection.cursor() as cursor, cursor.copy(command) as copy:
            for row in rows:
                copy.write_row(row)

    def change(self, statement: str, values: Sequence[Any]) -> None:
        """See `Database`."""
        self._connection.execute(statement.replace("?", "%s").encode(), values)

    def settle(self) -> None:
        """What autovacuum would have done by then; rows are numbered from behind the last one."""
        for table, column in NUMBERED.items():
            query = "SELECT setval(pg_get_serial_sequence(%s, %s), greatest((SELECT max({}) FROM {}), 1))"
            named = sql.SQL(query).format(sql.Identifier(column), sql.Identifier(table))
            self._connection.execute(named, (table, column))
        self._connection.commit()
        self._connection.autocommit = True
        self._connection.execute("VACUUM ANALYZE")
        self._connection.close()
