"""`gateway demo`: the demo network in one folder."""

from pathlib import Path

from rich.console import Console

from gateway.cli.output import Terminal
from gateway.demo import run_demo


async def demo(terminal: Terminal, *, folder: Path, once: bool, wards: int | None) -> int:
    """Build and run the demo network: talk on stderr, one line of outcome on stdout; 0 when everything was verified."""
    console = Console(stderr=True, quiet=True) if terminal.quiet else terminal.talk
    return await run_demo(folder=folder, once=once, wards=wards, console=console)
