import base64
import json
from dataclasses import replace
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import LeafError, OpeningError, leaf_hash, make_leaf, open_leaf, parse_leaf, private_bytes
from gateway.core.clock import to_millis
from gateway.core.events import EventKind
from gateway.core.ids import OrganId
from gateway.core.limits import LEAF_BYTES_MAX
from tests.unit.audit.world import event, leaf, salt


def test_a_leaf_can_be_rebuilt_from_the_page_that_describes_it() -> None:
    """docs/AUDIT-EVENTS.md in five lines, without the room's code."""
    previous = sha256(b"before").hexdigest()
    happened = event(7, previous=previous)
    made = make_leaf(happened, salt=salt(7))
    commitment = sha256(b"edoc-audit/c1\n" + salt(7) + rfc8785.dumps(dict(happened.private))).digest()

    def b64url(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    fields: dict[str, str | int] = {
        "c": b64url(commitment),
        "e": "received",
        "p": b64url(bytes.fromhex(previous)),
        "q": 8,
        "s": b64url(bytes(16)),
        "t": to_millis(happened.at),
        "v": 1,
    }
    assert made.data == rfc8785.dumps(fields)
    assert made.hash == leaf_hash(made.data) == sha256(b"\0" + made.data).digest()


@pytest.mark.parametrize("kind", EventKind)
def test_every_event_makes_a_leaf_that_its_reader_reads(kind: EventKind) -> None:
    happened = replace(event(3), kind=kind, stream=b"", sequence=0)
    made = make_leaf(happened, salt=salt(3))
    fields = parse_leaf(made.data)
    assert (fields.event, fields.previous, fields.stream, fields.sequence) == (kind.value, b"", b"", 0)
    assert fields.encode() == made.data
    assert len(made.data) < LEAF_BYTES_MAX


def test_the_leaf_hides_the_private_part() -> None:
    made = leaf(1)
    assert b"QD-UBND" not in made.data
    assert b"H29" not in made.data
    assert make_leaf(event(1), salt=salt(2)).data != made.data


def test_the_leaf_says_nothing_of_whom_it_concerns() -> None:
    happened = event(7)
    for changed in (replace(happened, organ=OrganId("Z79.01")), replace(happened, recipient=OrganId("Z79.01"))):
        assert make_leaf(changed, salt=salt(7)).data == make_leaf(happened, salt=salt(7)).data


def test_the_opening_fits_only_its_leaf() -> None:
    one, other = leaf(1), leaf(2)
    assert open_leaf(one.data, one.salt, private_bytes(one.event.private)) == parse_leaf(one.data)
    for salt_, private in ((other.salt, one.private), (one.salt, other.private), (one.salt, one.private + b" ")):
        with pytest.raises(OpeningError):
            open_leaf(one.data, salt_, private)


def test_bytes_cannot_move_between_salt_and_private_part() -> None:
    made = leaf(1)
    with pytest.raises(OpeningError):
        open_leaf(made.data, made.salt + made.private[:1], made.private[1:])
    with pytest.raises(OpeningError):
        open_leaf(made.data, made.salt[:-1], made.salt[-1:] + made.private)


def _changes() -> list[bytes]:
    data = leaf(1).data
    fields = json.loads(data)
    return [
        b"",
        b"[" * 1000,
        data + b" ",
        b" " + data,
        data + b"\n",
        data.replace(b'","e"', b'", "e"'),
        data.replace(b'"v":1', b'"v":2'),
        data.replace(b'"v":1', b'"v":1.0'),
        data.replace(b'"v":1', b'"v":1,"w":1'),
        data.replace(b'"q":2', b'"q":02'),
        data.replace(b'"q":2', b'"q":-2'),
        data.replace(b'"q":2', b'"q":9007199254740992'),
        data.replace(b'"q":2', b'"q":' + b"9" * 500),
        data.replace(b"received", b"rec\\u0065ived"),
        data.replace(b"received", b"r" * 65),
        data.replace(b"received", b"r" * 2000),
        rfc8785.dumps({**fields, "c": fields["c"][:-1]}),
        rfc8785.dumps({**fields, "s": "AA"}),
        # 43 characters carry 258 bits: the last two must be zero.
        rfc8785.dumps({**fields, "c": "A" * 42 + "B"}),
    ]


@pytest.mark.parametrize("data", _changes())
def test_only_the_canonical_bytes_are_a_leaf(data: bytes) -> None:
    with pytest.raises(LeafError):
        parse_leaf(data)


@given(st.binary(max_size=LEAF_BYTES_MAX + 10))
def test_a_stranger_s_bytes_never_crash_the_reader(data: bytes) -> None:
    with pytest.raises(LeafError):
        parse_leaf(data)
