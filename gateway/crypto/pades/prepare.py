"""Sealing a PDF in steps, so that the key never meets the document and the document never meets the service's parser.

1. A judge runs `prepare_seal`: an incremental update with an invisible signature field and room for the signature.
2. The service builds the CMS attributes over the digest (`gateway.crypto.cades.cms`); a key-holder signs them.
3. The service writes the CMS into the room that was left: `PreparedSeal.filled`, bytes at an offset, no parsing.
"""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest, SignatureObject

from gateway.core.errors import SenderError
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.hex import read_hex_in_pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSeal:
    """A PDF with an empty place for its signature."""

    pdf: bytes
    digest: bytes
    """SHA-256 over the byte range: everything but the place."""
    start: int
    """Offset of the `<` that opens the place."""
    end: int
    """Offset after the `>` that closes it."""

    def filled(self, signature: bytes) -> bytes:
        """The sealed PDF: the CMS in hex, the rest of the place zero (ISO 32000-2 clause 12.8.1)."""
        room = self.end - self.start - 2
        text = signature.hex().encode().ljust(room, b"0")
        assert len(text) == room, f"a signature of {len(signature)} bytes does not fit into {room // 2}"
        return b"".join((self.pdf[: self.start + 1], text, self.pdf[self.end - 1 :]))


def prepare_seal(data: bytes, *, room: int, moment: datetime, reason: str = "", location: str = "") -> PreparedSeal:
    """Make place for a PAdES signature of at most `room` bytes; run it in a judge.

    Raises:
        SenderError: `file.unreadable`: not a PDF that can be updated (damaged, encrypted, hybrid).
    """
    prepared = attempt(_prepare, data, room, moment, reason, location)
    if isinstance(prepared, Trouble):
        raise SenderError("file.unreadable", reason=prepared.reason)
    return prepared


def _prepare(data: bytes, room: int, moment: datetime, reason: str, location: str) -> PreparedSeal:
    read_hex_in_pieces()
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=True)
    if writer.prev.encrypted:
        raise ValueError("an encrypted PDF cannot be sealed")
    if writer.prev.xrefs.hybrid_xrefs_present:
        raise ValueError("a hybrid-reference PDF cannot be sealed")
    writer.ensure_output_version(version=(1, 7))
    if writer.output_version < (2, 0):
        writer.register_extension(ESIC_EXTENSION_1)  # EN 319 142-1 clause 5.1
    name = _field_name(writer)
    # EN 319 142-1 clause 6.3: the claimed time stands in /M, not in the CMS.
    place = SignatureObject(
        timestamp=moment, subfilter=SigSeedSubFilter.PADES, reason=reason, location=location, bytes_reserved=2 * room
    )
    embedding = PdfCMSEmbedder(new_field_spec=SigFieldSpec(name, on_page=0)).write_cms(name, writer)
    next(embedding)
    embedding.send(SigObjSetup(sig_placeholder=place))
    prepared, output = embedding.send(SigIOSetup(md_algorithm="sha256"))
    assert isinstance(prepared, PreparedByteRangeDigest), "the third step of pyHanko's protocol gives the digest"
    return PreparedSeal(
        pdf=output.getvalue(),
        digest=prepared.document_digest,
        start=prepared.reserved_region_start,
        end=prepared.reserved_region_end,
    )


def _field_name(writer: IncrementalPdfFileWriter) -> str:
    """A name for the new field that no signature field of the document bears yet."""
    taken = {name for name, _, _ in enumerate_sig_fields(writer.prev)}
    return next(name for number in range(1, len(taken) + 2) if (name := f"Seal{number}") not in taken)
