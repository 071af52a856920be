"""Signing an envelope in steps: a judge process prepares, a key-holder signs, the value is put into its place.

The signature is XAdES-B-B (EN 319 132-1) over the parts by Id, exclusive C14N as the only transform, the last child of
edXMLHeader. Everything in it follows from the skeleton, the certificates and the moment: the same input gives the same
octets to sign.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, utils
from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod, methods
from signxml.xades import XAdESDataObjectFormat, XAdESSigner

from gateway.core.errors import SenderError
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.xades.parts import StructureError, header_of, parts_of
from gateway.safe_xml import Element, parse_signed

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE: Final = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0

SIGNATURE_ID: Final = "signature"
KEY_INFO_ID: Final = "signature-keyinfo"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSignature:
    """A signed envelope skeleton without its SignatureValue."""

    before: bytes
    after: bytes
    to_sign: bytes
    """Canonical SignedInfo: what the key signs."""
    coordinate_bytes: int
    """Size of r and of s in an ECDSA SignatureValue (XML Signature 1.1 section 6.4.3); 0 for RSA."""

    def filled(self, signature: bytes) -> bytes:
        """The signed skeleton; `signature` as a key-holder returns it (RSA PKCS#1 v1.5, ECDSA in DER)."""
        if self.coordinate_bytes:
            r, s = utils.decode_dss_signature(signature)
            signature = r.to_bytes(self.coordinate_bytes) + s.to_bytes(self.coordinate_bytes)
        return b"".join((self.before, b64encode(signature), self.after))


def prepare_envelope(skeleton: bytes, *, chain: tuple[bytes, ...], moment: datetime) -> PreparedSignature:
    """Compute everything of the signature but its value; run it in a judge. `chain`: DER, leaf first.

    Raises:
        SenderError: `envelope.malformed`: not an envelope of the profile, or signed already.
    """
    root = parse_signed(skeleton)
    try:
        header = header_of(root)
        parts = parts_of(root)
    except StructureError as error:
        raise SenderError("envelope.malformed", reason=str(error)) from error
    if root.find(f".//{{{DS}}}Signature") is not None:
        raise SenderError("envelope.malformed", reason="signed already")
    prepared = attempt(_prepare, root, header, tuple(parts), chain, moment)
    if isinstance(prepared, Trouble):
        raise SenderError("envelope.malformed", reason=prepared.reason)
    return prepared


def _prepare(
    root: Element, header: Element, parts: tuple[str, ...], chain: tuple[bytes, ...], moment: datetime
) -> PreparedSignature:
    certificates = [x509.load_der_x509_certificate(der) for der in chain]
    recorder = _Recorder(certificates[0].public_key())
    elliptic = isinstance(recorder.public_key(), ec.EllipticCurvePublicKey)
    signer = _EnvelopeSigner(moment, SignatureMethod.ECDSA_SHA256 if elliptic else SignatureMethod.RSA_SHA256)
    stand_in: Any = recorder
    signature = signer.sign(
        root,
        key=stand_in,
        cert=certificates,
        reference_uri=[f"#{part}" for part in parts],
        always_add_key_value=False,
    )
    # A digest of what is signed stands nowhere in what is signed: a mark that occurs once.
    mark = sha256(recorder.signed).hexdigest()
    value = signature.find(f"{{{DS}}}SignatureValue")
    assert value is not None, "signxml writes a SignatureValue"
    value.text = mark
    header.append(signature)
    before, _, after = etree.tostring(root, xml_declaration=True, encoding="UTF-8").partition(mark.encode())
    return PreparedSignature(
        before=before,
        after=after,
        to_sign=recorder.signed,
        coordinate_bytes=-(-recorder.key_size // 8) if elliptic else 0,
    )


class _Recorder:
    """Stands where signxml expects a private key: keeps the octets to sign and answers with a placeholder."""

    def __init__(self, public_key: Any) -> None:
        self._public_key = public_key
        self.signed = b""

    @property
    def key_size(self) -> int:
        """Bits, as signxml asks for an ECDSA key."""
        size: int = self._public_key.key_size
        return size

    def public_key(self) -> Any:
        """The key whose private half is elsewhere."""
        return self._public_key

    def sign(self, data: bytes, **_: object) -> bytes:
        """Keep `data`."""
        self.signed = data
        return utils.encode_dss_signature(1, 1)


class _EnvelopeSigner(XAdESSigner):
    """signxml's signer with fixed Ids, the caller's time, and every transform written down.

    signxml 5.2 canonicalises KeyInfo and SignedProperties exclusively without saying so: without a Transform a reader
    must use inclusive C14N 1.0 (XML Signature 1.1 section 4.4.3.2), and every other implementation finds a wrong digest.
    """

    def __init__(self, moment: datetime, method: SignatureMethod) -> None:
        super().__init__(
            data_object_format=XAdESDataObjectFormat(Description="edXML", MimeType="application/xml"),
            method=methods.detached,
            signature_algorithm=method,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=EXCLUSIVE,
        )
        self._moment = moment

    def add_signing_time(self, signed_signature_properties: Element, sig_root: Element, signing_settings: Any) -> None:  # noqa: ARG002 - signxml's signature
        time = etree.SubElement(signed_signature_properties, f"{{{XADES}}}SigningTime")
        time.text = self._moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def get_root(self, data: Element) -> Element:
        """The tree itself: exclusive canonicalisation of an element needs no copy of it, and signxml would make three."""
        return data

    def _get_token(self, length: int = 4) -> str:  # noqa: ARG002 - signxml's signature
        return ""

    def _build_xades_ds_object(self, sig_root: Element, signing_settings: Any) -> None:
        sig_root.set("Id", SIGNATURE_ID)
        key_info = sig_root.find(f"{{{DS}}}KeyInfo")
        assert key_info is not None, "signxml writes KeyInfo first"
        key_info.set("Id", KEY_INFO_ID)
        super()._build_xades_ds_object(sig_root, signing_settings)

    def _add_reference_to_signed_info(self, sig_root: Element, node_to_reference: Element, **attrs: str) -> None:
        super()._add_reference_to_signed_info(sig_root, node_to_reference, **attrs)  # type: ignore[no-untyped-call]  # signxml
        reference = sig_root.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")[-1]
        transforms = etree.Element(f"{{{DS}}}Transforms")
        etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=EXCLUSIVE.value)
        reference.insert(0, transforms)
