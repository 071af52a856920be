"""`gateway serve`: one gateway, until it is told to stop."""

from pathlib import Path

from gateway import app
from gateway.cli.exits import Exit


async def serve(config: Path) -> int:
    """Run the gateway of a configuration file.

    Raises:
        GatewayError: what stands in the way of starting.
    """
    await app.serve(config)
    return Exit.OK
