"""Prints the demo's two letters: official letters (công văn) in the form of Party and of government offices.

    python -m tests.kit.letter        writes config/demo/cong-van.pdf and tra-loi.pdf again

The same bytes every time: the dates and the file identifier are fixed. Form: Quy định 399-QĐ/TW (the Party's title in
place of the national one, number-dash-symbol) and Nghị định 30/2020/NĐ-CP, annex I (the ward's answer); A4, margins 30,
15, 20, 20 mm, page numbers on top from page 2. Both want Times New Roman, which nobody may ship: Be Vietnam Pro (OFL)
stands in for it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import fontpkg_be_vietnam_pro
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from gateway.demo.letters import CITY_LETTER, WARD_REPLY, DemoLetter
from tests.kit.letter_text import CITY_TEXT, REPLY_TEXT, Head, Heading, Item, LetterText, Table

CONFIG = Path(__file__).parents[2] / "config" / "demo"
LETTERS = ((CITY_LETTER, CITY_TEXT), (WARD_REPLY, REPLY_TEXT))

FONT = "Be Vietnam Pro"
FACES = {"": "Regular", "B": "SemiBold", "I": "Italic"}
LEFT, RIGHT, TOP, BOTTOM = 30.0, 15.0, 20.0, 20.0
BODY_POINTS = 11.5
LINE = 6.1
GREY = 130
MARK = "VĂN BẢN MẪU – DEMO · nội dung hư cấu, không có giá trị pháp lý"


class Paper(FPDF):
    """A4 sheets of an office: page numbers, the mark of a specimen, and everything that would change from run to run."""

    def __init__(self, letter: DemoLetter, title: str) -> None:
        super().__init__(format="A4")
        day = letter.promulgation_date
        self.identifier = sha256(letter.code.text().encode()).hexdigest()[:32].upper()
        self.set_creation_date(datetime(day.year, day.month, day.day, 1, 0, tzinfo=UTC))
        self.set_title(title)
        self.set_subject(letter.subject)
        self.set_lang("vi")
        self.set_margins(LEFT, TOP, RIGHT)
        self.set_auto_page_break(True, margin=BOTTOM)
        folder = Path(fontpkg_be_vietnam_pro.ROOT) / "files"
        for style, face in FACES.items():
            self.add_font(FONT, style, folder / f"BeVietnamPro-{face}.ttf")

    def file_id(self) -> str:
        """The two halves of /ID: ISO 32000-1 section 14.4 lets them be equal for a file never changed."""
        return f"<{self.identifier}><{self.identifier}>"

    def header(self) -> None:
        """Page number, from the second page on."""
        if self.page_no() > 1:
            self.set_xy(LEFT, 10)
            self.set_font(FONT, "", 10.5)
            self.cell(0, 6, str(self.page_no()), align=Align.C)
            self.set_y(TOP)

    def footer(self) -> None:
        """The mark of a specimen: small, on every page."""
        self.set_xy(LEFT, -12)
        self.set_font(FONT, "", 7)
        self.set_text_color(GREY)
        self.cell(0, 4, MARK, align=Align.C)
        self.set_text_color(0)


def print_letter(letter: DemoLetter, text: LetterText) -> bytes:
    """One letter as PDF."""
    paper = Paper(letter, f"{text.type_name} {letter.code.text()}")
    paper.add_page()
    print_head(paper, letter, text.head)
    print_addressees(paper, text.addressees)
    for part in text.body:
        match part:
            case Table():
                print_table(paper, part)
            case Heading():
                print_paragraph(paper, part.text, style="B", keep=2.4)
            case Item():
                print_paragraph(paper, part.text, keep=part.keep)
            case str():
                print_paragraph(paper, part)
    print_foot(paper, letter, text)
    assert paper.page_no() == letter.page_amount, f"{paper.page_no()} pages"
    return bytes(paper.output())


def print_head(paper: Paper, letter: DemoLetter, head: Head) -> None:
    """Issuing body and number on the left; title, place and date on the right."""
    left_width, right_x = 72.0, LEFT + 74.0
    right_width = paper.w - RIGHT - right_x
    top = paper.get_y()
    _stack(paper, LEFT, left_width, [("", 10.0, head.superior), ("B", 10.5, head.issuer)])
    if head.star:
        _stack(paper, LEFT, left_width, [("", 10.5, "*")])
    else:
        _rule(paper, LEFT + left_width / 2, 24)
        paper.ln(1.6)
    _stack(paper, LEFT, left_width, [("", 11.0, f"{head.number_label} {letter.code.text()}")])
    _stack(paper, LEFT, left_width, [("I", 9.5, line) for line in head.subject_lines], height=4.8)
    bottom = paper.get_y()

    paper.set_y(top)
    _stack(paper, right_x, right_width, [("B", 12.0 if head.star else 9.8, head.title)])
    if head.motto:
        _stack(paper, right_x, right_width, [("B", 10.5, head.motto)])
    paper.set_font(FONT, "B", 12.0 if head.star else 10.5)
    _rule(paper, right_x + right_width / 2, paper.get_string_width(head.motto or head.title) + 1)
    day = letter.promulgation_date
    when = f"{letter.promulgation_place}, ngày {day:%d} tháng {day:%m} năm {day:%Y}"
    paper.set_y(paper.get_y() + 2.0)
    _stack(paper, right_x, right_width, [("I", 10.0, when)])
    paper.set_y(bottom + 6)


def print_addressees(paper: Paper, addressees: Sequence[str]) -> None:
    """Kính gửi: on one line when there is one, else one under the other."""
    paper.set_font(FONT, "I" if len(addressees) > 1 else "", BODY_POINTS)
    label = "Kính gửi: "
    x = LEFT + 28
    paper.set_x(x)
    width = paper.get_string_width(label) + 1
    paper.cell(width, LINE, label)
    paper.set_font(FONT, "B" if len(addressees) > 1 else "", BODY_POINTS)
    for addressee in addressees:
        paper.set_x(x + width)
        paper.cell(0, LINE, addressee, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.ln(4)


def print_paragraph(paper: Paper, text: str, *, style: str = "", keep: float = 1.0) -> None:
    """A justified paragraph; `keep`: it starts a new page unless this many lines still fit."""
    if paper.will_page_break(LINE * keep):
        paper.add_page()
    paper.set_font(FONT, style, BODY_POINTS)
    with (
        paper.text_columns(text_align="J") as columns,
        columns.paragraph(line_height=LINE / (BODY_POINTS / paper.k), first_line_indent=10, bottom_margin=1.6) as block,
    ):
        block.write(text)


def print_table(paper: Paper, table: Table) -> None:
    """A table with a bold first row."""
    paper.ln(1)
    paper.set_font(FONT, "", 10)
    with paper.table(
        col_widths=table.widths,
        text_align=table.align,
        align=Align.L,
        line_height=5.2,
        padding=(0.9, 1.6),
        borders_layout=TableBordersLayout.ALL,
        headings_style=FontFace(emphasis="BOLD"),
    ) as grid:
        for cells in table.rows:
            grid.row(cells)
    paper.ln(2.5)


def print_foot(paper: Paper, letter: DemoLetter, text: LetterText) -> None:
    """Nơi nhận on the left, authority, title and name on the right; never torn apart."""
    if paper.will_page_break(58):
        paper.add_page()
    paper.ln(5)
    top, right_x = paper.get_y(), LEFT + 85.0
    width = paper.w - RIGHT - right_x
    paper.set_font(FONT, "B" if text.head.motto else "U", 10)
    paper.cell(60, 5, "Nơi nhận:", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_font(FONT, "", 9.5)
    for line in text.copies:
        paper.cell(70, 4.8, f"- {line}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_y(top)
    _stack(paper, right_x, width, [("B", 11.0, line) for line in text.signer_lines])
    _stack(paper, right_x, width, [("I", 9.5, "(mẫu)")])
    paper.set_y(paper.get_y() + 22)
    _stack(paper, right_x, width, [("B", 11.0, letter.signer.full_name)])


def _stack(
    paper: Paper, x: float, width: float, lines: Sequence[tuple[str, float, str]], *, height: float = 5.3
) -> None:
    """Centred lines, each with its style and size, one under the other."""
    for style, points, text in lines:
        paper.set_font(FONT, style, points)
        paper.set_x(x)
        paper.cell(width, height, text, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _rule(paper: Paper, middle: float, width: float) -> None:
    """The thin line under an issuer, a title or a motto."""
    y = paper.get_y() + 0.6
    paper.set_line_width(0.25)
    paper.line(middle - width / 2, y, middle + width / 2, y)
    paper.set_y(y + 1.2)


def main() -> None:
    """Write both files."""
    for letter, text in LETTERS:
        (CONFIG / letter.resource).write_bytes(print_letter(letter, text))


if __name__ == "__main__":
    main()
