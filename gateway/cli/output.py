"""Printing: data on stdout, talk on stderr, in the reader's language; tables for people, tabs for pipes, JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.core.plain_text import plain_json, shown
from gateway.observe import Text as Words
from gateway.observe import label
from gateway.observe import text as catalogue_text

LANGUAGES: Final = ("vi", "en")
LANGUAGE_DEFAULT: Final = "vi"
NARROW_COLUMNS: Final = 100
"""A terminal with fewer columns has no room for everything."""
FOLDED_COLUMNS: Final = 10
"""Words of Vietnamese have one syllable and at most seven letters: folded into less room than this, they break."""
WORDS_CHARS_MAX: Final = 200
"""Of an abstract or a name in a list for the eye: some are forty lines long."""
GAP_COLUMNS: Final = 2
"""Between two columns of a table."""


def choose_language(asked: str | None, environ: Mapping[str, str]) -> str:
    """The language that was asked for, else that of the locale, else Vietnamese."""
    if asked in LANGUAGES:
        return asked
    # POSIX: the first of these that is set decides, even when it names a language that we do not speak.
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    spoken = locale[:2].lower()
    return spoken if spoken in LANGUAGES and not locale[2:3].isalpha() else LANGUAGE_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; `heading` is an id of the catalogue. What is not said otherwise folds to make room."""

    heading: str
    whole: bool = False
    """Never broken: a number or a date in two pieces is none."""
    widest: int | None = None
    """On a narrow terminal: not broken either while it fits into this many places, and wrapped between words beyond."""
    longest: int | None = None
    """On any terminal: cut after so many characters. Strangers' words only; pipes and JSON have all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Where a command prints."""

    language: str
    json: bool
    """Data as one JSON value."""
    out: Console
    """Data."""
    talk: Console
    """Everything else."""
    quiet: bool = False
    """No talk but errors and warnings."""
    verbose: bool = False
    """More talk, and the technical side of data."""
    may_ask: bool = False
    """Whether a person sits there who may be asked something."""

    def text(self, message_id: str, **params: object) -> str:
        """A text of the catalogue in the reader's language."""
        return self.choose(catalogue_text(message_id, params))

    def choose(self, words: Words) -> str:
        """One text of two, in the reader's language."""
        return words.en if self.language == "en" else words.vi

    def number(self, number: int) -> str:
        """Digits in groups of three, as the language writes them."""
        grouped = f"{number:,}"
        return grouped if self.language == "en" else grouped.replace(",", ".")

    def word(self, name: str) -> str:
        """The word for a state: `delivery.queued`. One that this version does not know is shown as it is."""
        try:
            found = label(name)
        except KeyError:
            return shown(name.rsplit(".", 1)[-1])
        return self.choose(found)

    def say(self, message_id: str, **params: object) -> None:
        """Talk: one line on stderr."""
        if not self.quiet:
            self.note(self.text(message_id, **params))

    def detail(self, message_id: str, **params: object) -> None:
        """Talk for whoever wants to see how it is done."""
        if self.verbose:
            self.note(self.text(message_id, **params))

    def note(self, line: str) -> None:
        """A warning, or news that nobody may miss: one line on stderr, of a stranger's words only the harmless part."""
        self.talk.print(Text(shown(line)), soft_wrap=True)

    def question(self, message_id: str) -> None:
        """A question, on stderr; the answer is typed behind it."""
        self.talk.print(Text(self.text(message_id) + " "), end="", soft_wrap=True)

    def print(self, line: str, *, style: str = "") -> None:
        """Data for people: one line on stdout."""
        self.out.print(Text(shown(line), style=style), soft_wrap=True)

    def value(self, value: object) -> None:
        """Data for programs: one JSON value on stdout."""
        self.out.file.write(plain_json(value, indent=2) + "\n")

    def record(self, value: object) -> None:
        """One of many values that come one after the other: a line of JSON on stdout, at once."""
        self.out.file.write(plain_json(value) + "\n")
        self.out.file.flush()

    @property
    def for_people(self) -> bool:
        """Whether a person looks at the data, and not a pipe or a file."""
        return self.out.is_terminal

    @property
    def narrow(self) -> bool:
        """Whether a person looks at the data on a terminal without much room."""
        return self.for_people and self.out.width < NARROW_COLUMNS

    def facts(self, rows: Sequence[tuple[str, object]], *, indent: str = "") -> None:
        """What one thing is like: ids of the catalogue, and values; those without a value are left out."""
        for name, value in rows:
            if value not in ("", None):
                self.print(f"{indent}{self.text(name)}: {value}")

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[object]], *, heading: bool = True) -> None:
        """Rows under headings: ruled on a terminal, one below the other where it has no room, tab-separated in a pipe."""
        headings = [self.text(column.heading) for column in columns]
        cells = [[shown(str(cell)) for cell in row] for row in rows]
        if not self.for_people:
            for line in [headings, *cells] if heading else cells:
                self.out.file.write("\t".join(line) + "\n")
            return
        cells = [[_cut(cell, column.longest) for column, cell in zip(columns, row, strict=True)] for row in cells]
        widths = [max(map(cell_len, (name, *place))) for name, *place in zip(headings, *cells, strict=True)]
        if self._room_for(columns, widths):
            self._ruled(columns, headings, cells, widths=widths, heading=heading)
        else:
            self._listed(headings, cells)

    def _room_for(self, columns: Sequence[Column], widths: Sequence[int]) -> bool:
        """Whether every column has as much room as it takes to be read."""
        least = (
            width if column.whole else min(width, column.widest or FOLDED_COLUMNS)
            for column, width in zip(columns, widths, strict=True)
        )
        return sum(least) + GAP_COLUMNS * (len(columns) - 1) <= self.out.width

    def _ruled(
        self,
        columns: Sequence[Column],
        headings: Sequence[str],
        cells: Sequence[Sequence[str]],
        *,
        widths: Sequence[int],
        heading: bool,
    ) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold", show_header=heading)
        for column, name, longest in zip(columns, headings, widths, strict=True):
            width = min(longest, column.widest) if column.widest is not None and self.narrow else None
            table.add_column(Text(name), overflow="fold", no_wrap=column.whole, width=width)
        for row in cells:
            table.add_row(*map(Text, row))
        self.out.print(table)

    def _listed(self, headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        """Heading and value, line by line; what is empty is left out, and an empty line ends each row."""
        for row in cells:
            for name, cell in zip(headings, row, strict=True):
                if cell:
                    self.out.print(Text.assemble((f"{name}: ", "bold"), cell))
            self.out.print()


def _cut(cell: str, longest: int | None) -> str:
    return cell if longest is None or len(cell) <= longest else cell[: longest - 1] + "…"
