"""A gateway's installation as an auditor reads it: beside the running service or after it, changing nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.audit import SignerMemory
from gateway.config import Config, load_config
from gateway.core.directory import Snapshot
from gateway.core.ids import Digest, GatewayId
from gateway.core.limits import START_LOOK_SECONDS_MAX
from gateway.core.ports import Store
from gateway.crypto import JudgePool, read_trust
from gateway.evidence import InstallationCheck
from gateway.exchange import ExchangeRecords
from gateway.material import trust_sources
from gateway.observe import SystemClock
from gateway.registry import load_snapshot_of
from gateway.rooms import JUDGE_PRELOAD
from gateway.storage import FileBlobs, open_store_for_reading


@asynccontextmanager
async def open_records(path: Path) -> AsyncIterator[tuple[Config, Snapshot, Store]]:
    """What a gateway has written down, read-only, for those who only look it up; no key and no blob is touched.

    Raises:
        GatewayError: configuration or registry is not as it must be; `store.damaged` for the database.
    """
    config = load_config(path)
    snapshot = load_snapshot_of(config.gateway.id, config.registry.file, expected=Digest(config.registry.sha256))
    async with AsyncExitStack() as stack:
        store: Store = open_store_for_reading(config.database_place(), patience=START_LOOK_SECONDS_MAX)
        stack.push_async_callback(store.close)
        yield config, snapshot, store


@asynccontextmanager
async def open_for_reading(path: Path) -> AsyncIterator[InstallationCheck]:
    """A gateway's database and blobs, read-only, beside the running service; no key is touched.

    Raises:
        GatewayError: configuration, registry or trust is not as it must be; `store.damaged` for the database.
    """
    config = load_config(path)
    snapshot = load_snapshot_of(config.gateway.id, config.registry.file, expected=Digest(config.registry.sha256))
    trust = read_trust(trust_sources(config), now=SystemClock().now())
    # Looked at before the database: what was signed by then must be in it.
    remembered = await SignerMemory(path=config.signer_memory).recall()
    async with AsyncExitStack() as stack:
        store: Store = open_store_for_reading(config.database_place())
        stack.push_async_callback(store.close)
        judge = JudgePool(size=1, preload=JUDGE_PRELOAD, readable=(config.blobs,))
        await judge.start()
        stack.push_async_callback(judge.close)
        yield InstallationCheck(
            own=GatewayId(config.gateway.id),
            store=store,
            blobs=FileBlobs(config.blobs),
            snapshot=snapshot,
            records=ExchangeRecords(trust=trust),
            judge=judge,
            clock=SystemClock(),
            remembered=[remembered] if remembered else [],
        )
