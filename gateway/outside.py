"""A gateway's installation as an auditor reads it: beside the running service or after it, changing nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.audit import LogInForce, SignerMemory
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
from gateway.preload import JUDGE_PRELOAD
from gateway.registry import load_snapshot_of
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
    async with AsyncExitStack() as stack:
        store: Store = open_store_for_reading(config.database_place())
        stack.push_async_callback(store.close)
        # Looked at before the log is read: what was signed by then must be in it.
        remembered = [
            note for path in await _memories(config, store) if (note := await SignerMemory(path=path).recall())
        ]
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
            remembered=remembered,
        )


async def _memories(config: Config, store: Store) -> list[Path]:
    """Where the signers of this log and of those that were closed before it remember."""
    first = LogInForce(origin=config.log_origin)
    reopened = await store.read(lambda uow: uow.resyncs.reopenings())
    logs = [first, *(replace(first, number=one.number) for one in reopened)]
    return [log.memory(config.signer_memory) for log in logs]
