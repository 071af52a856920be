"""The audit log: a hash tree (RFC 6962) that says what happened, signed so that it cannot be said differently later.

**What it promises**, as far as it holds today:

* *Append-only* (P1). A leaf that was covered by a checkpoint stays where it is: every later checkpoint is proven
  consistent with the last one before it is signed, from the signer's own memory, not from what the database says.
* *Receipts are provable* (P2). A receipt carries its leaf, the opening of its commitment, an inclusion proof, and the
  checkpoint. Whoever holds it and the log's verifier key needs nothing else, and nobody's leave.
* *No change of state without a leaf* (P5). The leaf is appended in the transaction that changes the state. The log alone
  cannot show that nothing was left out; the numbers per stream (`q`) and the peer's log can.

It does not promise yet: witnesses against a split view (P3), time stamps (P4), yearly shards. A leaf reveals
neither content nor parties (P6), but to readers of leaves it does show how many events there were, and when.

**How a leaf gets there.** A conductor makes a leaf (`make_leaf`) and appends it to the `Log` ledger in its own unit of
work; after any commit that left pending leaves, `sequence` gives them indexes and moves the head. `CheckpointPublisher`
signs heads; `covering(size)` waits for a signed one, `proving(leaves)` for one with the proofs for a receipt.

**When the power fails**

* before the commit of the state change: neither state nor leaf is there; the step is taken again.
* after it, before `sequence`: the leaf is pending, and the next sequencing takes it.
* after `sequence`, before the signature: the head waits; at start the publisher signs it.
* after the signature, before the memory is durable: nobody has seen the signature. The next one is made over whatever
  the head is then; the older memory is whole, because a new file is renamed over it.
* after the memory, before the checkpoint is published: memory is newer than the database. At start the head is proven
  consistent with it, and it is published again.
* after publishing, before a receipt left: the receipt is made again from stored claims, with any covering checkpoint.

A database that `gateway restore` put back goes on as a log of another name, which says so (`succession`). Without that,
a head that is smaller than the memory, or not consistent with it, means that the database went back (a restored backup,
a lost disk) or was rewritten; a memory older than the published checkpoint, that the memory did. Then
`audit.inconsistent` is raised, nothing is signed any more, and a person decides. Signing on would be a fork.

**What a stranger can check**, and with what: the checkpoint's signature with openssl (docs/AUDIT-EVENTS.md shows the
commands); one receipt with any RFC 6962 implementation; the whole log with `verify_log`, or by recomputing it.

Rules of the room: `tree`, `leaf`, `note`, `checkpoint`, `proof` and `verify` are pure. What does not prove what it
claims raises `AuditError`; a proof is never a bool that can be forgotten. Only `memory` touches a file, only
`publisher` waits.
"""

from gateway.audit.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    verify_checkpoint,
)
from gateway.audit.errors import (
    AuditError,
    LeafError,
    NotCoveredError,
    NoteError,
    OpeningError,
    ProofError,
    SignatureError,
    UnverifiedError,
)
from gateway.audit.leaf import LeafFields, leaf_hash, make_leaf, open_leaf, parse_leaf, private_bytes
from gateway.audit.memory import CheckpointMemory, SignerMemory
from gateway.audit.note import KeyType, Note, NoteSignature, VerifierKey, open_note, sign_note
from gateway.audit.probes import LogProbe, SignerProbe
from gateway.audit.proof import InclusionProof, prove
from gateway.audit.publisher import CheckpointPublisher, PublishedCheckpoint
from gateway.audit.sequencer import sequence
from gateway.audit.succession import LogInForce, closed_at, log_in_force, name_of, with_successors
from gateway.audit.tree import Climbed, empty_head, empty_root, verify_consistency, verify_inclusion
from gateway.audit.verify import Fault, LoggedLeaf, LogReader, LogReport, verify_log, verify_logged

__all__ = [
    "AuditError",
    "Checkpoint",
    "CheckpointMemory",
    "CheckpointPublisher",
    "Climbed",
    "Fault",
    "InclusionProof",
    "KeyType",
    "LeafError",
    "LeafFields",
    "LogInForce",
    "LogProbe",
    "LogReader",
    "LogReport",
    "LoggedLeaf",
    "NotCoveredError",
    "Note",
    "NoteError",
    "NoteSignature",
    "OpeningError",
    "ProofError",
    "PublishedCheckpoint",
    "SignatureError",
    "SignerMemory",
    "SignerProbe",
    "UnverifiedError",
    "VerifierKey",
    "closed_at",
    "empty_head",
    "empty_root",
    "format_checkpoint",
    "leaf_hash",
    "log_in_force",
    "make_leaf",
    "name_of",
    "open_checkpoint",
    "open_leaf",
    "open_note",
    "parse_checkpoint",
    "parse_leaf",
    "private_bytes",
    "prove",
    "sequence",
    "sign_note",
    "verify_checkpoint",
    "verify_consistency",
    "verify_inclusion",
    "verify_log",
    "verify_logged",
    "with_successors",
]
