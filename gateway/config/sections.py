"""The sections of a configuration file: one frozen object each, every key with its default and its unit."""

import os
import stat
from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    Field,
    StringConstraints,
    model_validator,
)

from gateway.access import Grants, Rate, Rates, Share
from gateway.config.forms import (
    KEY_NAME_CHARS_MAX,
    PASSWORD_CHARS_MAX,
    AddressRangeText,
    Array,
    Count,
    DatabaseUrl,
    FilePath,
    GatewayName,
    HexDigest,
    LoopbackHost,
    OrganCode,
    Port,
    Section,
    wrong,
)
from gateway.core import limits, patience
from gateway.core.errors import SiteError
from gateway.core.grants import ApiKey, PinnedCertificate
from gateway.core.ids import Digest, OrganId
from gateway.core.principal import Scope
from gateway.core.reasons import because, of_os


class GatewaySection(Section):
    """Who this gateway is and where it keeps what it must not lose."""

    id: GatewayName
    """Its name in the registry, in its TLS certificate and in its audit log."""
    environment: Literal["production", "demo"] = "production"
    """Only `demo` accepts certificates marked DEMO."""
    state: FilePath
    """Folder of the database, the blobs and the signer's memory; local disk."""


class DatabaseSection(Section):
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
            reason = of_os(error) if isinstance(error, OSError) else because("not_text")
            raise SiteError("config.invalid", path="database.password_file", reason=reason) from error
        if shared:
            raise SiteError("config.invalid", path="database.password_file", reason=because("mode"))
        return text


class RegistrySection(Section):
    """The registry edition in force: a file, and the digest it must have."""

    file: FilePath
    sha256: HexDigest


class ListenerSection(Section):
    """A TLS listener."""

    host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    """One address; 0.0.0.0 or :: for all of its family."""
    port: Port
    certificate: FilePath
    """PEM chain, leaf first."""
    key: FilePath
    """PEM, mode 0400 or 0600."""
    connections_per_address: Annotated[int, Field(ge=1, le=limits.STRANGERS_MAX)] = limits.CONNECTIONS_PER_ADDRESS
    """Open connections of one address (a /64 with IPv6) without a good credential shown; a further one ends the oldest."""
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


class AdminSection(Section):
    """For the operator: `/healthz`, `/readyz`, `/metrics`; plain HTTP, so on this machine only."""

    enabled: bool = True
    host: LoopbackHost = "127.0.0.1"
    """A loopback address; any other is refused."""
    port: Port = 9443


Percent = Annotated[float, Field(gt=0, le=100)]


class DiskSection(Section):
    """From which share in use, in per cent, the fullest disk of the state folder has what consequence."""

    warn: Percent = 85
    full: Percent = 92
    """No new documents; deliveries, receipts and the log go on."""
    read_only: Percent = 97
    """Nothing that writes."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.warn < self.full < self.read_only:
            raise wrong("disk_order")
        return self


class TokenEntry(Section):
    """A PKCS#11 token: hardware security module, smart card, SoftHSM."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=KEY_NAME_CHARS_MAX)]
    """By which `sources` name it."""
    module: FilePath
    """The vendor's shared library."""
    label: Annotated[str, StringConstraints(max_length=32)] = ""
    serial: Annotated[str, StringConstraints(max_length=16)] = ""
    """CKA label and serial number: those that are given must both be the token's."""
    pin_file: FilePath
    """The PIN alone, mode 0400 or 0600."""
    environment: Array[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*=[^\x00]*$")]] = ()
    """`NAME=value` for the library, in the one process that loads it."""

    @model_validator(mode="after")
    def _findable(self) -> Self:
        if not (self.label or self.serial):
            raise wrong("no_token_name")
        return self

    def variables(self) -> tuple[tuple[str, str], ...]:
        """As pairs."""
        parted = (one.partition("=") for one in self.environment)
        return tuple((name, value) for name, _, value in parted)


class KeySourceEntry(Section):
    """Where the key of one body lies when it is not `<code>.pem`; its certificate stays `<code>.crt` in the folder."""

    organ: OrganCode
    purpose: Literal["transport", "seal"]
    pem: FilePath | None = None
    """Encrypted PKCS#8."""
    pkcs12: FilePath | None = None
    password_file: FilePath | None = None
    """The password of either, mode 0400 or 0600."""
    token: str | None = None
    """Name of one of `tokens`; the key is the one whose certificate is `<code>.crt`."""
    object_id: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){0,64}$")] = ""
    """CKA_ID, hex, for a token that holds no certificates."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if [self.pem, self.pkcs12, self.token].count(None) != 2:
            raise wrong("one_source")
        if (self.password_file is None) != (self.token is not None):
            raise wrong("password_with_file")
        if self.object_id and self.token is None:
            raise wrong("object_id_of_token")
        return self


class KeysSection(Section):
    """Keys of bodies: `<code>.pem` beside `<code>.crt` in each folder, but for those that `sources` names."""

    transport: FilePath
    """Folder of transport keys: one for every body of this gateway that sends."""
    seals: FilePath | None = None
    """Folder of seal keys."""
    entrusted: Array[OrganCode] = ()
    """Bodies that have entrusted their seal to this gateway; each has a certificate, and without a source a key, in `seals`."""
    sources: Array[KeySourceEntry] = ()
    tokens: Array[TokenEntry] = ()

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for names, key in (
            ([f"{one.purpose} {one.organ}" for one in self.sources], "keys.sources"),
            ([one.name for one in self.tokens], "keys.tokens.name"),
        ):
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise wrong("twice", key=key, value=twice[0])
        known = {one.name for one in self.tokens}
        if unknown := [one.token for one in self.sources if one.token is not None and one.token not in known]:
            raise wrong("unknown_token", key="keys.sources.token", value=unknown[0])
        return self

    def source(self, purpose: str, organ: str) -> KeySourceEntry | None:
        """Where that key lies; None: in the folder."""
        return next((one for one in self.sources if (one.purpose, one.organ) == (purpose, organ)), None)


class ReceiptSection(Section):
    """The key that signs receipts."""

    key: FilePath
    """PEM, ECDSA P-256; its public half stands in the registry."""


class AuditSection(Section):
    """The key that signs checkpoints of the audit log."""

    key: FilePath
    """PEM, Ed25519; its verifier key stands in the registry."""
    memory: FilePath | None = None
    """The signer's own memory of the last head it signed; put it on another disk than the database if you can.
    Default: `signer-memory` in the state folder."""


class WorkersSection(Section):
    """Worker processes."""

    judges: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes that parse strangers' files."""
    holders: Annotated[int, Field(ge=1, le=16)] = 1
    """Processes that hold private keys."""


class _GrantEntry(Section):
    """What a system of a body is granted."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=KEY_NAME_CHARS_MAX)]
    sha256: HexDigest
    organs: Annotated[Array[OrganCode], Field(min_length=1)]
    scopes: Annotated[Array[Annotated[Scope, Field(strict=False)]], Field(min_length=1)]
    addresses: Annotated[Array[AddressRangeText], Field(max_length=limits.ADDRESS_RANGES_MAX)] = ()
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


class AccessSection(Section):
    """Who may ask."""

    keys: Array[KeyEntry] = ()
    certificates: Array[CertificateEntry] = ()

    @model_validator(mode="after")
    def _no_two_of_one_name(self) -> Self:
        for names, what in (
            ([key.id for key in self.keys], "keys.id"),
            ([one.sha256 for one in self.certificates], "certificates.sha256"),
        ):
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise wrong("twice", key=f"access.{what}", value=twice[0])
        return self

    def api_keys(self) -> list[ApiKey]:
        """All keys, as the access ledger keeps them."""
        return [key.api_key() for key in self.keys]

    def grants(self) -> Grants:
        """Everything that is declared, for `gateway.access.declaring`."""
        return Grants(keys=tuple(self.api_keys()), certificates=tuple(one.certificate() for one in self.certificates))


class LimitsSection(Section):
    """How much one caller of the office API may ask for; beyond it the answer is 429 with Retry-After."""

    requests_per_minute: Count = limits.REQUESTS_PER_MINUTE
    """Of one key or certificate, for as long as it likes."""
    requests_burst: Count = limits.REQUESTS_BURST
    """Of one key or certificate, at once after a pause."""
    requests_at_once: Count = limits.REQUESTS_AT_ONCE
    """Of one key or certificate, being served at the same time; long polls count."""
    gib_per_day: Annotated[int, Field(ge=1, le=limits.GIB_PER_DAY_MAX)] = limits.GIB_PER_DAY
    """Handed in by one key or certificate, refused or not; counted in memory, anew after a restart."""
    address_requests_per_minute: Count = limits.ADDRESS_REQUESTS_PER_MINUTE
    """From one address (a /64 with IPv6), without a good credential."""
    address_requests_burst: Count = limits.ADDRESS_REQUESTS_BURST
    failures_per_minute: Count = limits.FAILURES_PER_MINUTE
    """Failed authentications from one address."""
    failures_burst: Count = limits.FAILURES_BURST

    def rates(self) -> Rates:
        """As the rate limiter takes them."""
        return Rates(
            principal=Rate(per_minute=self.requests_per_minute, burst=self.requests_burst),
            address=Rate(per_minute=self.address_requests_per_minute, burst=self.address_requests_burst),
            failures=Rate(per_minute=self.failures_per_minute, burst=self.failures_burst),
            gib_per_day=self.gib_per_day,
            at_once=self.requests_at_once,
        )


class DeliverySection(Section):
    """How long it is tried."""

    deadline_days: Annotated[
        int, Field(ge=patience.DELIVERY_DEADLINE_DAYS_MIN, le=patience.DELIVERY_DEADLINE_DAYS_MAX)
    ] = patience.DELIVERY_DEADLINE_DAYS_DEFAULT
    """Days of the calendar until a delivery without a receipt expires, and its sender gets a signed notice."""


class LogSection(Section):
    """Logs: JSON lines on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
