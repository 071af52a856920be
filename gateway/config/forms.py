"""What one value of the configuration may look like: paths, codes, digests, ports, URLs."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)

from gateway.core import limits
from gateway.core.addresses import parse_range
from gateway.core.ids import DIGEST, ORGAN_ID

CONFIG_BYTES_MAX: Final = limits.MIB
KEY_NAME_CHARS_MAX: Final = 200
PASSWORD_CHARS_MAX: Final = 1_000


def _resolved(path: Path, info: ValidationInfo) -> Path:
    folder = info.context["folder"] if info.context else Path.cwd()
    return path if path.is_absolute() else folder / path


def _canonical_range(text: str) -> str:
    return str(parse_range(text))


def _loopback(host: str) -> str:
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError("not a loopback address")
    return host


def _no_password(url: str) -> str:
    try:
        query = parse_qs(urlsplit(url).query)
    except ValueError:  # its text quotes what it could not read
        raise ValueError("not a URL") from None
    # Not by `urlsplit` alone: a slash or a question mark inside a password ends what it takes for the authority.
    user, at, _ = url.partition("://")[2].rpartition("@")
    if (at and ":" in user) or "password" in query:
        raise ValueError("a password does not belong here: put it into database.password_file")
    return url


FilePath = Annotated[Path, AfterValidator(_resolved)]
DatabaseUrl = Annotated[
    str, StringConstraints(pattern=r"^(postgresql(\+psycopg)?://.+)?$"), AfterValidator(_no_password)
]
OrganCode = Annotated[str, StringConstraints(pattern=f"^{ORGAN_ID.pattern}$", max_length=limits.ORGAN_ID_CHARS_MAX)]
HexDigest = Annotated[str, StringConstraints(pattern=f"^{DIGEST.pattern}$")]
GatewayName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
AddressRangeText = Annotated[str, AfterValidator(_canonical_range)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
LoopbackHost = Annotated[str, AfterValidator(_loopback)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """A table of the file; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
