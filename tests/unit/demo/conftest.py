"""One small world with its keys for the whole session: making them is the slow part."""

from datetime import UTC, datetime

import pytest

from gateway.demo.pki import DemoPki, make_pki
from gateway.demo.plan import read_plan
from gateway.demo.world import DemoWorld, demo_world

MOMENT = datetime(2026, 11, 21, 8, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture(scope="session")
def world() -> DemoWorld:
    return demo_world(wards=2)


@pytest.fixture(scope="session")
def pki(world: DemoWorld, tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    folder = tmp_path_factory.mktemp("demo") / "network"
    return make_pki(folder, world, plan=read_plan(), moment=MOMENT)
