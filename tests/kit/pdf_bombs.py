"""Signed PDFs that are small and would be large: streams that a judge has to read, compressed to a thousandth and less.

Each takes a signed file and appends to it, as an attacker can; unpacked, each is more than a judge may hold.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from typing import Final

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from gateway.core.limits import EVIDENCE_BYTES_MAX, EVIDENCE_ITEMS_MAX, JUDGE_MEMORY_BYTES_MAX, MIB
from tests.kit.pyhanko_signer import written

UNPACKED: Final = JUDGE_MEMORY_BYTES_MAX + 128 * MIB


@cache
def packed(size: int, times: int) -> bytes:
    """That many zeros, compressed so often; made piece by piece."""
    data = _deflated(bytes(MIB) for _ in range(size // MIB))
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return data


def _deflated(pieces: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(piece) for piece in pieces) + packer.flush()


def _filters(times: int) -> bytes:
    return b"[%b]" % b" ".join([b"/FlateDecode"] * times)


def store(kind: str, times: int, count: int) -> Callable[[bytes], bytes]:
    """A document security store with so many pieces of evidence of that kind."""

    def change(pdf: bytes) -> bytes:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        filters = ArrayObject([NameObject("/FlateDecode")] * times)
        pieces = [
            writer.add_object(
                StreamObject(
                    {pdf_name("/Filter"): filters}, encoded_data=packed(UNPACKED // (1 if times > 1 else 8), times)
                )
            )
            for _ in range(count)
        ]
        writer.root["/DSS"] = writer.add_object(DictionaryObject({pdf_name(f"/{kind}"): ArrayObject(pieces)}))
        writer.update_root()
        return written(writer)

    return change


def spoiled(pdf: bytes) -> bytes:
    """A full store, each of whose pieces fails when all of it is unpacked: its rows are coded as nobody codes them."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    entries = {
        "/Filter": NameObject("/FlateDecode"),
        "/DecodeParms": DictionaryObject({pdf_name("/Predictor"): NumberObject(99)}),
    }
    data = packed(EVIDENCE_BYTES_MAX, 1)
    store = {
        pdf_name(f"/{kind}"): ArrayObject(
            writer.add_object(StreamObject({pdf_name(k): v for k, v in entries.items()}, encoded_data=data))
            for _ in range(EVIDENCE_ITEMS_MAX)
        )
        for kind in ("Certs", "CRLs", "OCSPs")
    }
    writer.root["/DSS"] = writer.add_object(DictionaryObject(store))
    writer.update_root()
    return written(writer)


def table(times: int) -> Callable[[bytes], bytes]:
    """A cross-reference stream (ISO 32000-2 clause 7.5.8) over more objects than there can be."""

    def change(pdf: bytes) -> bytes:
        start, size = (int(re.findall(word + rb"\s+(\d+)", pdf)[-1]) for word in (rb"startxref", rb"/Size"))
        root = re.findall(rb"/Root\s+(\d+ \d+ R)", pdf)[-1]
        data, at = packed(UNPACKED, times), len(pdf) + 1
        names = b"/Type /XRef /W [1 8 7] /Index [%d %d] /Size %d /Root %b /Prev %d" % (
            *(size, UNPACKED // 16, size + UNPACKED // 16, root, start),
        )
        stream = b"%d 0 obj\n<< %b /Filter %b /Length %d >>\nstream\n%b\nendstream\nendobj\n"
        body = stream % (size, names, _filters(times), len(data), data)
        return pdf + b"\n" + body + b"startxref\n%d\n%%%%EOF\n" % at

    return change


def objects(times: int) -> Callable[[bytes], bytes]:
    """The catalogue anew, in a stream of objects (clause 7.5.7) that never ends."""

    def change(pdf: bytes) -> bytes:
        start, size = (int(re.findall(word + rb"\s+(\d+)", pdf)[-1]) for word in (rb"startxref", rb"/Size"))
        catalog = re.findall(rb"/Root\s+(\d+) \d+ R", pdf)[-1]
        data, at = packed(UNPACKED, times), len(pdf) + 1
        stream = b"%d 0 obj\n<< %b /Filter %b /Length %d >>\nstream\n%b\nendstream\nendobj\n"
        body = stream % (size, b"/Type /ObjStm /N 1 /First 4", _filters(times), len(data), data)
        rows = bytes([2, 0, 0, 0, size, 0])  # catalogue: in stream `size`, the first
        rows += bytes([1, *(at).to_bytes(4), 0])
        rows += bytes([1, *(at + len(body)).to_bytes(4), 0])
        names = b"/Type /XRef /W [1 4 1] /Index [%b 1 %d 2] /Size %d /Root %b 0 R /Prev %d" % (
            *(catalog, size, size + 2, catalog, start),
        )
        xref = b"%d 0 obj\n<< %b /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (size + 1, names, len(rows), rows)
        return pdf + b"\n" + body + xref + b"startxref\n%d\n%%%%EOF\n" % (at + len(body))

    return change


BOMBS: Final[dict[str, Callable[[bytes], bytes]]] = {
    **{f"{kind}, packed once": store(kind, 1, 45) for kind in ("Certs", "CRLs", "OCSPs")},
    **{f"{kind}, packed thrice": store(kind, 3, 64) for kind in ("Certs", "CRLs", "OCSPs")},
    "spoiled after it is unpacked": spoiled,
    **{f"table of objects, packed {word}": table(times) for word, times in (("once", 1), ("twice", 2))},
    **{f"stream of objects, packed {word}": objects(times) for word, times in (("once", 1), ("twice", 2))},
}
