"""The text of our signatures: canonical by construction, and what two other programs make and take of it."""

import hashlib
from base64 import b64decode, b64encode

import pytest
from cryptography import x509
from lxml import etree

from gateway.core.errors import SenderError
from gateway.crypto import prepare_envelope, prepare_slip
from gateway.crypto.xades.prepare import PreparedSignature
from gateway.edxml import slip_of, write_skeleton, write_slip
from tests.kit.pki import MOMENT, Leaf, LeafKind, Pki
from tests.unit.crypto.envelopes import document, signed, status
from tests.unit.crypto.sealing import raw_signature
from tests.unit.crypto.second_opinions import (
    DS,
    PARTS,
    XADES,
    signed_by_signxml,
    signxml_accepts,
    xmlsec_accepts,
)
from tests.unit.edxml.samples import DOCUMENT, FILES, STATUS, attachments

PKI = Pki()
SLIP = write_slip(slip_of(DOCUMENT, attachments(*FILES)))
SKELETONS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "document": (document(), ("header", "business", "body")),
    "thirty recipients": (document(30), ("header", "business", "body")),
    "written": (write_skeleton(DOCUMENT, attachments(*FILES)), ("header", "business", "body")),
    "status": (status(), ("header",)),
    "written status": (write_skeleton(STATUS, ()), ("header",)),
    "slip": (SLIP, ("statement",)),
}
EACH = pytest.mark.parametrize("name", SKELETONS)
KEYS = pytest.mark.parametrize("kind", ["transport", "elliptic", "seal"])


def prepared(name: str, leaf: Leaf) -> PreparedSignature:
    prepare = prepare_slip if name == "slip" else prepare_envelope
    return prepare(SKELETONS[name][0], chain=leaf.chain, moment=MOMENT)


def whole(name: str, kind: LeafKind) -> bytes:
    leaf = PKI.leaf(kind)
    ready = prepared(name, leaf)
    return ready.filled(raw_signature(leaf, ready.to_sign))


def canonical(element: etree._Element | None) -> bytes:
    assert element is not None
    return etree.tostring(element, method="c14n", exclusive=True)


@EACH
@KEYS
def test_what_is_signed_and_digested_stands_in_the_file_octet_for_octet(name: str, kind: LeafKind) -> None:
    data = whole(name, kind)
    root = etree.fromstring(data)
    for tag in (f"{{{DS}}}SignedInfo", f"{{{DS}}}KeyInfo", f"{{{XADES}}}SignedProperties"):
        assert canonical(root.find(f".//{tag}")) in data, tag
    assert canonical(root.find(f".//{{{DS}}}SignedInfo")) == prepared(name, PKI.leaf(kind)).to_sign


@EACH
@KEYS
def test_it_is_canonically_what_signxml_makes(name: str, kind: LeafKind) -> None:
    leaf, (skeleton, parts) = PKI.leaf(kind), SKELETONS[name]
    description = "seal slip" if name == "slip" else "edXML"
    theirs, to_sign = signed_by_signxml(skeleton, leaf, parts, moment=MOMENT, description=description)
    assert prepared(name, leaf).to_sign == to_sign
    ours = etree.fromstring(whole(name, kind)).find(f".//{{{DS}}}Signature")
    assert ours is not None
    value = ours.find(f"{{{DS}}}SignatureValue")
    assert value is not None
    value.text = ""
    assert canonical(ours) == canonical(theirs)


@EACH
@KEYS
def test_every_digest_is_of_the_part_it_names(name: str, kind: LeafKind) -> None:
    root = etree.fromstring(whole(name, kind))
    of = {element.get("Id"): element for element in root.iter() if element.get("Id")}
    references = root.findall(f".//{{{DS}}}Signature/{{{DS}}}SignedInfo/{{{DS}}}Reference")
    assert [str(reference.get("URI"))[1:] for reference in references][:-2] == list(SKELETONS[name][1])
    for reference in references:
        element = of[str(reference.get("URI"))[1:]]
        digest = b64decode(reference.findtext(f"{{{DS}}}DigestValue", ""))
        assert digest == hashlib.sha256(canonical(element)).digest()


@EACH
@KEYS
def test_signxml_and_libxmlsec_accept_it(name: str, kind: LeafKind) -> None:
    certificate = PKI.leaf(kind).certificate
    data = whole(name, kind)
    assert signxml_accepts(data, certificate)
    assert xmlsec_accepts(data, certificate)


@EACH
def test_signxml_and_libxmlsec_refuse_each_part_that_was_changed(name: str) -> None:
    """Or their word above would be worth nothing."""
    certificate = PKI.leaf("transport").certificate
    for tag in (*(PARTS[part] for part in SKELETONS[name][1]), f"{{{XADES}}}SigningTime", f"{{{DS}}}X509Data"):
        root = etree.fromstring(whole(name, "transport"))
        element = root.find(f".//{tag}")
        assert element is not None
        element.set("note", "A")
        data = etree.tostring(root)
        assert not xmlsec_accepts(data, certificate), tag
        assert not signxml_accepts(data, certificate), tag


@EACH
def test_the_skeleton_s_own_bytes_stay_as_they_are(name: str) -> None:
    skeleton, data = SKELETONS[name][0], whole(name, "transport")
    begin, end = data.index(b"<ds:Signature "), data.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    assert data[:begin] + data[end:] == skeleton


def test_base64_of_a_certificate_is_broken_into_lines_as_in_pem() -> None:
    leaf = PKI.leaf("transport")
    root = etree.fromstring(signed(document(), leaf))
    texts = [element.text or "" for element in root.iter(f"{{{DS}}}X509Certificate")]
    assert [b64decode(text) for text in texts] == list(leaf.chain)
    assert {len(line) for text in texts for line in text.splitlines()[:-1]} == {64}
    assert [text.replace("\n", "").encode() for text in texts] == [b64encode(der) for der in leaf.chain]


@pytest.mark.parametrize(
    "hidden",
    [
        b"<![CDATA[</edXML:edXMLHeader>]]>",
        b"<![CDATA[x]]>",
        b"</edXML:edXMLHeader><edXML:edXMLHeader>",
    ],
)
def test_the_place_is_never_guessed(hidden: bytes) -> None:
    """An end tag in a text would take the signature to where nobody looks for it."""
    skeleton = document().replace("Về việc thử".encode(), hidden)
    with pytest.raises(SenderError) as caught:
        prepare_envelope(skeleton, chain=PKI.leaf("transport").chain, moment=MOMENT)
    assert caught.value.code == "envelope.malformed"


def test_an_end_tag_written_as_text_is_text() -> None:
    leaf = PKI.leaf("transport")
    data = signed(document(subject="&lt;/edXML:edXMLHeader&gt;"), leaf)
    assert xmlsec_accepts(data, leaf.certificate)


def test_the_chain_is_the_callers_and_nothing_of_another_is_kept() -> None:
    """What a chain contributes is kept (`text._chain`): by all of its bytes, so that no two are mixed up."""
    leaf = PKI.leaf("transport")
    alone = prepare_envelope(document(), chain=leaf.chain[:1], moment=MOMENT)
    both = prepare_envelope(document(), chain=leaf.chain, moment=MOMENT)
    again = prepare_envelope(document(), chain=leaf.chain[:1], moment=MOMENT)
    assert alone == again != both
    root = etree.fromstring(alone.filled(raw_signature(leaf, alone.to_sign)))
    certificates = [b64decode(element.text or "") for element in root.iter(f"{{{DS}}}X509Certificate")]
    assert certificates == [leaf.der]
    assert isinstance(leaf.certificate, x509.Certificate)
