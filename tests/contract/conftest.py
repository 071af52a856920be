"""Fixtures of the contract suites: `store` and `blobs` come once for every implementation."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.ports import Blobs
from gateway.storage import open_blobs
from tests.contract.stores import STORES, LedgerStore
from tests.kit.blobs import MemoryBlobs


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LedgerStore]:
    store = STORES[request.param](tmp_path)
    yield store
    await store.close()


@pytest.fixture(params=["files", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return open_blobs(tmp_path / "blobs") if request.param == "files" else MemoryBlobs(spill=tmp_path)
