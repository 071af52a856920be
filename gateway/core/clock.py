"""Time as the gateway speaks of it: aware UTC instants inside, Vietnam's local time on the wire of QCVN 102:2016.

Rows keep instants as integers (milliseconds since 1970-01-01T00:00Z): STRICT tables know no other time.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

VIETNAM: Final = timezone(timedelta(hours=7), "+07")
"""Vietnam has had no daylight saving since 1975 and one zone: a fixed offset is exact for every document we carry."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
# Whole numbers throughout: a float of seconds loses a millisecond here and there after 2038.


def to_millis(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime."""
    assert moment.tzinfo is not None, "naive datetime"
    return (moment - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """The aware UTC datetime of milliseconds since the epoch."""
    return _EPOCH + millis * _MILLISECOND


def seconds_since(moment: datetime | None, now: datetime) -> float:
    """How long ago that was; 0 where it never was, or lies ahead of a clock that was set back."""
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-21T13:05:09.120Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """The instant of an RFC 3339 text.

    Raises:
        ValueError: not a date-time, or one without an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a date-time without an offset")
    return moment.astimezone(UTC)


def local_time(moment: datetime, *, seconds: bool = False) -> str:
    """`dd/MM/yyyy HH:mm` in Vietnam's time, with seconds where it serves as evidence."""
    local = moment.astimezone(VIETNAM)
    # not strftime, which writes a year before 1000 with fewer digits
    day = f"{local.day:02}/{local.month:02}/{local.year:04}"
    return f"{day} {local.isoformat()[11 : 19 if seconds else 16]}"


def evidence_time(moment: datetime) -> str:
    """A moment that serves as evidence: `dd/MM/yyyy HH:mm:ss +07:00`, so that nobody asks in whose time."""
    return f"{local_time(moment, seconds=True)} +07:00"


def edxml_date(day: date) -> str:
    """`yyyy/MM/dd` (facts 1.6). Not strftime, which does not promise four digits of a year."""
    return day.isoformat().replace("-", "/")


def edxml_timestamp(moment: datetime) -> str:
    """`yyyy/MM/dd HH:mm:ss` in Vietnam time (facts 1.6)."""
    local = moment.astimezone(VIETNAM).replace(microsecond=0, tzinfo=None)
    return local.isoformat(sep=" ").replace("-", "/")  # strftime writes a year before 1000 with fewer digits
