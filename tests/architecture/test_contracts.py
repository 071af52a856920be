"""Every port and every ledger has its contract suite (core/ports/, docs/adr/0001)."""

import re
from pathlib import Path
from typing import Protocol

from gateway.core import (
    activation,
    amendments,
    grants,
    interventions,
    ledgers,
    log,
    named_blobs,
    non_delivery,
    order,
    owed,
    ports,
    resync,
)

SUITES = Path(__file__).parents[1] / "contract"
PARTS = {"LeafProof", "PublishedCheckpoint", "UnitOfWork"}
"""What a port hands out, and the unit that only bundles the ledgers: their promises are those of the others."""


def test_each_port_and_each_ledger_has_one_suite() -> None:
    promised = {
        name
        for module in (
            activation,
            amendments,
            ports,
            ledgers,
            log,
            grants,
            interventions,
            named_blobs,
            non_delivery,
            order,
            owed,
            resync,
        )
        for name, found in vars(module).items()
        if isinstance(found, type)
        and Protocol in found.__bases__
        and f"{found.__module__}.".startswith(f"{module.__name__}.")
    }
    suites = {path.stem for path in SUITES.glob("test_*.py")}
    wanted = {"test_" + re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in promised - PARTS}
    assert len(promised) > 15
    assert suites == wanted
