"""Claims: the shapes in which gateways sign what they say to each other, one canonical JSON, and the receipt key under it.

Receipts, gap notices, non-delivery notices and the talk after a restore (docs/PROTOCOL.md sections 6 to 6c) are JWS of one key
over such a payload. Every member is there, none is unknown, each is of its own type, and the bytes are the only ones that the
members have: so nothing can be hidden between two readings of one payload.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from gateway.core.clock import parse_rfc3339
from gateway.core.ids import DIGEST, KEY
from gateway.core.ports import Signer
from gateway.crypto import sign_jws

_WRITER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _in_the_calendar(moment: str) -> str:
    """Digits in the right places need not be a day."""
    parse_rfc3339(moment)
    return moment


Text = Annotated[str, StringConstraints(max_length=300)]
"""A code, a name, a DocumentId."""
Key = Annotated[str, StringConstraints(pattern=f"^{KEY.pattern}$")]
Sha256 = Annotated[str, StringConstraints(pattern=f"^{DIGEST.pattern}$")]
Moment = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"),
    AfterValidator(_in_the_calendar),
]
Whole = Annotated[int, Field(ge=0, lt=2**53)]
"""As far as JSON is read alike by everybody."""
Number = Annotated[int, Field(ge=1, lt=2**53)]
"""Of a stream."""
One = Annotated[int, Field(ge=1, le=1)]
"""The version of a payload that has only had one."""


class Claims(BaseModel):
    """What is read strictly and never changed; for payloads and their parts."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Payload = TypeVar("_Payload", bound=Claims)


def canonical(value: object) -> bytes:
    """RFC 8785 for what is said here: ASCII member names, strings, integers, booleans, null, arrays, objects."""
    return _WRITER.encode(value).encode()


def read_claims(payload: bytes, form: type[_Payload]) -> _Payload:
    """The claims of a payload whose signature holds.

    Raises:
        ValueError: not JSON, not canonical, or not of this form.
        RecursionError: brackets within brackets.
    """
    if canonical(json.loads(payload)) != payload:
        raise ValueError("not canonical JSON")
    return form.model_validate_json(payload)


async def sign_claims(
    claims: Mapping[str, object], signer: Signer, *, kind: str, signed_at: datetime | None = None
) -> bytes:
    """The claims as a JWS (compact, ES256); `signer`: the receipt key, `kind`: for what it is to be taken."""
    kid = sha256(signer.public_key).hexdigest()
    return await sign_jws(canonical(claims), kid=kid, signer=signer, signed_at=signed_at, kind=kind)
