"""PDFs with everything that a timestamp can stand on, and evidence of any age, for tests of judging: nothing checks here."""

import datetime as dt
from collections.abc import Sequence
from io import BytesIO

from asn1crypto import cms, crl
from asn1crypto.pdf import RevocationInfoArchival
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponderEncoding, OCSPResponseBuilder
from cryptography.x509.oid import AuthorityInformationAccessOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp

from gateway.crypto.cades.cms import SealAttributes, assemble, room_for, seal_attributes
from gateway.crypto.pades.prepare import prepare_seal
from tests.kit.pki import DAY, MOMENT, Leaf, Pki, der, rsa_key
from tests.kit.timestamp_authority import Stamp, attribute

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
        signed.append(attribute("content_time_stamp", cms.ContentInfo.load(token)))
    if archival:
        lists = RevocationInfoArchival({"crl": [crl.CertificateList.load(one) for one in archival]})
        signed.append(attribute("adobe_revocation_info_archival", lists))
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
