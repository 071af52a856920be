"""Proofs: that what the log tells of one document stands in it, so that a stranger can check it without us.

A proof holds, for every leaf of the story, the leaf, the opening that shows what it hides, and its way to the root; and
the checkpoint that vouches for the root. Who holds it and the log's verifier key needs nothing else, and nobody's leave.
It shows the salts: whoever gets a proof can read the private parts of those leaves, and of no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.audit import prove
from gateway.core.errors import NotFound, SiteError
from gateway.core.ids import DeliveryKey, EntryKey, GatewayId, OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import HistoryEvent
from gateway.evidence.story import leaves_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenLeaf:
    """One event, with everything that shows it."""

    subject: str
    """What it happened to. The leaf does not commit to it: it is the gateway's word."""
    recipient: OrganId | None
    index: int
    data: bytes
    """Canonical bytes of the leaf."""
    salt: bytes
    private: bytes
    """Canonical JSON of what the leaf's commitment hides."""
    path: tuple[bytes, ...]
    """Merkle audit path, leaf to root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The story of one document, delivery or inbox entry, as far as the checkpoint covers it."""

    gateway: GatewayId
    key: str
    note: str
    """The checkpoint, as the log signed it; empty while none is published."""
    leaves: tuple[ProvenLeaf, ...]
    uncovered: int
    """Events that no checkpoint covers yet."""


def read_proof(uow: UnitOfWork, key: str, own: GatewayId) -> Proof:
    """The proof of everything that happened to what has this key, from one snapshot.

    Raises:
        NotFound: `not_found`: the log tells nothing of it.
        SiteError: `audit.inconsistent`: a leaf is not there.
    """
    events = _events(uow, key)
    if not events:
        raise NotFound("not_found")
    size, note = uow.log.checkpoint() or (0, "")
    hashes = [bytes.fromhex(event.leaf_hash) for event in events]
    indexes = {leaf: index for leaf, index in uow.log.indexes(hashes).items() if index < size}
    proofs, salts = prove(uow, list(indexes), size), uow.log.salts(hashes)
    data = dict(leaves_at(uow.log, indexes.values()))
    covered = [(event, leaf) for event, leaf in zip(events, hashes, strict=True) if leaf in indexes]
    if len(data) < len(covered):
        raise SiteError("audit.inconsistent", reason="a leaf of the story is not in the log")
    return Proof(
        gateway=own,
        key=key,
        note=note,
        leaves=tuple(
            ProvenLeaf(
                subject=event.subject,
                recipient=event.recipient,
                index=indexes[leaf],
                data=data[indexes[leaf]],
                salt=salts[leaf],
                private=event.detail.encode(),
                path=proofs[leaf].path,
            )
            for event, leaf in covered
        ),
        uncovered=len(events) - len(covered),
    )


def _events(uow: UnitOfWork, key: str) -> Sequence[HistoryEvent]:
    """The history of that document or transfer; or, of the history it belongs to, what happened to that one subject."""
    if history := uow.log.history(key):
        return history
    entry = uow.inbox.find(EntryKey(key))
    delivery = None if entry else uow.documents.find_delivery(DeliveryKey(key))
    owner = entry.transfer if entry else delivery.document if delivery else None
    return [event for event in uow.log.history(owner) if event.subject == key] if owner else []
