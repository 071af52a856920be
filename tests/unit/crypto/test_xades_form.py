"""The form of a signature, demand by demand: each is what refuses its own case, with its own words, before any key is used."""

import copy
from base64 import b64encode
from collections.abc import Callable

import pytest
from lxml import etree

from gateway.core.limits import EMBEDDED_CERTIFICATES_MAX
from gateway.core.validation import Indication, Outcome, SubIndication
from gateway.crypto import verify_envelope
from gateway.safe_xml import read_skeleton
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.envelopes import DS, document, signed
from tests.unit.crypto.second_opinions import XADES

PKI = Pki()
LEAF = PKI.leaf("transport")
SIGNED = signed(document(), LEAF)
Element = etree._Element
Change = Callable[[Element], object]

NOT_BUILT = "the signature is not built as the profile says"
INFO = "SignedInfo is not built as the profile says"
REFERENCE = "a reference is not built as the profile says"
TRANSFORM = "a transform other than exclusive canonicalisation"
CERTIFICATES = "KeyInfo holds more than certificates"
QUALIFYING = "QualifyingProperties holds more than SignedProperties"
NO_ID = "SignedProperties or KeyInfo without an Id of its own"


def one(root: Element, name: str, namespace: str = DS) -> Element:
    return next(root.iter(f"{{{namespace}}}{name}"))


def child(name: str, of: str, namespace: str = DS, place: int = 99) -> Change:
    """An empty element more."""
    return lambda root: one(root, of, XADES if of in XADES_NAMES else DS).insert(
        place, etree.Element(f"{{{namespace}}}{name}")
    )


def gone(name: str, namespace: str = DS) -> Change:
    def change(root: Element) -> None:
        element = one(root, name, namespace)
        element.getparent().remove(element)  # type: ignore[union-attr]

    return change


def swapped(name: str) -> Change:
    """The first two children the other way round."""
    return lambda root: one(root, name).insert(0, one(root, name)[1])


def text(name: str, value: str, namespace: str = DS) -> Change:
    return lambda root: setattr(one(root, name, namespace), "text", value)


def mark(name: str, namespace: str = DS, **attributes: str) -> Change:
    return lambda root: one(root, name, namespace).attrib.update(attributes)


def without_id(name: str, namespace: str = DS) -> Change:
    return lambda root: one(root, name, namespace).attrib.pop("Id")


def many_certificates(root: Element) -> None:
    data = one(root, "X509Data")
    while len(data) <= EMBEDDED_CERTIFICATES_MAX:
        data.append(copy.deepcopy(data[0]))


def two_signing_certificates(root: Element) -> None:
    named = one(root, "SigningCertificateV2", XADES)
    named.addnext(copy.deepcopy(named))


def type_of_a_part(root: Element) -> None:
    one(root, "Reference").set("Type", "http://uri.etsi.org/01903#SignedProperties")


def type_gone(root: Element) -> None:
    for reference in root.iter(f"{{{DS}}}Reference"):
        reference.attrib.pop("Type", None)


def no_fragment(root: Element) -> None:
    one(root, "Reference").set("URI", "xheader")


def no_uri(root: Element) -> None:
    del one(root, "Reference").attrib["URI"]


def other_digest_of_certificate(root: Element) -> None:
    one(one(root, "CertDigest", XADES), "DigestMethod").set("Algorithm", f"{DS}sha1")


def other_certificate_named(root: Element) -> None:
    one(one(root, "CertDigest", XADES), "DigestValue").text = b64encode(bytes(32)).decode()


def longer_cert_digest(root: Element) -> None:
    etree.SubElement(one(root, "CertDigest", XADES), f"{{{DS}}}DigestValue")


XADES_NAMES = {"QualifyingProperties", "SignedProperties", "CertDigest"}
CASES: dict[str, tuple[int, Change, str]] = {
    "an object more": (3, child("Object", "Signature"), NOT_BUILT),
    "no object": (3, gone("Object"), NOT_BUILT),
    "no KeyInfo": (3, gone("KeyInfo"), NOT_BUILT),
    "another order": (3, swapped("Signature"), NOT_BUILT),
    "an element in the value": (3, child("x", "SignatureValue", "urn:x"), "SignatureValue is not one value"),
    "no value": (3, text("SignatureValue", ""), "SignatureValue is not one value"),
    "another order in SignedInfo": (3, swapped("SignedInfo"), INFO),
    "a stranger in SignedInfo": (3, child("Object", "SignedInfo"), INFO),
    "a stranger before the references": (3, child("Object", "SignedInfo", place=2), INFO),
    "a parameter of the canonicalisation": (3, child("x", "CanonicalizationMethod", "urn:x"), "canonicalisation"),
    "a parameter of the method": (3, child("HMACOutputLength", "SignatureMethod"), "signature algorithm"),
    "a reference without transforms": (3, gone("Transforms"), REFERENCE),
    "a reference without a digest": (3, gone("DigestValue"), REFERENCE),
    "a reference with more": (3, child("x", "Reference", "urn:x"), REFERENCE),
    "two transforms": (3, child("Transform", "Transforms"), TRANSFORM),
    "no transform": (3, gone("Transform"), TRANSFORM),
    "a parameter of the transform": (3, child("XPath", "Transform"), TRANSFORM),
    "a parameter of the digest": (3, child("x", "DigestMethod", "urn:x"), "digest algorithm"),
    "an element in the digest": (3, child("x", "DigestValue", "urn:x"), "digest algorithm"),
    "two X509Data": (3, child("X509Data", "KeyInfo"), CERTIFICATES),
    "a CRL": (3, child("X509CRL", "X509Data"), CERTIFICATES),
    "an element in a certificate": (3, child("x", "X509Certificate", "urn:x"), CERTIFICATES),
    "too many certificates": (3, many_certificates, CERTIFICATES),
    "a manifest": (3, child("Manifest", "Object"), "Object holds more than QualifyingProperties"),
    "no properties": (3, gone("QualifyingProperties", XADES), "Object holds more than QualifyingProperties"),
    "no signed properties": (3, gone("SignedProperties", XADES), QUALIFYING),
    "a stranger in the properties": (3, child("x", "QualifyingProperties", "urn:x"), QUALIFYING),
    "properties of another": (
        *(3, mark("QualifyingProperties", XADES, Target="#x"), "QualifyingProperties of another signature"),
    ),
    "a signature without an Id": (3, without_id("Signature"), "QualifyingProperties of another signature"),
    "an attribute": (3, mark("X509Data", note="x"), "an attribute that the profile does not use"),
    "a text": (3, text("Transforms", "x"), "a text where the profile has none"),
    "inclusive canonicalisation": (4, mark("CanonicalizationMethod", Algorithm="x"), "canonicalisation"),
    "another method": (4, mark("SignatureMethod", Algorithm="x"), "signature algorithm"),
    "another transform": (4, mark("Transform", Algorithm="x"), TRANSFORM),
    "another digest": (4, mark("DigestMethod", Algorithm="x"), "digest algorithm"),
    "KeyInfo without an Id": (5, without_id("KeyInfo"), NO_ID),
    "SignedProperties without an Id": (5, without_id("SignedProperties", XADES), NO_ID),
    "a reference to something else": (5, mark("Reference", URI="#x"), "a reference to something else"),
    "a reference that is no fragment": (5, no_fragment, "a reference to something else"),
    "a reference to nothing": (5, no_uri, "a reference to something else"),
    "a part said to be properties": (5, type_of_a_part, "the type of a reference"),
    "properties not said to be": (5, type_gone, "the type of a reference"),
    "a part left out": (5, gone("Reference"), "a part is not signed"),
    "a digest that is no base64": (5, text("DigestValue", "?"), "DigestValue is not base64"),
    "a digest that says nothing": (5, text("DigestValue", " "), "DigestValue says nothing"),
    "a certificate that is no base64": (6, text("X509Certificate", "?"), "X509Certificate is not base64"),
    "no certificate named": (6, gone("SigningCertificateV2", XADES), "not one SigningCertificateV2"),
    "two named": (6, two_signing_certificates, "not one SigningCertificateV2"),
    "named without a digest": (6, gone("CertDigest", XADES), "SigningCertificateV2"),
    "named with more": (6, longer_cert_digest, "SigningCertificateV2"),
    "named by a weak digest": (6, other_digest_of_certificate, "digest algorithm of SigningCertificateV2"),
    "another named": (6, other_certificate_named, "the certificate that the signature names is not there"),
    "a value that is no base64": (7, text("SignatureValue", "?"), "SignatureValue is not base64"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_demand_refuses_its_own(case: str) -> None:
    duty, change, reason = CASES[case]
    root = etree.fromstring(SIGNED)
    change(root)
    verdict = verify_envelope(read_skeleton([etree.tostring(root)]).root, trust=PKI.trust, moment=MOMENT).signature
    assert verdict is not None
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE)
    assert verdict.reason == reason
    assert [check.duty for check in verdict.details.checks if check.outcome is Outcome.FAILED] == [duty]
