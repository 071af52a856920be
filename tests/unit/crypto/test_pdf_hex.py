"""Hexadecimal strings are read faster, and never otherwise than by pyHanko."""

import io
import random

import pytest
from pyhanko.pdf_utils import generic

from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades import hex as pdf_hex
from gateway.crypto.pades.verify import judge_pdf
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.sealing import sealed

LENGTHS = (0, 1, 2, 3, 4093, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 20_000)


def outcome(read: object, data: bytes, at: int) -> tuple[object, ...]:
    stream = io.BytesIO(data)
    stream.seek(at)
    found = attempt(read, stream)  # type: ignore[arg-type]
    if isinstance(found, Trouble):
        return (found.reason,)
    return type(found), found, stream.tell()


def check(data: bytes, at: int = 0) -> None:
    assert outcome(pdf_hex.read_hex_string, data, at) == outcome(pdf_hex._ORIGINAL, data, at)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("end", [b">", b">>", b"", b" >", b"g>", b">" + b"0" * 5000, b"<>", b"\0>"])
def test_every_length_and_end(length: int, end: bytes) -> None:
    digits = bytes(random.Random(length).choices(b"0123456789abcdefABCDEF", k=length))
    check(b"<" + digits + end)
    check(b"before <" + digits + end, at=7)


@pytest.mark.parametrize("at", [0, 1, 4094, 4095, 4096, 4097, 9000])
@pytest.mark.parametrize("sign", [b" ", b"\n", b"g", b"%x\n", b"<", b"(", b"\0"])
def test_a_sign_anywhere_between_the_digits(at: int, sign: bytes) -> None:
    digits = b"0a" * 4_600
    check(b"<" + digits[:at] + sign + digits[at:] + b"> rest")


def test_text_in_utf_16_and_in_utf_8_is_text() -> None:
    for text in ("Ủy ban".encode("utf-16"), b"\xef\xbb\xbf" + "Ủy ban".encode(), b"\xfe\xff\xd8"):
        check(b"<" + text.hex().encode() + b">")


def test_judging_uses_it() -> None:
    generic.read_hex_string_from_stream = pdf_hex._ORIGINAL
    pki = Pki("Hex")
    judge_pdf(sealed(tiny_pdf(), pki.leaf("seal")), trust=pki.trust, moment=MOMENT)
    assert generic.read_hex_string_from_stream is pdf_hex.read_hex_string
