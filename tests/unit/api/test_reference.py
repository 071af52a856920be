"""The reference page: whole, for people, and using nothing but itself."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from gateway.api.openapi import RESPONSE_HEADERS, schemas
from gateway.api.routes import ROUTES
from gateway.core import limits
from gateway.core.errors import CATALOGUE
from gateway.observe import explain, text
from tests.unit.api.world import World, problem_of

VOID = {"meta", "li"}


class Outline(HTMLParser):
    """What a page is made of; complains of an element that is closed wrongly."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.said = ""
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


async def page_of(world: World, path: str) -> tuple[str, str]:
    async with world.call("GET", path, key=None) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return await answer.text(), answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/docs", "/problems/seal.missing"])
async def test_the_page_uses_nothing_but_itself(world: World, path: str) -> None:
    page, policy = await page_of(world, path)
    outline = Outline(page)
    assert not outline.names & {"script", "link", "img", "iframe", "object", "form", "base", "svg"}
    assert not {name for name in outline.attributes if name.startswith("on") or name in ("style", "src")}
    assert all(link.startswith(("#", "/docs")) for link in outline.links)
    assert "url(" not in page
    assert "@import" not in page
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert "unsafe" not in policy


async def test_the_page_leads_everywhere_it_points(world: World) -> None:
    outline = Outline((await page_of(world, "/docs"))[0])
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)


async def test_the_page_tells_everything_in_both_languages(world: World) -> None:
    page, _ = await page_of(world, "/docs")
    outline = Outline(page)
    assert page.startswith('<!doctype html><html lang="vi">')
    for row in ROUTES:
        assert row.name in outline.ids
        for said in (text(row.title), text(row.about)):
            assert outline.said.index(said.vi) < outline.said.index(said.en)
        assert f"{row.method} {row.path}" in outline.said
    assert outline.said.count("curl --cacert") == len(ROUTES)
    for about in ("api.security.about", "api.security.certificate", *(about for about, _ in RESPONSE_HEADERS.values())):
        assert text(about).vi in outline.said
        assert text(about).en in outline.said
    assert all(name in outline.said for name in RESPONSE_HEADERS)
    for name, schema in schemas().items():
        assert name in outline.ids
        assert all(member in outline.said for member in schema.get("properties", {}))
    for code in {code for row in ROUTES for code in row.codes}:
        assert explain(code).todo_vi in outline.said
        assert explain(code).todo_en in outline.said


async def test_numbers_in_words_are_the_limits() -> None:
    assert (limits.FILE_BYTES_MAX, limits.DOCUMENT_BYTES_MAX) == (7 * limits.MIB, 20 * limits.MIB)
    assert "7 MiB" in text("api.field.file").vi
    assert "20 MiB" in text("api.field.file").en
    assert limits.FILES_MAX == 20


@pytest.mark.parametrize("code", sorted(CATALOGUE))
async def test_every_code_has_its_own_page(world: World, code: str) -> None:
    page, _ = await page_of(world, f"/problems/{code}")
    assert explain(code).todo_vi in Outline(page).said


@pytest.mark.parametrize("code", ["nonsense", "a.b", "<script>", "..", "x" * 50])
async def test_what_is_no_code_has_no_page(world: World, code: str) -> None:
    async with world.call("GET", f"/problems/{code}", key=None) as answer:
        members = await problem_of(answer, 404, "not_found")
    assert not re.search("<script>", members["detail"])
