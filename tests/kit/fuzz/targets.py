"""What can be fuzzed: which modules carry marks, what reads a file, what to begin with, and how files are changed.

Only names stand here: the modules are loaded after the marks are set (`branches`).
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol


class Mutates(Protocol):
    """Makes files out of files."""

    def mutant(self, data: bytes, other: bytes) -> bytes:
        """A file with a few changes; `other` lends parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One kind of reading."""

    watched: tuple[str, ...]
    """Packages whose branches are marked."""
    module: str
    """It has `examine(data, *, piece)`."""
    seeds: str
    """It has `vectors()`: name -> file."""
    mutation: str
    """It has `Mutator(random)`."""
    plants: str
    """It has `plant(name)`: mistakes made on purpose."""
    suffix: str
    """Of the files that show a mistake."""

    def load_examine(self) -> Callable[..., frozenset[str]]:
        """The reading itself; only after the marks are set."""
        examine: Callable[..., frozenset[str]] = importlib.import_module(self.module).examine
        return examine

    def load_seeds(self) -> Mapping[str, bytes]:
        """Files to begin with; only after the marks are set."""
        found: Mapping[str, bytes] = importlib.import_module(self.seeds).vectors()
        return found

    def mutator(self, random: Random) -> Mutates:
        """By one source of chance."""
        made: Mutates = importlib.import_module(self.mutation).Mutator(random)
        return made


TARGETS: Final = {
    "edxml": Target(
        watched=("gateway.safe_xml", "gateway.edxml"),
        module="tests.kit.fuzz.target",
        seeds="tests.kit.edxml_vectors",
        mutation="tests.kit.fuzz.mutation",
        plants="tests.kit.fuzz.plants",
        suffix=".edxml",
    ),
    "crypto": Target(
        watched=("gateway.crypto",),
        module="tests.kit.fuzz.crypto_target",
        seeds="tests.kit.fuzz.crypto_seeds",
        mutation="tests.kit.fuzz.crypto_mutation",
        plants="tests.kit.fuzz.crypto_plants",
        suffix=".case",
    ),
}
EDXML: Final = "edxml"
