"""`gateway demo`: the demo network in one folder."""

from pathlib import Path

from gateway.cli.output import Terminal
from gateway.demo import run_demo


async def demo(terminal: Terminal, *, folder: Path, once: bool, wards: int | None) -> int:
    """Build and run the demo network; its own exit code (0: everything arrived and was verified)."""
    return await run_demo(folder=folder, once=once, wards=wards, console=terminal.out)
