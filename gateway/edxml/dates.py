"""Dates and times on the wire: `yyyy/MM/dd`, and `yyyy/MM/dd HH:mm:ss` in Vietnam's time without saying so."""

import re
from datetime import UTC, date, datetime
from typing import Final

from gateway.core.clock import VIETNAM, edxml_date
from gateway.edxml.block import Block

_DATE: Final = re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})")
_TIMESTAMP: Final = re.compile(rf"{_DATE.pattern} +([0-9]{{1,2}}):([0-9]{{1,2}}):([0-9]{{1,2}})")


def write_date(day: date | None) -> str:
    """`2026/11/21`, or an empty text."""
    return edxml_date(day) if day else ""


def read_date(text: str) -> date | None:
    """The day, or None for anything that is none: real files carry `2014/02/30`."""
    found = _DATE.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def read_timestamp(text: str) -> datetime | None:
    """The instant in UTC, or None for anything that is none."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=VIETNAM).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def date_of(block: Block, name: str) -> date | None:
    """The day in the child of that name; a text that is none is noted."""
    text = block.text(name)
    day = read_date(text)
    if text and day is None:
        block.findings.note("date", block.path_of(name), value=text)
    return day


def timestamp_of(block: Block, name: str) -> datetime | None:
    """The instant in the child of that name; a text that is none is noted."""
    text = block.text(name)
    moment = read_timestamp(text)
    if text and moment is None:
        block.findings.note("date", block.path_of(name), value=text)
    return moment


def midnight(day: date) -> datetime:
    """The instant at which a day began in Vietnam; the very first day of the calendar begins with it."""
    began = datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
    return began.astimezone(UTC) if day > date.min else datetime.min.replace(tzinfo=UTC)
