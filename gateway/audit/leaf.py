r"""The leaf: what stands in the tree about one event, and the opening that shows what it hides.

    {"c": commitment, "e": event, "p": leaf hash of the subject's previous event or "", "q": number in the stream or 0,
     "s": stream handle or "", "t": milliseconds since 1970-01-01T00:00Z, "v": 1}        hashes in base64url, no padding

    c = SHA-256("edoc-audit/c1\n" || salt || canonical JSON of the private part)
    leaf hash = SHA-256(0x00 || leaf bytes)                                              RFC 6962 section 2.1

The salt is 32 random bytes for every leaf: without it anybody could guess document codes and test the guesses.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.audit.canonical import INTEGER_MAX, canonical_json
from gateway.audit.errors import LeafError, OpeningError
from gateway.core.base64url import decode_base64url, encode_base64url
from gateway.core.clock import to_millis
from gateway.core.events import AuditEvent, Leaf
from gateway.core.limits import LEAF_BYTES_MAX, SALT_BYTES, STREAM_HANDLE_BYTES

VERSION: Final = 1
HASH_BYTES: Final = 32
COMMITMENT_PREFIX: Final = b"edoc-audit/c1\n"

# A canonical leaf is so regular that one pattern reads it: no JSON parser, no depth, no duplicate names to think of.
_LEAF: Final = re.compile(
    rb'\{"c":"(?P<c>[A-Za-z0-9_-]{43})","e":"(?P<e>[a-z][a-z0-9_.]{0,63})","p":"(?P<p>(?:[A-Za-z0-9_-]{43})?)",'
    rb'"q":(?P<q>0|[1-9][0-9]{0,15}),"s":"(?P<s>(?:[A-Za-z0-9_-]{22})?)","t":(?P<t>0|[1-9][0-9]{0,15}),"v":1\}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafFields:
    """What a leaf says to everybody who may read leaves."""

    commitment: bytes
    """SHA-256 over salt and private part."""
    event: str
    """An `EventKind` value; a log of a later version may know more of them."""
    previous: bytes
    """Leaf hash of the subject's previous event, or empty."""
    sequence: int
    """Number in the stream (sender, recipient), or 0."""
    stream: bytes
    """16-byte handle of the stream, or empty."""
    at_millis: int

    def encode(self) -> bytes:
        """The canonical bytes of the leaf: no value of it needs escaping, so RFC 8785 leaves one way to write it.

        Raises:
            LeafError: a number that not every reader of JSON keeps.
        """
        return _written(self.commitment, self.previous, self.stream, (self.event, self.sequence, self.at_millis))


def _written(commitment: bytes, previous: bytes, stream: bytes, rest: tuple[str, int, int]) -> bytes:
    event, sequence, at_millis = rest
    if max(sequence, at_millis) > INTEGER_MAX:
        raise LeafError("an integer beyond 2^53 - 1")
    return (
        f'{{"c":"{encode_base64url(commitment)}","e":"{event}","p":"{encode_base64url(previous)}","q":{sequence}'
        f',"s":"{encode_base64url(stream)}","t":{at_millis},"v":{VERSION}}}'
    ).encode("ascii")


def make_leaf(event: AuditEvent, *, salt: bytes) -> Leaf:
    """The leaf of an event, committed to with `salt` (32 fresh random bytes).

    Raises:
        LeafError: a private value is no text or integer, or its text has no UTF-8 form.
    """
    assert len(salt) == SALT_BYTES, "a salt of another length"
    assert len(event.stream) in {0, STREAM_HANDLE_BYTES}, "a stream handle of another length"
    previous = bytes.fromhex(event.previous)
    assert len(previous) in {0, HASH_BYTES}, "a previous leaf hash of another length"
    private = private_bytes(event.private)
    rest = (event.kind.value, event.sequence, to_millis(event.at))
    data = _written(_commit(salt, private), previous, event.stream, rest)
    assert len(data) <= LEAF_BYTES_MAX
    assert _LEAF.fullmatch(data), "a leaf that its own reader would refuse"
    return Leaf(data=data, hash=leaf_hash(data), salt=salt, private=private, event=event)


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data): the prefix keeps leaves and inner nodes apart (RFC 6962 section 2.1)."""
    return sha256(b"\x00" + data).digest()


def private_bytes(private: Mapping[str, str | int]) -> bytes:
    """Canonical JSON of a private part, as the commitment takes it.

    Raises:
        LeafError: a value is no text or integer, or its text has no UTF-8 form.
    """
    return canonical_json(private)


def parse_leaf(data: bytes) -> LeafFields:
    """What a leaf says. Only the canonical bytes are a leaf, so two readers never see two leaves in the same bytes.

    Raises:
        LeafError: the bytes are too many, or not the canonical form of a leaf of version 1.
    """
    if len(data) > LEAF_BYTES_MAX:
        raise LeafError(f"a leaf of {len(data)} bytes")
    match = _LEAF.fullmatch(data)
    if match is None:
        raise LeafError("not a canonical leaf of version 1")
    commitment, event, previous, sequence, stream, at = match.groups()
    fields = LeafFields(
        commitment=_bytes_of(commitment),
        event=event.decode(),
        previous=_bytes_of(previous),
        sequence=int(sequence),
        stream=_bytes_of(stream),
        at_millis=int(at),
    )
    # Layout, base64url and decimals have one form each: what remains is numbers that not every reader keeps.
    if max(fields.sequence, fields.at_millis) > INTEGER_MAX:
        raise LeafError("not a canonical leaf of version 1")
    return fields


def open_leaf(data: bytes, salt: bytes, private: bytes) -> LeafFields:
    """What the leaf says, if salt and private part are those it was made with.

    Raises:
        LeafError: the bytes are no leaf.
        OpeningError: the opening is another's.
    """
    fields = parse_leaf(data)
    # A salt of another length would let bytes move between salt and private part under the same commitment.
    if len(salt) != SALT_BYTES:
        raise OpeningError(f"a salt of {len(salt)} bytes")
    if _commit(salt, private) != fields.commitment:
        raise OpeningError("salt and private part do not fit the commitment")
    return fields


def _commit(salt: bytes, private: bytes) -> bytes:
    return sha256(COMMITMENT_PREFIX + salt + private).digest()


def _bytes_of(text: bytes) -> bytes:
    try:
        return decode_base64url(text.decode("ascii"))
    except ValueError as error:
        raise LeafError("base64url with stray bits at its end") from error
