"""What a person asked for, once parsed: plain values between the grammar and the commands."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from gateway.cli.output import Terminal
from gateway.core.model import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the office's gateway is reached."""

    url: str
    ca: Path | None
    """PEM of the authority to trust instead of the system's; verification is never off."""
    tls_name: str | None
    """The name in the certificate, when the address is another."""
    key_file: Path | None
    """File with the API key; without one the environment is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the program: where it prints and how it reaches the gateway."""

    terminal: Terminal
    connection: Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOrder:
    """A document to hand in, as the command line says it."""

    files: tuple[Path, ...]
    sender: str
    recipients: tuple[str, ...]
    number: str
    notation: str
    subject: str
    place: str
    date: date
    type_name: str | None
    priority: str
    idempotency_key: str | None
    """None: made of the content, so that repeating the command is harmless."""
    wait: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOrder:
    """Files to look at, and whom to believe."""

    files: tuple[Path, ...]
    trust: Path
    demo: bool
    registry: Path | None
    registry_digest: str | None
    """SHA-256 the registry file must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOrder:
    """An API key to be made."""

    name: str
    organs: tuple[str, ...]
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
