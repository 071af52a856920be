"""Signing in steps: a judge process prepares, a key-holder signs, the value is put into its place.

The signature is XAdES-B-B (EN 319 132-1) over parts by Id, exclusive C14N as the only transform; in an envelope it is the last
child of edXMLHeader. Everything in it follows from the skeleton, the certificates and the moment: the same input gives the
same octets to sign. The skeleton's own bytes stay as they are: the signature's text (`text`) is put between them.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import utils
from lxml import etree

from gateway.core.errors import SenderError
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.xades.names import ds
from gateway.crypto.xades.parts import StructureError, parts_of
from gateway.crypto.xades.place import before_end_of
from gateway.crypto.xades.text import signature_text
from gateway.safe_xml import Element, parse_signed

_DESCRIPTION: Final = "edXML"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSignature:
    """A signed file without its SignatureValue."""

    before: bytes
    after: bytes
    to_sign: bytes
    """Canonical SignedInfo: what the key signs."""
    coordinate_bytes: int
    """Size of r and of s in an ECDSA SignatureValue (XML Signature 1.1 section 6.4.3); 0 for RSA."""

    def filled(self, signature: bytes) -> bytes:
        """The signed file; `signature` as a key-holder returns it (RSA PKCS#1 v1.5, ECDSA in DER)."""
        if self.coordinate_bytes:
            r, s = utils.decode_dss_signature(signature)
            signature = r.to_bytes(self.coordinate_bytes) + s.to_bytes(self.coordinate_bytes)
        return b"".join((self.before, b64encode(signature), self.after))


def prepare_envelope(skeleton: bytes, *, chain: tuple[bytes, ...], moment: datetime) -> PreparedSignature:
    """Compute everything of the signature but its value; run it in a judge. `chain`: DER, leaf first.

    Raises:
        SenderError: `envelope.malformed`: not an envelope of the profile, or signed already.
    """
    place = Place(parts_of=parts_of, last_in="edXMLHeader", description=_DESCRIPTION)
    return prepare(skeleton, place=place, chain=chain, moment=moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a kind of file has signed, and where the signature stands in it."""

    parts_of: Callable[[Element], Mapping[str, Element]]
    last_in: str
    """Local name of the one element whose last child the signature is."""
    description: str


def prepare(data: bytes, *, place: Place, chain: tuple[bytes, ...], moment: datetime) -> PreparedSignature:
    """The signature over what a kind of file has signed; see `prepare_envelope`."""
    root = parse_signed(data)
    try:
        parts = place.parts_of(root)
    except StructureError as error:
        raise SenderError("envelope.malformed", reason=str(error)) from error
    if next(root.iter(ds("Signature")), None) is not None:
        raise SenderError("envelope.malformed", reason="signed already")
    prepared = attempt(_prepare, data, parts, place, chain, moment)
    if isinstance(prepared, Trouble):
        raise SenderError("envelope.malformed", reason=prepared.reason)
    return prepared


def _prepare(
    data: bytes, parts: Mapping[str, Element], place: Place, chain: tuple[bytes, ...], moment: datetime
) -> PreparedSignature:
    at = before_end_of(data, place.last_in)
    digests = {identifier: sha256(canonical(part)).digest() for identifier, part in parts.items()}
    text = signature_text(digests, description=place.description, chain=chain, moment=moment)
    return PreparedSignature(
        before=data[:at] + text.before.encode(),
        after=text.after.encode() + data[at:],
        to_sign=text.signed_info.encode(),
        coordinate_bytes=text.coordinate_bytes,
    )


def canonical(element: Element) -> bytes:
    """Exclusive XML Canonicalization 1.0 of an element as it stands in its tree, without comments."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
