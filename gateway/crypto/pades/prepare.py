"""Signing a PDF in steps, so that the key never meets the document and the document never meets the service's parser.

1. A judge runs `prepare_seal`: an incremental update with a signature field, what it shows, and room for the signature.
2. The service builds the CMS attributes over the digest (`gateway.crypto.cades.cms`); a key-holder signs them; for level B-T
   an authority stamps the signature.
3. The service writes the CMS into the room that was left: `PreparedSeal.filled`, bytes at an offset, no parsing.

All signatures are approval signatures: a person's and a body's, in either order. What an earlier signature forbids
(certification, locked fields: ISO 32000-2 clause 12.8.2) is refused here, before any key is asked; so is a picture that would
cover what it signed (`cover`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import (
    DocumentTimestamp,
    PdfSignedData,
    PreparedByteRangeDigest,
    SignatureObject,
)

from gateway.core.errors import SenderError
from gateway.core.reasons import because
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.appearance import Appearance, Drawing, PersonPicture, drawn
from gateway.crypto.pades.cover import added_boxes, boxes_on, excess_on
from gateway.crypto.pades.hex import read_hex_in_pieces
from gateway.crypto.pades.page import Box, Page
from gateway.crypto.pades.permissions import check_permitted
from gateway.crypto.pades.place import Field, Place, fields_of, place_in_document, place_of
from gateway.crypto.pades.stamp import add_form


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSeal:
    """A PDF with an empty place for its signature, or for a document timestamp."""

    pdf: bytes
    digest: bytes
    """SHA-256 over the byte range: everything but the place."""
    start: int
    """Offset of the `<` that opens the place."""
    end: int
    """Offset after the `>` that closes it."""

    @property
    def room(self) -> int:
        """Bytes that fit."""
        return (self.end - self.start - 2) // 2

    def filled(self, signature: bytes) -> bytes:
        """The sealed PDF: the CMS in hex, the rest of the place zero (ISO 32000-2 clause 12.8.1)."""
        text = signature.hex().encode().ljust(2 * self.room, b"0")
        assert len(text) == 2 * self.room, f"a signature of {len(signature)} bytes does not fit into {self.room}"
        return b"".join((self.pdf[: self.start + 1], text, self.pdf[self.end - 1 :]))


def prepare_seal(
    data: bytes, *, room: int, moment: datetime, appearance: Appearance | None = None, field: str = ""
) -> PreparedSeal:
    """Make place for a PAdES signature of at most `room` bytes; run it in a judge.

    `field`: the empty signature field of the document to use; without it a new one is made. `appearance`: what is seen of it.

    Raises:
        SenderError: `file.unreadable`: not a PDF that can be updated (damaged, encrypted, hybrid); `seal.forbidden`: an
            earlier signature allows no further one; `seal.field`: no empty field of that name; `seal.appearance`.
    """
    return _or_unreadable(partial(_prepare, data, room, moment, appearance, field))


def prepare_document_timestamp(data: bytes, *, room: int) -> PreparedSeal:
    """Make place for a document timestamp (EN 319 142-1 clause 5.5) of at most `room` bytes; run it in a judge.

    It goes over everything before it: signatures, and the validation data that `prepare_dss` added.

    Raises:
        SenderError: `file.unreadable`.
    """
    return _or_unreadable(partial(_prepare_timestamp, data, room))


def _or_unreadable(work: Callable[[], PreparedSeal]) -> PreparedSeal:
    """What it returns or refuses; whatever else a library throws is `file.unreadable`."""
    prepared = attempt(_refusing, work)
    if isinstance(prepared, Trouble):
        raise SenderError("file.unreadable", reason=prepared.reason)
    if isinstance(prepared, SenderError):
        raise prepared
    return prepared


def _refusing(work: Callable[[], PreparedSeal]) -> PreparedSeal | SenderError:
    """A refusal as a value: `attempt` makes trouble of every exception."""
    try:
        return work()
    except SenderError as refused:
        return refused


def open_for_update(data: bytes) -> IncrementalPdfFileWriter:
    """A writer that only adds to the document (ISO 32000-2 clause 7.5.6).

    Raises:
        ValueError: it is encrypted or hybrid; and whatever pyHanko's reader throws.
    """
    read_hex_in_pieces()
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=True)
    if writer.prev.encrypted:
        raise ValueError("an encrypted PDF cannot be sealed")
    if writer.prev.xrefs.hybrid_xrefs_present:
        raise ValueError("a hybrid-reference PDF cannot be sealed")
    writer.ensure_output_version(version=(1, 7))
    return writer


def _prepare(data: bytes, room: int, moment: datetime, appearance: Appearance | None, field: str) -> PreparedSeal:
    writer = open_for_update(data)
    if writer.output_version < (2, 0):
        writer.register_extension(ESIC_EXTENSION_1)  # EN 319 142-1 clause 5.1
    fields = fields_of(writer.prev)
    check_permitted(writer.prev, fields, field)
    drawing = None if appearance is None else drawn(appearance, moment)
    # EN 319 142-1 clause 6.3: the claimed time stands in /M, not in the CMS.
    signature = SignatureObject(timestamp=moment, subfilter=SigSeedSubFilter.PADES, bytes_reserved=2 * room)
    if field:
        place = _standing(writer, _empty(fields, field), visible=drawing is not None)
        return _embedded(writer, signature, SigFieldSpec(field), _Shown.of(drawing, place))
    stem = "Signature" if isinstance(appearance, PersonPicture) else "Seal"
    if appearance is None or drawing is None:
        return _embedded(writer, signature, SigFieldSpec(_free_name(fields, stem), on_page=0), None)
    place = place_of(appearance, drawing, writer.prev, fields)
    own = place.page.to_own(place.box)
    _check_cover(writer.prev, place.page, own)
    box: Any = (own.left, own.bottom, own.right, own.top)  # pyHanko's annotation says int, its code rounds to 1/100
    spec = SigFieldSpec(_free_name(fields, stem), on_page=place.page.number - 1, box=box)
    return _embedded(writer, signature, spec, _Shown.of(drawing, place))


def _check_cover(reader: Any, page: Page, own: Box) -> None:
    """Make nothing that our own judge refuses for its size: the oldest signature has seen the fewest of the fields."""
    signed = [one.signed_revision for one in reader.embedded_regular_signatures]
    if not signed:
        return
    added = added_boxes(reader.get_historical_resolver(min(signed)), reader)
    if excess := excess_on(page, [own, *boxes_on(page, added)]):
        told = {"percent": excess.percent, "page": excess.page}
        reason = because("covers_together", **told) if excess.together else because("covers", **told)
        raise SenderError("seal.appearance", reason=reason)


def _prepare_timestamp(data: bytes, room: int) -> PreparedSeal:
    writer = open_for_update(data)
    spec = SigFieldSpec(_free_name(fields_of(writer.prev), "Timestamp"), on_page=0)
    return _embedded(writer, DocumentTimestamp(bytes_reserved=2 * room), spec, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What is seen of a signature, and where."""

    drawing: Drawing
    place: Place

    @classmethod
    def of(cls, drawing: Drawing | None, place: Place | None) -> "_Shown | None":
        """Nothing without both."""
        return None if drawing is None or place is None else cls(drawing=drawing, place=place)


def _embedded(
    writer: IncrementalPdfFileWriter, signature: PdfSignedData, spec: SigFieldSpec, shown: _Shown | None
) -> PreparedSeal:
    """Let pyHanko put the signature dictionary into the field and write the update."""
    name = spec.sig_field_name
    embedding = PdfCMSEmbedder(new_field_spec=spec).write_cms(name, writer)
    field = next(embedding)
    if shown is not None:
        _dress(writer, field.get_object(), shown)
    embedding.send(SigObjSetup(sig_placeholder=signature))
    prepared, output = embedding.send(SigIOSetup(md_algorithm="sha256"))
    assert isinstance(prepared, PreparedByteRangeDigest), "the third step of pyHanko's protocol gives the digest"
    return PreparedSeal(
        pdf=output.getvalue(),
        digest=prepared.document_digest,
        start=prepared.reserved_region_start,
        end=prepared.reserved_region_end,
    )


def _dress(writer: IncrementalPdfFileWriter, field: generic.DictionaryObject, shown: _Shown) -> None:
    """Give a field its appearance (ISO 32000-2 clause 12.5.5)."""
    box, turn = shown.place.box, shown.place.page.turn
    form = add_form(writer, shown.drawing, width=box.width, height=box.height, turn=turn)
    annotation = field["/Kids"][0] if "/Kids" in field else field
    annotation[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): form})
    writer.update_container(annotation)


def _empty(fields: tuple[Field, ...], name: str) -> Field:
    found = next((field for field in fields if field.name == name), None)
    if found is None:
        raise SenderError("seal.field", field=name, reason=because("no_field"))
    if found.signed:
        raise SenderError("seal.field", field=name, reason=because("field_signed"))
    return found


def _standing(writer: IncrementalPdfFileWriter, field: Field, *, visible: bool) -> Place | None:
    """Where a field of the document stands, when something is to be seen there."""
    place = place_in_document(field, writer.prev) if visible else None
    if visible and place is None:
        raise SenderError("seal.appearance", reason=because("field_invisible"))
    return place


def _free_name(fields: tuple[Field, ...], stem: str) -> str:
    """A name for a new field that none of the document bears yet."""
    taken = {field.name for field in fields}
    return next(name for number in range(1, len(taken) + 2) if (name := f"{stem}{number}") not in taken)
