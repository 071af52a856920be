"""One trace leads from an office's request through both gateways (W3C Trace Context), in the logs of real processes."""

import json
from pathlib import Path

import aiohttp
import pytest

from gateway.api.client_form import encode_form
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import real_network

TRACE = "0af7651916cd43dd8448eb211c80319c"

pytestmark = pytest.mark.slow


def events(log: Path) -> set[str]:
    """What was logged under that trace."""
    lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return {line["event"] for line in lines if line.get("trace_id") == TRACE}


async def test_one_trace_leads_through_both_gateways(tmp_path: Path) -> None:
    async with real_network(tmp_path) as network:
        ward = network.government_wards[0]
        content_type, body = encode_form(network.metadata(1, [ward]), [("cong-van.pdf", tiny_pdf())])
        side = network.network.sides["party"]
        key = network.network.offices[network.sender].api_key
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{side.url}/api/v1/documents",
                data=body,
                headers={
                    "Authorization": f"Bearer {key}",
                    "Content-Type": content_type,
                    "Idempotency-Key": "traced",
                    "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
                },
                ssl=network.network.client_context(),
            ) as response,
        ):
            document = await response.json()
        assert document["trace_id"] == TRACE
        await network.until_delivered(document["key"])
        logs = {name: side.folder / "serve.log" for name, side in network.network.sides.items()}
    assert {"request", "document.sealed", "document.wrapped", "document.routed"} <= events(logs["party"])
    assert "transfer.attempted" in events(logs["party"])
    assert "transfer.received" in events(logs["government"])
