"""What a file says of itself, seen through its disguises."""

import pytest

from gateway.exchange.judging import claims_pdf


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.pdf", ""),
        ("A.PDF", "text/plain"),
        ("a.pdf\u200f", ""),
        ("a.p\u200bdf", ""),
        ("a.pdf ", ""),
        ("a.pdf.", ""),
        ("a.ｐｄｆ", ""),
        ("a.txt", "application/pdf"),
        ("a.txt", "Application/PDF ; x=y"),
        ("a.txt", "application/pdf\u2028"),
        ("a.txt", "application/x-pdf"),
        ("a.txt", "Application/X-PDF; version=1.4"),
        ("a.txt", "application/vnd.pdf"),
        ("a.txt", "application/acrobat"),
        ("a.txt", "text/pdf"),
        ("a.txt", "text/x-pdf"),
    ],
)
def test_a_disguised_pdf_says_that_it_is_one(name: str, content_type: str) -> None:
    assert claims_pdf(name, content_type)


@pytest.mark.parametrize(("name", "content_type"), [("a.txt", ""), ("a.pdf.zip", "application/zip"), ("pdf", "x/pdf")])
def test_other_files_do_not(name: str, content_type: str) -> None:
    assert not claims_pdf(name, content_type)
