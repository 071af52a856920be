"""Files that were changed anywhere, judged by us and by libxmlsec: what we pass, it accepts; and nothing signed was changed."""

from collections.abc import Iterator

import pytest
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.validation import Indication
from gateway.crypto import EnvelopeVerdict, prepare_slip, verify_envelope, verify_slip
from gateway.edxml import parse_slip, slip_of, write_slip
from gateway.safe_xml import read_skeleton
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.envelopes import document, signed
from tests.unit.crypto.sealing import raw_signature
from tests.unit.crypto.second_opinions import PARTS, xmlsec_accepts
from tests.unit.edxml.samples import DOCUMENT, FILES, attachments

PKI = Pki()
LEAF = PKI.leaf("transport")


def slip() -> bytes:
    prepared = prepare_slip(write_slip(slip_of(DOCUMENT, attachments(*FILES))), chain=LEAF.chain, moment=MOMENT)
    return prepared.filled(raw_signature(LEAF, prepared.to_sign))


HOW = ("flipped", "cut", "doubled", "blanked")
FILES_SIGNED = {"envelope": signed(document(2), LEAF), "slip": slip()}


def judged(kind: str, data: bytes) -> EnvelopeVerdict:
    if kind == "slip":
        return verify_slip(parse_slip(data), trust=PKI.trust, moment=MOMENT)
    return verify_envelope(read_skeleton([data]).root, trust=PKI.trust, moment=MOMENT)


def said(data: bytes) -> list[bytes]:
    """The canonical form of every signed part that is there."""
    root = etree.fromstring(data)
    return [
        etree.tostring(element, method="c14n", exclusive=True) for name in PARTS.values() for element in root.iter(name)
    ]


def changed(kind: str, how: str) -> Iterator[tuple[int, bytes]]:
    """The file with seven bytes changed, at every seventeenth place."""
    good = FILES_SIGNED[kind]
    for position in range(5, len(good) - 8, 17):
        piece = good[position : position + 7]
        new = {
            "flipped": bytes([piece[0] ^ 5, *piece[1:]]),
            "cut": b"",
            "doubled": piece * 2,
            "blanked": b" " * len(piece),
        }[how]
        yield position, good[:position] + new + good[position + 7 :]


def passed(kind: str, how: str) -> dict[int, bytes]:
    """Those of them that we pass, by the place of the change."""
    found = {}
    for position, data in changed(kind, how):
        try:
            verdict = judged(kind, data)
        except SenderError:
            continue
        if verdict.signature is not None and verdict.signature.indication is Indication.TOTAL_PASSED:
            found[position] = data
    return found


@pytest.mark.parametrize("kind", FILES_SIGNED)
@pytest.mark.parametrize("how", HOW)
def test_what_we_pass_another_program_accepts_and_says_the_same(kind: str, how: str) -> None:
    good, found = FILES_SIGNED[kind], passed(kind, how)
    for position, data in found.items():
        assert said(data) == said(good), position
        assert xmlsec_accepts(data, LEAF.certificate), position
    assert len(found) < len(good) // 17 // 10, "almost every change is found"
