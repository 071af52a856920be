"""What one value of the configuration may look like: paths, codes, digests, ports, URLs."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from gateway.core import limits
from gateway.core.addresses import parse_range
from gateway.core.ids import DIGEST, ORGAN_ID
from gateway.malware import parse_place

CONFIG_BYTES_MAX: Final = limits.MIB
KEY_NAME_CHARS_MAX: Final = 200
PASSWORD_CHARS_MAX: Final = 1_000


def _resolved(path: Path, info: ValidationInfo) -> Path:
    if "\0" in str(path):
        raise wrong("nul")
    folder = info.context["folder"] if info.context else Path.cwd()
    return path if path.is_absolute() else folder / path


def wrong(word: str, /, **params: object) -> PydanticCustomError:
    """A mistake of a kind that pydantic does not know; `why.<word>` in the catalogue says what it is."""
    return PydanticCustomError(word, word, params)


def _canonical_range(text: str) -> str:
    try:
        return str(parse_range(text))
    except ValueError as error:
        raise wrong("no_range") from error


def _loopback(host: str) -> str:
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise wrong("not_loopback")
    return host


def _no_password(url: str) -> str:
    try:
        query = parse_qs(urlsplit(url).query)
    except ValueError:  # its text quotes what it could not read
        raise wrong("no_url") from None
    # Not by `urlsplit` alone: a slash or a question mark inside a password ends what it takes for the authority.
    user, at, _ = url.partition("://")[2].rpartition("@")
    if (at and ":" in user) or "password" in query:
        raise wrong("password_here")
    return url


def _scanner(url: str) -> str:
    if url:
        try:
            parse_place(url)
        except ValueError as error:
            raise wrong("no_scanner") from error
    return url


T = TypeVar("T")
FilePath = Annotated[Path, Field(strict=False), AfterValidator(_resolved)]
"""TOML has no paths: a text."""
Array = Annotated[tuple[T, ...], Field(strict=False)]
"""TOML has no tuples: a list."""
DatabaseUrl = Annotated[
    str, StringConstraints(pattern=r"^(postgresql(\+psycopg)?://.+)?$"), AfterValidator(_no_password)
]
ScannerUrl = Annotated[str, AfterValidator(_scanner)]
OrganCode = Annotated[str, StringConstraints(pattern=f"^{ORGAN_ID.pattern}$", max_length=limits.ORGAN_ID_CHARS_MAX)]
HexDigest = Annotated[str, StringConstraints(pattern=f"^{DIGEST.pattern}$")]
GatewayName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
AddressRangeText = Annotated[str, AfterValidator(_canonical_range)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
LoopbackHost = Annotated[str, AfterValidator(_loopback)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """A table of the file; a key that it does not know is an error, and so is `port = "8443"`: a text is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
