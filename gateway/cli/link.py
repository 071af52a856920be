"""The way to the office's gateway: TLS that is always verified, the API key, and errors in the command line's own terms."""

import os
import re
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from yarl import URL

from gateway.api import PREFIX, ApiProblem, OfficeClient
from gateway.cli.errors import Failure, Refusal
from gateway.cli.orders import Connection, Session
from gateway.cli.output import Terminal
from gateway.cli.stdin import MARK
from gateway.core.errors import RoadError

KEY_VARIABLE: Final = "GATEWAY_API_KEY"
_KEY_FILE_BYTES: Final = 1024
_KEY: Final = re.compile(r"[\x21-\x7e]{1,512}")
_TLS_ERROR: Final = re.compile(r"Certificate|SSL")


@asynccontextmanager
async def office_client(session: Session) -> AsyncIterator[OfficeClient]:
    """A client for as long as the block lasts.

    Raises:
        Failure: address, key or authority cannot be used; or the gateway cannot be reached.
        Refusal: the gateway answered with a problem.
    """
    connection = session.connection
    base = _base(connection.url)
    key, source = _api_key(session)
    session.terminal.detail(
        "cli.detail.connection", url=base, ca=connection.ca, tls_name=connection.tls_name, source=source
    )
    try:
        async with OfficeClient(base, key, tls_context(connection.ca), tls_name=connection.tls_name) as client:
            yield client
    except ApiProblem as problem:
        raise Refusal(problem.status, problem.members) from problem
    except RoadError as error:
        raise of_road(error, connection) from error


def _base(typed: str) -> str:
    """The address as it is used: scheme, host and port. The API's own path may be given; no more is silently dropped.

    Raises:
        Failure: it is no address, or says more.
    """
    try:
        url = URL(typed)
        more = (url.user, url.password, url.query_string, url.fragment)
        ours = url.raw_path in ("/", PREFIX, f"{PREFIX}/")
        usable = url.scheme == "https" and url.host and url.port is not None and ours and not any(more)
        origin = str(url.origin())
    except (ValueError, TypeError) as error:  # UnicodeError is a ValueError: names that IDNA cannot write
        raise Failure("cli.url", url=typed) from error
    if not usable:
        raise Failure("cli.url", url=typed)
    return origin


def of_road(error: RoadError, connection: Connection) -> Failure:
    """Nobody there, or somebody whose certificate is not what it should be: the two need different remedies."""
    why = str(error.params.get("why", ""))
    if _TLS_ERROR.search(why):
        return Failure("cli.tls", url=connection.url, reason=why)
    return Failure("cli.unreachable", url=connection.url, reason=why)


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """Trusts the authority of that file alone, or the system's without one.

    Raises:
        OSError: the file cannot be read.
        Failure: it holds no certificate.
    """
    try:
        context = ssl.create_default_context(cadata=ca.read_text(encoding="ascii") if ca else None)
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise Failure("cli.file", path=str(ca), reason="PEM certificate expected") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _api_key(session: Session) -> tuple[str, str]:
    """The key, and where it was found."""
    path = session.connection.key_file
    if path is None:
        key, source = os.environ.get(KEY_VARIABLE, ""), KEY_VARIABLE
    elif str(path) == MARK:
        key, source = session.stdin.read(_KEY_FILE_BYTES, option="--key-file").decode(errors="replace"), MARK
    else:
        key, source = _read_key(path, session.terminal), str(path)
    key = key.strip()
    if not _KEY.fullmatch(key):
        raise Failure("cli.no_key")
    return key, source


def _read_key(path: Path, terminal: Terminal) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        key = file.read(_KEY_FILE_BYTES)
        if os.fstat(file.fileno()).st_mode & (stat.S_IRGRP | stat.S_IROTH):
            terminal.note(terminal.text("cli.key_exposed", path=path))
    return key
