"""Paper: what a report is made of, whatever draws it. Every text is already in the reader's language, harmless and bounded."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.core.plain_text import shown

VALUE_CHARS_MAX: Final = 300
"""Of one stranger's text on paper: a certificate may name its holder with ten thousand letters. The record has them all."""


class Tone(StrEnum):
    """How a text looks. Red is for what is proven to be bad, amber for what nobody can say (experience.md 2.4)."""

    PLAIN = "plain"
    GOOD = "good"
    DOUBT = "doubt"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or two."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Heading:
    """What the blocks after it are about, inside a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one below the other."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Sentences, each with a bullet."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. `widths` are shares, of whatever width there is."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


Block = Paragraph | Heading | Facts | Listing | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A numbered section."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One file: the conclusion first."""

    mark: str
    tone: Tone
    sentence: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """The whole report."""

    language: str
    title: str
    mark: str
    tone: Tone
    sentence: str
    """The conclusion in one sentence: it comes first."""
    overview: Table | None
    """Of several files."""
    chapters: tuple[Chapter, ...]
    record_title: str
    record_note: str
    """What the QR code and the attached record are good for."""
    record_digest: str
    """SHA-256 of the record."""
    record_name: str
    """What the attached record is called."""
    made_at: datetime
    made: str
    """By which program, and when: it stands at the foot of every page."""
    page_of: str
    """`Trang {page}/{pages}`: to be filled by whoever counts the pages."""


def cut(text: str) -> str:
    """A stranger's text for the eye: harmless, and no longer than a reader reads."""
    whole = shown(text)
    return whole if len(whole) <= VALUE_CHARS_MAX else whole[: VALUE_CHARS_MAX - 1] + "…"
