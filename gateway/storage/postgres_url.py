"""Where a PostgreSQL database is: a URL that may hold a password, and therefore is never shown as it is."""

from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.core.errors import SiteError

DRIVER: Final = "postgresql+psycopg"
SETTING: Final = "database.url"
_SECRET_PARAMETERS: Final = frozenset({"password", "sslpassword"})


def read_url(text: str) -> URL:
    """The URL, with psycopg as its driver.

    Raises:
        SiteError: `config.invalid`; the URL itself is not in it.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise unfit("not a database URL") from error
    if url.drivername not in {"postgresql", DRIVER}:
        raise unfit(f"the scheme is {url.drivername!r}, not postgresql")
    if not url.database:
        raise unfit("it names no database")
    if _SECRET_PARAMETERS & url.query.keys():
        raise unfit("a password belongs before the host, where it is masked, not among the parameters")
    return url.set(drivername=DRIVER)


def masked(url: URL) -> str:
    """The URL for people: no password."""
    return url.render_as_string(hide_password=True)


def unfit(reason: str) -> SiteError:
    """The refusal of a database that this gateway cannot use as it is."""
    return SiteError("config.invalid", path=SETTING, reason=reason)
