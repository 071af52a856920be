"""The PostgreSQL of a fault: it runs until the check has read it."""

import asyncio

import pytest

from tests.kit.lab.fault import MissingError, Order
from tests.kit.postgres import PostgresServer, programs


def need_postgres() -> None:
    """Raises:
    MissingError: there is none on this machine.
    """
    try:
        programs()
    except pytest.skip.Exception as skipped:
        raise MissingError(str(skipped)) from None


async def durable_server(order: Order) -> PostgresServer:
    """With fsync, for it may be crashed."""
    need_postgres()
    try:
        server = await asyncio.to_thread(PostgresServer, durable=True)
    except pytest.skip.Exception as skipped:
        raise MissingError(str(skipped)) from None
    order.after.push_async_callback(asyncio.to_thread, server.stop)
    return server
