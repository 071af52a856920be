"""The registry: which bodies there are, who hosts them, and by which keys bodies and gateways are known.

Everybody trusts this one file, so it is trusted by nobody's word: its SHA-256 is pinned in each gateway's configuration
and compared before a single byte of it is parsed (docs/REGISTRY.md has the format; signed editions come later and
change only how the digest is learnt).

Rules:

* One file is one *edition*, numbered by its epoch. An edition is loaded whole or not at all: an unknown field, a code
  twice, a body on a gateway nobody knows, a successor that leads in a circle refuse the file, naming the place.
* Editions only go forward. A lower epoch, or the same epoch with another content, is never put in force.
* Readers hold a frozen `Snapshot` and keep a consistent view as long as they hold it; a replacement swaps one reference.

When it fails: `SiteError` `registry.digest`, `registry.invalid` (path and problem) or `registry.epoch`, and the edition
that was in force stays in force.
"""

from gateway.registry.code import refuse_demo_codes
from gateway.registry.directory import LoadedDirectory
from gateway.registry.edition import load_snapshot, load_snapshot_of, write_snapshot
from gateway.registry.probe import RegistryProbe
from gateway.registry.search import BodyIndex

__all__ = [
    "BodyIndex",
    "LoadedDirectory",
    "RegistryProbe",
    "load_snapshot",
    "load_snapshot_of",
    "refuse_demo_codes",
    "write_snapshot",
]
