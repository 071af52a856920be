"""The other end of the operator's socket: one wish, one answer."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp

from gateway.api.client_answers import ApiProblem
from gateway.core.limits import MIB

Json = dict[str, Any]

ANSWER_SECONDS: Final = 60.0
"""A unit of work behind a busy writer takes seconds at most."""
ANSWER_BYTES_MAX: Final = 8 * MIB


async def ask_operator(path: Path, wish: str, members: Mapping[str, Any]) -> Json:
    """The service's answer.

    Raises:
        ApiProblem: it said no.
        OSError: nobody answers there, or we may not ask.
    """
    folder = os.open(
        path.parent, os.O_RDONLY | os.O_DIRECTORY
    )  # an address has 107 bytes, a folder's name may have more
    try:
        connector = aiohttp.UnixConnector(f"/proc/self/fd/{folder}/{path.name}")
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(ANSWER_SECONDS)) as session,
            session.post(f"http://gateway{wish}", json=dict(members)) as answer,
        ):
            body = await answer.content.read(ANSWER_BYTES_MAX)
            told = json.loads(body)
            if answer.status != 200:
                raise ApiProblem(answer.status, told)
            return dict(told)
    except (TimeoutError, aiohttp.ClientPayloadError, ValueError) as error:
        raise ConnectionAbortedError(str(error)) from error
    finally:
        os.close(folder)
