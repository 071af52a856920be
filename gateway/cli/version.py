"""`gateway version`."""

import platform
from importlib import metadata

from gateway.cli.exits import Exit
from gateway.cli.output import Terminal


def version(terminal: Terminal) -> int:
    """Print what runs here."""
    own = metadata.version("edoc-gateway")
    if terminal.json:
        terminal.value({"name": "gateway", "version": own, "python": platform.python_version()})
    else:
        terminal.print(f"gateway {own}")
    return Exit.OK
