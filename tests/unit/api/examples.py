"""The documented examples: what is really asked of a small world, and what it really answers.

`python -m tests.unit.api.examples` writes them into the program; a test replays every one of them and compares.
"""

import asyncio
import itertools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from multidict import CIMultiDictProxy

from gateway.api.operation import Operation
from gateway.api.routes import ROUTES
from tests.unit.api.world import OTHER, PARTY, PDF, WARD, World, form, part, running

FILE: Final = Path(__file__).parents[3] / "gateway" / "api" / "examples.json"
TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
DOCUMENT: Final = "01900000-0000-7000-8000-000000000001"
HELD: Final = "01900000-0000-7000-8000-000000000002"
ENTRY: Final = "01900000-0000-7000-8000-000000000003"
OTHER_ENTRY: Final = "01900000-0000-7000-8000-000000000004"
METADATA: Final = {
    "sender": PARTY,
    "recipients": [WARD, OTHER],
    "code": {"number": "112", "notation": "CV/VPTU"},
    "promulgation_place": "Thành phố Hồ Chí Minh",
    "promulgation_date": "2026-11-21",
    "subject": "Về việc chuẩn bị hội nghị",
    "signer": {"competence": "TL. Ban Thường vụ", "position": "Chánh Văn phòng", "full_name": "Nguyễn Văn A"},
    "priority": "urgent",
}
ASKED: Final[Mapping[str, Mapping[str, Any]]] = {
    "submitDocument": {
        "headers": {"Idempotency-Key": "2026-cv-112"},
        "metadata": METADATA,
        "files": [["cong-van.pdf", "application/pdf"]],
    },
    "listDocuments": {"query": {"state": "accepted", "limit": 1}},
    "getDocument": {"path": {"key": DOCUMENT}},
    "listDeliveries": {"path": {"key": DOCUMENT}, "query": {"limit": 1}},
    "listNotices": {"path": {"key": HELD}, "query": {"limit": 1}},
    "downloadSentAttachment": {"path": {"key": DOCUMENT, "position": 1}, "query": {"copy": "archive"}},
    "getDocumentHistory": {"path": {"key": DOCUMENT}},
    "releaseDocument": {"path": {"key": HELD}},
    "listInbox": {"query": {"after": 0, "limit": 1}},
    "getInboxEntry": {"path": {"key": ENTRY}},
    "getInboxHistory": {"path": {"key": ENTRY}},
    "downloadEnvelope": {"path": {"key": ENTRY}},
    "downloadAttachment": {"path": {"key": ENTRY, "position": 1}},
    "acceptDocument": {"path": {"key": ENTRY}},
    "refuseDocument": {"path": {"key": OTHER_ENTRY}, "body": {"reason": "Gửi nhầm nơi nhận."}},
    "listEvents": {"query": {"after": -1, "limit": 2, "wait": 30}},
    "listOrganizations": {"query": {"text": "thanh uy"}},
    "getOrganization": {"path": {"organ_id": PARTY}},
    "getMe": {},
    "getOpenapi": {},
    "getReference": {},
    "getProblem": {"path": {"code": "seal.missing"}},
    "getHome": {"headers": {"Accept": "text/html"}},
    "problem": {"query": {"limit": 0}},
}
"""In this order; `problem` is a wrong `listInbox`."""


async def furnish(world: World) -> None:
    """What was there before the first example: one document that is held, two that arrived."""
    world.desks._numbers = itertools.count(2)
    world.desks.register(WARD, "Đảng ủy phường Sài Gòn")
    world.desks.expire(await world.desks.hold(sender=PARTY, recipient=WARD))
    for number in (1, 2):
        await world.desks.deliver(
            PARTY, ("bao-cao.pdf", "application/pdf", PDF), ("bang-so-lieu.bin", "", b"%d" % number), sender=WARD
        )
    world.desks._numbers = itertools.count(1)


def row_of(name: str) -> Operation:
    return next(row for row in ROUTES if row.name == ("listInbox" if name == "problem" else name))


async def replay(world: World, name: str) -> tuple[int, Any]:
    """Ask as documented; status and JSON (None for a file)."""
    status, members, _ = await asked(world, name)
    return status, members


async def asked(world: World, name: str) -> tuple[int, Any, CIMultiDictProxy[str]]:
    """The same with the headers of the answer."""
    row, given = row_of(name), ASKED[name]
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", **given.get("headers", {})}
    data = None
    if "metadata" in given:
        content = json.dumps(given["metadata"]).encode()
        parts = [part('name="metadata"', content, "Content-Type: application/json")]
        for file, kind in given["files"]:
            parts.append(part(f'name="file"; filename="{file}"', PDF, f"Content-Type: {kind}"))
        data = form(*parts)
        headers["Content-Type"] = "multipart/form-data; boundary=b0unDary"
    elif "body" in given:
        data, headers["Content-Type"] = json.dumps(given["body"]).encode(), "application/json"
    path, query = row.path.format(**given.get("path", {})), given.get("query", {})
    async with world.call(row.method, path, headers=headers, data=data, params=query, allow_redirects=False) as answer:
        if row.answer is None and answer.status < 400:
            assert len(await answer.read()) == int(answer.headers["Content-Length"]) > 0
            return answer.status, None, answer.headers
        return answer.status, await answer.json(content_type=None), answer.headers


async def examples() -> dict[str, Any]:
    """Every example with its answer."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as world:
            await furnish(world)
            made: dict[str, Any] = {}
            for name, asked in ASKED.items():
                status, answer = await replay(world, name)
                assert status == (422 if name == "problem" else row_of(name).status), (name, answer)
                made[name] = dict(asked) if answer is None else {**asked, "answer": answer}
            return made


def written(made: Mapping[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(asyncio.run(examples())), encoding="utf-8")
