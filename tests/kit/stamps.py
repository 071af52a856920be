"""A small timestamp authority (RFC 3161), and PDFs with everything that a timestamp can stand on: for tests of judging.

Nothing here checks anything: it stamps what it is told, with whatever certificate, at whatever time.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from asn1crypto import algos, cms, core, crl, tsp
from asn1crypto import x509 as asn1_x509
from asn1crypto.pdf import RevocationInfoArchival
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponderEncoding, OCSPResponseBuilder
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp

from gateway.crypto.cades.cms import SealAttributes, assemble, room_for, seal_attributes
from gateway.crypto.pades.prepare import prepare_seal
from tests.kit.pki import DAY, MOMENT, Leaf, Pki, der, rsa_key

_INDIRECT = x509.IssuingDistributionPoint(
    full_name=None,
    relative_name=None,
    only_contains_user_certs=False,
    only_contains_ca_certs=False,
    only_some_reasons=None,
    indirect_crl=True,
    only_contains_attribute_certs=False,
)
TOKEN_ROOM_BYTES = 3_000
Stamp = Callable[[bytes], bytes]
"""From what is stamped to the DER of a token."""


@dataclass(frozen=True)
class Authority:
    """One certificate of a timestamp authority, right under the root of a PKI, and what it stamps."""

    pki: Pki
    name: str = "Test TSA"
    begin: dt.timedelta = -365 * DAY
    """Of the certificate, from `pki.now`."""
    end: dt.timedelta = 365 * DAY
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING
    critical: bool = True

    @cached_property
    def certificate(self) -> x509.Certificate:
        root_key, key = rsa_key(f"{self.pki.name} root"), rsa_key(f"{self.pki.name} {self.name}")
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .issuer_name(self.pki.root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.pki.now + self.begin)
            .not_valid_after(self.pki.now + self.end)
            .add_extension(x509.ExtendedKeyUsage([self.purpose]), critical=self.critical)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
            .sign(root_key, SHA256())
        )

    def at(self, time: dt.datetime) -> Stamp:
        """Stamps at a time."""
        return lambda data: self.token(hashlib.sha256(data).digest(), time)

    def token(self, digest: bytes, time: dt.datetime) -> bytes:
        """The token for a SHA-256 digest."""
        own, key = der(self.certificate), rsa_key(f"{self.pki.name} {self.name}")
        certificate = asn1_x509.Certificate.load(own)
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": "1.2.3.4",
                "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
                "serial_number": int.from_bytes(digest[:8]) + 1,
                "gen_time": core.GeneralizedTime(time),
            }
        )
        identity = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(own).digest()})
        attributes = cms.CMSAttributes(
            [
                _attribute("content_type", "tst_info"),
                _attribute("message_digest", hashlib.sha256(info.dump()).digest()),
                _attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [identity]})),
            ]
        )
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": {
                    "issuer_and_serial_number": {
                        "issuer": certificate.issuer,
                        "serial_number": certificate.serial_number,
                    }
                },
                "digest_algorithm": {"algorithm": "sha256"},
                "signed_attrs": attributes,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
                "signature": key.sign(attributes.dump(), padding.PKCS1v15(), SHA256()),
            }
        )
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info.dump())},
                "certificates": [certificate],
                "signer_infos": [signer],
            }
        )
        whole: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
        return whole


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def stamped_seal(
    pdf: bytes, leaf: Leaf, *stamps: Stamp, content: Stamp | None = None, archival: Sequence[bytes] = ()
) -> bytes:
    """The PDF sealed by a leaf, with timestamps upon the signature value.

    `content`: one upon the content, and `archival`: lists of revocation, both among the signed attributes.
    """
    room = room_for(leaf.chain) + (len(stamps) + 1) * TOKEN_ROOM_BYTES
    prepared = prepare_seal(pdf, room=room, moment=MOMENT)
    signed = cms.CMSAttributes.load(seal_attributes(prepared.digest, leaf.der).to_sign)
    if content is not None:
        token = content(prepared.pdf[: prepared.start] + prepared.pdf[prepared.end :])
        signed.append(_attribute("content_time_stamp", cms.ContentInfo.load(token)))
    if archival:
        lists = RevocationInfoArchival({"crl": [crl.CertificateList.load(one) for one in archival]})
        signed.append(_attribute("adobe_revocation_info_archival", lists))
    attributes = SealAttributes(to_sign=signed.dump())
    if isinstance(leaf.key, rsa.RSAPrivateKey):
        value = leaf.key.sign(attributes.to_sign, padding.PKCS1v15(), SHA256())
    else:
        value = leaf.key.sign(attributes.to_sign, ec.ECDSA(SHA256()))
    whole = cms.ContentInfo.load(assemble(attributes, value, leaf.chain))
    tokens = [cms.ContentInfo.load(stamp(value)) for stamp in stamps]
    if tokens:
        signer = whole["content"]["signer_infos"][0]
        signer["unsigned_attrs"] = [cms.CMSAttribute({"type": "signature_time_stamp_token", "values": tokens})]
    return prepared.filled(whole.dump())


def with_store(
    pdf: bytes,
    *,
    certificates: Sequence[bytes] = (),
    crls: Sequence[bytes] = (),
    ocsps: Sequence[bytes] = (),
    apart: bool = False,
) -> bytes:
    """The PDF with more evidence in its document security store, whatever the bytes are; `apart`: each list is an object."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    old = writer.root["/DSS"] if "/DSS" in writer.root else {}  # noqa: SIM401 - what it names, where `get` gives the reference
    store = generic.DictionaryObject(old)
    for key, pieces in (("/Certs", certificates), ("/CRLs", crls), ("/OCSPs", ocsps)):
        held = list(store.get(key, []))
        held += [writer.add_object(generic.StreamObject(stream_data=one)) for one in pieces]
        array = generic.ArrayObject(held)
        store[generic.pdf_name(key)] = writer.add_object(array) if apart else array
    writer.root[generic.pdf_name("/DSS")] = writer.add_object(store)
    writer.update_root()
    return _written(writer)


def with_empty_field(pdf: bytes) -> bytes:
    """The PDF with a place, that can be seen, for one more signature."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    append_signature_field(writer, SigFieldSpec(f"Empty{len(pdf)}", box=(10, 10, 90, 90)))
    return _written(writer)


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def document_stamped(pdf: bytes, stamp: Stamp, *, field: str = "") -> bytes:
    """The PDF with a DocTimeStamp over all of it."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    name = field or f"Stamp{len(pdf)}"
    embedding = PdfCMSEmbedder().write_cms(name, writer)
    next(embedding)
    embedding.send(SigObjSetup(sig_placeholder=DocumentTimestamp(bytes_reserved=2 * TOKEN_ROOM_BYTES)))
    prepared, output = embedding.send(SigIOSetup(md_algorithm="sha256"))
    data = output.getvalue()
    covered = data[: prepared.reserved_region_start] + data[prepared.reserved_region_end :]
    embedding.send(stamp(covered))
    return bytes(output.getvalue())


def crl_at(
    pki: Pki,
    issuer: x509.Certificate,
    time: dt.datetime,
    revoked: Sequence[tuple[int, dt.datetime]] = (),
    *,
    lasts: dt.timedelta = DAY,
    key_name: str = "",
    indirect: bool = False,
) -> bytes:
    """A list that an authority issued at a time; `key_name`: signed by another key; `indirect`: says that it is for others."""
    own = "root" if issuer == pki.root else "issuing"
    key = rsa_key(key_name or f"{pki.name} {own}")
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(time)
        .next_update(time + lasts)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(int(time.timestamp())), critical=False)
    )
    if indirect:
        builder = builder.add_extension(_INDIRECT, critical=True)
    for serial, since in revoked:
        gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
        builder = builder.add_revoked_certificate(gone)
    return der(builder.sign(key, SHA256()))


def crls_at(pki: Pki, time: dt.datetime) -> tuple[bytes, bytes]:
    """What both authorities of a PKI said at a time: nobody revoked."""
    return crl_at(pki, pki.root, time), crl_at(pki, pki.issuing, time)


def with_text(pdf: bytes, text: bytes) -> bytes:
    """The PDF with another text upon its page."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=text))
    writer.update_container(page)
    return _written(writer)


def with_ocsp(pki: Pki, leaf: Leaf) -> Leaf:
    """The leaf under the same name and serial number, its certificate naming a place to ask for its status."""
    old = leaf.certificate
    place = x509.UniformResourceIdentifier("http://ocsp.test")
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(leaf.key.public_key())
        .serial_number(old.serial_number)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .add_extension(
            x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)]),
            critical=False,
        )
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return Leaf(leaf.key, builder.sign(rsa_key(f"{pki.name} issuing"), SHA256()), leaf.issuing)


def ocsp_good(pki: Pki, leaf: Leaf, time: dt.datetime, *, lasts: dt.timedelta = DAY) -> bytes:
    """What the issuing authority answered about a leaf at a time: good."""
    return (
        OCSPResponseBuilder()
        .add_response(
            cert=leaf.certificate,
            issuer=pki.issuing,
            algorithm=SHA1(),
            cert_status=OCSPCertStatus.GOOD,
            this_update=time,
            next_update=time + lasts,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(OCSPResponderEncoding.NAME, pki.issuing)
        .sign(rsa_key(f"{pki.name} issuing"), SHA256())
        .public_bytes(Encoding.DER)
    )
