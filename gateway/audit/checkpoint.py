"""The checkpoint (C2SP tlog-checkpoint v1.0.0): three lines that name a log, its size and its root, as a signed note.

Extension lines are refused: nobody who writes our logs or our peers' makes any, and what is not read cannot deceive.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.errors import NoteError, UnverifiedError
from gateway.audit.note import KeyType, VerifierKey, open_note
from gateway.audit.succession import with_successors
from gateway.audit.tree import HASH_BYTES, SIZE_MAX, empty_root

_BODY: Final = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself: the first `size` leaves have this root."""

    origin: str
    """Name of the log."""
    size: int
    root: bytes


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The three lines that are signed."""
    root = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint of its three lines.

    Raises:
        NoteError: the text is not exactly that, or no tree of that size has that root.
    """
    match = _BODY.fullmatch(text)
    if match is None:
        raise NoteError("not the three lines of a checkpoint")
    size, root = int(match["size"]), _root(match["root"])
    if size > SIZE_MAX or (size == 0 and root != empty_root()):
        raise NoteError("a size that no tree of that root has")
    return Checkpoint(origin=match["origin"], size=size, root=root)


def open_checkpoint(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint in a note, signed by the log itself: by an Ed25519 key of `keys` whose name is the log's origin.

    The key of a log is that of its successors, too (`succession`).
    Cosignatures of witnesses among `keys` are checked too, but do not make up for the log's own signature.

    Raises:
        SignatureError: a line names one of the keys and is not its signature.
        UnverifiedError: the log has not signed.
        NoteError: malformed.
    """
    opened = open_note(note, tuple(with_successors(note, keys)))
    checkpoint = parse_checkpoint(opened.text)
    if not any(
        signature.key.type is KeyType.ED25519 and signature.key.name == checkpoint.origin
        for signature in opened.signatures
    ):
        raise UnverifiedError("signed, but not by the log that it names")
    return checkpoint


def verify_checkpoint(note: str, vkeys: Sequence[str]) -> Checkpoint:
    """`open_checkpoint` with verifier keys as they stand in the registry (`origin+hash+base64`).

    Raises:
        NoteError: as there, or one of the keys is malformed.
    """
    return open_checkpoint(note, [VerifierKey.parse(text) for text in vkeys])


def _root(text: str) -> bytes:
    try:
        root = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoteError("a root that is not base64") from error
    if len(root) != HASH_BYTES or base64.b64encode(root).decode() != text:
        raise NoteError("a root that is not base64 of 32 bytes")
    return root
