"""The receipt: one signed answer per transfer, with a claim and an inclusion proof for every recipient.

docs/PROTOCOL.md section 6 is the contract; `write` makes what `check` accepts. Version 1 is still made for those who read no
other, and read for ever; version 2 adds when it was signed, and each line's event in the words of ETSI EN 319 522. A receipt
that stands in no log is worth nothing: `check` believes no line whose leaf it cannot open and find under the checkpoint's root.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.audit import (
    Checkpoint,
    Climbed,
    InclusionProof,
    LoggedLeaf,
    leaf_hash,
    private_bytes,
    verify_checkpoint,
    verify_logged,
)
from gateway.core.base64url import decode_base64url, encode_base64url
from gateway.core.clock import parse_rfc3339, rfc3339
from gateway.core.directory import GatewayEntry, Snapshot
from gateway.core.errors import GatewayError, PeerError
from gateway.core.events import EventKind
from gateway.core.ids import OrganId
from gateway.core.limits import LEAF_BYTES_MAX, NOTE_BYTES_MAX, RECEIPT_BYTES_MAX, RECIPIENTS_MAX
from gateway.core.model import IncomingRecipient, IncomingTransfer, ReceiptLine, TransferSlip
from gateway.core.ports import LeafProof, Signer
from gateway.core.states import Outcome
from gateway.crypto import RECEIPT_TYPE, SignedToken, verify_jws
from gateway.exchange.claims import Claims, Moment, Whole, read_claims, sign_claims
from gateway.exchange.reception_contract import ReceiptForm

ERDS_EVENTS: Final[Mapping[Outcome, str]] = {
    Outcome.RECEIVED: "http://uri.etsi.org/19522/Event/RelayAcceptance",
    Outcome.REFUSED: "http://uri.etsi.org/19522/Event/RelayRejection",
}
"""ETSI EN 319 522-1 clause 6.2.3, as EN 319 522-3 table 2 writes them: one service accepted, or did not, what another relayed.

Not ContentConsignment or ContentHandover (clauses 6.2.5, 6.2.6): whether the body has taken it, its own status message says.
"""
EVENT_OF: Final[Mapping[Outcome, EventKind]] = {
    Outcome.RECEIVED: EventKind.RECEIVED,
    Outcome.REFUSED: EventKind.RECEIVE_REFUSED,
}
PATH_HASHES_MAX: Final = 63
Text = Annotated[str, StringConstraints(max_length=1_000)]
_OF_THE_SLIP: Final = {
    "transfer",
    "origin",
    "destination",
    "sender",
    "document_id",
    "registry_epoch",
    "envelope",
}


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
    incoming: IncomingTransfer,
    proofs: Mapping[bytes, LeafProof],
    checkpoint: str,
    signer: Signer,
    *,
    signed_at: datetime | None = None,
) -> bytes:
    """The receipt of an incoming transfer: JWS compact, ES256 by the gateway's receipt key.

    `proofs` has one proof for each recipient's leaf hash, all against the tree of `checkpoint`. With `signed_at` it is of
    version 2, else of version 1.
    """
    assert signed_at is None or signed_at >= incoming.received_at, "signed before it was received"
    form = ReceiptForm.FIRST if signed_at is None else ReceiptForm.SECOND
    slip = incoming.slip
    # Neighbours share most of their way to the root: each node is written once, not once for each recipient.
    nodes = {node: encode_base64url(node) for node in {node for proof in proofs.values() for node in proof.path}}
    claims = {
        **_slip_claims(slip),
        "version": form.value,
        "received_at": rfc3339(incoming.received_at),
        "checkpoint": checkpoint,
        "recipients": [
            _line(recipient, proofs[leaf_hash(recipient.leaf)], nodes) | _event(recipient.outcome, form)
            for recipient in incoming.recipients
        ],
    }
    return await sign_claims(claims, signer, kind=RECEIPT_TYPE, signed_at=signed_at)


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
        return _lines(receipt, slip, destination)
    except PeerError:
        raise
    except (GatewayError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise PeerError("peer.receipt", step=str(error)[:200]) from error


def _lines(receipt: bytes, slip: TransferSlip, destination: GatewayEntry) -> tuple[ReceiptLine, ...]:
    claims = _claims(verify_jws(receipt, destination.receipt_keys))
    if claims.model_dump(include=_OF_THE_SLIP) != _slip_claims(slip):
        raise PeerError("peer.receipt", step="the receipt speaks of another transfer")
    if [(line.organ_id, line.sequence) for line in claims.recipients] != [
        (recipient.organ_id, recipient.sequence) for recipient in slip.recipients
    ]:
        raise PeerError("peer.receipt", step="recipients")
    checkpoint = verify_checkpoint(claims.checkpoint, destination.log_keys)
    nodes = {node: decode_base64url(node) for node in {node for line in claims.recipients for node in line.path}}
    climbed: Climbed = {}
    at = parse_rfc3339(claims.received_at)
    return tuple(_check_line(line, slip, checkpoint, (nodes, climbed), at) for line in claims.recipients)


def _check_line(
    line: "_Line",
    slip: TransferSlip,
    checkpoint: Checkpoint,
    shared: tuple[Mapping[str, bytes], Climbed],
    received_at: datetime,
) -> ReceiptLine:
    """`shared`: the nodes that the receipt writes, read, and those that other lines have led to the root."""
    nodes, climbed = shared
    organ_id = OrganId(line.organ_id)
    leaf = LoggedLeaf(
        data=line.leaf.encode(),
        salt=decode_base64url(line.salt),
        private=private_bytes(private_part(slip, organ_id, line.outcome, line.code)),
        proof=InclusionProof(index=line.index, size=checkpoint.size, path=tuple([nodes[node] for node in line.path])),
    )
    fields = verify_logged(leaf, checkpoint, climbed=climbed)
    if fields.event != EVENT_OF[line.outcome] or fields.sequence != line.sequence:
        raise PeerError("peer.receipt", step=f"leaf of {organ_id}")
    return ReceiptLine(
        organ_id=organ_id,
        outcome=line.outcome,
        code=line.code,
        leaf_hash=leaf_hash(leaf.data),
        index=line.index,
        received_at=received_at,
    )


def _event(outcome: Outcome, form: ReceiptForm) -> dict[str, str]:
    return {} if form is ReceiptForm.FIRST else {"event": ERDS_EVENTS[outcome]}


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


def _line(recipient: IncomingRecipient, proof: LeafProof, nodes: Mapping[bytes, str]) -> dict[str, Any]:
    return {
        "organ_id": recipient.organ_id,
        "sequence": recipient.sequence,
        "outcome": recipient.outcome.value,
        "code": recipient.code,
        "leaf": recipient.leaf.decode(),
        "salt": encode_base64url(recipient.salt),
        "index": proof.index,
        "path": [nodes[node] for node in proof.path],
    }


class _Line(Claims):
    """One recipient, as docs/PROTOCOL.md section 6 lists its members."""

    organ_id: Text
    sequence: Whole
    outcome: Outcome
    code: Text
    leaf: Annotated[str, StringConstraints(max_length=LEAF_BYTES_MAX)]
    salt: Text
    index: Whole
    path: Annotated[tuple[Text, ...], Field(max_length=PATH_HASHES_MAX)]


class _Envelope(Claims):
    sha256: Text
    size: Whole


class _SecondLine(_Line):
    """A line of version 2."""

    event: Text

    @model_validator(mode="after")
    def _is_of_the_outcome(self) -> Self:
        if self.event != ERDS_EVENTS[self.outcome]:
            raise ValueError("not the event of the outcome")
        return self


class _Claims(Claims):
    """The payload: every claim there, none unknown, each of its own type."""

    version: Annotated[int, Field(ge=ReceiptForm.FIRST, le=ReceiptForm.FIRST)]
    transfer: Text
    origin: Text
    destination: Text
    sender: Text
    document_id: Text
    registry_epoch: Whole
    envelope: _Envelope
    received_at: Moment
    checkpoint: Annotated[str, StringConstraints(max_length=NOTE_BYTES_MAX)]
    recipients: Annotated[tuple[_Line, ...], Field(max_length=RECIPIENTS_MAX)]


class _SecondClaims(_Claims):
    """The payload of version 2."""

    version: Annotated[int, Field(ge=ReceiptForm.SECOND, le=ReceiptForm.SECOND)]
    recipients: Annotated[tuple[_SecondLine, ...], Field(max_length=RECIPIENTS_MAX)]


def _claims(token: SignedToken) -> _Claims:
    """The claims of a token in canonical JSON, strictly; of which version, its header tells, and the claim agrees.

    Raises:
        ValueError: not JSON, not canonical, or not the claims of section 6.
    """
    if token.signed_at is None:
        return read_claims(token.payload, _Claims)
    claims = read_claims(token.payload, _SecondClaims)
    # Both times are of one clock, the signing time in whole seconds. It is claimed and not proven, so a peer whose clock runs
    # ahead of ours still has its receipts believed: what orders them is the checkpoint.
    if token.signed_at < parse_rfc3339(claims.received_at).replace(microsecond=0):
        raise PeerError("peer.receipt", step="signed before it was received")
    return claims


def leaf_hashes(recipients: Sequence[IncomingRecipient]) -> list[bytes]:
    """Leaf hashes of the lines, in order."""
    return [leaf_hash(recipient.leaf) for recipient in recipients]
