"""Who may ask, at real gateway processes: what the configuration says is what the doors do."""

import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.demo.layout import certificate_of
from tests.fault.test_start import change, refused
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow


async def me(real: RealNetwork, *, shown: bool, key: str | None = None) -> tuple[int, dict[str, Any]]:
    context: ssl.SSLContext = real.network.client_context()
    if shown:
        context.load_cert_chain(certificate_of(real.network.client_key), real.network.client_key)
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.get(f"{real.network.sides['party'].url}/api/v1/me", headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def test_a_declared_certificate_opens_and_its_removal_closes_with_a_leaf_for_each(tmp_path: Path) -> None:
    async with real_network(tmp_path, start=False) as real:
        side = real.network.sides["party"]
        declared = side.config.read_text(encoding="utf-8")
        head, mark, _ = declared.partition("[[access.certificates]]")
        assert mark
        async with real.gateways:
            status, members = await me(real, shown=True)
            assert (status, members["identified_by"], members["organs"]) == (200, "certificate", [real.sender])
            assert (await me(real, shown=False))[0] == 401
            key = real.network.offices[real.sender].api_key
            assert (await me(real, shown=True, key=key))[1]["identified_by"] == "api_key"
            for changed in (f'{declared}addresses = ["10.0.0.0/8"]\n', head):
                await real.gateways.stop("party")
                side.config.write_text(changed, encoding="utf-8")
                await real.gateways.start("party")
                await real.gateways.ready("party")
                assert (await me(real, shown=True))[0] == 401
        events = [event for (event,) in real.rows("party", "SELECT event FROM openings ORDER BY row")]
        assert events.count("access.declared") == 3
        assert real.rows("party", "SELECT count(*) FROM client_certificates WHERE revoked_at IS NOT NULL") == [(1,)]


async def test_anchors_that_are_none_are_refused_at_start(tmp_path: Path) -> None:
    async with real_network(tmp_path, start=False) as real:
        side = real.network.sides["party"]
        (tmp_path / "empty").mkdir()
        change(side, r'client_anchors = ".*"', f'client_anchors = "{tmp_path / "empty"}"')
        status, said = await refused(side)
        assert status not in {0, 70}
        assert "config.invalid" in said
        assert str(tmp_path / "empty") in said
