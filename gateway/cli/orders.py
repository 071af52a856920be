"""What a person asked for, once parsed: plain values between the grammar and the commands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from gateway.cli.output import Terminal
from gateway.cli.stdin import StandardInput
from gateway.core.principal import Scope
from gateway.core.states import BusinessStatus
from gateway.core.validation import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the office's gateway is reached."""

    url: str
    ca: Path | None
    """PEM of the authority to trust instead of the system's; verification is never off."""
    tls_name: str | None
    """The name in the certificate, when the address is another."""
    key_file: Path | None
    """File with the API key (`-`: standard input); without one the environment is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the program: where it prints and how it reaches the gateway."""

    terminal: Terminal
    connection: Connection
    stdin: StandardInput


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOrder:
    """A document to hand in, as the command line says it."""

    files: tuple[Path, ...]
    """`-` is standard input."""
    filename: str | None
    """Name of what came from standard input."""
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
    further: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the metadata, as the office API names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendOrder:
    """A recall, or the answer to a recall or an update."""

    wish: str
    """`recall`, `agree` or `decline`."""
    key: str
    reason: str | None
    """None: to be asked for."""
    forwarded: bool = False
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendingOrder:
    """A document that replaces or updates an earlier one; None: as in that one."""

    wish: str
    """`replace` or `update`."""
    key: str
    files: tuple[Path, ...]
    number: str
    date: date
    notation: str | None
    subject: str | None
    recipients: tuple[str, ...]
    """Empty: those of the earlier one."""
    reason: str
    wait: bool
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeOrder:
    """A finished edXML file to hand in."""

    file: Path
    """`-` is standard input."""
    idempotency_key: str | None
    """None: made of the content."""
    wait: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOrder:
    """How much of a long list to show, and from where on."""

    limit: int
    cursor: str
    """The `next` of the page before; empty: from the beginning."""
    all: bool
    """Not a page: everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxOrder:
    """What of the inbox to show."""

    after: int
    limit: int
    follow: bool
    """Go on showing what arrives, until interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOrder:
    """What of the queue to show."""

    config: Path
    destination: str | None
    """Only what goes to this gateway."""
    dead: bool
    """Only what was given up."""
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOrder:
    """What the service shall do to its queue."""

    config: Path
    wish: str
    """`pause`, `resume`, `retry`, `reroute` or `void`."""
    members: Mapping[str, str | bool]
    """What it is told, by the names of the admin socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofOrder:
    """A proof to be made (`key`, `config`), or one to be checked (`check`)."""

    key: str | None
    config: Path | None
    output: Path | None
    force: bool
    check: Path | None
    log_keys: tuple[str, ...]
    """Verifier keys that the checkpoint of a checked proof must bear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInHand:
    """What somebody signs with."""

    key: str
    """A file (PEM, PKCS#12), its owner's alone (0400, 0600), or a PKCS#11 URI (RFC 7512)."""
    password_file: Path | None
    certificates: tuple[Path, ...]
    """The key's own first, then those above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """Whom a command believes, and whom it asks for timestamps."""

    trust: Path | None
    demo: bool
    authorities: tuple[str, ...]
    """URLs of timestamp authorities, in the order in which they are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOrder:
    """A file to sign, beside it or inside, and with what."""

    file: Path
    output: Path | None
    """None: the file's own name and `.p7s`."""
    key: KeyInHand
    level: Level
    lower: bool
    """Whether B-B will do when no authority answers."""
    believed: Believed
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOrder:
    """Files to look at, whom to believe, and the report to be made of it."""

    files: tuple[Path, ...]
    signature: Path | None
    """Beside the one file; None: those in each file, and one under its name."""
    trust: Path | None
    policy: Path | None
    moment: datetime | None
    """Of judgement; None: now."""
    demo: bool
    registry: Path | None
    registry_digest: str | None
    """SHA-256 the registry file must have."""
    report: Path | None
    """`.json`, `.html` or `.pdf`."""
    seal: KeyInHand | None
    """What the report is sealed with."""
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of a signature is to be seen, and where."""

    kind: str
    """`invisible`, `signature`, `seal`, `attachment` or `copy`."""
    image: Path | None
    width_mm: float | None
    page: int | None
    at: tuple[float, float] | None
    """Millimetres from the left and from the top."""
    beside: str
    number: str
    form: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingOrder:
    """A PDF to be signed with a key in hand."""

    file: Path
    output: Path
    """`-` is standard output."""
    force: bool
    key: KeyInHand
    field: str
    level: Level
    lower: bool
    """Whether a lower level will do when no authority answers."""
    shown: Shown
    believed: Believed


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalOrder:
    """A PDF whose timestamps are to be renewed."""

    file: Path
    output: Path
    force: bool
    believed: Believed


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOrder:
    """An API key to be made."""

    name: str
    organs: tuple[str, ...]
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    addresses: tuple[str, ...]
    """Ranges it may be used from; none: from anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOrder:
    """An edXML file to be made."""

    meta: Path
    """What it says, in TOML or JSON; `-` is standard input."""
    files: tuple[Path, ...]
    output: Path
    """`-` is standard output."""
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackOrder:
    """An edXML file to be taken apart."""

    file: Path
    """`-` is standard input."""
    folder: Path
    as_carried: bool
    """A ZIP around a file is left around it."""
    despite_errors: bool
    """Save what can be read of a file that does not hold together."""
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOrder:
    """A status message to be made about a document."""

    document: Path
    """Its edXML file; `-` is standard input."""
    code: BusinessStatus
    sender: str | None
    """None: the document says who it can only be."""
    recipient: str | None
    """Whom the document is asked back from; None as above."""
    description: str | None
    staff: str
    department: str
    output: Path
    """`-` is standard output."""
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCheckOrder:
    """A list of anchors to check."""

    file: Path
    keys: Path
    """Folder of the public keys that may sign it."""
    signatures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDraftOrder:
    """A list of anchors to make, of the certificates in a folder."""

    folder: Path
    name: str
    number: int
    days: int
    """How long it is good for."""
    output: Path
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSignOrder:
    """A list of anchors to sign."""

    file: Path
    key: Path
    password_file: Path | None
    output: Path
    force: bool
