"""The cut: a file in pieces becomes its markup, which is small, and its payloads, which go past it.

It works on bytes, before any parser: base64 costs a search for the next `<` and nothing else, and the parser is handed the same
file with nothing in those elements. What is cut is the text between the start tag of a ContentTransferEncoded and the
next `<`. In a well-formed document `<` begins markup wherever it stands outside comments, CDATA sections and instructions
(XML 1.0, 2.4), and those are stepped over here as a parser would; in one that is not well-formed the parser that comes
after this refuses the markup. And whoever reads the tree counts once more (`skeleton`): as many such elements as cuts.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gateway.core.limits import KIB
from gateway.safe_xml.caps import Caps
from gateway.safe_xml.payload import Decoder, Payload, Store
from gateway.safe_xml.refusal import Refusal, refuse

PAYLOAD_NAME: Final = "ContentTransferEncoded"
TAG_BYTES_MAX: Final = 64 * KIB
"""One start tag of a payload."""
_PREFIX_BYTES_MAX: Final = 64
_LOOK_AHEAD: Final = 128
"""Longer than anything that `_OPENING` matches."""
_OPENING: Final = re.compile(
    rb"<(?:!--|!\[CDATA\[|\?|!DOCTYPE|(?:[^\s<>/!?:=\"'&]{1,%d}:)?%b(?=[\s/>]))"
    % (_PREFIX_BYTES_MAX, PAYLOAD_NAME.encode())
)
_TAG: Final = re.compile(rb"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_CDATA: Final = b"<![CDATA["
_SECTIONS: Final = {b"<!--": b"-->", _CDATA: b"]]>", b"<?": b"?>"}
_DECLARATION: Final = re.compile(rb"<\?xml[ \t\r\n]")
_DECLARATION_BYTES: Final = len("<?xml ")


class Cut:
    """One file being cut."""

    def __init__(self, *, store: Store, caps: Caps) -> None:
        self._store = store
        self._caps = caps
        self._size = 0
        self._markup = bytearray()
        self._rest = b""
        self._closing = b""
        """What ends the section that we are in; empty outside."""
        self._decoder: Decoder | None = None
        self.payloads: list[Payload] = []
        self.stepped_over: Counter[Refusal] = Counter()
        """Comments and instructions that were met."""

    def feed(self, piece: bytes) -> None:
        """Some more of the file.

        Raises:
            SenderError: `envelope.malformed` (`bytes`, `markup`, `doctype`, `text`, `payload`, `payloads`) or `size.limit`.
        """
        self._size += len(piece)
        if self._size > self._caps.file_bytes:
            raise refuse(Refusal.BYTES)
        data = self._rest + piece if self._rest else piece
        at: int | None = 0
        while at is not None and at < len(data):
            self._rest = b""
            at = self._step(data, at)

    def close(self) -> bytes:
        """The file is over: its markup."""
        self._keep(self._rest)
        return bytes(self._markup)

    def _step(self, data: bytes, at: int) -> int | None:
        """Where to go on; None when more has to come first."""
        if self._decoder:
            inside = self._in_payload_section if self._closing else self._in_payload
            return inside(self._decoder, data, at)
        return self._in_section(data, at) if self._closing else self._in_markup(data, at)

    def _in_payload(self, decoder: Decoder, data: bytes, at: int) -> int | None:
        end = data.find(b"<", at)
        decoder.feed(data[at : end if end >= 0 else len(data)])
        if end < 0:
            return None
        if data.startswith(b"</", end):
            self.payloads.append(decoder.close())
            self._decoder = None
            return end
        if data.startswith(_CDATA, end):
            self._closing = _SECTIONS[_CDATA]
            return end + len(_CDATA)
        if len(data) - end >= len(_CDATA):
            raise refuse(Refusal.PAYLOAD)
        return self._wait(data, end)

    def _in_payload_section(self, decoder: Decoder, data: bytes, at: int) -> int | None:
        """Text in a CDATA section is text (XML 1.0, 2.7)."""
        end = data.find(self._closing, at)
        split = end if end >= 0 else max(at, len(data) - len(self._closing) + 1)
        decoder.feed(data[at:split], literal=True)
        if end < 0:
            return self._wait(data, split)
        self._closing = b""
        return end + len(_SECTIONS[_CDATA])

    def _in_markup(self, data: bytes, at: int) -> int | None:
        found = _OPENING.search(data, at)
        if found is None:
            begun = data.rfind(b"<", max(at, len(data) - _LOOK_AHEAD))
            split = begun if begun >= 0 else len(data)
            self._keep(data[at:split])
            return self._wait(data, split)
        opening, start = found[0], found.start()
        if opening == b"<!DOCTYPE":
            raise refuse(Refusal.DOCTYPE)
        if opening not in _SECTIONS:
            self._keep(data[at:start])
            return self._at_payload(data, start)
        if opening == b"<?" and len(data) < start + _DECLARATION_BYTES:  # not to be seen yet whether it is one
            self._keep(data[at:start])
            return self._wait(data, start)
        self._note(data, start, opening)
        self._closing = _SECTIONS[opening]
        self._keep(data[at : found.end()])
        return found.end()

    def _note(self, data: bytes, start: int, opening: bytes) -> None:
        if opening == b"<!--":
            self.stepped_over[Refusal.COMMENT] += 1
        elif opening == b"<?" and not _DECLARATION.match(data, start):
            self.stepped_over[Refusal.INSTRUCTION] += 1

    def _in_section(self, data: bytes, at: int) -> int | None:
        end = data.find(self._closing, at)
        if end < 0:
            split = max(at, len(data) - len(self._closing) + 1)
            self._keep(data[at:split])
            return self._wait(data, split)
        end += len(self._closing)
        self._closing = b""
        self._keep(data[at:end])
        return end

    def _at_payload(self, data: bytes, start: int) -> int | None:
        tag = _TAG.match(data, start)
        if tag is None:
            if len(data) - start > TAG_BYTES_MAX:
                raise refuse(Refusal.TEXT)
            return self._wait(data, start)
        self._keep(tag[0])
        position = len(self.payloads) + 1
        if position > self._caps.payloads:
            raise refuse(Refusal.PAYLOADS)
        decoder = Decoder(self._store(position), limit=self._caps.payload_bytes, position=position)
        if tag[0].endswith(b"/>"):
            self.payloads.append(decoder.close())
        else:
            self._decoder = decoder
        return tag.end()

    def _keep(self, markup: bytes) -> None:
        if len(self._markup) + len(markup) > self._caps.markup_bytes:
            raise refuse(Refusal.MARKUP)
        self._markup += markup

    def _wait(self, data: bytes, at: int) -> int | None:
        """Look at it again when more has come."""
        self._rest = data[at:]
        return None


def cut(source: Iterable[bytes], *, store: Store, caps: Caps) -> tuple[bytes, Cut]:
    """The markup of a file that comes in pieces, and what was met on the way.

    Raises:
        SenderError: as `Cut.feed`.
    """
    knife = Cut(store=store, caps=caps)
    for piece in source:
        knife.feed(piece)
    return knife.close(), knife
