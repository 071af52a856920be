"""One world for the session; tests spoil copies of it."""

import asyncio

import pytest

from tests.kit.exchange_world import make_materials
from tests.unit.evidence.world import Kept, make_kept

Sides = dict[str, Kept]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sides, Sides]:
    materials = make_materials(tmp_path_factory.mktemp("materials"))
    return asyncio.run(make_kept(materials, tmp_path_factory.mktemp("world")))


@pytest.fixture(scope="session")
def both(world: tuple[Sides, Sides]) -> Sides:
    """Both gateways after everything has happened."""
    return world[1]


@pytest.fixture(scope="session")
def earlier(world: tuple[Sides, Sides]) -> Sides:
    """Both gateways after the first letter, before anybody answered."""
    return world[0]
