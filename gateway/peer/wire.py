"""What goes over the wire, as pure functions: slip <-> line, media types (docs/PROTOCOL.md, section 4).

The slip travels as canonical JSON (RFC 8785). A reader parses it strictly, writes it again and compares the bytes:
that one comparison refuses repeated members, odd numbers, other spacing and everything else two readers could
understand differently.
"""

import json
import re
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.core import limits
from gateway.core.clock import parse_rfc3339, rfc3339
from gateway.core.errors import PeerError
from gateway.core.ids import DIGEST, KEY, ORGAN_ID, Digest, GatewayId, OrganId, TransferKey
from gateway.core.model import BlobRef, SlipRecipient, TransferSlip
from gateway.core.states import MessageKind
from gateway.exchange import ReceiptForm

TRANSFERS_PATH: Final = "/peer/v1/transfers/"
UPLOAD: Final = "/upload"
"""Behind a transfer's path: its envelope, in pieces."""
OFFSET: Final = "Upload-Offset"
"""Header: how much of it has come; where a piece begins."""
GAPS_PATH: Final = "/peer/v1/gaps"
RESYNC_PATH: Final = "/peer/v1/resync"
MEDIA_TYPE: Final = "application/vnd.edoc.transfer"
CONTENT_TYPE: Final = f"{MEDIA_TYPE}; version=1"
UPLOADED_TYPE: Final = f"{CONTENT_TYPE}; envelope=uploaded"
"""A transfer whose envelope came in pieces before: its body is the slip alone."""
PIECE_TYPE: Final = "application/partial-upload"
RECEIPT_TYPE: Final = "application/jose"
RECEIPTS_ACCEPTED: Final = f"{RECEIPT_TYPE}; version=2, {RECEIPT_TYPE}, application/problem+json"
"""What the client says it reads. Who does not say it is sent receipts of version 1 (docs/PROTOCOL.md section 10)."""
PROBLEM_TYPE: Final = "application/problem+json"

_VERSION = re.compile(r";\s*version=\"?([0-9]{1,9})\"?\s*(?:;|$)", re.IGNORECASE)
_UPLOADED = re.compile(r";\s*envelope=\"?uploaded\"?\s*(?:;|$)", re.IGNORECASE)
_OFFSET = re.compile(r"[0-9]{1,15}")
_SENT_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_GATEWAY = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_JWS = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

_Counter = Annotated[int, Field(ge=1, lt=2**53)]


def _fullmatch(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError("not of the required form")
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Envelope(_Strict):
    sha256: Annotated[str, Field(pattern=f"^{DIGEST.pattern}$")]
    size: Annotated[int, Field(ge=1, lt=2**53)]


class _Recipient(_Strict):
    organ_id: Annotated[str, Field(max_length=limits.ORGAN_ID_CHARS_MAX)]
    sequence: _Counter

    @field_validator("organ_id")
    @classmethod
    def _is_code(cls, value: str) -> str:
        return _fullmatch(ORGAN_ID, value)


class _Slip(_Strict):
    """The members of the slip's JSON object, with their bounds."""

    transfer: str
    origin: str
    destination: str
    kind: Literal["edoc", "status"]
    sender: Annotated[str, Field(max_length=limits.ORGAN_ID_CHARS_MAX)]
    document_id: Annotated[str, Field(min_length=1, max_length=limits.DOCUMENT_ID_CHARS_MAX)]
    envelope: _Envelope
    registry_epoch: _Counter
    sent_at: str
    recipients: Annotated[list[_Recipient], Field(min_length=1, max_length=limits.RECIPIENTS_MAX)]

    @field_validator("transfer")
    @classmethod
    def _is_key(cls, value: str) -> str:
        return _fullmatch(KEY, value)

    @field_validator("origin", "destination")
    @classmethod
    def _is_gateway(cls, value: str) -> str:
        return _fullmatch(_GATEWAY, value)

    @field_validator("sender")
    @classmethod
    def _is_code(cls, value: str) -> str:
        return _fullmatch(ORGAN_ID, value)

    @field_validator("document_id")
    @classmethod
    def _has_no_control(cls, value: str) -> str:
        if _CONTROL.search(value):
            raise ValueError("control character")
        return value

    @field_validator("sent_at")
    @classmethod
    def _is_moment(cls, value: str) -> str:
        parse_rfc3339(_fullmatch(_SENT_AT, value))
        return value

    @field_validator("recipients")
    @classmethod
    def _are_distinct(cls, value: list[_Recipient]) -> list[_Recipient]:
        if len({recipient.organ_id for recipient in value}) != len(value):
            raise ValueError("a recipient twice")
        return value

    def noun(self) -> TransferSlip:
        return TransferSlip(
            transfer=TransferKey(self.transfer),
            origin=GatewayId(self.origin),
            destination=GatewayId(self.destination),
            kind=MessageKind(self.kind),
            sender=OrganId(self.sender),
            document_id=self.document_id,
            envelope=BlobRef(digest=Digest(self.envelope.sha256), size=self.envelope.size),
            registry_epoch=self.registry_epoch,
            sent_at=parse_rfc3339(self.sent_at),
            recipients=tuple(
                SlipRecipient(organ_id=OrganId(item.organ_id), sequence=item.sequence) for item in self.recipients
            ),
        )


def encode_slip(slip: TransferSlip) -> bytes:
    """The slip as one line: canonical JSON in UTF-8 and an LF. The same slip gives the same bytes."""
    members = {
        "transfer": slip.transfer,
        "origin": slip.origin,
        "destination": slip.destination,
        "kind": slip.kind.value,
        "sender": slip.sender,
        "document_id": slip.document_id,
        "envelope": {"sha256": slip.envelope.digest, "size": slip.envelope.size},
        "registry_epoch": slip.registry_epoch,
        "sent_at": rfc3339(slip.sent_at),
        "recipients": [{"organ_id": item.organ_id, "sequence": item.sequence} for item in slip.recipients],
    }
    # For ASCII names, text and integers below 2^53 this is RFC 8785; tests compare it with the package of that name.
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def decode_slip(line: bytes, *, envelope_bytes: int = limits.ENVELOPE_BYTES_MAX) -> TransferSlip:
    """The slip of a line (its LF included); `envelope_bytes`: what is taken here.

    Raises:
        PeerError: `transfer.malformed` for anything but the canonical form of a slip within its bounds, `size.limit`
            for an envelope that is announced larger than we take.
    """
    try:
        slip = _Slip.model_validate_json(line).noun()
    except ValidationError as error:
        raise PeerError("transfer.malformed", reason=_where(error)) from error
    if encode_slip(slip) != line:
        raise PeerError("transfer.malformed", reason="slip")
    if slip.envelope.size > envelope_bytes:
        raise PeerError("size.limit", what="envelope", limit=envelope_bytes)
    return slip


def _where(error: ValidationError) -> str:
    """The member that was wrong. Names that are not ours are the peer's text and stay out of logs and answers."""
    location = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
    known = [str(step) for step in location if isinstance(step, int) or step in _NAMES]
    return ".".join(["slip", *known])


_NAMES: Final = frozenset({*_Slip.model_fields, *_Envelope.model_fields, *_Recipient.model_fields})


def check_content_type(value: str) -> None:
    """Accept `application/vnd.edoc.transfer; version=1`.

    Raises:
        PeerError: `request.media_type` for another type, `transfer.version` for another version or none.
    """
    if value.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise PeerError("request.media_type", expected=MEDIA_TYPE)
    version = _VERSION.search(value)
    if version is None or int(version[1]) != 1:
        raise PeerError("transfer.version")


def is_uploaded(content_type: str) -> bool:
    """Whether the envelope of this transfer came in pieces before."""
    return _UPLOADED.search(content_type) is not None


def read_offset(value: str) -> int | None:
    """The number in `Upload-Offset`; None where there is none."""
    return int(value) if _OFFSET.fullmatch(value) else None


def accepted_form(accept: str) -> ReceiptForm:
    """The latest form of a receipt that a caller says it reads: what it does not say, it does not read."""
    ranges = (one.strip().lower() for one in accept.split(","))
    found = (_VERSION.search(one) for one in ranges if one.partition(";")[0].strip() == RECEIPT_TYPE)
    numbers = {int(version[1]) for version in found if version}
    return max((form for form in ReceiptForm if form in numbers), default=ReceiptForm.FIRST)


def is_transfer_key(text: str) -> bool:
    """Whether the text has the form of a transfer's name (UUID version 7, lower case)."""
    return KEY.fullmatch(text) is not None


def has_jws_form(data: bytes) -> bool:
    """Whether the bytes have the form of a JWS in compact serialisation, within the bound of a receipt."""
    return len(data) <= limits.RECEIPT_BYTES_MAX and _JWS.fullmatch(data) is not None
