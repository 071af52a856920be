"""Strict configuration: TOML into one frozen object per room. An unknown key is an error that names its path.

Every key with its default and unit stands in config/gateway.example.toml; a test compares the two. Relative paths are
relative to the configuration file's folder, so an installation can be moved as a whole.

`forms` says what one value may look like, `sections` which keys there are, `configuration` reads a file and knows which
keys a running gateway can take anew (`RELOADABLE`), `mistakes` puts what is wrong into words and goes on with the rest,
`tables` writes the pieces that the program makes for people. No secret stands in a configuration: keys and passwords are
files of their own, which it names.

When it fails: every wrong key is told at once by its path (`SiteError` `config.invalid`), never a value that might be
secret; on a reload nothing is changed and the old configuration stays in force.
"""

from gateway.config.configuration import (
    RELOADABLE,
    Config,
    Examined,
    examine_config,
    fixed_changes,
    load_config,
    parse_config,
)
from gateway.config.forms import KEY_NAME_CHARS_MAX
from gateway.config.mistakes import KINDS, ConfigProblem
from gateway.config.sections import KeysSection, LimitsSection, ListenerSection
from gateway.config.tables import key_table, toml_table
from gateway.config.trust_sections import ScannerSection, TimestampsSection

__all__ = [
    "KEY_NAME_CHARS_MAX",
    "KINDS",
    "RELOADABLE",
    "Config",
    "ConfigProblem",
    "Examined",
    "KeysSection",
    "LimitsSection",
    "ListenerSection",
    "ScannerSection",
    "TimestampsSection",
    "examine_config",
    "fixed_changes",
    "key_table",
    "load_config",
    "parse_config",
    "toml_table",
]
