import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.api.world import CITY_KEY, PDF
from tests.unit.cli.site import Site, make_site
from tests.unit.cli.world import Office, office


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "GATEWAY_URL", "GATEWAY_CA", "GATEWAY_TLS_NAME", "GATEWAY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_API_KEY", CITY_KEY)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as opened:
        yield opened


@pytest.fixture
def letter(tmp_path: Path) -> str:
    (tmp_path / "công văn.pdf").write_bytes(PDF)
    return str(tmp_path / "công văn.pdf")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Only read by tests; who spoils something copies the folder."""
    return asyncio.run(make_site(tmp_path_factory.mktemp("site")))
