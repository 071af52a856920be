"""Ledger of API keys and client certificates. Only digests are stored: of secrets, and of public keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Table, bindparam, delete, insert, select, update

from gateway.core.clock import to_millis
from gateway.core.grants import ApiKey, PinnedCertificate
from gateway.core.ids import Digest
from gateway.storage.bulk import execute_many
from gateway.storage.codec import ORGAN_IDS, SCOPES, TEXTS, reading
from gateway.storage.rows import maybe_millis, maybe_moment
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import api_keys, client_certificates

_ALL_KEYS: Final = select(api_keys).order_by(api_keys.c.key_id)
_ALL_CERTIFICATES: Final = select(client_certificates).order_by(client_certificates.c.pin)


class _Credentials:
    """The statements of one table of credentials, whose first column is its name for one of them."""

    def __init__(self, table: Table, all_of_them: Select[Any], /) -> None:
        (name,) = table.primary_key
        self._name = name.name
        self.all = all_of_them
        self._columns = table.columns.keys()
        self._add = insert(table)
        self._remove = delete(table).where(name == bindparam("the_name"))
        self._revoke = update(table).where(name == bindparam("the_name")).values(revoked_at=bindparam("at"))

    def declare(self, connection: Statements, rows: Mapping[Any, dict[str, Any]], *, at: datetime) -> None:
        """Make the table equal to these rows; one that is missing is revoked, not forgotten. Nothing is written twice."""
        stored = [{name: getattr(row, name) for name in self._columns} for row in connection.execute(self.all)]
        known = {row[self._name]: row for row in stored}
        gone = sorted(name for name in known.keys() - rows.keys() if known[name]["revoked_at"] is None)
        changed = sorted(name for name in known.keys() & rows.keys() if known[name] != rows[name])
        if gone:
            execute_many(connection, self._revoke, [{"the_name": name, "at": to_millis(at)} for name in gone])
        for name in changed:
            connection.execute(self._remove, {"the_name": name})
        if written := [*changed, *sorted(rows.keys() - known.keys())]:
            execute_many(connection, self._add, [rows[name] for name in written])


_KEYS: Final = _Credentials(api_keys, _ALL_KEYS)
_CERTIFICATES: Final = _Credentials(client_certificates, _ALL_CERTIFICATES)


class AccessLedger:
    """Implements `gateway.core.ledgers.Access` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def declare(self, keys: Sequence[ApiKey], at: datetime) -> None:
        """Make the stored keys equal to these; a key that is missing is revoked, not forgotten."""
        rows = {key.key_id: _key_values(key) for key in keys}
        assert len(rows) == len(keys), "an id of two keys"
        _KEYS.declare(self._connection, rows, at=at)

    def keys(self) -> tuple[ApiKey, ...]:
        """All keys by id."""
        return tuple(_key(row) for row in self._connection.execute(_KEYS.all))

    def declare_certificates(self, certificates: Sequence[PinnedCertificate], at: datetime) -> None:
        """Make the stored certificates equal to these; one that is missing is revoked, not forgotten."""
        rows = {one.pin: {"pin": one.pin, **_values(one)} for one in certificates}
        assert len(rows) == len(certificates), "a pin of two systems"
        _CERTIFICATES.declare(self._connection, rows, at=at)

    def certificates(self) -> tuple[PinnedCertificate, ...]:
        """All pinned certificates by pin."""
        return tuple(_certificate(row) for row in self._connection.execute(_CERTIFICATES.all))


def _key_values(key: ApiKey) -> dict[str, Any]:
    return {"key_id": key.key_id, "secret_digest": key.secret_digest, **_values(key)}


def _values(granted: ApiKey | PinnedCertificate) -> dict[str, Any]:
    return {
        "name": granted.name,
        "organs": ORGAN_IDS.encode(tuple(sorted(granted.organs))),
        "scopes": SCOPES.encode(tuple(sorted(granted.scopes))),
        "addresses": TEXTS.encode(granted.addresses),
        "expires_at": maybe_millis(granted.expires_at),
        "revoked_at": maybe_millis(granted.revoked_at),
    }


def _granted(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "organs": frozenset(ORGAN_IDS.decode(row.organs)),
        "scopes": frozenset(SCOPES.decode(row.scopes)),
        "addresses": TEXTS.decode(row.addresses),
        "expires_at": maybe_moment(row.expires_at),
        "revoked_at": maybe_moment(row.revoked_at),
    }


@reading
def _key(row: Row) -> ApiKey:
    return ApiKey(key_id=row.key_id, secret_digest=Digest(row.secret_digest), **_granted(row))


@reading
def _certificate(row: Row) -> PinnedCertificate:
    return PinnedCertificate(pin=Digest(row.pin), **_granted(row))
