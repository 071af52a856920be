"""The other end of the operator's socket: one wish, one answer."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp

from gateway.api.client_answers import bounded, raise_problem
from gateway.core.limits import MIB

Json = dict[str, Any]

ANSWER_SECONDS: Final = 60.0
"""A unit of work behind a busy writer takes seconds at most."""
ANSWER_BYTES_MAX: Final = 8 * MIB


async def ask_operator(path: Path, wish: str, members: Mapping[str, Any]) -> Json:
    """The service's answer.

    Raises:
        ApiProblem: it said no.
        ConnectionAbortedError: there was no whole answer: whether it was done is not known.
        OSError: nobody is there, or we may not ask (PermissionError).
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        short = f"/proc/self/fd/{folder}/{path.name}"  # an address has 107 bytes, a folder's name may have more
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(short), timeout=aiohttp.ClientTimeout(ANSWER_SECONDS)
            ) as session,
            session.post(f"http://gateway{wish}", json=dict(members)) as answer,
        ):
            await raise_problem(answer)
            told = json.loads(await bounded(answer, ANSWER_BYTES_MAX))
    except aiohttp.ClientConnectorError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        raise ConnectionAbortedError(f"no whole answer ({type(error).__name__})") from error
    finally:
        os.close(folder)
    if not isinstance(told, dict):
        raise ConnectionAbortedError("no whole answer (no object)")
    return told
