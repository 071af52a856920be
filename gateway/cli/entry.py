"""The entry: a document that arrived, as whoever types a command names it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.api import ApiProblem, OfficeClient
from gateway.cli.errors import Failure

_POSITION_DIGITS_MAX: Final = 18


async def entry_key(client: OfficeClient, named: str) -> str:
    """The key of an entry that may be named by its position in the inbox, as the table shows it.

    Raises:
        Failure: nothing stands at that position.
    """
    if not (named.isascii() and named.isdigit()):
        return named
    position = int(named[:_POSITION_DIGITS_MAX])
    try:
        page = await client.inbox(max(position - 1, 0), 1)
    except ApiProblem as problem:
        if "field.beyond" in [error.get("code") for error in problem.members.get("errors", ())]:
            raise Failure("cli.no_position", position=named) from problem
        raise
    for entry in page["entries"]:
        if entry["cursor"] == position:
            return str(entry["key"])
    raise Failure("cli.no_position", position=named)


@asynccontextmanager
async def entry_named(client: OfficeClient, named: str) -> AsyncIterator[str]:
    """The key of an entry, for as long as something is done to it.

    Raises:
        Failure: nothing stands at that position; or it is the key of a document that was sent, which is told apart from one
            that nobody knows: a document has one key where it was sent and another in each inbox.
    """
    try:
        yield await entry_key(client, named)
    except ApiProblem as problem:
        if problem.status == 404 and await _was_sent(client, named):
            raise Failure("cli.sent_key", key=named) from problem
        raise


async def _was_sent(client: OfficeClient, named: str) -> bool:
    try:
        await client.document(named)
    except ApiProblem:
        return False
    return True
