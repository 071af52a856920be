"""PDFs signed by pyHanko, with the declared PKI, at any moment: an independent signer, whose files our verifier has to judge.

Step by step, so that a file can lack any step or have one of them wrong: `signed` (with a timestamp or without),
`with_evidence` (a document security store), `archived` (a document timestamp). Nothing is validated.
"""

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils.generic import NumberObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field, enumerate_sig_fields
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.kit.certomancer.bad_stamps import Stamp
from tests.kit.certomancer.declared import chain, key_name, parsed, private_key
from tests.kit.certomancer.signing import signature_of
from tests.kit.pki import MOMENT


class _Stamper(TimeStamper):
    """Hands out what it was given to hand out, and asks nobody."""

    stamp: Stamp

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        assert md_algorithm == "sha256", "what a Stamp takes"
        return cms.ContentInfo.load(self.stamp(message_digest))


def stamper_of(stamp: Stamp) -> _Stamper:
    """pyHanko's timestamper that hands out this."""
    stamper = _Stamper(include_nonce=False)  # type: ignore[no-untyped-call]  # pyHanko's, untyped
    stamper.stamp = stamp
    return stamper


class _Hand(signers.SimpleSigner):
    """pyHanko's signer, with a key that is loaded once."""

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        mechanism = self.get_signature_mechanism_for_digest(digest_algorithm)
        return signature_of(data, self.signing_key, mechanism)


class _Signer(signers.PdfSigner):
    """pyHanko's, at a time of ours."""

    at: datetime = MOMENT

    def _enforce_certification_constraints(self, reader: PdfFileReader) -> None:
        """Whatever an earlier signer forbade."""

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self.at
        return session


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a signature is made; by itself a PAdES B-B approval signature of now with everything in order."""

    at: datetime = MOMENT
    field: str = "Signature1"
    stamp: Stamp | None = None
    certify: MDPPerm | None = None
    embedded: tuple[bytes, ...] | None = None
    """These certificates come along instead of the signer's chain."""
    subfilter: SigSeedSubFilter = SigSeedSubFilter.PADES
    digest: str = "sha256"
    pss: bool = False
    box: tuple[int, int, int, int] | None = None
    """Where a new field shows itself; nowhere by itself."""
    page: int = 0
    """... and on which page, counted from 0."""
    flags: int | None = None
    """Of its annotation (ISO 32000-2 clause 12.5.3), where it shows itself."""


PLAINLY = How()


def signed(pdf: bytes, label: str, how: How = PLAINLY) -> bytes:
    """The PDF with one more signature, by that certificate of the declaration."""
    others = chain(label)[1:] if how.embedded is None else how.embedded
    registry = SimpleCertificateStore()
    registry.register_multiple([x509.Certificate.load(der) for der in others])
    signer = _Hand(
        signing_cert=parsed(label), signing_key=private_key(key_name(label)), cert_registry=registry, prefer_pss=how.pss
    )
    metadata = signers.PdfSignatureMetadata(
        field_name=how.field,
        md_algorithm=how.digest,
        subfilter=how.subfilter,
        certify=how.certify is not None,
        docmdp_permissions=how.certify or MDPPerm.FILL_FORMS,
    )
    stamper = None if how.stamp is None else stamper_of(how.stamp)
    new = None if how.box is None else SigFieldSpec(sig_field_name=how.field, box=how.box, on_page=how.page)
    pdf_signer = _Signer(
        metadata, signer=signer, timestamper=stamper, new_field_spec=None if how.flags is not None else new
    )
    pdf_signer.at = how.at
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    if new is not None and how.flags is not None:
        append_signature_field(writer, new)
        _, _, field = next(enumerate_sig_fields(writer, with_name=how.field))
        field.get_object()[pdf_name("/F")] = NumberObject(how.flags)
    return asyncio.run(_signed(pdf_signer, writer))


async def _signed(pdf_signer: _Signer, writer: IncrementalPdfFileWriter) -> bytes:
    output = await pdf_signer.async_sign_pdf(writer)
    return bytes(output.getvalue())


def with_fields(pdf: bytes, *names: str) -> bytes:
    """The PDF with empty signature fields, to be signed later."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    for name in names:
        append_signature_field(writer, SigFieldSpec(sig_field_name=name))
    return written(writer)


def with_evidence(
    pdf: bytes, *, certificates: Iterable[bytes] = (), crls: Iterable[bytes] = (), ocsps: Iterable[bytes] = ()
) -> bytes:
    """The PDF with these in its document security store (ISO 32000-2 clause 12.8.4.3)."""
    buffer = io.BytesIO(pdf)
    DocumentSecurityStore.add_dss(
        buffer,
        None,
        certs=[x509.Certificate.load(der) for der in certificates],
        crls=[crl.CertificateList.load(der) for der in crls],
        ocsps=[ocsp.OCSPResponse.load(der) for der in ocsps],
    )
    return buffer.getvalue()


def archived(pdf: bytes, stamp: Stamp, field: str = "Timestamp1") -> bytes:
    """The PDF with a document timestamp over everything so far."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    return asyncio.run(_archived(signers.PdfTimeStamper(stamper_of(stamp), field_name=field), writer))


async def _archived(stamper: signers.PdfTimeStamper, writer: IncrementalPdfFileWriter) -> bytes:
    output = await stamper.async_timestamp_pdf(writer, "sha256")
    return bytes(output.getvalue())


def written(writer: IncrementalPdfFileWriter) -> bytes:
    """What an incremental writer has to say."""
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()
