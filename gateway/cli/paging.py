"""Long lists, a page or all of it: both commands that list by cursor do it alike."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from gateway.cli.orders import PageOrder
from gateway.cli.output import Terminal
from gateway.core.limits import PAGE_ROWS_MAX

Json = dict[str, Any]

ROWS_MAX: Final = 10_000
"""Of `--all`: some 20 MB, and more than anybody reads. The answer says where to go on."""


async def pages(order: PageOrder, page: Callable[[str, int], Awaitable[Json]]) -> Json:
    """What was asked for, in the form of one page: `items`, `more`, `next`. `page` gets a cursor and a limit."""
    if not order.all:
        return await page(order.cursor, order.limit)
    found = await page(order.cursor, PAGE_ROWS_MAX)
    items: list[Json] = found["items"]
    while found["more"] and found["items"] and len(items) < ROWS_MAX:
        found = await page(found["next"], PAGE_ROWS_MAX)
        items += found["items"]
    return {**found, "items": items}


def tell_more(terminal: Terminal, page: Json) -> None:
    """Say so when the list goes on."""
    if page["more"]:
        terminal.say("cli.more", cursor=page["next"])
