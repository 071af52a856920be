"""Two libraries that the product does not use, signing and judging the same files as we: signxml and libxmlsec."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConfiguration,
    SignatureMethod,
    XMLVerifier,
    methods,
)
from signxml.exceptions import SignXMLException
from signxml.xades import XAdESDataObjectFormat, XAdESSigner

from gateway.safe_xml import QCVN, SEAL_SLIP
from tests.kit.pki import Leaf

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
Element = etree._Element
PARTS = {
    **{identifier: f"{{{QCVN}}}{name}" for identifier, name in (("header", "MessageHeader"), ("body", "edXMLBody"))},
    "business": f"{{{QCVN}}}Bussiness",
    "statement": f"{{{SEAL_SLIP}}}Statement",
}


# --- signxml -----------------------------------------------------------------------------------------------------------


def signed_by_signxml(
    skeleton: bytes, leaf: Leaf, parts: Sequence[str], *, moment: datetime, description: str
) -> tuple[Element, bytes]:
    """What signxml makes of the same profile: the signature, its value left out, and the octets it had signed."""
    recorder = _Recorder(leaf.certificate.public_key())
    elliptic = isinstance(recorder.public_key(), ec.EllipticCurvePublicKey)
    method = SignatureMethod.ECDSA_SHA256 if elliptic else SignatureMethod.RSA_SHA256
    signature = _Signer(moment, method, parts, description).sign(
        etree.fromstring(skeleton),
        key=recorder,  # type: ignore[arg-type]
        cert=[leaf.certificate, leaf.issuing],
        reference_uri=[f"#{part}" for part in parts],
        always_add_key_value=False,
    )
    signature.find(f"{{{DS}}}SignatureValue").text = ""
    return signature, recorder.signed


class _Recorder:
    """Stands where signxml expects a private key: keeps the octets to sign and answers with a placeholder."""

    def __init__(self, public_key: Any) -> None:
        self._public_key = public_key
        self.signed = b""

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def public_key(self) -> Any:
        return self._public_key

    def sign(self, data: bytes, **_: object) -> bytes:
        self.signed = data
        return utils.encode_dss_signature(1, 1)


class _Signer(XAdESSigner):
    """signxml's signer with our Ids, the caller's time, one DataObjectFormat for each part, and every transform written down.

    signxml 5.2 canonicalises KeyInfo and SignedProperties exclusively without saying so: without a Transform a reader
    must use inclusive C14N 1.0 (XML Signature 1.1 section 4.4.3.2), and every other implementation finds a wrong digest.
    """

    def __init__(self, moment: datetime, method: SignatureMethod, parts: Sequence[str], description: str) -> None:
        super().__init__(
            data_object_format=XAdESDataObjectFormat(Description=description, MimeType="application/xml"),
            method=methods.detached,
            signature_algorithm=method,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=EXCLUSIVE,
        )
        self._moment = moment
        self._parts = parts

    def add_signing_time(self, signed_signature_properties: Element, sig_root: Element, signing_settings: Any) -> None:
        time = etree.SubElement(signed_signature_properties, f"{{{XADES}}}SigningTime")
        time.text = self._moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def add_data_object_format(self, properties: Element, sig_root: Element, *rest: Any, **named: Any) -> None:
        info = sig_root.find(f"{{{DS}}}SignedInfo")
        for reference in list(info):
            if reference.tag == f"{{{DS}}}Reference":
                reference.set("Id", f"reference-{reference.get('URI')[1:]}")
        super().add_data_object_format(properties, sig_root, *rest, **named)
        (first,) = properties
        for part in self._parts[1:]:
            other = etree.fromstring(etree.tostring(first))
            other.set("ObjectReference", f"#reference-{part}")
            properties.append(other)

    def get_root(self, data: Element) -> Element:
        return data

    def _get_token(self, length: int = 4) -> str:
        return ""

    def _build_xades_ds_object(self, sig_root: Element, signing_settings: Any) -> None:
        sig_root.set("Id", "signature")
        sig_root.find(f"{{{DS}}}KeyInfo").set("Id", "signature-keyinfo")
        super()._build_xades_ds_object(sig_root, signing_settings)

    def _add_reference_to_signed_info(self, sig_root: Element, node_to_reference: Element, **attrs: str) -> None:
        super()._add_reference_to_signed_info(sig_root, node_to_reference, **attrs)
        reference = sig_root.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")[-1]
        transforms = etree.Element(f"{{{DS}}}Transforms")
        etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=EXCLUSIVE.value)
        reference.insert(0, transforms)


def signxml_accepts(data: bytes, certificate: x509.Certificate) -> bool:
    """Whether signxml finds every reference and the value good, with this certificate."""
    root = etree.fromstring(data)
    references = len(root.findall(f".//{{{DS}}}Signature/{{{DS}}}SignedInfo/{{{DS}}}Reference"))
    configuration = SignatureConfiguration(
        expect_references=references, verification_time=certificate.not_valid_before_utc
    )
    try:
        results = XMLVerifier().verify(root, x509_cert=certificate, expect_config=configuration)
    except (SignXMLException, etree.DocumentInvalid):
        return False
    return len(results) == references if isinstance(results, list) else references == 1


# --- libxmlsec ---------------------------------------------------------------------------------------------------------


def xmlsec_accepts(data: bytes, certificate: x509.Certificate) -> bool:
    """Whether libxmlsec finds every reference and the value good, with this certificate's key."""
    root = etree.fromstring(data)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(
        certificate.public_bytes(Encoding.PEM), xmlsec.constants.KeyDataFormatCertPem, None
    )
    for name in (*PARTS.values(), f"{{{XADES}}}SignedProperties", f"{{{DS}}}KeyInfo"):
        for element in root.iter(name):
            context.register_id(element, "Id")
    try:
        context.verify(xmlsec.tree.find_node(root, "Signature", xmlsec.constants.DSigNs))
    except xmlsec.Error:
        return False
    return True
