"""Ledger of API keys. Only digests of secrets are stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from gateway.core.clock import to_millis
from gateway.core.ids import Digest
from gateway.core.ledgers import ApiKey
from gateway.storage.codec import ORGAN_IDS, SCOPES, reading
from gateway.storage.rows import maybe_millis, maybe_moment
from gateway.storage.tables import api_keys

_ALL: Final = select(api_keys).order_by(api_keys.c.key_id)
_BY_ID: Final = select(api_keys).where(api_keys.c.key_id == bindparam("key_id"))
_ADD: Final = insert(api_keys)
_REMOVE: Final = delete(api_keys).where(api_keys.c.key_id == bindparam("the_key_id"))
_REVOKE: Final = (
    update(api_keys)
    .where(api_keys.c.key_id == bindparam("the_key_id"), api_keys.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)


class AccessLedger:
    """Implements `gateway.core.ledgers.Access` on one connection."""

    def __init__(self, connection: Connection, /) -> None:
        self._connection = connection

    def declare(self, keys: Sequence[ApiKey], at: datetime) -> None:
        """Make the stored keys equal to these; a key that is missing is revoked, not forgotten."""
        declared = {key.key_id for key in keys}
        assert len(declared) == len(keys), "an id of two keys"
        known = {key.key_id for key in self.keys()}
        if missing := sorted(known - declared):
            self._connection.execute(_REVOKE, [{"the_key_id": key_id, "at": to_millis(at)} for key_id in missing])
        if replaced := sorted(known & declared):
            self._connection.execute(_REMOVE, [{"the_key_id": key_id} for key_id in replaced])
        if keys:
            self._connection.execute(_ADD, [_values(key) for key in keys])

    def key(self, key_id: str) -> ApiKey | None:
        """The key of an id, revoked or not."""
        row = self._connection.execute(_BY_ID, {"key_id": key_id}).one_or_none()
        return None if row is None else _key(row)

    def keys(self) -> tuple[ApiKey, ...]:
        """All keys by id."""
        return tuple(_key(row) for row in self._connection.execute(_ALL))


def _values(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "secret_digest": key.secret_digest,
        "organs": ORGAN_IDS.encode(tuple(sorted(key.organs))),
        "scopes": SCOPES.encode(tuple(sorted(key.scopes))),
        "expires_at": maybe_millis(key.expires_at),
        "revoked_at": maybe_millis(key.revoked_at),
    }


@reading
def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        secret_digest=Digest(row.secret_digest),
        organs=frozenset(ORGAN_IDS.decode(row.organs)),
        scopes=frozenset(SCOPES.decode(row.scopes)),
        expires_at=maybe_moment(row.expires_at),
        revoked_at=maybe_moment(row.revoked_at),
    )
