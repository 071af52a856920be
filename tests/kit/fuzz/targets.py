"""What can be fuzzed: which modules carry marks, what reads a file, what to begin with, and how files are changed.

Only names stand here (`module:name`): what they name is loaded after the marks are set (`branches`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from random import Random
from typing import Final, Protocol


class Mutates(Protocol):
    """Makes files out of files."""

    def mutant(self, data: bytes, other: bytes) -> bytes:
        """A file with a few changes; `other` lends parts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One kind of reading."""

    watched: tuple[str, ...]
    """Packages whose branches are marked."""
    reading: str
    """`examine(data, *, piece)`."""
    seeds: str
    """A function: name -> file."""
    mutation: str
    """A class: made from one source of chance, it `Mutates`."""
    plants: str
    """`plant(name)`: a mistake made on purpose."""
    suffix: str
    """Of the files that show a mistake."""

    def load_examine(self) -> Callable[..., frozenset[str]]:
        """The reading itself; only after the marks are set."""
        examine: Callable[..., frozenset[str]] = resolve_name(self.reading)
        return examine

    def load_seeds(self) -> Mapping[str, bytes]:
        """Files to begin with; only after the marks are set."""
        found: Mapping[str, bytes] = resolve_name(self.seeds)()
        return found

    def mutator(self, random: Random) -> Mutates:
        """By one source of chance."""
        made: Mutates = resolve_name(self.mutation)(random)
        return made

    def plant(self, name: str) -> None:
        """A mistake made on purpose; only after the marks are set."""
        resolve_name(self.plants)(name)


EDXML: Final = "edxml"
TARGETS: Final = {
    EDXML: Target(
        watched=("gateway.safe_xml", "gateway.edxml"),
        reading="tests.kit.fuzz.target:examine",
        seeds="tests.kit.edxml_vectors:vectors",
        mutation="tests.kit.fuzz.mutation:Mutator",
        plants="tests.kit.fuzz.plants:plant",
        suffix=".edxml",
    ),
    "crypto": Target(
        watched=("gateway.crypto",),
        reading="tests.kit.fuzz.crypto_target:examine",
        seeds="tests.kit.fuzz.crypto_seeds:vectors",
        mutation="tests.kit.fuzz.crypto_mutation:Mutator",
        plants="tests.kit.fuzz.crypto_plants:plant",
        suffix=".case",
    ),
    "cades": Target(
        watched=("gateway.crypto.cades", "gateway.crypto.duty"),
        reading="tests.kit.fuzz.cades_target:examine",
        seeds="tests.kit.cades_vectors:signatures",
        mutation="tests.kit.fuzz.asn1:Asn1Mutator",
        plants="tests.kit.fuzz.cades_plants:plant",
        suffix=".cades",
    ),
    "trust": Target(
        watched=(
            *("gateway.crypto.paths", "gateway.crypto.fetching", "gateway.crypto.timestamps", "gateway.crypto.keys"),
            "gateway.crypto.pades.long_term",
        ),
        reading="tests.kit.fuzz.trust_target:examine",
        seeds="tests.kit.fuzz.trust_seeds:vectors",
        mutation="tests.kit.fuzz.entry_mutation:Mutator",
        plants="tests.kit.fuzz.trust_plants:plant",
        suffix=".trust",
    ),
    "evidence": Target(
        watched=("gateway.evidence", "gateway.audit", "gateway.exchange", "gateway.crypto.pades.long_term"),
        reading="tests.kit.fuzz.evidence_target:examine",
        seeds="tests.kit.fuzz.evidence_seeds:vectors",
        mutation="tests.kit.fuzz.entry_mutation:Mutator",
        plants="tests.kit.fuzz.evidence_plants:plant",
        suffix=".evidence",
    ),
}
