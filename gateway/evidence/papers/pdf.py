"""A report as PDF/A-3U (ISO 19005-3): fonts inside, nothing fetched, the record attached as what it was made from.

The same verification gives the same bytes: the file's identifier is the record's digest, its only time that of the examination.
A letter that the typeface has no shape for is written as its number: clause 6.2.11.8 wants no `.notdef` on the page, and a
reader must not take a hollow box for a name.
"""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fpdf import FPDF
from fpdf.enums import Align, AssociatedFileRelationship, TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace, TTFFont
from fpdf.table import Table as Grid

from gateway.evidence.papers import qr
from gateway.evidence.papers.paper import (
    Block,
    Chapter,
    Facts,
    Heading,
    Listing,
    Paper,
    Paragraph,
    Section,
    Table,
    Tone,
)
from gateway.evidence.papers.xmp import xmp

_TYPEFACE: Final = "Be Vietnam Pro"
_FACES: Final = MappingProxyType({"": "Regular", "B": "SemiBold"})
_FOLDER: Final = Path(__file__).parent / "typeface"

_LEFT: Final = 20.0
_TOP: Final = 18.0
_BOTTOM: Final = 20.0
_BODY: Final = 9.0
_LINE: Final = 4.8
_SMALL: Final = 8.0
_SMALL_LINE: Final = 4.2
_NAME_WIDTH: Final = 50.0
_QR_WIDTH: Final = 34.0
_ROOM_FOR_HEADING: Final = 22.0
"""A heading with less room than this below it goes to the next page."""

_PAGES: Final = "\x00\x00\x00\x00"
"""Stands for the number of pages in the foot: no text that is drawn has these letters, so no file name is taken for it."""

_DIGEST: Final = re.compile("[0-9a-f]{64}")
"""Written a little smaller, so that it stands in one line."""

_Rgb = tuple[int, int, int]
_INK: Final = (0x1B, 0x1F, 0x24)
_SOFT: Final = (0x57, 0x60, 0x6A)
_PAPER: Final = (0xFF, 0xFF, 0xFF)
_RULE: Final = (0xD0, 0xD7, 0xDE)
_TONES: Final = MappingProxyType(
    {Tone.PLAIN: _INK, Tone.GOOD: (0x0B, 0x5D, 0x2E), Tone.DOUBT: (0x6B, 0x47, 0x00), Tone.BAD: (0x9C, 0x16, 0x16)}
)
_BACKS: Final = MappingProxyType(
    {
        Tone.PLAIN: (0xF3, 0xF5, 0xF7),
        Tone.GOOD: (0xE6, 0xF4, 0xEA),
        Tone.DOUBT: (0xFF, 0xF4, 0xD6),
        Tone.BAD: (0xFD, 0xEA, 0xEA),
    }
)


def draw_pdf(paper: Paper, record: bytes) -> bytes:
    """The report, with the record attached."""
    sheets = _Sheets(paper)
    sheets.add_page()
    sheets.cover()
    for chapter in paper.chapters:
        sheets.chapter(chapter)
    sheets.record()
    sheets.embed_file(
        bytes=record,
        basename=paper.record_name,
        mime_type="application/json",
        associated_file_relationship=AssociatedFileRelationship.SOURCE.value,
        modification_date=paper.made_at,
        desc=paper.record_title,
        compress=True,
    )
    return bytes(sheets.output())


class _Sheets(FPDF):
    """A4 sheets with a foot on each."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(format="A4", enforce_compliance="PDF/A-3U")
        self._paper = paper
        self.set_margins(_LEFT, _TOP, _LEFT)
        self.set_auto_page_break(True, margin=_BOTTOM)
        self.set_lang(paper.language)
        for style, face in _FACES.items():
            self.add_font(_TYPEFACE, style, _FOLDER / f"BeVietnamPro-{face}.ttf")
        title = self._drawn(f"{paper.title}: {paper.sentence}")
        self.set_title(title)
        self.set_creator("edoc-gateway")
        self.set_creation_date(paper.made_at)
        self.set_xmp_metadata(xmp(title=title, made_at=paper.made_at, language=paper.language))
        self.alias_nb_pages(_PAGES)
        self._write("", _BODY)

    def file_id(self) -> str:
        """ISO 32000-2 clause 14.4: equal halves for a file that was never changed."""
        half = self._paper.record_digest[:32].upper()
        return f"<{half}><{half}>"

    def footer(self) -> None:
        """By which program, when, which page."""
        self.set_y(-14)
        self._write("", _SMALL, _SOFT)
        page = self._paper.page_of.format(page=self.page_no(), pages=self.str_alias_nb_pages)
        self.cell(0, _SMALL_LINE, self._drawn(self._paper.made), align=Align.L)
        self.set_x(_LEFT)
        self.cell(0, _SMALL_LINE, page, align=Align.R)
        self._write("", _BODY)

    # --- parts of the report ---------------------------------------------------------------------------------------

    def cover(self) -> None:
        """What it is, and the conclusion."""
        paper = self._paper
        self._write("", _BODY, _SOFT)
        self._lines(paper.title)
        self.ln(2)
        self._band(paper.sentence, paper.tone, points=15)
        if paper.overview is not None:
            self.ln(2)
            self._table(paper.overview)

    def chapter(self, chapter: Chapter) -> None:
        """One file; with several of them, each on a page of its own."""
        if self._paper.overview is not None:
            self.add_page()
            self._band(chapter.sentence, chapter.tone, points=13)
        for section in chapter.sections:
            self._section(section)

    def record(self) -> None:
        """Which record belongs to this report."""
        paper = self._paper
        if self.will_page_break(_QR_WIDTH + 4 * _LINE):
            self.add_page()
        self._title(paper.record_title)
        top = self.get_y()
        self._qr(_LEFT, top)
        self.set_xy(_LEFT + _QR_WIDTH + 6, top + 2)
        self._write("", _BODY)
        width = self.epw - _QR_WIDTH - 6
        text = self._drawn(f"{paper.record_note}\n\nSHA-256 {paper.record_digest}")
        self.multi_cell(width, _LINE, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _section(self, section: Section) -> None:
        self._title(section.title)
        for block in section.blocks:
            self._block(block)

    def _block(self, block: Block) -> None:
        if isinstance(block, Paragraph):
            self._write("" if block.tone is Tone.PLAIN else "B", _BODY, _TONES[block.tone])
            self._lines(block.text)
            self.ln(1.2)
        elif isinstance(block, Heading):
            self._room()
            self.ln(1)
            self._write("B", _BODY)
            self._lines(block.text)
            self.ln(0.6)
        elif isinstance(block, Facts):
            self._facts(block.rows)
        elif isinstance(block, Listing):
            self._listing(block.items)
        else:
            self._table(block)

    # --- how each is drawn -----------------------------------------------------------------------------------------

    def _title(self, text: str) -> None:
        self._room(2 * _ROOM_FOR_HEADING)
        self.ln(4)
        self._write("B", 11.5)
        self._lines(text, height=6)
        self.set_draw_color(*_RULE)
        self.line(_LEFT, self.get_y() + 0.6, self.w - _LEFT, self.get_y() + 0.6)
        self.ln(2.4)

    def _band(self, text: str, tone: Tone, *, points: float) -> None:
        """The conclusion: a coloured band whose words say the same as its colour."""
        self._write("B", points, _TONES[tone])
        self.set_fill_color(*_BACKS[tone])
        self.set_draw_color(*_TONES[tone])
        self.set_line_width(1.2)
        self.c_margin, kept = 4.0, self.c_margin
        top, page = self.get_y(), self.page_no()
        self.multi_cell(
            0,
            points * 0.55,
            self._drawn(text),
            fill=True,
            align=Align.L,
            padding=3,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )
        if self.page_no() == page:
            self.line(_LEFT, top, _LEFT, self.get_y())
        self.c_margin = kept
        self.set_fill_color(*_PAPER)
        self.set_line_width(0.2)
        self.ln(1)

    def _facts(self, rows: Sequence[tuple[str, str]]) -> None:
        with self._grid((_NAME_WIDTH, self.epw - _NAME_WIDTH), TableBordersLayout.NONE, first_row=False) as table:
            for name, value in rows:
                row = table.row()
                row.cell(self._drawn(name), style=FontFace(color=_SOFT))
                points = _SMALL if _DIGEST.search(value) else None
                row.cell(self._drawn(value), style=FontFace(color=_INK, size_pt=points))
        self.ln(1.5)

    def _listing(self, items: Sequence[str]) -> None:
        for item in items:
            self._write("", _BODY)
            self.set_x(_LEFT)
            self.cell(5, _LINE, "•")
            self.multi_cell(self.epw - 5, _LINE, self._drawn(item), align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(0.6)

    def _table(self, block: Table) -> None:
        """Long ones go on over the page, their headings again on top."""
        share = self.epw / sum(block.widths)
        widths = tuple(width * share for width in block.widths)
        self.set_draw_color(*_RULE)
        with self._grid(widths, TableBordersLayout.HORIZONTAL_LINES, first_row=True) as table:
            for cells in (block.headings, *block.rows):
                table.row([self._drawn(cell) for cell in cells])
        self.ln(2)

    def _grid(
        self, widths: tuple[float, ...], borders: TableBordersLayout, *, first_row: bool
    ) -> AbstractContextManager[Grid]:
        self._write("", _SMALL if first_row else _BODY)
        return self.table(
            width=self.epw,
            col_widths=widths,
            align=Align.L,
            text_align=Align.L,
            v_align="TOP",
            line_height=_SMALL_LINE if first_row else _LINE,
            borders_layout=borders,
            first_row_as_headings=first_row,
            headings_style=FontFace(emphasis="BOLD", color=_SOFT),
            padding=(0.9, 1.2) if first_row else (0.2, 1.0, 0.2, 0),
        )

    def _qr(self, left: float, top: float) -> None:
        rows = qr.matrix(self._paper.record_digest)
        side = _QR_WIDTH / len(rows)
        self.set_fill_color(0, 0, 0)
        for down, row in enumerate(rows):
            start = None
            for across, dark in enumerate((*row, False)):
                if dark and start is None:
                    start = across
                elif not dark and start is not None:
                    self.rect(left + start * side, top + down * side, (across - start) * side, side, style="F")
                    start = None

    def _lines(self, text: str, *, height: float = _LINE) -> None:
        self.multi_cell(0, height, self._drawn(text), align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _room(self, height: float = _ROOM_FOR_HEADING) -> None:
        if self.will_page_break(height):
            self.add_page()

    def _write(self, style: str, points: float, colour: _Rgb = _INK) -> None:
        self.set_font(_TYPEFACE, style, points)
        self.set_text_color(*colour)

    def _drawn(self, text: str) -> str:
        """The text composed (NFC), each letter that the typeface lacks as its number."""
        font = self.fonts[_TYPEFACE.lower()]
        assert isinstance(font, TTFFont)
        composed = unicodedata.normalize("NFC", text)
        return "".join(
            letter if letter == "\n" or ord(letter) in font.cmap else f"[U+{ord(letter):04X}]" for letter in composed
        )
