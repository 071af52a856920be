"""Electronic identification codes as people write them."""

from typing import Final

from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import ORGAN_ID, OrganId
from gateway.core.limits import ORGAN_ID_CHARS_MAX

DEMO_GROUP: Final = "Z79"
"""A level-1 group that no list issues (house.md): whoever has it is no body."""


def parse_organ_id(text: str, *, field: str = "organ_id") -> OrganId:
    """A code in the shape of Decision 20/2020/QD-TTg, art. 4. Nothing is repaired: a code is typed right or it is wrong.

    Raises:
        SenderError: `request.field` with `field` and the problem, `length` or `shape`.
    """
    if len(text) > ORGAN_ID_CHARS_MAX:
        raise SenderError("request.field", field=field, problem="length")
    if not ORGAN_ID.fullmatch(text):
        raise SenderError("request.field", field=field, problem="shape")
    return OrganId(text)


def refuse_demo_codes(snapshot: Snapshot) -> None:
    """A registry with codes that no list issues is a demo's, whatever else it says.

    Raises:
        SiteError: `key.demo`.
    """
    if any(organ_id.startswith(DEMO_GROUP) for organ_id in snapshot.bodies):
        raise SiteError("key.demo", what=f"codes under {DEMO_GROUP}")
