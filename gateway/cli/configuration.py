"""`gateway config show`: the configuration in force, every key, and which of them the file leaves to the default."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from gateway.cli.exits import Exit
from gateway.cli.output import Column, Terminal
from gateway.config import Config, load_config
from gateway.core.ids import DIGEST

_DIGEST_CHARS: Final = 12
_PASSWORD: Final = re.compile(r"((?<=://)[^/@:]*:)\S*(?=@)|(password=)[^&\s]+", re.IGNORECASE)
"""In an address, before its last @, or as a parameter."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration as it is in force."""

    path: str
    value: object
    default: bool
    """Whether the file does not say it."""


def show(terminal: Terminal, path: Path) -> int:
    """Print every key with the value in force, and which of them the file leaves to the default.

    Raises:
        SiteError: `config.invalid`.
    """
    config = load_config(path)
    settings = [_in_force(one, config) for one in settings_of(config)]
    if terminal.json:
        rows = [{"path": one.path, "value": one.value, "default": one.default} for one in settings]
        terminal.value({"file": str(path), "settings": rows})
        return Exit.OK
    source = {True: terminal.text("cli.config.from_default"), False: terminal.text("cli.config.from_file")}
    columns = ("cli.column.setting", "cli.column.value", "cli.column.source")
    terminal.table(
        [Column(heading=heading) for heading in columns],
        [(one.path, _text(one.value), source[one.default]) for one in settings],
    )
    return Exit.OK


def _in_force(setting: Setting, config: Config) -> Setting:
    """A default that is made of other keys, as it comes out."""
    if setting.path == "audit.memory":
        return replace(setting, value=str(config.signer_memory))
    if setting.path == "revocation.store":
        return replace(setting, value=str(config.revocation_store))
    return setting


def settings_of(section: BaseModel, path: str = "", *, default: bool = False) -> Iterator[Setting]:
    """Every key below a section, in the order of its class."""
    for name in type(section).model_fields:
        yield from _settings(getattr(section, name), path + name, default or name not in section.model_fields_set)


def _settings(value: object, path: str, default: bool) -> Iterator[Setting]:
    if isinstance(value, BaseModel):
        yield from settings_of(value, path + ".", default=default)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for place, one in enumerate(value):
            yield from _settings(one, f"{path}.{place}", default)
    else:
        yield Setting(path, _plain(value), default)


def _plain(value: object) -> object:
    """A value as JSON has it: digests shortened, and no password that stands in an address."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return f"{text[:_DIGEST_CHARS]}…" if DIGEST.fullmatch(text) else _PASSWORD.sub(r"\1\2***", text)


def _text(value: object) -> str:
    """A value for people: a truth as TOML writes it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
