"""A PDF as judging needs it: read strictly, its signatures and archive timestamps in order, and its revisions countable."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any, Final

from pyhanko.pdf_utils.decode_limits import DEFAULT_PURPOSE_LIMITS, DecodeLimits, DecodePurpose, StreamDecodeLimits
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from gateway.core import limits
from gateway.core.magic import PDF_HEADER
from gateway.crypto.pades.hex import read_hex_in_pieces

PADES: Final = "/ETSI.CAdES.detached"
PKCS7: Final = "/adbe.pkcs7.detached"
TIMESTAMP: Final = "/ETSI.RFC3161"
_KNOWN: Final = frozenset({PADES, PKCS7, TIMESTAMP, "/adbe.pkcs7.sha1", "/adbe.x509.rsa_sha1"})
_ONE_PIECE: Final = StreamDecodeLimits(max_ratio=None, max_output_size=limits.EVIDENCE_BYTES_MAX)
_INFLATED: Final = DecodeLimits(
    per_purpose={
        **DEFAULT_PURPOSE_LIMITS,
        DecodePurpose.CERTIFICATE: _ONE_PIECE,
        DecodePurpose.CRL: _ONE_PIECE,
        DecodePurpose.OCSP_RESPONSE: _ONE_PIECE,
        DecodePurpose.XREF_STREAM: StreamDecodeLimits(max_output_size=limits.PDF_OBJECTS_BYTES_MAX),
    }
)
"""How large a stream may become. pyHanko's own bounds leave 256 MiB to a cross-reference stream and to each piece of evidence;
here a piece has what all of them may have together (`security_store` sums up)."""
_SIGNATURE: Final = "/Sig"
_DOCUMENT_TIMESTAMP: Final = "/DocTimeStamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file. A signature is pyHanko's `EmbeddedPdfSignature`, whose annotations are not those of what it holds."""

    data: bytes
    reader: Any
    signatures: tuple[Any, ...]
    """In the order of their revisions."""
    timestamps: tuple[Any, ...]
    """DocTimeStamps, likewise."""
    revisions: int
    has_store: bool
    """Whether there is a document security store: one that was there and is gone again is of no use to anybody."""

    def store_at(self, revision: int) -> Mapping[str, Any] | None:
        """The document security store as it was at a revision, counted from 0."""
        root = self.reader.get_historical_resolver(revision).root
        return root["/DSS"] if "/DSS" in root else None  # noqa: SIM401 - what it names, where `get` gives the reference


def read_document(data: bytes) -> Document:
    """Duty 2 of `judge_pdf`.

    Raises:
        ValueError: nobody can say what this file is; and whatever pyHanko throws at hostile bytes.
    """
    if not data.startswith(PDF_HEADER):  # readers differ over where such a file begins, and so over what it shows
        raise ValueError("bytes before the header: cannot judge")
    if data.count(b"startxref") > limits.PDF_REVISIONS_MAX:  # before they are read, one by one
        raise ValueError(f"more than {limits.PDF_REVISIONS_MAX} revisions: cannot judge")
    read_hex_in_pieces()
    reader = PdfFileReader(BytesIO(data), strict=True, decode_limits=_INFLATED)
    if reader.encrypted:
        raise ValueError("encrypted: cannot judge")
    found = list(islice(enumerate_sig_fields(reader, filled_status=True), limits.PDF_SIGNATURES_MAX + 1))
    if len(found) > limits.PDF_SIGNATURES_MAX:
        raise ValueError(f"more than {limits.PDF_SIGNATURES_MAX} signatures: cannot judge")
    if found and reader.xrefs.hybrid_xrefs_present:  # two tables of objects, of which readers choose differently
        raise ValueError("hybrid-reference file: cannot judge")
    if any(value.get_object().get("/SubFilter") not in _KNOWN for _, value, _ in found):
        raise ValueError("a signature of an unknown kind: cannot judge")
    embedded = sorted(
        (EmbeddedPdfSignature(reader, place, name) for name, _, place in found), key=lambda one: one.signed_revision
    )
    if any(str(one.sig_object_type) not in {_SIGNATURE, _DOCUMENT_TIMESTAMP} for one in embedded):
        raise ValueError("a signature that is neither signature nor timestamp: cannot judge")
    return Document(
        data=data,
        reader=reader,
        signatures=tuple(one for one in embedded if one.sig_object_type == _SIGNATURE),
        timestamps=tuple(one for one in embedded if one.sig_object_type == _DOCUMENT_TIMESTAMP),
        revisions=reader.xrefs.total_revisions,
        has_store="/DSS" in reader.root,
    )
