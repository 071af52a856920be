"""Levels B-LT and B-LTA (EN 319 142-1 clauses 5.4, 5.5): what later verifiers need is put into the document.

1. `paths.evidence.evidence_for`: of all that we hold, the certificates, CRLs and OCSP responses that a signer's or an
   authority's certificate needs.
2. A judge runs `prepare_dss`: an incremental update with a document security store (ISO 32000-2 clause 12.8.4.3).
3. A judge runs `prepare_document_timestamp`, an authority stamps its digest, the service fills it in.

Renewal, before the last authority's certificate ends, is the same three steps once more, the first of them for the last
timestamp (`last_timestamp`). Nothing is judged here: what is put in is believed only by whoever verifies it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore

from gateway.core import limits
from gateway.core.errors import SenderError, SiteError
from gateway.core.reasons import because
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.prepare import open_for_update
from gateway.crypto.paths.trust import Evidence


def token_chain(token: bytes, digest: bytes | None = None) -> tuple[bytes, ...]:
    """The certificates in a timestamp token (DER), the authority's own first; run it in a judge.

    `digest`: the SHA-256 that was sent to be stamped. Whom the token is to be believed from, its verifier decides.

    Raises:
        SiteError: `timestamp.unavailable`: no token, over something else, or it does not hold its signer's certificate.
    """
    if len(token) > limits.TIMESTAMP_ROOM_BYTES:
        raise SiteError("timestamp.unavailable", asked=1, said="a token that does not fit into the place left for it")
    found = attempt(_token_chain, token, digest)
    if isinstance(found, Trouble):
        raise SiteError("timestamp.unavailable", asked=1, said=f"no timestamp of what was sent: {found.reason}")
    return found


def token_time(token: bytes, digest: bytes) -> datetime:
    """The time in a token over that digest, once `token_chain` has nothing against it; run it in a judge.

    Raises:
        SiteError: `timestamp.unavailable`: see `token_chain`; or its time is none.
    """
    token_chain(token, digest)
    found = attempt(_token_time, token)
    if isinstance(found, Trouble):
        raise SiteError("timestamp.unavailable", asked=1, said=f"a timestamp without a time: {found.reason}")
    return found


def _token_time(token: bytes) -> datetime:
    said = cms.ContentInfo.load(token, strict=True)["content"]["encap_content_info"]["content"].parsed
    time: datetime = said["gen_time"].native
    return time.astimezone(UTC)


def _token_chain(token: bytes, digest: bytes | None) -> tuple[bytes, ...]:
    signed = cms.ContentInfo.load(token, strict=True)["content"]
    imprint = signed["encap_content_info"]["content"].parsed["message_imprint"]
    if digest is not None:
        named = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
        if named != ("sha256", digest):
            raise ValueError("a timestamp of something else")
    certificates = [one.chosen for one in signed["certificates"]]
    if len(certificates) > limits.EMBEDDED_CERTIFICATES_MAX:
        raise ValueError("too many certificates")
    (signer,) = signed["signer_infos"]
    sid = signer["sid"].chosen
    own = next(
        one
        for one in certificates
        if one.serial_number == sid["serial_number"].native and one.issuer.hashable == sid["issuer"].hashable
    )
    return (own.dump(), *(one.dump() for one in certificates if one is not own))


def signer_chains(data: bytes) -> tuple[tuple[bytes, ...], ...]:
    """The certificates (DER) in each signature of a PDF, the signer's own first; run it in a judge.

    Raises:
        SenderError: `file.unreadable`: no PDF that can be read, or without a signature.
    """
    found = attempt(_signer_chains, data)
    if isinstance(found, Trouble):
        raise SenderError("file.unreadable", reason=found.reason)
    return found


def _signer_chains(data: bytes) -> tuple[tuple[bytes, ...], ...]:
    chains = _chains_in(data)
    if not chains:
        raise ValueError("no signature in it")
    return chains


def _chains_in(data: bytes) -> tuple[tuple[bytes, ...], ...]:
    signatures = [one for one in _embedded(data) if one.sig_object_type == "/Sig"]
    return tuple((one.signer_cert.dump(), *(other.dump() for other in one.other_embedded_certs)) for one in signatures)


def _embedded(data: bytes) -> Sequence[Any]:
    """The signatures and document timestamps of a PDF, oldest first."""
    embedded: Sequence[Any] = PdfFileReader(BytesIO(data), strict=True).embedded_signatures
    if len(embedded) > limits.PDF_SIGNATURES_MAX:
        raise ValueError(f"more than {limits.PDF_SIGNATURES_MAX} signatures")
    return embedded


def bears_timestamp(data: bytes) -> bool:
    """Whether a signed PDF has any timestamp, of the document or of a signature; run it in a judge.

    Raises:
        SenderError: `file.unreadable`: no PDF that can be read; `seal.unsigned`: nobody signed it, and nobody stamped it.
    """
    found = attempt(_bears, data)
    if isinstance(found, Trouble):
        raise SenderError("file.unreadable", reason=found.reason)
    if found is None:
        raise SenderError("seal.unsigned")
    return found


def _bears(data: bytes) -> bool | None:
    if not _embedded(data):
        open_for_update(data)  # what could not be signed either is told as what it is
        return None
    return _last_timestamp(data) is not None


def chains_in(data: bytes) -> tuple[tuple[bytes, ...], ...]:
    """`signer_chains` of a PDF that may bear nothing but timestamps; run it in a judge.

    Raises:
        SenderError: `file.unreadable`: no PDF that can be read.
    """
    found = attempt(_chains_in, data)
    if isinstance(found, Trouble):
        raise SenderError("file.unreadable", reason=found.reason)
    return found


def last_timestamp(data: bytes) -> bytes:
    """The token (DER) of the last document timestamp; without any, of the last signature that bears one; run it in a judge.

    Raises:
        SenderError: `file.unreadable`: there is none, or not a PDF that can be read.
    """
    found = attempt(_last_timestamp, data)
    if isinstance(found, Trouble):
        raise SenderError("file.unreadable", reason=found.reason)
    if found is None:
        raise SenderError("file.unreadable", reason=because("no_timestamp"))
    return found


def _last_timestamp(data: bytes) -> bytes | None:
    embedded = _embedded(data)
    documents = [one for one in embedded if one.sig_object_type == "/DocTimeStamp"]
    if documents:
        token = cms.ContentInfo({"content_type": "signed_data", "content": documents[-1].signed_data})
        return bytes(token.dump())
    return next((token for one in reversed(embedded) for token in _signature_timestamps(one.signer_info)), None)


def _signature_timestamps(signer: cms.SignerInfo) -> Iterator[bytes]:
    """The tokens among the unsigned attributes (EN 319 122-1 clause 5.3)."""
    if signer["unsigned_attrs"].native is None:
        return
    for attribute in signer["unsigned_attrs"]:
        if attribute["type"].native == "signature_time_stamp_token":
            yield from (token.dump() for token in attribute["values"])


def prepare_dss(data: bytes, evidence: Evidence) -> bytes:
    """The document with a document security store that holds this, too; run it in a judge.

    Raises:
        SenderError: `file.unreadable`.
    """
    stored = attempt(_prepare_dss, data, evidence)
    if isinstance(stored, Trouble):
        raise SenderError("file.unreadable", reason=stored.reason)
    return stored


def _prepare_dss(data: bytes, evidence: Evidence) -> bytes:
    writer = open_for_update(data)
    # No /VRI: EN 319 142-1 clause 5.4.2.3 lets it out, and verifiers are to use what stands in the store itself.
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[x509.Certificate.load(der) for der in evidence.certificates],
        crls=[crl.CertificateList.load(der) for der in evidence.crls],
        ocsps=[ocsp.OCSPResponse.load(der) for der in evidence.ocsps],
    )
    output = BytesIO()
    writer.write(output)
    return output.getvalue()
