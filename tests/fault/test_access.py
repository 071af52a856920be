"""Who may ask, at real gateway processes: what the configuration says is what the doors do."""

import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.config import toml_table
from gateway.crypto import spki_digest
from gateway.demo.network import Side
from tests.fault.test_start import change, refused
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow


def pinned(real: RealNetwork, pair: Path, **fields: object) -> str:
    """The table by which the certificate of a pair of files is known; the other gateway's own will do."""
    der = x509.load_pem_x509_certificates(pair.read_bytes())[0].public_bytes(Encoding.DER)
    values = {"name": "Trục nội bộ", "sha256": spki_digest(der), "organs": [real.sender], "scopes": ["read"]}
    return "\n" + toml_table("[[access.certificates]]", {**values, **fields})


async def me(real: RealNetwork, side: Side, pair: Path | None, key: str | None = None) -> tuple[int, dict[str, Any]]:
    context: ssl.SSLContext = real.network.client_context()
    if pair is not None:
        context.load_cert_chain(pair, pair.with_suffix(".pem"))
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.get(f"{side.url}/api/v1/me", headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def test_a_declared_certificate_opens_and_its_removal_closes_with_a_leaf_for_each(tmp_path: Path) -> None:
    async with real_network(tmp_path, start=False) as real:
        side = real.network.sides["party"]
        pair = real.network.folder / "pki/government/keys/tls.crt"
        anchors = str(real.network.folder / "pki/party/trust/anchors")
        change(side, r"\[office_api\]\n", f'[office_api]\nclient_anchors = "{anchors}"\n')
        before = side.config.read_text(encoding="utf-8")
        side.config.write_text(before + pinned(real, pair), encoding="utf-8")
        async with real.gateways:
            status, members = await me(real, side, pair)
            assert (status, members["identified_by"], members["scopes"]) == (200, "certificate", ["read"])
            assert (await me(real, side, None))[0] == 401
            key = real.network.offices[real.sender].api_key
            assert (await me(real, side, pair, key))[1]["identified_by"] == "api_key"
            for fields in ({"addresses": ["10.0.0.0/8"]}, None):
                await real.gateways.stop("party")
                table = "" if fields is None else pinned(real, pair, **fields)
                side.config.write_text(before + table, encoding="utf-8")
                await real.gateways.start("party")
                await real.gateways.ready("party")
                assert (await me(real, side, pair))[0] == 401
        events = [event for (event,) in real.rows("party", "SELECT event FROM openings ORDER BY row")]
        assert events.count("access.declared") == 3
        assert real.rows("party", "SELECT count(*) FROM client_certificates WHERE revoked_at IS NOT NULL") == [(1,)]


async def test_anchors_that_are_none_are_refused_at_start(tmp_path: Path) -> None:
    async with real_network(tmp_path, start=False) as real:
        side = real.network.sides["party"]
        (tmp_path / "empty").mkdir()
        change(side, r"\[office_api\]\n", f'[office_api]\nclient_anchors = "{tmp_path / "empty"}"\n')
        status, said = await refused(side)
        assert status not in {0, 70}
        assert "config.invalid" in said
        assert str(tmp_path / "empty") in said
