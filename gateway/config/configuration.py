"""The whole configuration: read from TOML, checked, and compared with what is in force."""

import tomllib
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import ValidationError, model_validator

from gateway.config.forms import CONFIG_BYTES_MAX, Section, wrong
from gateway.config.mistakes import ROUNDS_MAX, ConfigProblem, problems_of, without_problems
from gateway.config.sections import (
    AccessSection,
    AdminSection,
    AuditSection,
    DatabaseSection,
    DeliverySection,
    DiskSection,
    GatewaySection,
    KeysSection,
    LimitsSection,
    LogSection,
    OfficeApiSection,
    PeerSection,
    ReceiptSection,
    RegistrySection,
    WorkersSection,
)
from gateway.config.trust_sections import RevocationSection, ScannerSection, TimestampsSection, TrustSection
from gateway.core.errors import SiteError
from gateway.core.reasons import Reasons, because, of_os


class Config(Section):
    """The whole configuration of one gateway."""

    gateway: GatewaySection
    database: DatabaseSection = DatabaseSection()
    registry: RegistrySection
    trust: TrustSection
    timestamps: TimestampsSection = TimestampsSection()
    revocation: RevocationSection = RevocationSection()
    scanner: ScannerSection = ScannerSection()
    office_api: OfficeApiSection
    peer: PeerSection
    admin: AdminSection = AdminSection()
    keys: KeysSection
    receipts: ReceiptSection
    audit: AuditSection
    workers: WorkersSection = WorkersSection()
    disk: DiskSection = DiskSection()
    delivery: DeliverySection = DeliverySection()
    access: AccessSection = AccessSection()
    limits: LimitsSection = LimitsSection()
    log: LogSection = LogSection()

    @model_validator(mode="after")
    def _each_its_port(self) -> Self:
        listeners = [("office_api", self.office_api), ("peer", self.peer)]
        places = [(name, one.host, one.port) for name, one in listeners]
        if self.admin.enabled:
            places.append(("admin", self.admin.host, self.admin.port))
        for (one, here, port), (other, there, same) in combinations(places, 2):
            if port == same != 0 and _meet(here, there):
                raise wrong("one_port", key=f"{other}.port", other=f"{one}.port", port=port)
        return self

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
    def revocation_store(self) -> Path:
        """The folder of fetched revocation evidence."""
        return self.revocation.store or self.gateway.state / "revocation"

    @property
    def trust_memory(self) -> Path:
        """The file that remembers the highest number of a trust list."""
        return self.gateway.state / "trust-memory"

    @property
    def signer_memory(self) -> Path:
        """The checkpoint signer's memory."""
        return self.audit.memory or self.gateway.state / "signer-memory"

    @property
    def admin_socket(self) -> Path:
        """By which the queue is changed by hand."""
        return self.gateway.state / "admin.sock"

    @property
    def log_origin(self) -> str:
        """The audit log's name (C2SP origin): one log per database."""
        return f"{self.gateway.id}/audit"


@dataclass(frozen=True, slots=True)
class Examined:
    """A configuration file as far as it can be read."""

    config: Config | None
    """None: not at all. Else what stands at the paths of `unread` is made up, and not to be looked at."""
    problems: tuple[ConfigProblem, ...]
    unread: frozenset[str]

    def knows(self, *keys: str) -> bool:
        """Whether all of these keys say what the file says."""
        return self.config is not None and not any(
            key == path or key.startswith(f"{path}.") for key in keys for path in self.unread
        )


def load_config(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        SiteError: `config.absent`; `config.invalid`, naming the file and every wrong key by its path.
    """
    return parse_config(_read_tree(path), file=path)


def examine_config(path: Path) -> Examined:
    """The configuration of a file, everything that is wrong with it at once, and what can be read in spite of that.

    Raises:
        SiteError: `config.absent`, `config.invalid`: the file as a whole cannot be read.
    """
    tree = _read_tree(path)
    problems: dict[str, ConfigProblem] = {}
    unread: set[str] = set()
    for turn in range(ROUNDS_MAX):
        try:
            return Examined(_validate(tree, path), tuple(problems.values()), frozenset(unread))
        except ValidationError as error:
            for one in problems_of(error):
                if one.kind != "missing" or turn == 0:  # later it is what was taken out here
                    problems.setdefault(one.path, one)
            tree = without_problems(tree, error, unread)
    return Examined(None, tuple(problems.values()), frozenset(unread))


def _read_tree(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > CONFIG_BYTES_MAX:
            raise SiteError("config.invalid", path=str(path), reason=because("large", limit=CONFIG_BYTES_MAX))
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SiteError("config.absent", path=str(path)) from error
    except OSError as error:
        raise SiteError("config.invalid", path=str(path), reason=of_os(error)) from error
    except UnicodeDecodeError as error:
        raise SiteError("config.invalid", path=str(path), reason=because("not_text")) from error
    except (ValueError, RecursionError) as error:  # tomllib's own is a ValueError; so is a number of 5,000 digits
        raise SiteError("config.invalid", path=str(path), reason=because("not_toml", detail=error)) from error


RELOADABLE: Final = frozenset(
    {
        *("registry.file", "registry.sha256"),
        *("trust.folder", "trust.policy", "trust.list", "trust.list_keys", "trust.list_signatures"),
        *("revocation.hosts", "revocation.private_hosts", "revocation.sources"),
        *("office_api.certificate", "office_api.key", "peer.certificate", "peer.key", "peer.anchors"),
        *("keys.transport", "keys.seals", "keys.entrusted", "keys.sources", "keys.tokens"),
        *("access.keys", "access.certificates"),
        "log.level",
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
        told = tuple(because("at", key=one.path, reason=one.reason) for one in problems_of(error))
        raise SiteError("config.invalid", path=str(file), reason=Reasons(told)) from error


def _validate(tree: dict[str, Any], file: Path) -> Config:
    return Config.model_validate(tree, context={"folder": file.resolve().parent})


_ALL: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


def _meet(one: str, other: str) -> bool:
    """Whether listeners on both addresses could not have the same port: one address, or one of them is all of its family."""
    here, there = (host.replace("localhost", "127.0.0.1") for host in (one, other))
    return here == there or ((":" in here) == (":" in there) and not _ALL.isdisjoint((here, there)))
