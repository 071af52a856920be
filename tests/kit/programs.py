"""A program run to its end, and never left behind: whoever is cancelled meanwhile kills it, and waits until it is gone."""

import asyncio
from asyncio.subprocess import PIPE
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """How it ended, and what it said."""

    code: int
    output: bytes
    errors: bytes


async def run_program(*command: str, seconds: float | None = None) -> Ended:
    """Raises:
    TimeoutError: it had not ended by then, and was killed.
    """
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        output, errors = await asyncio.wait_for(process.communicate(), seconds)
    except BaseException:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # until its pipes are closed: a loop that ends before says so by a traceback
        raise
    assert process.returncode is not None
    return Ended(process.returncode, output, errors)
