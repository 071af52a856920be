"""Every port and every ledger has its contract suite (core/ports/, docs/adr/0001)."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import gateway.core

SUITES = Path(__file__).parents[1] / "contract"
PARTS = {"Inspections", "LeafProof", "PublishedCheckpoint", "UnitOfWork"}
"""What a port hands out, the unit that only bundles the ledgers, and the doctor's eyes on them: their promises are those of
the others."""


def test_each_port_and_each_ledger_has_one_suite() -> None:
    promised = set(_protocols())
    suites = {path.stem for path in SUITES.glob("test_*.py")}
    wanted = {"test_" + re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in promised - PARTS}
    assert len(promised) > 15
    assert suites == wanted


def _protocols() -> Iterator[str]:
    for found in pkgutil.walk_packages(gateway.core.__path__, "gateway.core."):
        module = importlib.import_module(found.name)
        for name, what in vars(module).items():
            if isinstance(what, type) and Protocol in what.__bases__ and what.__module__ == module.__name__:
                yield name
