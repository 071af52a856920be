"""Fixtures of the contract suites: `store` and `blobs` come once for every implementation."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.ports import Blobs
from gateway.storage import open_blobs
from tests.contract.stores import STORES, LedgerStore
from tests.kit.blobs import MemoryBlobs
from tests.kit.folder_blobs import FolderBlobs


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LedgerStore]:
    store = STORES[request.param](tmp_path)
    yield store
    await store.close()


@pytest.fixture(params=["files", "memory", "folder"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "files":
        return open_blobs(tmp_path / "blobs")
    return MemoryBlobs(spill=tmp_path) if request.param == "memory" else FolderBlobs(tmp_path / "blobs")
