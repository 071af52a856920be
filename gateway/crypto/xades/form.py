"""The form of a signature, duties 3 to 6 of `verify`: its shape, its algorithms, its references, its signer's certificate.

What the profile does not use is not there to be misread: every element, attribute and text outside SignedProperties has to
be one of these tables'. (What stands in SignedProperties is signed as a whole, and only what is looked for there is read.)
"""

from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pybase64

from gateway.core import limits
from gateway.crypto.edge import attempt
from gateway.crypto.xades.algorithms import DIGESTS, METHODS
from gateway.crypto.xades.names import EXCLUSIVE, PROPERTIES_TYPE, ds, xades
from gateway.crypto.xades.parts import StructureError
from gateway.safe_xml import Element

WHITE: Final = " \t\r\n"
"""XML 1.0 production 3; what Python strips by itself is more than that."""
_NO_WHITE: Final = {ord(one): None for one in WHITE}

_ID: Final = frozenset({"Id"})
_ALGORITHM: Final = frozenset({"Algorithm"})
_NONE: Final[frozenset[str]] = frozenset()
_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    **{ds(name): _ID for name in ("Signature", "SignedInfo", "SignatureValue", "KeyInfo", "Object")},
    **{ds(name): _ALGORITHM for name in ("CanonicalizationMethod", "SignatureMethod", "Transform", "DigestMethod")},
    ds("Reference"): frozenset({"Id", "URI", "Type"}),
    xades("QualifyingProperties"): frozenset({"Id", "Target"}),
    **{xades(name): _ID for name in ("UnsignedProperties", "UnsignedSignatureProperties", "SignatureTimeStamp")},
    xades("EncapsulatedTimeStamp"): frozenset({"Id", "Encoding"}),
}
_TEXTS: Final = frozenset(
    {*map(ds, ("SignatureValue", "DigestValue", "X509Certificate")), xades("EncapsulatedTimeStamp")}
)
_DER: Final = "http://uri.etsi.org/01903/v1.2.2#DER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reference and the very element that it means."""

    reference: Element
    element: Element
    digest_method: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who made the signature, by what it says of itself."""

    certificate: bytes
    others: tuple[bytes, ...]
    """Other certificates that came along, DER."""
    claimed_time: datetime | None


def need(condition: bool, otherwise: str) -> None:
    """A duty's demand.

    Raises:
        StructureError: it is not met.
    """
    if not condition:
        raise StructureError(otherwise)


def octets(element: Element, what: str) -> bytes:
    """The octets that a text says in base64.

    Raises:
        StructureError: it says none, or it is no base64.
    """
    text = (element.text or "").translate(_NO_WHITE)
    try:
        value = pybase64.b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise StructureError(f"{what} is not base64") from None
    need(bool(value), f"{what} says nothing")
    return value


def tags(element: Element) -> list[str]:
    """Names of the children, in order."""
    return [str(child.tag) for child in element]


# --- duty 3 ------------------------------------------------------------------------------------------------------------


def check_shape(signature: Element) -> None:
    """SignedInfo, SignatureValue, KeyInfo and one Object with SignedProperties, and at most timestamps beside them."""
    _check_outline(signature)
    signed_info, _, key_info, container = signature
    need(
        tags(key_info) == [ds("X509Data")]
        and set(tags(key_info[0])) == {ds("X509Certificate")}
        and len(key_info[0]) <= limits.EMBEDDED_CERTIFICATES_MAX
        and not any(map(len, key_info[0])),
        "KeyInfo holds more than certificates",
    )
    _check_properties(signature, container)
    _check_signed_info(signed_info)
    _check_strays(signature)


def _check_outline(signature: Element) -> None:
    need(
        tags(signature) == [ds(name) for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")],
        "the signature is not built as the profile says",
    )
    signed_info, value, _, _ = signature
    need(not len(value) and bool(value.text), "SignatureValue is not one value")
    need(
        tags(signed_info)[:2] == [ds("CanonicalizationMethod"), ds("SignatureMethod")]
        and set(tags(signed_info)[2:]) == {ds("Reference")},
        "SignedInfo is not built as the profile says",
    )


def _check_signed_info(signed_info: Element) -> None:
    """Nothing within an algorithm: no XPath, no list of prefixes, no parameter."""
    canonicalisation, method, *references = signed_info
    need(not len(canonicalisation), "canonicalisation")
    need(not len(method), "signature algorithm")
    for reference in references:
        need(
            tags(reference) == [ds(name) for name in ("Transforms", "DigestMethod", "DigestValue")],
            "a reference is not built as the profile says",
        )
        transforms, digest_method, digest = reference
        need(
            tags(transforms) == [ds("Transform")] and not len(transforms[0]),
            "a transform other than exclusive canonicalisation",
        )
        need(not len(digest_method) and not len(digest), "digest algorithm")


def _check_properties(signature: Element, container: Element) -> None:
    """QualifyingProperties of this very signature, and in them nothing unsigned but timestamps upon it."""
    need(tags(container) == [xades("QualifyingProperties")], "Object holds more than QualifyingProperties")
    qualifying, identifier = container[0], signature.get("Id")
    need(bool(identifier) and qualifying.get("Target") == f"#{identifier}", "QualifyingProperties of another signature")
    named = tags(qualifying)
    need(
        named in ([xades("SignedProperties")], [xades("SignedProperties"), xades("UnsignedProperties")]),
        "QualifyingProperties holds more than SignedProperties",
    )
    for unsigned in qualifying[1:]:
        need(
            tags(unsigned) == [xades("UnsignedSignatureProperties")]
            and set(tags(unsigned[0])) == {xades("SignatureTimeStamp")}
            and len(unsigned[0]) <= limits.SIGNATURE_TIMESTAMPS_MAX,
            "UnsignedProperties holds more than timestamps of the signature",
        )
        for stamp in unsigned[0]:
            _check_timestamp(stamp)


def _check_timestamp(stamp: Element) -> None:
    need(
        tags(stamp) == [ds("CanonicalizationMethod"), xades("EncapsulatedTimeStamp")]
        and stamp[0].get("Algorithm") == EXCLUSIVE
        and not len(stamp[0])
        and not len(stamp[1])
        and stamp[1].get("Encoding", _DER) == _DER,
        "a timestamp is not built as the profile says",
    )


def _check_strays(signature: Element) -> None:
    """No attribute and no text but those of the tables."""
    for element in _outside_signed_properties(signature):
        allowed = _ATTRIBUTES.get(str(element.tag), _NONE)
        need(allowed.issuperset(map(str, element.attrib)), "an attribute that the profile does not use")
        silent = str(element.tag) in _TEXTS or not (element.text or "").strip(WHITE)
        need(silent and not (element.tail or "").strip(WHITE), "a text where the profile has none")
    signed_properties = signature[3][0][0]
    need(not (signed_properties.tail or "").strip(WHITE), "a text where the profile has none")


def _outside_signed_properties(signature: Element) -> Iterator[Element]:
    signed_info, value, key_info, container = signature
    yield signature
    yield from signed_info.iter()
    yield value
    yield from key_info.iter()
    yield container
    yield container[0]
    for unsigned in container[0][1:]:
        yield from unsigned.iter()


# --- duty 4 ------------------------------------------------------------------------------------------------------------


def check_algorithms(signature: Element) -> tuple[str, ...]:
    """The names of the algorithms, all of them on the short list."""
    signed_info = signature[0]
    need(signed_info[0].get("Algorithm") == EXCLUSIVE, "canonicalisation")
    method = METHODS.get(signed_info[1].get("Algorithm", ""))
    need(method is not None, "signature algorithm")
    assert method is not None, "just checked"
    names = [method.name, method.hash_name]
    for (transform,), digest_method, _ in signed_info[2:]:
        need(transform.get("Algorithm") == EXCLUSIVE, "a transform other than exclusive canonicalisation")
        digest = DIGESTS.get(digest_method.get("Algorithm", ""))
        need(digest is not None, "digest algorithm")
        assert digest is not None, "just checked"
        names.append(digest.name)
    return tuple(dict.fromkeys(names))


# --- duty 5 ------------------------------------------------------------------------------------------------------------


def check_references(signature: Element, parts: Mapping[str, Element]) -> list[Target]:
    """What the references mean: the parts that are there, KeyInfo and SignedProperties; no other, none twice, none left out."""
    properties, key_info = signature[3][0][0], signature[2]
    wanted: dict[str, Element] = {**parts, properties.get("Id", ""): properties, key_info.get("Id", ""): key_info}
    need(len(wanted) == len(parts) + 2 and "" not in wanted, "SignedProperties or KeyInfo without an Id of its own")
    targets = []
    for reference in signature[0][2:]:
        uri = reference.get("URI", "")
        element = wanted.pop(uri[1:], None)
        need(element is not None and uri.startswith("#"), "a reference to something else")
        assert element is not None, "just checked"
        need((reference.get("Type") == PROPERTIES_TYPE) is (element is properties), "the type of a reference")
        method, digest = reference[1].get("Algorithm", ""), octets(reference[2], "DigestValue")
        targets.append(Target(reference=reference, element=element, digest_method=method, digest=digest))
    need(not wanted, "a part is not signed")
    return targets


# --- duty 6 ------------------------------------------------------------------------------------------------------------


def find_signer(signature: Element) -> Signer:
    """The certificate in KeyInfo that the (signed) SigningCertificateV2 names first (EN 319 132-1 clause 5.2.2)."""
    certificates = [octets(element, "X509Certificate") for element in signature[2][0]]
    properties = signature[3][0][0]
    named = list(properties.iter(xades("SigningCertificateV2")))
    need(len(named) == 1, "not one SigningCertificateV2")
    first = named[0].find(xades("Cert"))
    digest = None if first is None else first.find(xades("CertDigest"))
    need(digest is not None and tags(digest) == [ds("DigestMethod"), ds("DigestValue")], "SigningCertificateV2")
    assert digest is not None, "just checked"
    method = DIGESTS.get(digest[0].get("Algorithm", ""))
    need(method is not None, "digest algorithm of SigningCertificateV2")
    assert method is not None, "just checked"
    wanted = octets(digest[1], "CertDigest")
    certificate = next((der for der in certificates if method.digest(der) == wanted), None)
    need(certificate is not None, "the certificate that the signature names is not there")
    assert certificate is not None, "just checked"
    return Signer(
        certificate=certificate,
        others=tuple(der for der in certificates if der != certificate),
        claimed_time=_claimed_time(properties),
    )


def _claimed_time(properties: Element) -> datetime | None:
    text = properties.findtext(f".//{xades('SigningTime')}") or ""
    moment = attempt(datetime.fromisoformat, text.strip())
    return moment if isinstance(moment, datetime) and moment.tzinfo else None
