"""What a file is declared as, and what the vendor's reader would make of it."""

import io
import zipfile

import pytest

from gateway.edxml import declared_type


def zipped(*names: str) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"<x/>" * 20)
    return into.getvalue()


DOCX = zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.pdf", b"%PDF-1.7 x", "application/pdf"),
        ("a.docx", b"%PDF-1.7 x", "application/pdf"),
        ("a.pdf", b"MZ\0\0", "application/octet-stream"),
        ("a.docx", DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.zip", zipped("x.txt"), "application/zip"),
        ("A.ZIP", zipped("x.txt"), "application/zip"),
        ("a.xlsx", zipped("x.txt"), "application/octet-stream"),
        ("a.zip", b"PK\x03\x04 cut", "application/zip"),
        ("a", b"PK\x03\x04 cut", "application/octet-stream"),
        ("empty", b"", "application/octet-stream"),
    ],
)
def test_a_file_is_declared_as_what_its_bytes_are(name: str, data: bytes, kind: str) -> None:
    assert declared_type(io.BytesIO(data), len(data), name=name) == kind
