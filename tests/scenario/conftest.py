"""One set of materials for the session, a fresh world for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.exchange_world import Materials, Opener, World, exchange_world, in_memory, make_materials
from tests.kit.postgres import open_test_store
from tests.kit.seeded import materials as seeded

STORES: dict[str, Opener] = {"memory": in_memory, "postgres": open_test_store}
ON_EVERY_STORE = {
    "test_expiry",
    "test_main_job",
    "test_recalls_at_once",
    "test_redriving",
    "test_reroute",
    "test_trouble",
}
"""The other stories are about bytes and clocks: the store makes no difference to them."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames:
        everywhere = metafunc.module.__name__.rpartition(".")[2] in ON_EVERY_STORE
        metafunc.parametrize("world", STORES if everywhere else ["memory"], indirect=True)


@pytest.fixture(scope="session")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Materials:
    return make_materials(tmp_path_factory.mktemp("materials"))


@pytest.fixture
async def world(request: pytest.FixtureRequest, materials: Materials, tmp_path: Path) -> AsyncIterator[World]:
    async with exchange_world(materials, tmp_path, open_store=STORES[request.param]) as made:
        yield made


@pytest.fixture(scope="session")
def world_materials(tmp_path_factory: pytest.TempPathFactory) -> seeded.Materials:
    """Keys of the seeded worlds."""
    return seeded.make_materials(tmp_path_factory.mktemp("world-keys"))
