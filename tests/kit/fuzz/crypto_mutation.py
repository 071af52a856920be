"""Changes of signed files: of PDFs by their words and numbers, of DER by its lengths and tags, of XML as ever."""

import re
from random import Random
from typing import Final

from tests.kit.fuzz import mutation
from tests.kit.fuzz.asn1 import Asn1Mutator

SIZE_MAX: Final = 64 * 1024
_XML: Final = b"envelope"
_STAMP: Final = b"stamp"
_PDFS: Final = frozenset({b"pdf", b"unsealed"})
_NUMBER: Final = re.compile(rb"(?<![0-9A-Za-z])-?\d{1,10}(?![0-9A-Za-z])")
_CONTENTS: Final = re.compile(rb"/Contents <([0-9a-fA-F]{64,})>")
_NUMBERS: Final = tuple(
    str(number).encode() for number in (-1, 0, 1, 2, 3, 4, 9, 255, 65535, 2**31 - 1, 2**31, 2**63, 9_999_999_999)
)
_WORDS: Final = tuple(
    b"/Sig /DocTimeStamp /ByteRange /Contents /SubFilter /ETSI.CAdES.detached /adbe.pkcs7.detached /ETSI.RFC3161 /V /FT /Kids "
    b"/Parent /Fields /AcroForm /Perms /DocMDP /Reference /TransformParams /P /Lock /SV /DSS /VRI /Certs /OCSPs /CRLs /Prev "
    b"/XRefStm /Root /Size /Encrypt /ID /Type /ObjStm /XRef /Filter /FlateDecode /Length /Pages /Annots /AP /M null true "
    b"<< >> [ ] ( ) obj endobj stream endstream xref trailer startxref %%EOF 0 R".split()
)
_TAGS: Final = (
    0x01,
    0x02,
    0x03,
    0x04,
    0x05,
    0x06,
    0x0C,
    0x13,
    0x16,
    0x17,
    0x18,
    0x30,
    0x31,
    0x80,
    0xA0,
    0xA1,
    0xA3,
    0x7F,
    0xFF,
)


class Mutator:
    """Makes files out of files; the entry in the first line stays what it is."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._xml = mutation.Mutator(random)
        self._asn1 = Asn1Mutator(random)

    def mutant(self, data: bytes, other: bytes) -> bytes:
        """A file with one to four changes; `other` lends parts."""
        entry, _, body = data.partition(b"\n")
        lent = other.partition(b"\n")[2]
        if entry == _XML and self._random.random() < 0.8:
            return entry + b"\n" + self._xml.mutant(body, lent)
        if entry == _STAMP and self._random.random() < 0.8:
            return entry + b"\n" + self._asn1.mutant(body, lent)
        for _ in range(self._random.choice((1, 1, 1, 2, 2, 3, 4))):
            body = self._changed(entry, body, lent)
        return entry + b"\n" + body[:SIZE_MAX]

    def _changed(self, entry: bytes, body: bytes, lent: bytes) -> bytes:
        way = self._random.random()
        if entry in _PDFS and way < 0.3:
            return self._inside_contents(body, lent)
        if entry in _PDFS and way < 0.55:
            return self._replaced(body, _NUMBER, _NUMBERS)
        if entry in _PDFS and way < 0.7:
            return self._word(body)
        if entry not in _PDFS and way < 0.6:
            return self._der(body, lent)
        return self._bytes(body, lent)

    def _inside_contents(self, body: bytes, lent: bytes) -> bytes:
        """The CMS in the hex of a signature, changed and written back into the same room."""
        found = list(_CONTENTS.finditer(body))
        if not found:
            return self._bytes(body, lent)
        one = self._random.choice(found)
        changed = self._der(bytes.fromhex(one[1][: len(one[1]) // 2 * 2].decode()), lent).hex().encode()
        room = len(one[1])
        return body[: one.start(1)] + changed[:room].ljust(room, b"0") + body[one.end(1) :]

    def _replaced(self, body: bytes, pattern: re.Pattern[bytes], choices: tuple[bytes, ...]) -> bytes:
        found = list(pattern.finditer(body))
        if not found:
            return body
        one = self._random.choice(found)
        new = self._random.choice((self._random.choice(choices), self._random.choice(found)[0]))
        if self._random.random() < 0.7:  # of the same length, so that what stands behind stays where it was
            new = new.rjust(len(one[0]), b" ")[-len(one[0]) :]
        return body[: one.start()] + new + body[one.end() :]

    def _word(self, body: bytes) -> bytes:
        word = self._random.choice(_WORDS)
        if self._random.random() < 0.5:
            return self._replaced(body, re.compile(rb"/[A-Za-z0-9.]+"), _WORDS)
        at = self._random.randrange(len(body) + 1)
        return body[:at] + b" " + word + b" " + body[at:]

    def _der(self, body: bytes, lent: bytes) -> bytes:
        """One octet that may be a tag or a length, or a piece moved, doubled, left out or borrowed."""
        if len(body) < 4:
            return self._bytes(body, lent)
        at = self._random.randrange(min(len(body), 6000) if self._random.random() < 0.8 else len(body))
        way = self._random.randrange(5)
        if way == 0:
            return body[:at] + bytes([self._random.choice(_TAGS)]) + body[at + 1 :]
        if way == 1:
            return body[:at] + bytes([(body[at] + self._random.choice((1, -1, 2, 0x80))) & 0xFF]) + body[at + 1 :]
        length = self._random.choice((1, 2, 9, 20, 32, 256))
        if way == 2:
            return body[: at + length] + body[at:]
        if way == 3:
            return body[:at] + body[at + length :]
        start = self._random.randrange(len(lent) + 1)
        return body[:at] + lent[start : start + length] + body[at + length :]

    def _bytes(self, body: bytes, lent: bytes) -> bytes:
        at = self._random.randrange(len(body) + 1)
        way = self._random.randrange(4)
        if way == 0 and body:
            at = min(at, len(body) - 1)
            return body[:at] + bytes([body[at] ^ (1 << self._random.randrange(8))]) + body[at + 1 :]
        if way == 1:
            return body[:at] if self._random.random() < 0.3 else body[:at] + body[at + self._random.randrange(1, 200) :]
        if way == 2:
            return body[:at] + lent[self._random.randrange(len(lent) + 1) :]
        return body + lent[self._random.randrange(len(lent) + 1) :]
