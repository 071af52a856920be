"""What a file is by its first bytes."""

import pytest

from gateway.core.magic import MAGIC_BYTES, OLE, OTHER, TEXT, XML, ZIP, media_type
from gateway.core.model import PDF


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n", PDF),
        (b"\n\n%PDF-1.7\n", PDF),
        (b"\0" * (MAGIC_BYTES - 5) + b"%PDF-", PDF),
        (b"\0" * (MAGIC_BYTES - 4) + b"%PDF-", OTHER),
        (b"PK\x03\x04 %PDF-1.7", ZIP),
        (b"PK\x05\x06" + bytes(18), ZIP),
        (b"PK\x01\x02", OTHER),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"{\\rtf1", "application/rtf"),
        (b"<?xml version='1.0'?><a/>", XML),
        (b"\xef\xbb\xbf\r\n<?xml version='1.0'?>", XML),
        ("Văn bản\r\n".encode(), TEXT),
        (b"<html>", TEXT),
        (b"a\0b", OTHER),
        (b"V\xe0", OTHER),
        (b"", OTHER),
        # a letter that is cut in two where the look ends, and one that is cut short for good
        (b"x" * (MAGIC_BYTES - 1) + "ă".encode(), TEXT),
        (b"x" * 10 + b"\xc4", OTHER),
        (b"MZ\x90\0", OTHER),
    ],
)
def test_a_file_is_what_its_first_bytes_say(head: bytes, kind: str) -> None:
    assert media_type(head) == kind
