"""The receipt: one signed answer per transfer, with a claim and an inclusion proof for every recipient.

docs/PROTOCOL.md section 6 is the contract; `write` makes what `check` accepts. A receipt that stands in no log is worth
nothing: `check` believes no line whose leaf it cannot open and find under the checkpoint's root.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from gateway.audit import Checkpoint, InclusionProof, LoggedLeaf, leaf_hash, verify_checkpoint, verify_logged
from gateway.core.clock import rfc3339
from gateway.core.directory import Snapshot
from gateway.core.errors import GatewayError, PeerError
from gateway.core.events import EventKind
from gateway.core.ids import OrganId
from gateway.core.limits import RECEIPT_BYTES_MAX
from gateway.core.model import IncomingRecipient, IncomingTransfer, ReceiptLine, TransferSlip
from gateway.core.ports import Signer
from gateway.core.states import Outcome
from gateway.crypto import sign_jws, verify_jws

VERSION: Final = 1
EVENT_OF: Final[Mapping[Outcome, EventKind]] = {
    Outcome.RECEIVED: EventKind.RECEIVED,
    Outcome.REFUSED: EventKind.RECEIVE_REFUSED,
}
_CLAIMS: Final = frozenset(
    {
        "version",
        "transfer",
        "origin",
        "destination",
        "sender",
        "document_id",
        "registry_epoch",
        "envelope",
        "received_at",
        "checkpoint",
        "recipients",
    }
)
_LINE: Final = frozenset({"organ_id", "sequence", "outcome", "code", "leaf", "salt", "index", "path"})
PATH_HASHES_MAX: Final = 63


def private_part(slip: TransferSlip, recipient: OrganId, outcome: Outcome, code: str) -> Mapping[str, str | int]:
    """What the leaf of one recipient commits to; rebuilt from the receipt alone by whoever checks it."""
    return {
        "code": code,
        "destination": slip.destination,
        "document_id": slip.document_id,
        "envelope": slip.envelope.digest,
        "origin": slip.origin,
        "outcome": outcome.value,
        "recipient": recipient,
        "registry_epoch": slip.registry_epoch,
        "sender": slip.sender,
        "transfer": slip.transfer,
    }


async def write(
    incoming: IncomingTransfer, proofs: Mapping[bytes, InclusionProof], checkpoint: str, signer: Signer
) -> bytes:
    """The receipt of an incoming transfer: JWS compact, ES256 by the gateway's receipt key.

    `proofs` has one proof for each recipient's leaf hash, all against the tree of `checkpoint`.
    """
    slip = incoming.slip
    claims = {
        **_slip_claims(slip),
        "version": VERSION,
        "received_at": rfc3339(incoming.received_at),
        "checkpoint": checkpoint,
        "recipients": [_line(recipient, proofs[leaf_hash(recipient.leaf)]) for recipient in incoming.recipients],
    }
    return await sign_jws(_canonical(claims), kid=sha256(signer.public_key).hexdigest(), signer=signer)


def check(receipt: bytes, slip: TransferSlip, snapshot: Snapshot) -> tuple[ReceiptLine, ...]:
    """The lines of a receipt for this slip, all six steps of docs/PROTOCOL.md section 6 done, in the slip's order.

    Raises:
        PeerError: `peer.receipt` with the step that failed.
    """
    destination = snapshot.gateways.get(slip.destination)
    if destination is None:
        raise PeerError("peer.receipt", step="destination is not in the registry")
    if len(receipt) > RECEIPT_BYTES_MAX:
        raise PeerError("peer.receipt", step="size")
    try:
        claims = _claims(verify_jws(receipt, destination.receipt_keys))
        _expect(_slip_claims(slip), claims, "the receipt speaks of another transfer")
        lines = claims["recipients"]
        if [(line["organ_id"], line["sequence"]) for line in lines] != [
            (recipient.organ_id, recipient.sequence) for recipient in slip.recipients
        ]:
            raise PeerError("peer.receipt", step="recipients")
        checkpoint = verify_checkpoint(claims["checkpoint"], destination.log_keys)
        return tuple(_check_line(line, slip, checkpoint) for line in lines)
    except PeerError:
        raise
    except (GatewayError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise PeerError("peer.receipt", step=str(error)[:200]) from error


def _check_line(line: Mapping[str, Any], slip: TransferSlip, checkpoint: Checkpoint) -> ReceiptLine:
    outcome = Outcome(line["outcome"])
    organ_id = OrganId(line["organ_id"])
    path = tuple(_unb64(node) for node in line["path"])
    if len(path) > PATH_HASHES_MAX:
        raise PeerError("peer.receipt", step=f"inclusion proof of {organ_id}")
    leaf = LoggedLeaf(
        data=line["leaf"].encode(),
        salt=_unb64(line["salt"]),
        private=_canonical(private_part(slip, organ_id, outcome, line["code"])),
        proof=InclusionProof(index=line["index"], size=checkpoint.size, path=path),
    )
    fields = verify_logged(leaf, checkpoint)
    if fields.event != EVENT_OF[outcome] or fields.sequence != line["sequence"]:
        raise PeerError("peer.receipt", step=f"leaf of {organ_id}")
    return ReceiptLine(
        organ_id=organ_id, outcome=outcome, code=line["code"], leaf_hash=leaf_hash(leaf.data), index=leaf.proof.index
    )


def _slip_claims(slip: TransferSlip) -> dict[str, Any]:
    return {
        "transfer": slip.transfer,
        "origin": slip.origin,
        "destination": slip.destination,
        "sender": slip.sender,
        "document_id": slip.document_id,
        "registry_epoch": slip.registry_epoch,
        "envelope": {"sha256": slip.envelope.digest, "size": slip.envelope.size},
    }


def _line(recipient: IncomingRecipient, proof: InclusionProof) -> dict[str, Any]:
    return {
        "organ_id": recipient.organ_id,
        "sequence": recipient.sequence,
        "outcome": recipient.outcome.value,
        "code": recipient.code,
        "leaf": recipient.leaf.decode(),
        "salt": _b64(recipient.salt),
        "index": proof.index,
        "path": [_b64(node) for node in proof.path],
    }


def _claims(payload: bytes) -> Mapping[str, Any]:
    """The payload as strict canonical JSON: every claim there, none unknown, and the right types where code relies on it."""
    claims = json.loads(payload)
    if not isinstance(claims, dict) or frozenset(claims) != _CLAIMS or claims["version"] != VERSION:
        raise PeerError("peer.receipt", step="claims")
    lines = claims["recipients"]
    if not isinstance(lines, list) or not all(isinstance(line, dict) and frozenset(line) == _LINE for line in lines):
        raise PeerError("peer.receipt", step="lines")
    if _canonical(claims) != payload:
        raise PeerError("peer.receipt", step="not canonical JSON")
    return claims


def _expect(expected: Mapping[str, Any], claims: Mapping[str, Any], step: str) -> None:
    if any(claims[name] != value or type(claims[name]) is not type(value) for name, value in expected.items()):
        raise PeerError("peer.receipt", step=step)


def leaf_hashes(recipients: Sequence[IncomingRecipient]) -> list[bytes]:
    """Leaf hashes of the lines, in order."""
    return [leaf_hash(recipient.leaf) for recipient in recipients]


def _canonical(value: Mapping[str, Any]) -> bytes:
    """RFC 8785 for this subset: ASCII member names, strings, integers, arrays."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _b64(data) != text:
        raise ValueError("base64url is not in its one form")
    return data
