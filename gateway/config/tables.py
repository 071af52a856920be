"""TOML as this program writes it: the tables that go into a configuration file."""

import json
from collections.abc import Mapping
from datetime import datetime

from gateway.core.clock import rfc3339
from gateway.core.grants import ApiKey


def key_table(key: ApiKey) -> str:
    """The `[[access.keys]]` table by which a gateway knows an API key, as `load_config` reads it back."""
    values: dict[str, object] = {
        "id": key.key_id,
        "name": key.name,
        "sha256": key.secret_digest,
        "organs": sorted(key.organs),
        "scopes": sorted(key.scopes),
    }
    if key.addresses:
        values["addresses"] = list(key.addresses)
    if key.expires_at is not None:
        values["expires_at"] = key.expires_at
    return toml_table("[[access.keys]]", values)


def toml_table(head: str, values: Mapping[str, object]) -> str:
    """A TOML table of texts, integers, instants and arrays of texts."""
    return "\n".join([head, *(f"{name} = {_toml_value(value)}" for name, value in values.items()), ""])


def _toml_value(value: object) -> str:
    """JSON texts, integers and arrays of texts are TOML as they stand, but for DEL, which a basic string must escape."""
    if isinstance(value, datetime):
        return rfc3339(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
