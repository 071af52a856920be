"""Every byte of what an envelope's signature covers, changed one at a time: none passes that says anything else."""

import re

import pytest
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.validation import Indication
from gateway.crypto import verify_envelope
from gateway.safe_xml import QCVN, read_skeleton
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.envelopes import DS, document, signed
from tests.unit.crypto.second_opinions import XADES

PKI = Pki()
SIGNED = signed(document(), PKI.leaf("elliptic"))
PARTS = {
    "MessageHeader": QCVN,
    "Bussiness": QCVN,
    "edXMLBody": QCVN,
    "SignedInfo": DS,
    "SignatureValue": DS,
    "KeyInfo": DS,
    "SignedProperties": XADES,
}


def place(name: str) -> range:
    """Where the element stands, tags and all."""
    found = re.search(rb"<(\w+:)?%b[ >].*?</(\w+:)?%b>" % (name.encode(), name.encode()), SIGNED, re.DOTALL)
    assert found is not None
    return range(*found.span())


def says(root: etree._Element) -> list[bytes]:
    return [
        etree.tostring(element, method="c14n", exclusive=True)
        for name, namespace in PARTS.items()
        for element in root.iter(f"{{{namespace}}}{name}")
    ]


@pytest.mark.parametrize("name", PARTS)
def test_no_byte_of_a_signed_part_can_be_another(name: str) -> None:
    """What may be written in two ways, the end of a tag or a line of base64, says the same to everybody."""
    honest, passed = says(etree.fromstring(SIGNED)), 0
    for position in place(name):
        changed = SIGNED[:position] + bytes([SIGNED[position] ^ 1]) + SIGNED[position + 1 :]
        try:
            root = read_skeleton([changed]).root
        except SenderError:
            continue
        verdict = verify_envelope(root, trust=PKI.trust, moment=MOMENT).signature
        if verdict is not None and verdict.indication is Indication.TOTAL_PASSED:
            passed += 1
            assert says(root) == honest, position
    assert passed < len(place(name)) // 50
