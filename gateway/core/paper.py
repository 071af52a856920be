"""Paper: what the date on it can be, seen from the moment at which it is handed in, made into a message, or arrives."""

from datetime import date, datetime, timedelta

from gateway.core.clock import VIETNAM
from gateway.core.limits import PAPER_DAYS_AHEAD, PAPER_YEAR_MIN


def paper_date_problem(day: date, *, made_at: datetime) -> str:
    """`future` or `past` for a date of promulgation that cannot be; an empty text for one that can."""
    today = made_at.astimezone(VIETNAM).date()
    if day.year < PAPER_YEAR_MIN:
        return "past"
    # The difference, not the sum: year 9999 has no day after its last.
    return "future" if day - today > timedelta(days=PAPER_DAYS_AHEAD) else ""
