"""Electronic identification codes as people write them."""

from gateway.core.errors import SenderError
from gateway.core.ids import ORGAN_ID, OrganId
from gateway.core.limits import ORGAN_ID_CHARS_MAX


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
