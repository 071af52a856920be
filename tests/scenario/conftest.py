"""One set of materials for the session, a fresh world for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.exchange_world import Materials, World, exchange_world, make_materials
from tests.kit.seeded import materials as seeded


@pytest.fixture(scope="session")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Materials:
    return make_materials(tmp_path_factory.mktemp("materials"))


@pytest.fixture
async def world(materials: Materials, tmp_path: Path) -> AsyncIterator[World]:
    async with exchange_world(materials, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def world_materials(tmp_path_factory: pytest.TempPathFactory) -> seeded.Materials:
    """Keys of the seeded worlds."""
    return seeded.make_materials(tmp_path_factory.mktemp("world-keys"))
