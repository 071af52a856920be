"""Levels B-LT and B-LTA (EN 319 142-1 clauses 5.4, 5.5): what later verifiers need is put into the document.

1. A judge runs `evidence_for`: of all that we hold, the certificates, CRLs and OCSP responses that a signer's or an
   authority's certificate needs.
2. A judge runs `prepare_dss`: an incremental update with a document security store (ISO 32000-2 clause 12.8.4.3).
3. A judge runs `prepare_document_timestamp`, an authority stamps its digest, the service fills it in.

Renewal, before the last authority's certificate ends, is the same three steps once more, the first of them for the last
timestamp (`last_timestamp`). Nothing is judged here: what is put in is believed only by whoever verifies it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.prepare import open_for_update


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What goes along with a signature, DER."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()

    def __or__(self, other: "Evidence") -> "Evidence":
        """Both together, everything once."""
        return Evidence(
            certificates=_once(self.certificates, other.certificates),
            crls=_once(self.crls, other.crls),
            ocsps=_once(self.ocsps, other.ocsps),
        )

    def __bool__(self) -> bool:
        return bool(self.certificates or self.crls or self.ocsps)


def _once(*parts: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))


def evidence_for(chain: Sequence[bytes], held: Evidence) -> Evidence:
    """What a certificate (the first of the chain) needs of what we hold: its path, and what speaks of revocation on it.

    Raises:
        ValueError: one of them cannot be read; nobody but ourselves wrote them.
    """
    known = {one.subject.hashable: one for one in map(x509.Certificate.load, (*held.certificates, *chain[1:]))}
    path = [x509.Certificate.load(chain[0])]
    while (above := known.get(path[-1].issuer.hashable)) is not None and above not in path:
        path.append(above)
        if len(path) > limits.EMBEDDED_CERTIFICATES_MAX:
            raise ValueError("a path of certificates without end")
    issuers = {one.issuer.hashable for one in path}
    serials = {one.serial_number for one in path}
    return Evidence(
        certificates=tuple(one.dump() for one in path),
        crls=tuple(der for der in held.crls if crl.CertificateList.load(der).issuer.hashable in issuers),
        ocsps=tuple(der for der in held.ocsps if serials & set(_serials(der))),
    )


def _serials(der: bytes) -> Iterator[int]:
    """The certificates that an OCSP response speaks of."""
    response = ocsp.OCSPResponse.load(der).basic_ocsp_response
    for one in response["tbs_response_data"]["responses"]:
        yield one["cert_id"]["serial_number"].native


def token_chain(token: bytes) -> tuple[bytes, ...]:
    """The certificates in a timestamp token, the authority's own first.

    Raises:
        SenderError: `file.unreadable`: it is none, or it names none of them as its signer.
    """
    found = attempt(_token_chain, token)
    if isinstance(found, Trouble):
        raise SenderError("file.unreadable", reason=f"timestamp: {found.reason}")
    return found


def _token_chain(token: bytes) -> tuple[bytes, ...]:
    signed = cms.ContentInfo.load(token)["content"]
    certificates = [one.chosen for one in signed["certificates"]]
    if len(certificates) > limits.EMBEDDED_CERTIFICATES_MAX:
        raise ValueError("too many certificates")
    (signer,) = signed["signer_infos"]
    named = signer["sid"].chosen
    own = next(
        one
        for one in certificates
        if one.serial_number == named["serial_number"].native and one.issuer.hashable == named["issuer"].hashable
    )
    return (own.dump(), *(one.dump() for one in certificates if one is not own))


def last_timestamp(data: bytes) -> bytes:
    """The token (DER) of the last document timestamp; without any, of the last signature that bears one; run it in a judge.

    Raises:
        SenderError: `file.unreadable`: there is none, or not a PDF that can be read.
    """
    found = attempt(_last_timestamp, data)
    if isinstance(found, Trouble):
        raise SenderError("file.unreadable", reason=found.reason)
    if found is None:
        raise SenderError("file.unreadable", reason="no timestamp in it that could be renewed")
    return found


def _last_timestamp(data: bytes) -> bytes | None:
    reader = PdfFileReader(BytesIO(data), strict=True)
    embedded: Sequence[Any] = reader.embedded_signatures
    if len(embedded) > limits.PDF_SIGNATURES_MAX:
        raise ValueError(f"more than {limits.PDF_SIGNATURES_MAX} signatures")
    documents = [one for one in embedded if one.sig_object_type == "/DocTimeStamp"]
    if documents:
        token = cms.ContentInfo({"content_type": "signed_data", "content": documents[-1].signed_data})
        return bytes(token.dump())
    for one in reversed(embedded):
        if one.attached_timestamp_data is not None:
            token = cms.ContentInfo({"content_type": "signed_data", "content": one.attached_timestamp_data})
            return bytes(token.dump())
    return None


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
