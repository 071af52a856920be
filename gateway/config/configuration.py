"""The whole configuration: read from TOML, checked, and compared with what is in force."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import (
    ValidationError,
)

from gateway.config.forms import CONFIG_BYTES_MAX, Section
from gateway.config.sections import (
    AccessSection,
    AdminSection,
    AuditSection,
    DatabaseSection,
    DiskSection,
    GatewaySection,
    KeysSection,
    LimitsSection,
    LogSection,
    OfficeApiSection,
    PeerSection,
    ReceiptSection,
    RegistrySection,
    TrustSection,
    WorkersSection,
)
from gateway.core.errors import SiteError


class Config(Section):
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
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SiteError("config.invalid", path=str(path), reason=str(error)) from error


RELOADABLE: Final = frozenset(
    {
        *("registry.file", "registry.sha256", "trust.folder"),
        *("office_api.certificate", "office_api.key", "peer.certificate", "peer.key", "peer.anchors"),
        *("keys.transport", "keys.seals", "keys.entrusted", "access.keys", "access.certificates"),
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
        problems = "; ".join(f"{_dotted(problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise SiteError("config.invalid", path=str(file), reason=problems) from error


def _validate(tree: dict[str, Any], file: Path) -> Config:
    return Config.model_validate(tree, context={"folder": file.resolve().parent})


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location)
