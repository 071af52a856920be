"""Rows for tests of the ledgers: whole, plausible values; every field can be given by name."""

import hashlib
import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.audit import make_leaf
from gateway.core.events import AuditEvent, EventKind, Leaf
from gateway.core.grants import ApiKey, PinnedCertificate
from gateway.core.ids import DeliveryKey, Digest, DocumentKey, EntryKey, GatewayId, OrganId, TimestampKey, TransferKey
from gateway.core.message import (
    Code,
    DocumentMessage,
    Organ,
    Priority,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusMessage,
)
from gateway.core.model import (
    Attachment,
    BlobRef,
    Delivery,
    Document,
    InboxEntry,
    IncomingRecipient,
    IncomingTransfer,
    Metadata,
    SlipRecipient,
    Transfer,
    TransferSlip,
)
from gateway.core.owed import OwedTimestamp, TimestampState
from gateway.core.principal import Scope
from gateway.core.states import (
    BusinessStatus,
    DeliveryState,
    DocumentState,
    Evidence,
    MessageKind,
    Outcome,
    TransferState,
)
from gateway.core.validation import Level
from gateway.core.work import WorkItem, WorkKind

NOW = datetime(2026, 11, 21, 6, 5, 9, 123_000, tzinfo=UTC)
PARTY = OrganId("Z79.01")
WARD = OrganId("Z79.02.001")
OTHER_WARD = OrganId("Z79.02.002")
HERE = GatewayId("party.gw.example")
THERE = GatewayId("government.gw.example")

_numbers = itertools.count(1)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def digest(text: str) -> Digest:
    return Digest(hashlib.sha256(text.encode()).hexdigest())


def blob(text: str) -> BlobRef:
    return BlobRef(digest=digest(text), size=len(text))


def metadata(**fields: Any) -> Metadata:
    known: dict[str, Any] = {
        "sender": PARTY,
        "recipients": (WARD, OTHER_WARD),
        "code": Code(number="12", notation="CV/VPTU"),
        "promulgation_place": "Thành phố Hồ Chí Minh",
        "promulgation_date": date(2026, 11, 21),
        "subject": "Về việc chuẩn bị hội nghị — “khẩn”",
        "content": 'Dòng một\nDòng hai\t\\ "trích"',
        "signer": SignerInfo(competence="TM.", position="Chánh Văn phòng", full_name="Nguyễn Văn A"),
        "priority": Priority.VERY_URGENT,
        "page_amount": 3,
        "response_for": (ResponseFor(organ_id=WARD, document_id="x", promulgation_date=date(2026, 1, 2)),),
    }
    return Metadata(**(known | fields))


def status(**fields: Any) -> StatusMessage:
    known: dict[str, Any] = {
        "sender": Organ(organ_id=WARD, name="Phường Sài Gòn"),
        "response_for": ResponseFor(organ_id=PARTY, document_id="d", code="12/CV", promulgation_date=None),
        "status": BusinessStatus.REFUSED,
        "description": "Sai nơi nhận",
        "timestamp": datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC),
        "staff": StaffInfo(staff="Trần Thị B"),
    }
    return StatusMessage(**(known | fields))


def message(recipients: int = 2, **fields: Any) -> DocumentMessage:
    known: dict[str, Any] = {
        "sender": Organ(organ_id=PARTY, name="Văn phòng Thành ủy", email="vptu@example"),
        "recipients": tuple(Organ(organ_id=OrganId(f"Z79.02.{n:03}"), name=f"Phường {n}") for n in range(recipients)),
        "document_id": "Z79.01,2026/11/21,12/CV/VPTU",
        "code": Code(number="12", notation="CV/VPTU"),
        "promulgation_place": "Thành phố Hồ Chí Minh",
        "promulgation_date": date(2026, 11, 21),
        "document_type": 2,
        "type_detail": 18,
        "type_name": "Công văn",
        "subject": "Về việc chuẩn bị hội nghị",
        "content": "",
        "signer": SignerInfo(full_name="Nguyễn Văn A"),
        "priority": Priority.NORMAL,
        "page_amount": None,
        "response_for": (),
        "created_at": datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC),
    }
    return DocumentMessage(**(known | fields))


def attachments() -> tuple[Attachment, ...]:
    return (
        Attachment(position=0, name="công văn.pdf", content_type="application/pdf", blob=blob("one")),
        Attachment(position=1, name="phụ lục.xlsx", content_type="application/octet-stream", blob=blob("two")),
    )


def document(**fields: Any) -> Document:
    n = next(_numbers)
    known: dict[str, Any] = {
        "key": DocumentKey(f"01900000-0000-7000-8000-{n:012x}"),
        "kind": MessageKind.DOCUMENT,
        "sender": PARTY,
        "document_id": f"Z79.01,2026/11/21,{n}/CV/VPTU",
        "state": DocumentState.ACCEPTED,
        "reason": "",
        "reason_params": (("file", "công văn.pdf"),),
        "metadata": metadata(),
        "status": None,
        "attachments": attachments(),
        "may_seal": True,
        "principal": "key-1",
        "idempotency_key": f"office-{n}",
        "request_digest": digest(f"request {n}"),
        "envelope": None,
        "accepted_at": NOW,
        "changed_at": NOW,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "last_leaf": "",
    }
    return Document(**(known | fields))


def delivery(of: Document, recipient: OrganId = WARD, **fields: Any) -> Delivery:
    known: dict[str, Any] = {
        "key": DeliveryKey(f"delivery {of.key} {recipient}"),
        "document": of.key,
        "transfer": TransferKey("transfer-1"),
        "recipient": recipient,
        "destination": THERE,
        "sequence": 1,
        "state": DeliveryState.QUEUED,
        "reason": "",
        "evidence": None,
        "business_status": None,
        "business_description": "",
        "business_at": None,
        "registry_epoch": 7,
        "route_reason": "active code",
        "changed_at": NOW,
        "last_leaf": "",
    }
    return Delivery(**(known | fields))


def delivered(row: Delivery) -> Delivery:
    """Every mutable field changed."""
    return replace(
        row,
        state=DeliveryState.DELIVERED,
        reason="late",
        evidence=Evidence.RECEIPT,
        business_status=BusinessStatus.ACCEPTED,
        business_description="Đã tiếp nhận",
        business_at=later(0.5),
        changed_at=later(1),
        last_leaf="ab" * 32,
    )


def slip(key: str = "transfer-1", **fields: Any) -> TransferSlip:
    known: dict[str, Any] = {
        "transfer": TransferKey(key),
        "origin": HERE,
        "destination": THERE,
        "kind": MessageKind.DOCUMENT,
        "sender": PARTY,
        "document_id": "Z79.01,2026/11/21,12/CV/VPTU",
        "envelope": blob("envelope"),
        "registry_epoch": 7,
        "sent_at": NOW,
        "recipients": (SlipRecipient(organ_id=WARD, sequence=1), SlipRecipient(organ_id=OTHER_WARD, sequence=9)),
    }
    return TransferSlip(**(known | fields))


def transfer(of: Document, key: str = "transfer-1", **fields: Any) -> Transfer:
    known: dict[str, Any] = {
        "slip": slip(key),
        "document": of.key,
        "state": TransferState.QUEUED,
        "reason": "",
        "attempts": 0,
        "answer": None,
        "deadline": later(5 * 24 * 3600),
        "changed_at": NOW,
    }
    return Transfer(**(known | fields))


def incoming(key: str = "transfer-1", **fields: Any) -> IncomingTransfer:
    known: dict[str, Any] = {
        "slip": slip(key),
        "received_at": later(0.5),
        "recipients": (
            IncomingRecipient(
                organ_id=WARD, sequence=1, outcome=Outcome.RECEIVED, code="", leaf=b'{"v":1}', salt=bytes(32)
            ),
            IncomingRecipient(
                organ_id=OTHER_WARD,
                sequence=9,
                outcome=Outcome.REFUSED,
                code="recipient.closed",
                leaf=b"\x00\xff",
                salt=b"\xff" * 32,
            ),
        ),
        "answer": None,
    }
    return IncomingTransfer(**(known | fields))


def entry(recipient: OrganId = WARD, **fields: Any) -> InboxEntry:
    n = next(_numbers)
    known: dict[str, Any] = {
        "key": EntryKey(f"entry-{n}"),
        "cursor": 0,
        "recipient": recipient,
        "sender": PARTY,
        "document_id": "Z79.01,2026/11/21,12/CV/VPTU",
        "transfer": TransferKey("transfer-1"),
        "message": message(),
        "envelope": blob("envelope"),
        "attachments": attachments(),
        "verdicts": ("TOTAL-PASSED", ""),
        "sequence": 4,
        "business_status": BusinessStatus.ARRIVED,
        "business_description": "",
        "received_at": NOW,
        "changed_at": NOW,
        "last_leaf": "cd" * 32,
    }
    return InboxEntry(**(known | fields))


def item(
    subject: str,
    due: float = 0,
    *,
    destination: str = "",
    kind: WorkKind = WorkKind.TRANSFER,
    urgency: Priority = Priority.NORMAL,
) -> WorkItem:
    return WorkItem(kind=kind, subject=subject, destination=destination, due_at=later(due), urgency=urgency)


def leaf(n: int | None = None, **fields: Any) -> Leaf:
    n = next(_numbers) if n is None else n
    known: dict[str, Any] = {
        "kind": EventKind.ACCEPTED,
        "at": NOW + timedelta(milliseconds=n % 1_000_000),
        "subject": f"subject {n}",
        "document": "document 1",
        "recipient": WARD,
        "private": {"n": n, "from": PARTY},
    }
    return make_leaf(AuditEvent(**(known | fields)), salt=hashlib.sha256(str(n).encode()).digest())


def api_key(key_id: str = "office", **fields: Any) -> ApiKey:
    known: dict[str, Any] = {
        "key_id": key_id,
        "name": "Hệ thống QLVB",
        "secret_digest": digest(key_id),
        "organs": frozenset({PARTY, WARD}),
        "scopes": frozenset({Scope.SEND, Scope.SEAL}),
        "expires_at": later(3600),
        "revoked_at": None,
        "addresses": ("10.0.0.0/8", "2001:db8::/32"),
    }
    return ApiKey(**(known | fields))


def certificate(name: str = "office", **fields: Any) -> PinnedCertificate:
    known: dict[str, Any] = {
        "pin": digest(name),
        "name": "Trục nội bộ",
        "organs": frozenset({PARTY, WARD}),
        "scopes": frozenset({Scope.READ, Scope.ACT}),
        "expires_at": later(3600),
        "revoked_at": None,
        "addresses": ("10.0.0.0/8", "2001:db8::/32"),
    }
    return PinnedCertificate(**(known | fields))


def owed(document: Document, **fields: Any) -> OwedTimestamp:
    n = next(_numbers)
    known: dict[str, Any] = {
        "key": TimestampKey(f"timestamp-{n}"),
        "document": document.key,
        "position": 1,
        "sealed": blob(f"sealed {n}"),
        "level": Level.B_B,
        "owed": Level.B_T,
        "state": TimestampState.WAITING,
        "archive": None,
        "stamped_at": None,
        "reason": "",
        "since": NOW,
        "changed_at": NOW,
        "last_leaf": "ef" * 32,
    }
    return OwedTimestamp(**(known | fields))
