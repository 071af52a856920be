"""The file a proof travels in: JSON that a program in any language can check with SHA-256, Ed25519 and RFC 6962.

Hashes, salts and paths are lower-case hex; `leaf` and `private` are the very bytes, as text (UTF-8), so that nobody has
to canonicalise anything. What people read first (`event`, `at`, `leaf_hash`) is said twice, and checked against the leaf.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.audit import (
    AuditError,
    Checkpoint,
    InclusionProof,
    LeafFields,
    LoggedLeaf,
    ProofError,
    VerifierKey,
    leaf_hash,
    open_note,
    parse_leaf,
    verify_checkpoint,
    verify_logged,
    with_successors,
)
from gateway.core.clock import from_millis, rfc3339
from gateway.core.events import EventKind
from gateway.core.limits import LEAF_BYTES_MAX, MIB, NOTE_BYTES_MAX
from gateway.evidence.proofs import Proof, ProvenLeaf

FORMAT: Final = "gateway-audit-proof/1"
PROOF_BYTES_MAX: Final = 64 * MIB
"""A document to 1,000 bodies has some 5,000 leaves of about 2 KB, path included."""
LEAVES_MAX: Final = 20_000
PATH_HASHES_MAX: Final = 64
"""No log has more leaves than a 64-bit number counts."""
PRIVATE_CHARS_MAX: Final = 64 * 1024

_DELIVERY_BEGINS: Final = frozenset({EventKind.QUEUED.value, EventKind.DELIVERY_REFUSED.value})

_Hex = Annotated[str, StringConstraints(pattern="^(?:[0-9a-f]{2})*$", max_length=64)]
_Hash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class _LeafForm(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    event: str
    at: str
    leaf_hash: _Hash
    index: Annotated[int, Field(ge=0)]
    leaf: Annotated[str, StringConstraints(max_length=LEAF_BYTES_MAX)]
    salt: _Hex
    private: Annotated[str, StringConstraints(max_length=PRIVATE_CHARS_MAX)]
    path: Annotated[list[_Hash], Field(max_length=PATH_HASHES_MAX)]


class _ProofForm(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    format: Literal["gateway-audit-proof/1"]
    gateway: str
    key: str
    checkpoint: Annotated[str, StringConstraints(max_length=NOTE_BYTES_MAX)]
    log_keys: list[str] = []
    leaves: Annotated[list[_LeafForm], Field(min_length=1, max_length=LEAVES_MAX)]


class GapError(ProofError):
    """An event is missing that another one in the file names as the one before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLeaf:
    """What one leaf says, once everything about it was checked."""

    index: int
    hash: str
    event: str
    at: datetime
    private: Mapping[str, Any]
    previous: str
    """Leaf hash of the subject's previous event, as the leaf names it, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedProof:
    """A proof in which everything holds, and what it does not say."""

    gateway: str
    key: str
    """Gateway and key are the file's word, for orientation."""
    key_said: bool
    """Whether a leaf names the key too (that of a transfer does); a document's key stands in none."""
    document_id: str
    """Of which document the leaves speak; empty when they name none."""
    checkpoint: Checkpoint
    signers: tuple[str, ...]
    """Verifier keys of the log whose signature the checkpoint bears."""
    leaves: tuple[CheckedLeaf, ...]
    begins: bool
    """Whether nothing came before the first of these events; a delivery's story follows that of its document."""


def proof_json(proof: Proof, log_keys: Sequence[str]) -> dict[str, Any]:
    """The file of a proof. The keys are named for orientation: who checks has them from the registry."""
    return {
        "format": FORMAT,
        "gateway": proof.gateway,
        "key": proof.key,
        "checkpoint": proof.note,
        "log_keys": list(log_keys),
        "leaves": [_leaf_json(leaf) for leaf in proof.leaves],
        "uncovered": proof.uncovered,
    }


def check_proof(data: bytes | str, log_keys: Sequence[str] = ()) -> CheckedProof:
    """What a proof proves, to whoever believes these verifier keys; with none, to whoever believes those in the file.

    Raises:
        AuditError: it is no proof, or it does not hold, and which of it.
    """
    try:
        form = _ProofForm.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ProofError(f"not a proof file: {where} {first['msg']}") from error
    checkpoint = verify_checkpoint(form.checkpoint, log_keys or form.log_keys)
    leaves = tuple(_checked(leaf, checkpoint) for leaf in form.leaves)
    return CheckedProof(
        gateway=form.gateway,
        key=form.key,
        key_said=any(form.key == leaf.private.get("transfer") for leaf in leaves),
        document_id=one_document(leaves),
        checkpoint=checkpoint,
        signers=_signers(form.checkpoint, checkpoint.origin, log_keys or form.log_keys),
        leaves=leaves,
        begins=_linked(leaves),
    )


def _signers(note: str, origin: str, log_keys: Sequence[str]) -> tuple[str, ...]:
    opened = open_note(note, tuple(with_successors(note, [VerifierKey.parse(key) for key in log_keys])))
    return tuple(sign.key.format() for sign in opened.signatures if sign.key.name == origin)


def _linked(leaves: Sequence[CheckedLeaf]) -> bool:
    """Whether the story begins with the first of these leaves; that none in its middle was taken out.

    Each leaf names its predecessor. Only the story of one delivery begins with a leaf whose predecessor, its document's,
    is not part of it; and what is missing at the end is missing without a trace.

    Raises:
        GapError: one is missing.
        ProofError: one stands here twice, or two documents were accepted: a refused one gives its number to another.
    """
    places = {leaf.hash: leaf.index for leaf in leaves}
    if len(places) < len(leaves):
        raise ProofError("a leaf stands in it twice")
    if sum(leaf.event == EventKind.ACCEPTED.value for leaf in leaves) > 1:
        raise ProofError("two stories begin in it")
    first = min(leaves, key=lambda leaf: leaf.index)
    alone = first.event in _DELIVERY_BEGINS
    for leaf in leaves:
        if leaf.previous and not (alone and leaf is first) and places.get(leaf.previous, leaf.index) >= leaf.index:
            raise GapError(f"leaf {leaf.index}: the event before it, {leaf.previous}, is missing from the file")
    return not first.previous


def one_document(leaves: Sequence[CheckedLeaf]) -> str:
    """The DocumentId that the leaves name.

    Raises:
        ProofError: they name several: nothing that happened to one thing.
    """
    named = {str(leaf.private["document_id"]) for leaf in leaves if leaf.private.get("document_id")}
    if len(named) > 1:
        raise ProofError("its leaves speak of more than one document")
    return next(iter(named), "")


def _leaf_json(leaf: ProvenLeaf) -> dict[str, Any]:
    fields = parse_leaf(leaf.data)
    return {
        "event": fields.event,
        "at": _at(fields),
        "subject": leaf.subject,
        "recipient": leaf.recipient,
        "index": leaf.index,
        "leaf_hash": leaf_hash(leaf.data).hex(),
        "leaf": leaf.data.decode(),
        "salt": leaf.salt.hex(),
        "private": leaf.private.decode(),
        "path": [node.hex() for node in leaf.path],
    }


def _checked(form: _LeafForm, checkpoint: Checkpoint) -> CheckedLeaf:
    data, path = form.leaf.encode(), tuple(map(bytes.fromhex, form.path))
    logged = LoggedLeaf(
        data=data,
        salt=bytes.fromhex(form.salt),
        private=form.private.encode(),
        proof=InclusionProof(index=form.index, size=checkpoint.size, path=path),
    )
    try:
        fields, private = verify_logged(logged, checkpoint), json.loads(form.private)
        at = _at(fields)
    except (AuditError, ValueError, OverflowError, RecursionError) as error:
        raise ProofError(f"leaf {form.index}: {error}") from error
    if (form.event, form.at, form.leaf_hash) != (fields.event, at, leaf_hash(data).hex()):
        raise ProofError(f"leaf {form.index}: it says another event, time or hash than the leaf itself")
    return CheckedLeaf(
        index=form.index,
        hash=form.leaf_hash,
        event=fields.event,
        at=from_millis(fields.at_millis),
        private=private if isinstance(private, dict) else {},
        previous=fields.previous.hex(),
    )


def _at(fields: LeafFields) -> str:
    return rfc3339(from_millis(fields.at_millis))
