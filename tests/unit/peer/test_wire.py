"""Slip lines, digests and media types: what is accepted, and that nothing else is."""

import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import limits
from gateway.core.errors import GatewayError, PeerError
from gateway.core.ids import OrganId
from gateway.core.model import SlipRecipient
from gateway.peer.wire import (
    RECEIPTS_ACCEPTED,
    accepted_form,
    check_content_type,
    decode_slip,
    encode_slip,
    has_jws_form,
)
from tests.kit.transport import make_slip

SLIP = make_slip(b"envelope")
JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["transfer", "envelope", "recipients", "x"]), inner)
    ),
)


def members() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(encode_slip(SLIP))
    return loaded


def line_of(changed: dict[str, Any]) -> bytes:
    return rfc8785.dumps(changed) + b"\n"


def test_a_slip_survives_the_line() -> None:
    assert decode_slip(encode_slip(SLIP)) == SLIP


def test_the_line_is_rfc_8785() -> None:
    assert encode_slip(SLIP) == line_of(members())
    assert encode_slip(SLIP).count(b"\n") == 1


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200))
def test_any_document_id_keeps_the_line_canonical(document_id: str) -> None:
    slip = replace(SLIP, document_id=document_id)
    assert encode_slip(slip) == rfc8785.dumps(json.loads(encode_slip(slip))) + b"\n"
    assert decode_slip(encode_slip(slip)) == slip


def test_the_largest_slip_fits_its_bound() -> None:
    recipients = tuple(
        SlipRecipient(organ_id=OrganId(f"Z79.{index:031}"), sequence=2**53 - 1)
        for index in range(limits.RECIPIENTS_MAX)
    )
    slip = replace(SLIP, recipients=recipients, document_id="\u20ac" * limits.DOCUMENT_ID_CHARS_MAX)
    assert len(encode_slip(slip)) <= limits.SLIP_BYTES_MAX
    assert decode_slip(encode_slip(slip)) == slip


WRONG: dict[str, Any] = {
    "transfer": ["", 7, None, "019A6F00-0000-7000-8000-000000000001", "019a6f00-0000-4000-8000-000000000001"],
    "origin": ["", "UPPER.example", "a b", "a" * 254, "-a", None],
    "destination": ["", "x/y", 1],
    "kind": ["", "EDOC", "other", 1],
    "sender": ["", "h29", "H29.16\n", "H29." + "A" * 32, None],
    "document_id": ["", "a\u0000b", "a\nb", "a\u0085b", "x" * 201, 5],
    "envelope": [None, {}, {"sha256": "0" * 64}, {"sha256": "0" * 64, "size": 0}, {"sha256": "A" * 64, "size": 1}],
    "registry_epoch": [0, -1, 2**53 - 1 + 1, "7", 7.5, True],
    "sent_at": [
        "",
        "2026-11-21T13:05:09Z",
        "2026-11-21T13:05:09.120+00:00",
        "2026-13-21T13:05:09.120Z",
        "2026-11-21 13:05:09.120Z",
        1,
    ],
    "recipients": [
        [],
        None,
        [{"organ_id": "H29"}],
        [{"organ_id": "H29", "sequence": 0}],
        [{"organ_id": "H29", "sequence": 1, "more": 1}],
        [{"organ_id": "H29", "sequence": 1}, {"organ_id": "H29", "sequence": 2}],
        [{"organ_id": f"H{index:02}.{index}", "sequence": 1} for index in range(limits.RECIPIENTS_MAX + 1)],
    ],
}


@pytest.mark.parametrize(("member", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_member_out_of_bounds_is_malformed(member: str, value: object) -> None:
    line = json.dumps({**members(), member: value}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(PeerError) as caught:
        decode_slip(line + b"\n")
    assert caught.value.code == "transfer.malformed"
    assert caught.value.params["reason"].startswith(f"slip.{member}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("member", sorted(members()))
def test_every_member_is_required(member: str) -> None:
    less = members()
    del less[member]
    with pytest.raises(PeerError, match=r"transfer\.malformed"):
        decode_slip(line_of(less))


def test_the_name_of_an_unknown_member_is_not_repeated_to_anybody() -> None:
    with pytest.raises(PeerError) as caught:
        decode_slip(line_of({**members(), "<script>": 1}))
    assert dict(caught.value.params) == {"reason": "slip"}


def test_other_readings_of_the_same_slip_are_refused() -> None:
    line = encode_slip(SLIP)
    twice = line.replace(b'{"destination"', b'{"sender":"Z79.X","destination"', 1)
    spaced = line.replace(b'":', b'": ', 1)
    escaped = line.replace("Đ".encode(), b"\\u0110", 1)
    unsorted = json.dumps(dict(reversed(members().items())), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    for other in (twice, spaced, escaped, unsorted, line[:-1], line + b"\n", b"\xef\xbb\xbf" + line):
        assert other != line
        with pytest.raises(PeerError, match=r"transfer\.malformed"):
            decode_slip(other)


def test_an_envelope_over_the_bound_is_named_as_such() -> None:
    def slip_of(size: int) -> bytes:
        return encode_slip(replace(SLIP, envelope=replace(SLIP.envelope, size=size)))

    assert decode_slip(slip_of(limits.ENVELOPE_BYTES_MAX)).envelope.size == limits.ENVELOPE_BYTES_MAX
    with pytest.raises(PeerError, match=r"size\.limit"):
        decode_slip(slip_of(limits.ENVELOPE_BYTES_MAX + 1))


@settings(max_examples=300)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode() + b"\n"))
def test_no_line_does_more_than_raise_a_typed_error(line: bytes) -> None:
    with pytest.raises(GatewayError):
        decode_slip(line)


def test_a_deep_line_is_refused() -> None:
    with pytest.raises(PeerError, match=r"transfer\.malformed"):
        decode_slip(b"[" * limits.SLIP_BYTES_MAX)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "request.media_type"),
        ("application/json", "request.media_type"),
        ("application/vnd.edoc.transferx; version=1", "request.media_type"),
        ("application/vnd.edoc.transfer", "transfer.version"),
        ("application/vnd.edoc.transfer; version=2", "transfer.version"),
        ("application/vnd.edoc.transfer; version=11", "transfer.version"),
    ],
)
def test_other_media_types_are_refused(value: str, code: str) -> None:
    with pytest.raises(PeerError) as caught:
        check_content_type(value)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "value", ["application/vnd.edoc.transfer; version=1", 'Application/vnd.EDOC.transfer;version="1"']
)
def test_spellings_of_the_media_type(value: str) -> None:
    check_content_type(value)


def test_form_of_a_receipt() -> None:
    assert has_jws_form(b"eyJ.e30.AA-_")
    for other in (b"", b"a.b", b"a.b.c.d", b"a.b.c\n", b"a..c", b"a.b.c="):
        assert not has_jws_form(other)
    assert not has_jws_form(b"a.b." + b"c" * limits.RECEIPT_BYTES_MAX)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (RECEIPTS_ACCEPTED, 2),
        ("application/jose; version=2", 2),
        ("text/html,APPLICATION/JOSE;Version=2;q=0.5", 2),
        ('application/jose; version="2"', 2),
        ("application/jose; version=2, application/jose; version=7", 2),
        ("", 1),
        ("*/*", 1),
        ("application/jose", 1),
        ("application/jose; version=1", 1),
        ("application/jose; version=3", 1),
        ("application/jose; version=22", 1),
        ("application/jose; conversion=2", 1),
        ("application/json; version=2", 1),
        ("application/jose, text/plain; version=2", 1),
        ("," * 5_000, 1),
    ],
)
def test_who_does_not_say_that_it_reads_a_form_does_not_get_it(accept: str, form: int) -> None:
    assert accepted_form(accept) == form
