"""Strict configuration: TOML into one frozen object per room. An unknown key is an error that names its path.

Every key with its default and unit stands in config/gateway.example.toml; a test compares the two. Relative paths are
relative to the configuration file's folder, so an installation can be moved as a whole.
"""

import ipaddress
import json
import os
import stat
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from gateway.access import Grants, Rate, Rates, Share
from gateway.core import limits
from gateway.core.addresses import parse_range
from gateway.core.clock import rfc3339
from gateway.core.errors import SiteError
from gateway.core.ids import DIGEST, ORGAN_ID, Digest, OrganId
from gateway.core.ledgers import ApiKey, PinnedCertificate
from gateway.core.model import Scope

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
    parts = urlsplit(url)
    if parts.password is not None or "password" in parse_qs(parts.query):
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
Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class GatewaySection(_Section):
    """Who this gateway is and where it keeps what it must not lose."""

    id: GatewayName
    """Its name in the registry, in its TLS certificate and in its audit log."""
    environment: Literal["production", "demo"] = "production"
    """Only `demo` accepts certificates marked DEMO."""
    state: FilePath
    """Folder of the database, the blobs and the signer's memory; local disk."""


class DatabaseSection(_Section):
    """Where rows are kept: an SQLite file in the state folder, or a PostgreSQL server."""

    url: DatabaseUrl = ""
    """`postgresql+psycopg://user@host/database?sslmode=verify-full`, without a password. Empty: SQLite."""
    password_file: FilePath | None = None
    """The password alone, mode 0400 or 0600; for a URL."""

    def password(self) -> str:
        """The password, or an empty text.

        Raises:
            SiteError: `config.invalid` when the file cannot be read, or others may.
        """
        if self.password_file is None:
            return ""
        try:
            with self.password_file.open(encoding="utf-8") as opened:
                shared = stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o177
                text = opened.read(PASSWORD_CHARS_MAX).strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text"
            raise SiteError("config.invalid", path="database.password_file", reason=reason) from error
        if shared:
            reason = "the file's mode must be 0400 or 0600"
            raise SiteError("config.invalid", path="database.password_file", reason=reason)
        return text


class RegistrySection(_Section):
    """The registry edition in force: a file, and the digest it must have."""

    file: FilePath
    sha256: HexDigest


class TrustSection(_Section):
    """Whom signatures on documents and envelopes may lead to: never the system's own list."""

    folder: FilePath
    """With `anchors/`, `intermediates/` and `crls/`."""


class ListenerSection(_Section):
    """A TLS listener."""

    host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    """One address; 0.0.0.0 or :: for all of its family."""
    port: Port
    certificate: FilePath
    """PEM chain, leaf first."""
    key: FilePath
    """PEM, mode 0400 or 0600."""
    connections_per_address: Annotated[int, Field(ge=1, le=limits.CONNECTIONS_MAX)] = limits.CONNECTIONS_PER_ADDRESS
    """Open connections of one address (a /64 with IPv6); a further one is closed before its TLS handshake."""
    connections_per_minute: Count = limits.CONNECTIONS_PER_MINUTE
    """New connections of one address, for as long as it likes; 200 at once."""

    def share(self) -> Share:
        """As the listener takes it."""
        arrivals = Rate(per_minute=self.connections_per_minute, burst=limits.CONNECTIONS_BURST)
        return Share(open=self.connections_per_address, arrivals=arrivals)


class OfficeApiSection(ListenerSection):
    """For offices' document systems."""

    port: Port = 8443
    client_anchors: FilePath | None = None
    """Folder of PEM certificates of the authorities for client certificates; absent: none are asked for."""


class PeerSection(ListenerSection):
    """For other gateways: mutual TLS 1.3."""

    port: Port = 8444
    anchors: FilePath
    """Folder of PEM certificates of the authorities for peers' TLS certificates."""


class AdminSection(_Section):
    """For the operator: `/healthz`, `/readyz`, `/metrics`; plain HTTP, so on this machine only."""

    enabled: bool = True
    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    """A loopback address; any other is refused."""
    port: Port = 9443


Percent = Annotated[float, Field(gt=0, le=100)]


class DiskSection(_Section):
    """From which share in use, in per cent, the fullest disk of the state folder has what consequence."""

    warn: Percent = 85
    full: Percent = 92
    """No new documents; deliveries, receipts and the log go on."""
    read_only: Percent = 97
    """Nothing that writes."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.warn < self.full < self.read_only:
            raise ValueError("warn < full < read_only")
        return self


class KeysSection(_Section):
    """Keys of bodies: `<code>.pem` beside `<code>.crt` in each folder."""

    transport: FilePath
    """Folder of transport keys: one for every body of this gateway that sends."""
    seals: FilePath | None = None
    """Folder of seal keys."""
    entrusted: tuple[OrganCode, ...] = ()
    """Bodies that have entrusted their seal to this gateway; each has a key in `seals`."""


class ReceiptSection(_Section):
    """The key that signs receipts."""

    key: FilePath
    """PEM, ECDSA P-256; its public half stands in the registry."""


class AuditSection(_Section):
    """The key that signs checkpoints of the audit log."""

    key: FilePath
    """PEM, Ed25519; its verifier key stands in the registry."""
    memory: FilePath | None = None
    """The signer's own memory of the last head it signed; put it on another disk than the database if you can.
    Default: `signer-memory` in the state folder."""


class WorkersSection(_Section):
    """Worker processes."""

    judges: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes that parse strangers' files."""
    holders: Annotated[int, Field(ge=1, le=16)] = 1
    """Processes that hold private keys."""


class _GrantEntry(_Section):
    """What a system of a body is granted."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=KEY_NAME_CHARS_MAX)]
    sha256: HexDigest
    organs: Annotated[tuple[OrganCode, ...], Field(min_length=1)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    addresses: Annotated[tuple[AddressRangeText, ...], Field(max_length=limits.ADDRESS_RANGES_MAX)] = ()
    """CIDR ranges it may be used from; none: from anywhere."""
    expires_at: AwareDatetime | None = None
    """With an offset; absent: does not expire."""

    def _granted(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "organs": frozenset(map(OrganId, self.organs)),
            "scopes": frozenset(self.scopes),
            "addresses": self.addresses,
            "expires_at": self.expires_at,
            "revoked_at": None,
        }


class KeyEntry(_GrantEntry):
    """One API key of a body's system; the secret itself is never here."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{1,32}$")]
    sha256: HexDigest
    """SHA-256 of the whole key text, as `gateway apikey` prints it."""

    def api_key(self) -> ApiKey:
        """The row the access ledger keeps."""
        return ApiKey(key_id=self.id, secret_digest=Digest(self.sha256), **self._granted())


class CertificateEntry(_GrantEntry):
    """One client certificate of a body's system."""

    sha256: HexDigest
    """SHA-256 of its SubjectPublicKeyInfo: a certificate that is renewed over the same key stays known."""

    def certificate(self) -> PinnedCertificate:
        """The row the access ledger keeps."""
        return PinnedCertificate(pin=Digest(self.sha256), **self._granted())


class AccessSection(_Section):
    """Who may ask."""

    keys: tuple[KeyEntry, ...] = ()
    certificates: tuple[CertificateEntry, ...] = ()

    @model_validator(mode="after")
    def _no_two_of_one_name(self) -> Self:
        for names, what in (
            ([key.id for key in self.keys], "keys: two of id"),
            ([one.sha256 for one in self.certificates], "certificates: two of sha256"),
        ):
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise ValueError(f"{what} {twice[0]}")
        return self

    def api_keys(self) -> list[ApiKey]:
        """All keys, as the access ledger keeps them."""
        return [key.api_key() for key in self.keys]

    def grants(self) -> Grants:
        """Everything that is declared, for `gateway.access.declaring`."""
        return Grants(keys=tuple(self.api_keys()), certificates=tuple(one.certificate() for one in self.certificates))


class LimitsSection(_Section):
    """How much one caller of the office API may ask for; beyond it the answer is 429 with Retry-After."""

    requests_per_minute: Count = limits.REQUESTS_PER_MINUTE
    """Of one key or certificate, for as long as it likes."""
    requests_burst: Count = limits.REQUESTS_BURST
    """Of one key or certificate, at once after a pause."""
    requests_at_once: Count = limits.REQUESTS_AT_ONCE
    """Of one key or certificate, being served at the same time; long polls count."""
    address_requests_per_minute: Count = limits.ADDRESS_REQUESTS_PER_MINUTE
    """From one address (a /64 with IPv6), whoever asks."""
    address_requests_burst: Count = limits.ADDRESS_REQUESTS_BURST
    failures_per_minute: Count = limits.FAILURES_PER_MINUTE
    """Failed authentications from one address."""
    failures_burst: Count = limits.FAILURES_BURST

    def rates(self) -> Rates:
        """As the turnstile takes them."""
        return Rates(
            principal=Rate(per_minute=self.requests_per_minute, burst=self.requests_burst),
            address=Rate(per_minute=self.address_requests_per_minute, burst=self.address_requests_burst),
            failures=Rate(per_minute=self.failures_per_minute, burst=self.failures_burst),
            at_once=self.requests_at_once,
        )


class LogSection(_Section):
    """Logs: JSON lines on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(_Section):
    """The whole configuration of one gateway."""

    gateway: GatewaySection
    database: DatabaseSection = DatabaseSection()
    registry: RegistrySection
    trust: TrustSection
    office_api: OfficeApiSection
    peer: PeerSection
    admin: AdminSection = AdminSection()
    keys: KeysSection
    receipts: ReceiptSection
    audit: AuditSection
    workers: WorkersSection = WorkersSection()
    disk: DiskSection = DiskSection()
    access: AccessSection = AccessSection()
    limits: LimitsSection = LimitsSection()
    log: LogSection = LogSection()

    @property
    def demo(self) -> bool:
        """Whether certificates marked DEMO are accepted."""
        return self.gateway.environment == "demo"

    def database_place(self) -> Path | str:
        """The SQLite file, or the URL of the PostgreSQL database with its password: not to be shown.

        Raises:
            SiteError: `config.invalid` for the password's file.
        """
        if not self.database.url:
            return self.gateway.state / "gateway.db"
        parts, password = urlsplit(self.database.url), self.database.password()
        if not password:
            return self.database.url
        user, _, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))

    @property
    def blobs(self) -> Path:
        """The folder of blobs."""
        return self.gateway.state / "blobs"

    @property
    def signer_memory(self) -> Path:
        """The checkpoint signer's memory."""
        return self.audit.memory or self.gateway.state / "signer-memory"

    @property
    def log_origin(self) -> str:
        """The audit log's name (C2SP origin): one log per database."""
        return f"{self.gateway.id}/audit"


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong with a configuration file."""

    path: str
    """Of the key: `office_api.port`; empty when it is the file as a whole."""
    kind: str
    """What kind of mistake, in pydantic's words: `missing`, `extra_forbidden` ...; `file` for the file as a whole."""
    reason: str


def load_config(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        SiteError: `config.invalid`, naming the file and every wrong key by its path.
    """
    return parse_config(_read_tree(path), file=path)


def examine_config(path: Path) -> tuple[Config | None, tuple[ConfigProblem, ...]]:
    """The configuration of a file, or everything that is wrong with it, at once."""
    try:
        return _validate(_read_tree(path), path), ()
    except SiteError as error:
        return None, (ConfigProblem("", "file", str(error.params["reason"])),)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return None, tuple(ConfigProblem(_dotted(one["loc"]), one["type"], one["msg"]) for one in found)


def _read_tree(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > CONFIG_BYTES_MAX:
            raise SiteError("config.invalid", path=str(path), reason="larger than 1 MiB")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SiteError("config.invalid", path=str(path), reason=str(error)) from error


RELOADABLE: Final = frozenset(
    {
        *("registry.file", "registry.sha256", "trust.folder"),
        *("office_api.certificate", "office_api.key", "peer.certificate", "peer.key", "peer.anchors"),
        *("keys.transport", "keys.seals", "keys.entrusted", "access.keys", "log.level"),
    }
)
"""What SIGHUP may change; everything else is read at start only."""


def fixed_changes(old: Config, new: Config) -> tuple[str, ...]:
    """Paths of the keys that differ and that a running gateway cannot change."""
    before, after = _leaves(old), _leaves(new)
    return tuple(path for path in after if after[path] != before[path] and path not in RELOADABLE)


def _leaves(config: Config) -> dict[str, object]:
    sections = ((name, getattr(config, name)) for name in Config.model_fields)
    return {
        f"{section}.{name}": getattr(found, name) for section, found in sections for name in type(found).model_fields
    }


def parse_config(tree: dict[str, Any], *, file: Path) -> Config:
    """Check a parsed tree; `file` gives the folder for relative paths and the name for errors."""
    try:
        return _validate(tree, file)
    except ValidationError as error:
        problems = "; ".join(f"{_dotted(problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise SiteError("config.invalid", path=str(file), reason=problems) from error


def _validate(tree: dict[str, Any], file: Path) -> Config:
    return Config.model_validate(tree, context={"folder": file.resolve().parent})


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location)


def key_table(key: ApiKey) -> str:
    """The `[[access.keys]]` table by which a gateway knows an API key, as `load_config` reads it back."""
    values: dict[str, object] = {
        "id": key.key_id,
        "name": key.name,
        "sha256": key.secret_digest,
        "organs": sorted(key.organs),
        "scopes": sorted(key.scopes),
    }
    if key.addresses:
        values["addresses"] = list(key.addresses)
    if key.expires_at is not None:
        values["expires_at"] = key.expires_at
    return toml_table("[[access.keys]]", values)


def toml_table(head: str, values: Mapping[str, object]) -> str:
    """A TOML table of texts, integers, instants and arrays of texts."""
    return "\n".join([head, *(f"{name} = {_toml_value(value)}" for name, value in values.items()), ""])


def _toml_value(value: object) -> str:
    """JSON texts, integers and arrays of texts are TOML as they stand, but for DEL, which a basic string must escape."""
    if isinstance(value, datetime):
        return rfc3339(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
