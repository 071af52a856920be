"""The cut: a file in pieces becomes its markup, which is small, and its payloads, which go past it.

It works on bytes, before any parser: base64 costs a search for the next `<` and nothing else, and the parser is handed the same
file with nothing in those elements. What is cut is the text between the start tag of a ContentTransferEncoded and the
next `<`. In a well-formed document `<` begins markup wherever it stands outside comments, CDATA sections and instructions
(XML 1.0, 2.4), and those are stepped over here as a parser would; in one that is not well-formed the parser that comes
after this refuses the markup. And whoever reads the tree counts once more (`skeleton`): as many such elements as cuts.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import chain
from typing import Final

from gateway.core.limits import KIB
from gateway.safe_xml.caps import Caps
from gateway.safe_xml.payload import Decoder, Payload, Store
from gateway.safe_xml.refusal import Refusal, refuse

PAYLOAD_NAME: Final = "ContentTransferEncoded"
TAG_BYTES_MAX: Final = 64 * KIB
"""One start tag of a payload, after its name."""
_PREFIX_BYTES_MAX: Final = 64
_LOOK_AHEAD: Final = 128
"""Longer than anything that `_OPENING` matches."""
_OPENING: Final = re.compile(
    rb"<(?:!--|!\[CDATA\[|\?|!DOCTYPE|(?:[^\s<>/!?:=\"'&]{1,%d}:)?%b(?=[\s/>]))"
    % (_PREFIX_BYTES_MAX, PAYLOAD_NAME.encode())
)
_OF_A_TAG: Final = re.compile(rb"""(?:[^"'>]++|"[^"]*+"|'[^']*+')*+""")
"""As much of a start tag as is there; a value is not begun unless it is there to its end."""
_CDATA: Final = b"<![CDATA["
_SECTIONS: Final = {b"<!--": b"-->", _CDATA: b"]]>", b"<?": b"?>"}
_DECLARATION: Final = re.compile(rb"<\?xml[ \t\r\n]")
_DECLARATION_BYTES: Final = len("<?xml ")


class Cut:
    """One file being cut. In what pieces it comes makes no difference, and few bytes are looked at again for a piece."""

    def __init__(self, *, store: Store, caps: Caps) -> None:
        self._store = store
        self._caps = caps
        self._size = 0
        self._base = 0
        """Where in the file the bytes begin that are being looked at."""
        self._start = 0
        """Where in the file the text of the payload begins that we are in."""
        self._markup = bytearray()
        self._rest = b""
        # A function and not a bound method, or what was read would wait for the collector of cycles.
        self._step: Callable[[Cut, bytes, int], int | None] = Cut._in_markup
        """What is done with the bytes from there: where to go on, None when more has to come first."""
        self._closing = b""
        """What ends the section, or the quoted value, that we are in."""
        self._tag_bytes = 0
        self._sections = 0
        self._decoder: Decoder | None = None
        self.payloads: list[Payload] = []
        self.stepped_over: Counter[Refusal] = Counter()
        """Comments and instructions that were met."""

    def feed(self, piece: bytes) -> None:
        """Some more of the file.

        Raises:
            SenderError: `envelope.malformed` (`bytes`, `markup`, `doctype`, `text`, `nodes`, `payload`, `payloads`) or
                `size.limit`.
        """
        self._size += len(piece)
        if self._size > self._caps.file_bytes:
            raise refuse(Refusal.BYTES)
        data = self._rest + piece if self._rest else piece
        self._rest = b""
        self._base = self._size - len(data)
        at: int | None = 0
        while at is not None and at < len(data):
            at = self._step(self, data, at)

    def close(self) -> bytes:
        """The file is over: its markup."""
        self._keep(self._rest)
        return bytes(self._markup)

    # --- markup ------------------------------------------------------------------------------------------------------

    def _in_markup(self, data: bytes, at: int) -> int | None:
        found = _OPENING.search(data, at)
        if found is None:
            begun = data.rfind(b"<", max(at, len(data) - _LOOK_AHEAD))
            split = begun if begun >= 0 else len(data)
            self._keep(data[at:split])
            return self._wait(data, split)
        opening, start = found[0], found.start()
        self._keep(data[at:start])
        if opening == b"<!DOCTYPE":
            raise refuse(Refusal.DOCTYPE)
        if opening == b"<?" and len(data) < start + _DECLARATION_BYTES:  # not to be seen yet whether it is one
            return self._wait(data, start)
        if opening in _SECTIONS:
            self._note(data, start, opening)
            self._enter(opening, Cut._in_section)
        else:
            self._step, self._tag_bytes = Cut._in_tag, 0
        self._keep(opening)
        return found.end()

    def _note(self, data: bytes, start: int, opening: bytes) -> None:
        if opening == b"<!--":
            self.stepped_over[Refusal.COMMENT] += 1
        elif opening == b"<?" and not _DECLARATION.match(data, start):
            self.stepped_over[Refusal.INSTRUCTION] += 1

    def _enter(self, opening: bytes, step: Callable[["Cut", bytes, int], int | None]) -> None:
        """A section begins. Each costs a few steps however short it is, and an empty one is seven bytes: they are counted."""
        self._sections += 1
        if self._sections > self._caps.nodes:
            raise refuse(Refusal.NODES)
        self._step, self._closing = step, _SECTIONS[opening]

    def _in_section(self, data: bytes, at: int) -> int | None:
        end = data.find(self._closing, at)
        if end < 0:
            split = max(at, len(data) - len(self._closing) + 1)
            self._keep(data[at:split])
            return self._wait(data, split)
        end += len(self._closing)
        self._keep(data[at:end])
        self._step = Cut._in_markup
        return end

    # --- the start tag of a payload ----------------------------------------------------------------------------------

    def _in_tag(self, data: bytes, at: int) -> int | None:
        there = _OF_A_TAG.match(data, at)
        assert there is not None, "the pattern matches an empty text"
        end = there.end()
        self._keep_tag(data[at:end])
        if end == len(data):
            return None
        if data[end] != ord(">"):
            self._step, self._closing = Cut._in_value, data[end : end + 1]
            self._keep_tag(self._closing)
            return end + 1
        empty = self._markup.endswith(b"/")
        self._keep(b">")
        self._begin_payload(end + 1, empty=empty)
        return end + 1

    def _in_value(self, data: bytes, at: int) -> int | None:
        """A value whose end was not there yet: what stands in it may look like the end of the tag."""
        end = data.find(self._closing, at)
        if end < 0:
            self._keep_tag(data[at:])
            return None
        self._keep_tag(data[at : end + 1])
        self._step = Cut._in_tag
        return end + 1

    def _begin_payload(self, at: int, *, empty: bool) -> None:
        position = len(self.payloads) + 1
        if position > self._caps.payloads:
            raise refuse(Refusal.PAYLOADS)
        self._decoder = Decoder(self._store(position), limit=self._caps.payload_bytes, position=position)
        self._step, self._start = Cut._in_payload, self._base + at
        if empty:
            self._end_payload(self._decoder, at)

    def _end_payload(self, decoder: Decoder, at: int) -> None:
        self.payloads.append(decoder.close(self._start, self._base + at))
        self._step, self._decoder = Cut._in_markup, None

    # --- payloads ----------------------------------------------------------------------------------------------------

    def _in_payload(self, data: bytes, at: int) -> int | None:
        decoder = self._decoder
        assert decoder is not None, "only a payload that has begun is read"
        end = data.find(b"<", at)
        decoder.feed(memoryview(data)[at : end if end >= 0 else len(data)])
        if end < 0:
            return None
        if data.startswith(b"</", end):
            self._end_payload(decoder, end)
            return end
        if data.startswith(_CDATA, end):
            self._enter(_CDATA, Cut._in_payload_section)
            return end + len(_CDATA)
        if len(data) - end >= len(_CDATA):
            raise refuse(Refusal.PAYLOAD)
        return self._wait(data, end)

    def _in_payload_section(self, data: bytes, at: int) -> int | None:
        """Text in a CDATA section is text (XML 1.0, 2.7)."""
        assert self._decoder is not None, "only a payload that has begun is read"
        end = data.find(self._closing, at)
        split = end if end >= 0 else max(at, len(data) - len(self._closing) + 1)
        self._decoder.feed_literal(data[at:split])
        if end < 0:
            return self._wait(data, split)
        self._step = Cut._in_payload
        return end + len(self._closing)

    # --- what is kept ------------------------------------------------------------------------------------------------

    def _keep(self, markup: bytes) -> None:
        if len(self._markup) + len(markup) > self._caps.markup_bytes:
            raise refuse(Refusal.MARKUP)
        self._markup += markup

    def _keep_tag(self, markup: bytes) -> None:
        self._tag_bytes += len(markup)
        if self._tag_bytes > TAG_BYTES_MAX:
            raise refuse(Refusal.TEXT)
        self._keep(markup)

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


def decoded(text: Iterable[bytes], *, caps: Caps) -> Iterator[bytes]:
    """The bytes of one payload, from its text alone (`Payload.start`, `Payload.end`), in pieces.

    Raises:
        SenderError: as `Cut.feed`; `envelope.malformed` (`payload`) when it is not the text of one payload, and sound.
    """
    file = BytesIO()
    knife = Cut(store=lambda _: file, caps=caps)
    for piece in chain([b"<%b>" % PAYLOAD_NAME.encode()], text, [b"</%b>" % PAYLOAD_NAME.encode()]):
        knife.feed(piece)
        if data := file.getvalue():
            yield data
            file.seek(0)
            file.truncate()
    markup = knife.close()
    if len(knife.payloads) != 1 or not knife.payloads[0].sound or markup.count(b"<") != 2:
        raise refuse(Refusal.PAYLOAD)
