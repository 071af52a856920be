"""Detached signatures, good and bad: made by the house's own steps, or member by member to be wrong on purpose."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import algos, cms, core, parser, tsp, x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm

from gateway.crypto.cades.cms import assemble, seal_attributes
from tests.kit.pki import MOMENT, Leaf
from tests.unit.crypto.sealing import raw_signature

CONTENT = "Nghị quyết: không phải tệp PDF.\n".encode() * 100
HASHES: Mapping[str, HashAlgorithm] = {"sha1": SHA1(), "sha256": SHA256(), "sha384": SHA384(), "sha512": SHA512()}
Attributes = list[tuple[str, list[Any]]]


def digests_of(content: bytes) -> dict[str, bytes]:
    return {name: hashlib.new(name, content).digest() for name in ("sha256", "sha384", "sha512")}


def signed(leaf: Leaf, content: bytes = CONTENT, *, chain: tuple[bytes, ...] | None = None) -> bytes:
    """A .p7s by the house's steps, with any leaf: nothing is checked."""
    attributes = seal_attributes(hashlib.sha256(content).digest(), leaf.der, signed_at=MOMENT)
    return assemble(attributes, raw_signature(leaf, attributes.to_sign), leaf.chain if chain is None else chain)


@dataclass(kw_only=True)
class Recipe:
    """One SignerInfo, each member of which may be wrong."""

    leaf: Leaf
    content: bytes = CONTENT
    digest: str = "sha256"
    content_type: str | None = "data"
    signing_time: bool = True
    named: Leaf | None = None
    """Whose certificate signing-certificate-v2 names; the signer's own by default."""
    ess: bool = True
    algorithm: str = ""
    pss: bool = False
    sid: Callable[[x509.Certificate], cms.SignerIdentifier] | None = None
    change: Callable[[Attributes], object] = field(default=lambda attributes: None)
    """What is done to the attributes before they are signed."""
    reorder: bool = False
    """Sign and send the attributes in an order that is not DER's."""
    unsigned: Sequence[tuple[str, list[Any]]] = ()

    def attributes(self) -> Attributes:
        found: Attributes = [("message_digest", [hashlib.new(self.digest, self.content).digest()])]
        if self.content_type:
            found.append(("content_type", [self.content_type]))
        if self.signing_time:
            found.append(("signing_time", [cms.Time(name="utc_time", value=MOMENT)]))
        if self.ess:
            certificate = (self.named or self.leaf).der
            one = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(certificate).digest()})
            found.append(("signing_certificate_v2", [tsp.SigningCertificateV2({"certs": [one]})]))
        self.change(found)
        return found

    def signer_info(self) -> cms.SignerInfo:
        encoded = [cms.CMSAttribute({"type": kind, "values": values}).dump() for kind, values in self.attributes()]
        body = b"".join(sorted(encoded, reverse=self.reorder))
        value = self._sign(parser.emit(0, 1, core.SetOf.tag, body))
        certificate = x509.Certificate.load(self.leaf.der)
        info = cms.SignerInfo(
            {
                "version": "v1",
                "sid": (self.sid or by_serial)(certificate),
                "digest_algorithm": {"algorithm": self.digest},
                "signature_algorithm": self._algorithm(),
                "signature": value,
            }
        )
        if encoded:
            info["signed_attrs"] = cms.CMSAttributes.load(parser.emit(2, 1, 0, body), tag_type="implicit", tag=0)
        if self.unsigned:
            info["unsigned_attrs"] = [
                cms.CMSAttribute({"type": kind, "values": values}) for kind, values in self.unsigned
            ]
        return info

    def _sign(self, data: bytes) -> bytes:
        hashing = HASHES[self.digest]
        if isinstance(self.leaf.key, rsa.RSAPrivateKey):
            if self.pss:
                return self.leaf.key.sign(data, padding.PSS(padding.MGF1(hashing), hashing.digest_size), hashing)
            return self.leaf.key.sign(data, padding.PKCS1v15(), hashing)
        return self.leaf.key.sign(data, ec.ECDSA(hashing))

    def _algorithm(self) -> algos.SignedDigestAlgorithm:
        if self.pss:
            digest = {"algorithm": self.digest}
            parameters = {
                "hash_algorithm": digest,
                "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": digest},
                "salt_length": HASHES[self.digest].digest_size,
            }
            return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})
        kind = "ecdsa" if isinstance(self.leaf.key, ec.EllipticCurvePrivateKey) else "rsa"
        return algos.SignedDigestAlgorithm({"algorithm": self.algorithm or f"{self.digest}_{kind}"})

    def cms(self, *, inside: bytes | None = None, chain: Sequence[bytes] | None = None) -> bytes:
        return together(self, inside=inside, chain=chain)


def together(*recipes: Recipe, inside: bytes | None = None, chain: Sequence[bytes] | None = None) -> bytes:
    """One CMS of these signers, with their certificates."""
    if chain is None:
        chain = list(dict.fromkeys(der for recipe in recipes for der in recipe.leaf.chain))
    content: dict[str, Any] = {"content_type": "data"}
    if inside is not None:
        content["content"] = inside
    data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": name} for name in dict.fromkeys(one.digest for one in recipes)],
            "encap_content_info": content,
            "certificates": [x509.Certificate.load(der) for der in chain],
            "signer_infos": [recipe.signer_info() for recipe in recipes],
        }
    )
    whole: bytes = cms.ContentInfo({"content_type": "signed_data", "content": data}).dump()
    return whole


def by_serial(certificate: x509.Certificate) -> cms.SignerIdentifier:
    return cms.SignerIdentifier(
        name="issuer_and_serial_number",
        value=cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number}),
    )
