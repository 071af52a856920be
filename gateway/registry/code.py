"""Codes that no list issues."""

from typing import Final

from gateway.core.directory import Snapshot
from gateway.core.errors import SiteError

DEMO_GROUP: Final = "Z79"
"""A level-1 group that no list issues (house.md): whoever has it is no body."""


def refuse_demo_codes(snapshot: Snapshot) -> None:
    """A registry with codes that no list issues is a demo's, whatever else it says.

    Raises:
        SiteError: `key.demo`.
    """
    if any(organ_id.startswith(DEMO_GROUP) for organ_id in snapshot.bodies):
        raise SiteError("key.demo", what=f"codes under {DEMO_GROUP}")
