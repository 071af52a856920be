"""Tiny PDFs, valid and otherwise, written by hand: no library whose taste the tests would then share."""

import zlib


def tiny_pdf(text: str = "Van ban dien tu", *, padding: int = 0) -> bytes:
    """One page with one line of text (ASCII). `padding`: bytes of an embedded incompressible stream, for size."""
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    content = f"BT /F1 18 Tf 72 720 Td ({escaped}) Tj ET".encode("ascii")
    noise = bytes((n * 2654435761 >> 13) & 0xFF for n in range(padding))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R %b >>"
        % b"/Resources << /Font << /F1 5 0 R >> >>",
        _stream(content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    if padding:
        objects.append(_stream(noise))
    return _file(objects)


def pages_pdf(*pages: str) -> bytes:
    """Pages with a line of text each; every argument is what the page's dictionary says of itself (`/Rotate 90`)."""
    kids = " ".join(f"{3 + number} 0 R" for number in range(len(pages)))
    font, text = 3 + len(pages), b"BT /F1 18 Tf 72 720 Td (Van ban dien tu) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} /MediaBox [0 0 595 842] >>".encode("ascii"),
        *(
            f"<< /Type /Page /Parent 2 0 R {page} /Contents {font + 1} 0 R "
            f"/Resources << /Font << /F1 {font} 0 R >> >> >>".encode("ascii")
            for page in pages
        ),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        _stream(text),
    ]
    return _file(objects)


def encrypted_pdf() -> bytes:
    """A PDF whose trailer names an encryption dictionary."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [] /Count 0 >>",
        b"<< /Filter /Standard /V 1 /R 2 /P -44 /O <" + b"00" * 32 + b"> /U <" + b"00" * 32 + b"> >>",
    ]
    return _file(objects, trailer=b" /Encrypt 3 0 R /ID [<00> <00>]")


def compressed_pdf(text: str = "Nen") -> bytes:
    """Like `tiny_pdf`, the content stream compressed."""
    content = zlib.compress(f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode("ascii"))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(content), content),
    ]
    return _file(objects)


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content)


def _file(objects: list[bytes], trailer: bytes = b"") -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R%b >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)
