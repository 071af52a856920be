"""Changes of a file: of bytes, of elements, of texts, of what stands in the base64. All by one seeded source of chance."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tests.kit.fuzz import archives

SIZE_MAX: Final = 64 * 1024
"""Of a mutant: caps of megabytes have tests of their own, and small files are fast."""
_TAG: Final = re.compile(rb"<(/?)([A-Za-z_][^\s<>/]*)(?:\s[^<>]*)?>")
_TEXT: Final = re.compile(rb">([^<>]{0,400})</")
_PAYLOAD: Final = re.compile(rb"ContentTransferEncoded[^>]*>([^<]*)<")

TOKENS: Final = (
    *(b"<!--", b"-->", b"<!-- x -->", b"<![CDATA[", b"]]>", b"<?x y?>", b"<!DOCTYPE x>", b"<?xml version='1.0'?>"),
    *(b"\xef\xbb\xbf", b"\0", b"\r\n", b"&#13;", b"&#x", b"&amp;", b"&x;", b'"', b"'", b"<", b">", b"/>", b"</", b"="),
    *(b"cid:", b"edXML:", b"xlink:href='cid:a1'", b" xmlns=''", b" xmlns:edXML='urn:x'", b" Id='header'", b"\xcc\xa3"),
    *(b"<ContentTransferEncoded>", b"</ContentTransferEncoded>", b"<ContentTransferEncoded/>"),
)
TEXTS: Final = (
    *(b"", b" ", b"null", b"0", b"1", b"2", b"3", b"7", b"-1", b"01", b"13", b"99999999999", b"true", b"abc", b"\t\n"),
    *(b"2026/11/20", b"2014/02/30", b"0001/01/01", b"9999/12/31", b"2026/11/20 08:30:00", b"0001/01/01 00:00:00"),
    *(b"Z79.1", b"Z79.1,2026/11/20,12/TB-VP", b",,", b"Z79.1,9999/99/99,/", b"6f1f8f9e-2f57-4f0e-9d0b-3c1f0f6f7a10"),
    *(
        "Mật".encode(),
        "Tuyệt mật".encode(),
        b"&lt;b&gt;",
        b"a" * 4001,
        b"../x",
        b"cid:",
        b"cid:cid:a1",
        b"application/zip",
    ),
    *(
        b"application/pdf",
        b"x.zip",
        b"x.pdf",
        b"x.docx",
        b"\xe2\x80\xae",
        b"Infinity",
        "٣".encode(),
        b"+1",
        b"1_0",
        b"1e3",
    ),
)
NAMES: Final = tuple(
    b"From To OrganId OrganName DocumentId Code CodeNumber CodeNotation PromulgationInfo PromulgationDate DocumentType Type "
    b"TypeDetail Subject Content SignerInfo DueDate OtherInfo Priority PageAmount Direction Appendixes Appendix ResponseFor "
    b"SteeringType ResponseForTask TaskCode ApplicationType ToPlaces Place MessageHeader TraceHeaderList TraceHeader Timestamp "
    b"Bussiness Business BussinessDocType BusinessDocType BussinessDocumentInfo ReceiverList Receiver ReceiverType Paper "
    b"ReplacementInfoList ReplacementInfo OrganIdList StaffInfo StatusCode Description edXMLHeader edXMLBody edXMLManifest "
    b"Manifest Reference ContentId ContentType AttachmentName DigestMethod DigestValue AttachmentEncoded Attachment "
    b"ContentTransferEncoded edXMLEnvelope".split()
)

Span = tuple[int, int]


class Mutator:
    """Makes files out of files."""

    def __init__(self, random: Random) -> None:
        self._random = random
        bytewise = (self._flip, self._cut_out, self._repeat, self._token, self._truncate)
        elementwise = (self._drop, self._double, self._move, self._borrow, self._rename)
        self._ways: Sequence[Callable[[bytes, bytes], bytes]] = (
            *bytewise, *elementwise, *elementwise, self._retext, self._retext, self._payload, self._payload, self._splice,
        )  # fmt: skip

    def mutant(self, data: bytes, other: bytes) -> bytes:
        """A file with one to five changes; `other` lends parts."""
        for _ in range(self._random.choice((1, 1, 1, 2, 2, 3, 5))):
            data = self._random.choice(self._ways)(data, other)
        return data[:SIZE_MAX]

    # --- bytes -------------------------------------------------------------------------------------------------------

    def _place(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _span(self, data: bytes, longest: int = 200) -> Span:
        start = self._place(data)
        return start, min(len(data), start + self._random.randrange(1, longest))

    def _flip(self, data: bytes, _: bytes) -> bytes:
        if not data:
            return data
        at = self._random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self._random.randrange(8))]) + data[at + 1 :]

    def _cut_out(self, data: bytes, _: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _repeat(self, data: bytes, _: bytes) -> bytes:
        start, end = self._span(data)
        return data[:end] + data[start:end] * self._random.choice((1, 1, 2, 50)) + data[end:]

    def _token(self, data: bytes, _: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + self._random.choice(TOKENS) + data[at:]

    def _truncate(self, data: bytes, _: bytes) -> bytes:
        return data[: self._place(data)] if self._random.random() < 0.2 else data

    def _splice(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)] + other[self._place(other) :]

    # --- elements ----------------------------------------------------------------------------------------------------

    def _element(self, data: bytes) -> Span | None:
        """An element from its start tag to its end tag, as far as one can tell without parsing."""
        tags = list(_TAG.finditer(data))
        starts = [tag for tag in tags if not tag[1]]
        if not starts:
            return None
        first, depth = self._random.choice(starts), 0
        if first[0].endswith(b"/>"):
            return first.span()
        for tag in tags[tags.index(first) :]:
            if tag[2] == first[2] and not tag[0].endswith(b"/>"):
                depth += -1 if tag[1] else 1
            if not depth:
                return first.start(), tag.end()
        return None

    def _drop(self, data: bytes, _: bytes) -> bytes:
        span = self._element(data)
        return data[: span[0]] + data[span[1] :] if span else data

    def _double(self, data: bytes, _: bytes) -> bytes:
        span = self._element(data)
        return data[: span[1]] + data[span[0] : span[1]] + data[span[1] :] if span else data

    def _move(self, data: bytes, _: bytes) -> bytes:
        span = self._element(data)
        if not span:
            return data
        rest = data[: span[0]] + data[span[1] :]
        return self._put(rest, data[span[0] : span[1]])

    def _borrow(self, data: bytes, other: bytes) -> bytes:
        span = self._element(other)
        return self._put(data, other[span[0] : span[1]]) if span else data

    def _put(self, data: bytes, part: bytes) -> bytes:
        """The part at the end of some tag."""
        ends = [tag.end() for tag in _TAG.finditer(data)] or [len(data)]
        at = self._random.choice(ends)
        return data[:at] + part + data[at:]

    def _rename(self, data: bytes, _: bytes) -> bytes:
        span = self._element(data)
        if not span:
            return data
        part = data[span[0] : span[1]]
        old = re.match(rb"<([^\s/>]+)", part)
        assert old is not None, "an element has a name"
        new = self._random.choice(NAMES)
        if b":" in old[1] and self._random.random() < 0.7:
            new = old[1].partition(b":")[0] + b":" + new
        return data[: span[0]] + part.replace(old[1], new) + data[span[1] :]

    def _retext(self, data: bytes, other: bytes) -> bytes:
        texts = list(_TEXT.finditer(data))
        if not texts:
            return data
        lent = [found[1] for found in _TEXT.finditer(other)] or [b""]
        text = self._random.choice((self._random.choice(TEXTS), self._random.choice(TEXTS), self._random.choice(lent)))
        start, end = self._random.choice(texts).span(1)
        return data[:start] + text + data[end:]

    # --- what is in the base64 ---------------------------------------------------------------------------------------

    def _payload(self, data: bytes, other: bytes) -> bytes:
        found = list(_PAYLOAD.finditer(data))
        if not found:
            return data
        start, end = self._random.choice(found).span(1)
        text = data[start:end]
        if self._random.random() < 0.15:
            return data[:start] + self._mangled(text) + data[end:]
        lent = self._random.choice([_decoded(one[1]) for one in _PAYLOAD.finditer(other)] or [b""])
        inside = archives.mutant(_decoded(text), lent, self._random)
        return data[:start] + base64.b64encode(inside) + data[end:]

    def _mangled(self, text: bytes) -> bytes:
        """Base64 as it should not be."""
        at = self._place(text)
        return (
            text[:at]
            + self._random.choice((b"\n", b"=", b"&#13;\n", b"-", b"<![CDATA[", b"A", b"\xc2\xa0"))
            + text[at:]
        )


def _decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        return b""
