"""The reference page: whole, for people, and using nothing but itself."""

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from gateway.api.language import Language, preferred
from gateway.api.markup import STYLE
from gateway.api.openapi import RESPONSE_HEADERS, schemas
from gateway.api.routes import ROUTES
from gateway.core import limits
from gateway.core.errors import CATALOGUE
from gateway.observe import text
from tests.unit.api.world import World, problem_of

VOID = {"meta", "li"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class Outline(HTMLParser):
    """What a page is made of; complains of an element that is closed wrongly."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.said = ""
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []
        self.names = {tag for tag, _ in self.elements}
        self.attributes = {name for _, given in self.elements for name in given}
        self.ids = [given["id"] for _, given in self.elements if "id" in given]
        self.links = [given[name] for _, given in self.elements for name in ("href", "src") if name in given]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data

    def given(self, tag: str) -> list[dict[str, str]]:
        return [given for name, given in self.elements if name == tag]

    def title(self, page: str) -> str:
        return unescape(page.partition("<title>")[2].partition("</title>")[0])


async def page_of(world: World, path: str, **headers: str) -> tuple[str, str]:
    async with world.call("GET", path, key=None, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return await answer.text(), answer.headers["Content-Security-Policy"]


async def refused_page(world: World, path: str, status: int, **headers: str) -> str:
    async with world.call("GET", path, key=None, headers={"Accept": BROWSER, **headers}) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert answer.headers["Vary"] == "Accept, Accept-Language"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
        return str(await answer.text())


@pytest.mark.parametrize("path", ["/docs", "/docs?lang=en", "/problems/seal.missing"])
async def test_the_page_uses_nothing_but_itself(world: World, path: str) -> None:
    page, policy = await page_of(world, path)
    outline = Outline(page)
    assert not outline.names & {"script", "link", "img", "iframe", "object", "form", "base", "svg"}
    assert not {name for name in outline.attributes if name.startswith("on") or name in ("style", "src")}
    assert all(link.startswith(("#", "/docs", "/problems/")) for link in outline.links)
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


@pytest.mark.parametrize("language", list(Language))
async def test_the_page_tells_everything_in_one_language(world: World, language: Language) -> None:
    page, _ = await page_of(world, f"/docs?lang={language}")
    outline = Outline(page)
    assert page.startswith(f'<!doctype html><html lang="{language}">')
    for row in ROUTES:
        assert row.name in outline.ids
        assert language.text(row.title) in outline.said
        assert language.text(row.about) in outline.said
        assert language.other.text(row.about) not in outline.said
        assert f"{row.method} {row.path}" in outline.said
    assert outline.said.count("curl --cacert") == len(ROUTES)
    for about in ("api.security.about", "api.security.certificate", *(about for about, _ in RESPONSE_HEADERS.values())):
        assert language.text(about) in outline.said
    assert all(name in outline.said for name in RESPONSE_HEADERS)
    for name, schema in schemas().items():
        assert name in outline.ids
        assert all(member in outline.said for member in schema.get("properties", {}))
    for code in {code for row in ROUTES for code in row.codes}:
        assert language.todo(code) in outline.said
        assert language.other.todo(code) not in outline.said


async def test_the_page_has_contents_headings_in_order_and_ways_back(world: World) -> None:
    outline = Outline((await page_of(world, "/docs"))[0])
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    order = [tag for tag, _ in outline.elements if tag in ("main", "nav", "section")]
    assert order[:3] == ["main", "nav", "section"]
    sections = [given["id"] for given in outline.given("section")]
    contents = outline.links[: outline.links.index("#top")]
    assert {f"#{name}" for name in sections} <= set(contents)
    codes = {code for row in ROUTES for code in row.codes}
    assert {f"#{code}" for code in codes} <= set(contents)
    assert outline.links.count("#top") > len(ROUTES)
    assert {given["scope"] for given in outline.given("th")} == {"col", "row"}


@pytest.mark.parametrize("language", list(Language))
async def test_on_a_telephone_every_cell_says_what_it_is(world: World, language: Language) -> None:
    """The head of a table is not shown there: the label of each cell is its column's head."""
    page, _ = await page_of(world, f"/docs?lang={language}")
    outline = Outline(page)
    cells = outline.given("td")
    assert len(cells) > 500
    assert all(cell["data-label"] for cell in cells)
    heads = set(re.findall('<th scope="col"[^>]*>([^<]+)</th>', page))
    assert {cell["data-label"] for cell in cells} == heads - {
        language.text(f"api.page.{name}") for name in ("header", "parameter", "member", "code")
    }
    narrow = STYLE.partition("@media (max-width")[2].partition("@media print")[0]
    assert 'td::before { content: attr(data-label) ": "' in narrow
    assert "thead { display: none }" in narrow


async def test_names_and_codes_are_never_broken_on_a_desk(world: World) -> None:
    outline = Outline((await page_of(world, "/docs"))[0])
    wide = STYLE.partition("@media")[0]
    assert ".name { white-space: nowrap;" in wide
    assert "anywhere" not in "".join(
        line for line in wide.splitlines() if line.startswith(("th", "td", "table", "body"))
    )
    rows = [given for given in outline.given("th") if given["scope"] == "row"]
    assert rows
    assert {given["class"] for given in rows} == {"name"}
    # HTTP status and whose turn: whole words, on columns that have a width of their own.
    assert ".short { min-width:" in wide
    assert {cell["class"] for cell in outline.given("td")} == {"name", "short", "words"}


@pytest.mark.parametrize("language", list(Language))
async def test_signs_are_explained_where_they_stand(world: World, language: Language) -> None:
    page, _ = await page_of(world, f"/docs?lang={language}")
    again, optional = language.text("api.page.again"), language.text("api.page.optional")
    table = page.partition('<section id="errors">')[2]
    passing = {code for row in ROUTES for code in row.codes if CATALOGUE[code].retryable}
    assert table.count(f"<small>↻ {again}</small>") == len(passing)
    assert f"<code>recipients</code><small>{optional}" not in page
    assert f"<code>priority</code><small>{optional}</small>" in page
    assert "</code> ?" not in page


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "vi"),
        ("fr", "vi"),
        ("*", "vi"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("EN-us", "en"),
        ("vi-VN,vi;q=0.9,en-US;q=0.8,en;q=0.7", "vi"),
        ("en;q=0.7,vi;q=0.8", "vi"),
        ("fr,en;q=0.5,vi;q=0.4", "en"),
        ("en;q=0.5,*", "vi"),
        ("en;q=0", "vi"),
        ("en;q=nonsense", "en"),
        ("ende", "vi"),
        ("x," * 30 + "en", "vi"),
        (";;,,;q=", "vi"),
    ],
)
def test_the_language_is_what_the_browser_prefers(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize("path", ["/docs", "/problems/seal.missing"])
async def test_each_language_has_its_own_tag_and_a_way_to_the_other(world: World, path: str) -> None:
    tags = {}
    for language in Language:
        asked = {"Accept-Language": language}
        async with world.call("GET", path, key=None, headers=asked) as answer:
            page = await answer.text()
            assert (answer.headers["Vary"], answer.headers["Content-Language"]) == ("Accept-Language", language)
            tags[language] = answer.headers["ETag"]
        assert f'<a href="{path}?lang={language.other}" hreflang="{language.other}"' in page
        other = {"Accept-Language": language.other}
        assert (await page_of(world, f"{path}?lang={language}", **other))[0] == page
        async with world.call("GET", path, key=None, headers={**asked, "If-None-Match": tags[language]}) as answer:
            assert (answer.status, answer.headers["Vary"]) == (304, "Accept-Language")
            assert answer.headers["Cache-Control"] == "no-cache"
        async with world.call("GET", path, key=None, headers={**other, "If-None-Match": tags[language]}) as answer:
            assert answer.status == 200
    assert len(set(tags.values())) == 2


async def test_a_language_that_there_is_not_is_refused(world: World) -> None:
    async with world.call("GET", "/docs?lang=fr", key=None) as answer:
        members = await problem_of(answer, 422, "request.field")
    assert [(one["pointer"], one["code"]) for one in members["errors"]] == [("/query/lang", "field.value")]


async def test_numbers_in_words_are_the_limits() -> None:
    assert (limits.FILE_BYTES_MAX, limits.DOCUMENT_BYTES_MAX) == (7 * limits.MIB, 20 * limits.MIB)
    assert "7 MiB" in text("api.field.file").vi
    assert "20 MiB" in text("api.field.file").en
    assert limits.FILES_MAX == 20


@pytest.mark.parametrize("code", sorted(CATALOGUE))
async def test_every_code_has_its_own_page(world: World, code: str) -> None:
    for language in Language:
        page, _ = await page_of(world, f"/problems/{code}?lang={language}")
        outline = Outline(page)
        assert language.todo(code) in outline.said
        assert outline.title(page) == f"{code}: {language.what(code)}"
        assert "main" in outline.names
        assert f"/docs?lang={language}#{code}" in outline.links


@pytest.mark.parametrize("code", ["nonsense", "a.b", "<script>", "..", "x" * 50])
async def test_what_is_no_code_has_no_page(world: World, code: str) -> None:
    async with world.call("GET", f"/problems/{code}", key=None) as answer:
        members = await problem_of(answer, 404, "not_found")
    assert not re.search("<script>", members["detail"])


@pytest.mark.parametrize("path", ["/problems/nope", "/problems/a.b", "/nowhere"])
async def test_a_browser_that_is_lost_reads_a_page(world: World, path: str) -> None:
    for language in Language:
        page = await refused_page(world, path, 404, **{"Accept-Language": language})
        assert page.startswith(f'<!doctype html><html lang="{language}">')
        outline = Outline(page)
        assert language.what("not_found") in outline.said
        assert f"/docs?lang={language}" in outline.links
        assert not outline.names & {"script", "link", "img"}
    async with world.call("GET", path, key=None) as answer:
        await problem_of(answer, 404, "not_found")


async def test_a_page_of_a_refusal_lists_the_fields_and_shows_nothing_raw(world: World) -> None:
    page = await refused_page(world, "/docs?lang=fr&%3Cscript%3E=1", 422)
    outline = Outline(page)
    assert "/query/lang" in outline.said
    assert "/query/<script>" in outline.said
    assert "script" not in outline.names


async def test_the_api_answers_browsers_as_it_answers_programs(world: World) -> None:
    async with world.call("GET", "/api/v1/me", key=None, headers={"Accept": BROWSER}) as answer:
        await problem_of(answer, 401, "access.no_key")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_address_alone_leads_a_browser_to_the_reference(world: World, method: str) -> None:
    async with world.call(method, "/", key=None, headers={"Accept": BROWSER}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/docs")
        assert answer.headers["Vary"] == "Accept, Accept-Language"
    async with world.call(method, "/", key=None, headers={"Accept": BROWSER}) as answer:
        assert (answer.status, answer.url.path) == (200, "/docs")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/problem+json", "text/html;q=0"])
async def test_the_address_alone_is_nothing_for_programs(world: World, accept: str) -> None:
    async with world.call("GET", "/", key=None, headers={"Accept": accept}) as answer:
        await problem_of(answer, 404, "not_found")
