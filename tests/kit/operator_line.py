"""`gateway …` as an operator types it, beside a gateway that runs or is stopped."""

import json
import sys
from dataclasses import dataclass
from typing import Any

from gateway.demo.network import Network
from tests.kit.programs import run_program


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    told: Any
    """Its JSON; None when it said nothing."""
    errors: str


async def gateway(network: Network, side: str, *line: str) -> Said:
    """A command of one side's operator."""
    config = str(network.sides[side].config)
    ended = await run_program(sys.executable, "-m", "gateway", "--json", *line, "--config", config)
    told = json.loads(ended.output) if ended.output else None
    return Said(ended.code, told, ended.errors.decode(errors="replace"))
