"""What is kept of an attachment that is no base64: the bytes up to the fault, in whatever pieces the file came."""

import base64

import pytest

from gateway.safe_xml import Payload, read_skeleton
from tests.kit.edxml_vectors.base import PDF

FAULTS = {"a letter of none": b"!", "a mark in the middle": b"=", "two files in a row": b"A==QUJD"}


def payload(text: bytes, piece: int) -> Payload:
    data = b"<a><ContentTransferEncoded>" + text + b"</ContentTransferEncoded></a>"
    (found,) = read_skeleton(data[start : start + piece] for start in range(0, len(data), piece)).payloads
    return found


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("groups", [0, 1, 5])
def test_it_is_the_same_in_all_pieces(fault: bytes, groups: int) -> None:
    text = base64.b64encode(PDF)[: 4 * groups] + fault + base64.b64encode(PDF)
    found = {(one.sound, one.size, one.digest) for one in (payload(text, piece) for piece in range(1, len(text) + 40))}
    assert len(found) == 1
    sound, size, _ = found.pop()
    assert not sound
    assert size >= 3 * groups


def test_the_bytes_end_at_the_fault() -> None:
    text = base64.b64encode(PDF)
    assert payload(text[:8] + b"*" + text[8:], 1000).read() == PDF[:6]
