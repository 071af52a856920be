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
    leaf_hash,
    parse_leaf,
    verify_checkpoint,
    verify_logged,
)
from gateway.core.clock import from_millis, rfc3339
from gateway.core.limits import LEAF_BYTES_MAX, MIB, NOTE_BYTES_MAX
from gateway.evidence.proofs import Proof, ProvenLeaf

FORMAT: Final = "gateway-audit-proof/1"
PROOF_BYTES_MAX: Final = 64 * MIB
"""A document to 1,000 bodies has some 5,000 leaves of about 2 KB, path included."""
LEAVES_MAX: Final = 20_000
PATH_HASHES_MAX: Final = 64
"""No log has more leaves than a 64-bit number counts."""
PRIVATE_CHARS_MAX: Final = 64 * 1024

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLeaf:
    """What one leaf says, once everything about it was checked."""

    index: int
    hash: str
    event: str
    at: datetime
    private: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedProof:
    """A proof in which everything holds."""

    gateway: str
    key: str
    """Gateway and key are the file's word, for orientation: no leaf commits to them."""
    checkpoint: Checkpoint
    leaves: tuple[CheckedLeaf, ...]


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
    return CheckedProof(
        gateway=form.gateway,
        key=form.key,
        checkpoint=checkpoint,
        leaves=tuple(_checked(leaf, checkpoint) for leaf in form.leaves),
    )


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
    )


def _at(fields: LeafFields) -> str:
    return rfc3339(from_millis(fields.at_millis))
