"""The cut: whatever pieces a file comes in, the result is one; and no file costs more than its bytes."""

import base64
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.core.errors import SenderError
from gateway.core.limits import KIB
from gateway.safe_xml import AT_HAND, EXCHANGE, decoded, in_memory
from gateway.safe_xml.cut import TAG_BYTES_MAX, cut
from gateway.safe_xml.payload import Decoder

DATA = bytes(range(256)) * 8


def in_pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The data divided into pieces of these sizes, over and over."""
    at, turn = 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


def outcome(pieces: Iterator[bytes] | list[bytes]) -> object:
    """Everything that a reader could ever see of a cut."""
    try:
        markup, knife = cut(pieces, store=in_memory, caps=EXCHANGE)
    except SenderError as error:
        return error.code, error.params
    files = [(one.read(), one.size, one.digest, one.sound) for one in knife.payloads]
    return markup, files, dict(knife.stepped_over)


def envelope(text: bytes, *, tag: bytes = b"<e:ContentTransferEncoded>") -> bytes:
    return b"<?xml version='1.0'?><a><b/>%b%b</e:ContentTransferEncoded><c>x</c></a>" % (tag, text)


MARKUP = st.sampled_from(
    [
        b"<e:ContentTransferEncoded>", b"<ContentTransferEncoded a='>' b=\"'/>\" >", b"<ContentTransferEncoded/>",
        b"<ContentTransferEncoded a='/'>", b"<ContentTransferEncodedX>", b"</e:ContentTransferEncoded>", b"<a>", b"</a>",
        b"<!-- < -->", b"<!-->-->", b"<![CDATA[", b"]]>", b"]]", b"<?xml ", b"<?x", b"?>", b"<?", b"<", b">", b"'",
        b'"', b"=", b"<!DOCTYPE", b"/", b"x" * 70, b"<%b:ContentTransferEncoded>" % (b"p" * 64),
        b"<%b:ContentTransferEncoded>" % (b"p" * 65),
    ]
)  # fmt: skip
TEXT = st.sampled_from(
    [
        b"QUJD", b"Q", b"UJ", b"QQ==", b"QUI=", b"=", b"====", b"\r\n", b" ", b"\t", b"&#13;", b"&#xD;", b"&#x0a;", b"&#XA;",
        b"&", b"&#", b"&#1", b"3;", b";", b"&amp;", b"-", b"\x00", b"A" * 40, b"A" * 41, b"A" * 17 + b"\n",
    ]
)  # fmt: skip
FILE = st.lists(st.one_of(MARKUP, TEXT), max_size=12).map(b"".join)
BASE64 = (
    st.lists(st.one_of(TEXT, TEXT, st.sampled_from([b"<![CDATA[", b"]]>"])), max_size=12).map(b"".join).map(envelope)
)
SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=5)


@settings(max_examples=500, deadline=None)
@given(data=st.one_of(FILE, BASE64), sizes=SIZES, again=SIZES)
def test_a_payload_is_found_again_at_its_place(data: bytes, sizes: list[int], again: list[int]) -> None:
    try:
        _, knife = cut(in_pieces(data, sizes), store=in_memory, caps=EXCHANGE)
    except SenderError:
        return
    for payload in knife.payloads:
        text = data[payload.start : payload.end]
        if payload.sound:
            assert b"".join(decoded(in_pieces(text, again), caps=EXCHANGE)) == payload.read()
        else:
            with pytest.raises(SenderError):
                list(decoded(in_pieces(text, again), caps=EXCHANGE))


@pytest.mark.parametrize(
    "text", [b"QUJD</a>QUJD", b"QUJD<b/>", b"</ContentTransferEncoded><ContentTransferEncoded>", b"Q"]
)
def test_a_place_that_holds_something_else_is_refused(text: bytes) -> None:
    with pytest.raises(SenderError):
        list(decoded([text], caps=EXCHANGE))


@settings(max_examples=1_000, deadline=None)
@given(data=st.one_of(FILE, BASE64), sizes=SIZES)
@example(data=envelope(b"&#1&#9;3;"), sizes=[len(envelope(b"&#1&#9;")) - 30, 4])
@example(data=envelope(b"QUJD===="), sizes=[1])
@example(data=envelope(b"QUJDQUJD-QUJD"), sizes=[1])
@example(data=envelope(b"&#1<![CDATA[3;]]>QUJD"), sizes=[7])
@example(data=envelope(b"QUJD", tag=b"<ContentTransferEncoded a='%b'>" % (b"v" * TAG_BYTES_MAX)), sizes=[30_000])
def test_any_division_into_pieces_gives_the_same(data: bytes, sizes: list[int]) -> None:
    whole = outcome([data])
    assert outcome(in_pieces(data, sizes)) == whole
    assert outcome(in_pieces(data, [1])) == whole


@settings(deadline=None)
@given(
    data=st.binary(max_size=400),
    width=st.integers(1, 80),
    end=st.sampled_from([b"\n", b"\r\n", b"&#13;\n", b" "]),
    sizes=SIZES,
)
def test_what_was_encoded_comes_back(data: bytes, width: int, end: bytes, sizes: list[int]) -> None:
    text = base64.b64encode(data)
    lines = end.join(text[at : at + width] for at in range(0, len(text), width))
    _, knife = cut(in_pieces(envelope(lines), sizes), store=in_memory, caps=EXCHANGE)
    (payload,) = knife.payloads
    assert (payload.read(), payload.size, payload.digest) == (data, len(data), sha256(data).hexdigest())
    assert payload.sound


FAULTS = {
    "a character of another alphabet": (b"QUJDQUJD-UJD", b"ABCABC"),
    "more after the padding": (b"QUI=QUJD", b"AB"),
    "padding beyond a group": (b"QUJD====", b"ABC"),
    "padding twice": (b"QQ======", b"A"),
    "a group cut short": (b"QUJDQU", b"ABC"),
    "a reference to a letter": (b"QUJD&#81;UJD", b"ABC"),
    "a reference with a large x": (b"QUJD&#XA;QUJD", b"ABC"),
    "a reference made of two": (b"QUJD&#1&#9;3;QUJD", b"ABC"),
    "a reference without an end": (b"QUJD&#13", b"ABC"),
    "a reference in a section": (b"QUJD<![CDATA[&#13;]]>QUJD", b"ABC"),
    "a reference that goes on in a section": (b"QUJD&#1<![CDATA[3;]]>QUJD", b"ABC"),
    "a null character": (b"QUJD\x00QUJD", b"ABC"),
}


@pytest.mark.parametrize("size", [1, 3, 7, 1_000])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_nothing_is_read_beyond_it(fault: str, size: int) -> None:
    text, before = FAULTS[fault]
    _, knife = cut(in_pieces(envelope(text), [size]), store=in_memory, caps=EXCHANGE)
    (payload,) = knife.payloads
    assert (payload.sound, payload.read(), payload.size) == (False, before, len(before))


def test_a_start_tag_as_long_as_it_may_be_and_one_byte_more() -> None:
    room = TAG_BYTES_MAX - len(b" a=''")
    for size in (1_000, 1_000_000):
        tag = b"<ContentTransferEncoded a='%b'>" % (b">" * room)
        assert len(cut(in_pieces(envelope(b"", tag=tag), [size]), store=in_memory, caps=EXCHANGE)[1].payloads) == 1
        longer = tag.replace(b"a='", b"a='>")
        assert outcome(in_pieces(envelope(b"", tag=longer), [size])) == ("envelope.malformed", {"reason": "text"})


@pytest.mark.parametrize("section", [b"<!---->", b"<??>"])
def test_more_sections_than_nodes_are_refused(section: bytes) -> None:
    data = b"<a>" + section * (EXCHANGE.nodes + 1) + b"</a>" * 2
    assert outcome([data]) == ("envelope.malformed", {"reason": "nodes"})
    assert outcome([envelope(b"<![CDATA[]]>" * (EXCHANGE.nodes + 1))]) == ("envelope.malformed", {"reason": "nodes"})


# --- what a file can cost ---------------------------------------------------------------------------------------------


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, those written in C included: the same on every machine."""
    count = 0

    def watch(_frame: object, event: str, _value: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "many small payloads": lambda n: b"<a>" + b"<ContentTransferEncoded>QUJD</ContentTransferEncoded>" * (n // 52),
    "comments": lambda n: b"<!---->" * (n // 7),
    "an ampersand for each byte": lambda n: envelope(b"&" * n),
    "white space in references": lambda n: envelope(b"&#13;" * (n // 5)),
    "white space": lambda n: envelope(b" \n" * (n // 2)),
    "a start tag without an end": lambda n: b"<ContentTransferEncoded " + b"a='>'" * (n // 5),
    "a quote without an end": lambda n: b"<ContentTransferEncoded a='" + b">" * n,
    "a section without an end": lambda n: b"<a><!--" + b"-" * n,
    "a text section without an end": lambda n: envelope(b"<![CDATA[" + b"]" * n),
    "text sections": lambda n: envelope(b"<![CDATA[]]>" * (n // 12)),
    "beginnings": lambda n: b"<" * n,
    "almost a payload": lambda n: b"<ContentTransferEncode " * (n // 23),
    "prefixes": lambda n: (b"<" + b"p" * 63) * (n // 64),
}


@pytest.mark.parametrize("piece", [1, 64, 64 * KIB])
@pytest.mark.parametrize("case", HOSTILE)
def test_twice_the_file_is_twice_the_work(case: str, piece: int) -> None:
    """In calls; what they look at again and again is the next test's concern."""
    make = HOSTILE[case]
    small, large = (calls(lambda n=n: outcome(in_pieces(make(n), [piece]))) for n in (4_000, 16_000))
    assert large < 4.5 * small + 200


class Piece(bytes):
    """A piece that counts the bytes which are joined to it: those are looked at again."""

    joined = 0

    def __radd__(self, kept: bytes) -> bytes:
        Piece.joined += len(kept)
        return bytes(kept) + bytes(self)


@pytest.mark.parametrize("case", HOSTILE)
def test_little_is_looked_at_again(case: str) -> None:
    """What waits for the next piece is short, whatever the file: a tag or a section without an end is not kept for later."""
    data = HOSTILE[case](30_000)
    Piece.joined = 0
    pieces = [Piece(data[at : at + 1]) for at in range(len(data))]
    outcome(pieces)
    assert Piece.joined <= 130 * len(data)


def test_a_payload_of_any_size_keeps_less_than_a_group() -> None:
    class Counting(BytesIO):
        writes = 0

        def write(self, data: bytes) -> int:
            Counting.writes += 1
            return super().write(data)

    decoder = Decoder(Counting(), limit=AT_HAND.payload_bytes, position=1)
    piece = base64.b64encode(bytes(3 * 16 * KIB))[1:] + b"A"
    decoder.feed(b"AAA")
    for _ in range(100):
        decoder.feed(piece)
    assert Counting.writes <= 2 * 100, "a group that was begun, and all the others at once"
