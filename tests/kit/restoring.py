"""A node of the exchange's world goes back to an earlier state of its database, as after `gateway restore`."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from gateway.audit import CheckpointPublisher, SignerMemory, log_in_force
from gateway.core.events import TreeHead
from gateway.core.resync import Reopening
from gateway.crypto import FileSigner
from gateway.demo.registry_seed import log_origin
from gateway.exchange import RestoredLog, reopening
from gateway.storage import MemoryStore
from tests.kit.exchange_world import Node, World


def state_of(node: Node) -> bytes:
    """The whole database as it is."""
    return _driver(node).serialize()


@asynccontextmanager
async def gone_back(world: World, node: Node, state: bytes) -> AsyncIterator[Reopening]:
    """The node with that state of its database, reopened; its new log is signed for as long as the context lasts."""
    origin, materials = log_origin(node.own), world.materials
    assert materials is not None
    _driver(node).deserialize(state)
    restored = RestoredLog(own=node.own, origin=origin, snapshot=node.directory.current(), moment=world.clock.now())
    done = await node.store.transact(reopening(restored, journal=node.desk.journal))
    log = await node.store.read(lambda uow: log_in_force(uow, origin))
    memory = cast("SignerMemory", node.publisher._memory)._path
    publisher = CheckpointPublisher(
        store=node.store,
        signer=FileSigner(materials.pki.gateways[node.own].files.log_key, key_id="log"),
        origin=log.origin,
        memory=SignerMemory(path=log.memory(memory)),
        clock=node.publisher._clock,
        kept=log.kept,
    )
    node.publisher = node.reception._checkpoints = publisher
    node.store.set_listener(_Heads(publisher, node))
    task = asyncio.create_task(publisher.run())
    try:
        yield done
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Heads:
    def __init__(self, publisher: CheckpointPublisher, node: Node) -> None:
        self._publisher = publisher
        self._node = node

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        if head is not None:
            self._publisher.notify(head)
            self._node.events.notify(head)


def _driver(node: Node) -> sqlite3.Connection:
    connection = cast("MemoryStore", node.store)._connection.connection.dbapi_connection
    return cast("sqlite3.Connection", connection)
