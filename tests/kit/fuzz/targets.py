"""What can be fuzzed: which modules are marked, what is done with a file, how files are changed, and what one begins with."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from tests.kit.edxml_vectors import vectors
from tests.kit.fuzz.asn1 import Asn1Mutator
from tests.kit.fuzz.mutation import Mutator


class Changes(Protocol):
    """Makes files out of files."""

    def mutant(self, data: bytes, other: bytes) -> bytes:
        """A changed file; `other` lends parts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One of them. Its module is named, not imported: the marks have to be there first."""

    watched: tuple[str, ...]
    module: str
    mutator: Callable[[Random], Changes]
    seeds: Callable[[], dict[str, bytes]]


def _detached() -> dict[str, bytes]:
    # Here and not above: it imports the room that is to be marked.
    from tests.kit.cades_vectors import signatures  # noqa: PLC0415 - see above

    return signatures()


TARGETS: Final = {
    "edxml": Target(
        watched=("gateway.safe_xml", "gateway.edxml"), module="tests.kit.fuzz.target", mutator=Mutator, seeds=vectors
    ),
    "cades": Target(
        watched=("gateway.crypto.cades", "gateway.crypto.duty"),
        module="tests.kit.fuzz.target_cades",
        mutator=Asn1Mutator,
        seeds=_detached,
    ),
}
