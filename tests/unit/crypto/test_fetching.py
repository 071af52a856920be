"""Fetching revocation evidence: from whom, what is taken, what is kept, and what happens when nothing comes."""

import asyncio
import datetime as dt
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, web
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA224
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus

from gateway.core.errors import SiteError
from gateway.core.health import Health
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import (
    EvidenceFetcher,
    EvidenceSource,
    EvidenceStore,
    FetchPlan,
    FetchProbe,
    InlineJudge,
    Kept,
    LoadedTrust,
    TrustSources,
    allowed_hosts,
    check_evidence,
    judge_certificate,
    read_trust,
)
from gateway.crypto.fetching import client
from gateway.crypto.fetching.check import Genuine, Unfit
from gateway.crypto.fetching.client import AllowedHosts, NotAllowedError, get, is_public, read_mirror
from gateway.crypto.fetching.fetcher import AGAIN_SECONDS
from tests.kit.certomancer.bad_evidence import crl_of_authorities_only
from tests.kit.certomancer.declared import bundle
from tests.kit.clock import ManualClock
from tests.kit.pki import DAY, MOMENT, Pki, rsa_key
from tests.kit.revocation import crl, delegated, issuing_key, itself, response
from tests.kit.web_site import serving

PKI = Pki("Fetch")
LEAF = PKI.leaf("seal")
HOUR = DAY / 24


def listing(**how: Any) -> bytes:
    return crl(PKI.issuing, issuing_key(PKI), **how)


# --- what is taken ----------------------------------------------------------------------------------------------------------


def checked(data: bytes) -> Genuine | Unfit:
    return check_evidence(data, trust=PKI.trust, moment=MOMENT)


def test_what_an_authority_of_ours_signed_is_genuine() -> None:
    found = checked(listing(number=12))
    assert isinstance(found, Genuine)
    assert (found.kind, found.number, found.issued_at) == ("crl", 12, MOMENT - DAY)
    pem = x509.load_der_x509_crl(listing()).public_bytes(Encoding.PEM)
    assert isinstance(checked(pem), Genuine)
    for responder in (itself(PKI), delegated(PKI), delegated(PKI, nocheck=False)):
        answer = checked(response(PKI, LEAF, responder=responder))
        assert isinstance(answer, Genuine)
        assert (answer.kind, answer.subject) == ("ocsp", f"{LEAF.certificate.serial_number:x}")
    assert isinstance(checked(response(PKI, LEAF, status=OCSPCertStatus.REVOKED)), Genuine)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>not found</html>",
        LEAF.der,
        Pki("Stranger").crls[1],
        crl(PKI.issuing, rsa_key("somebody")),
        crl(LEAF.certificate, LEAF.key),
        listing(algorithm=SHA224()),
        listing(issued=MOMENT + HOUR),
        listing()[:-3] + b"bad",
        listing() + listing(number=2),
        response(PKI, LEAF, responder=delegated(PKI, purpose=False)),
        response(PKI, LEAF, responder=delegated(Pki("Stranger"))),
        response(PKI, LEAF, responder=itself(Pki("Stranger"))),
        response(PKI, LEAF, responder=delegated(PKI), issued=21 * DAY),
        response(PKI, LEAF)[:-300] + bytes(300),
        b"\x30\x03\x0a\x01\x06",
    ],
)
def test_everything_else_is_not(data: bytes) -> None:
    assert isinstance(checked(data), Unfit)


# --- what is kept -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "revocation")


def keep(store: EvidenceStore, data: bytes, url: str = "http://a.example/1.crl") -> Kept:
    found = checked(data)
    assert isinstance(found, Genuine)
    return store.keep(url, found, moment=MOMENT)


def files(store: EvidenceStore) -> list[bytes]:
    return [path.read_bytes() for path in sorted(store._folder.glob("*/*"))]


def test_a_newer_one_replaces_an_older_one_and_never_the_other_way(store: EvidenceStore) -> None:
    old, new = listing(issued=MOMENT - 2 * DAY, number=3), listing(issued=MOMENT - DAY, number=4)
    assert keep(store, old) is Kept.NEW
    assert keep(store, old) is Kept.SAME
    assert keep(store, new) is Kept.NEW
    assert keep(store, old) is Kept.OLDER
    assert files(store) == [new]
    assert "older" in store.states()["http://a.example/1.crl"].failed
    assert keep(store, listing(issued=MOMENT - HOUR, number=2)) is Kept.OLDER, "a number that goes back"
    assert files(store) == [new]


def test_the_same_without_the_index_for_it_is_not_what_decides(store: EvidenceStore) -> None:
    old, new = listing(issued=MOMENT - 2 * DAY, number=3), listing(issued=MOMENT - DAY, number=4)
    keep(store, new)
    (store._folder / "index.json").write_bytes(b"junk")
    assert store.states() == {}
    assert keep(store, old) is Kept.OLDER
    assert files(store) == [new]


def test_another_authority_under_the_same_url_replaces_nothing(store: EvidenceStore) -> None:
    keep(store, listing())
    keep(store, PKI.crls[0])
    assert len(files(store)) == 2


def test_answers_about_two_certificates_are_two(store: EvidenceStore) -> None:
    keep(store, response(PKI, LEAF))
    keep(store, response(PKI, PKI.leaf("transport")))
    assert len(files(store)) == 2


def test_a_damaged_file_is_replaced_by_a_good_one(store: EvidenceStore) -> None:
    keep(store, listing())
    (path,) = store._folder.glob("crls/*")
    path.write_bytes(b"damaged")
    assert keep(store, listing()) is Kept.NEW
    assert x509.load_der_x509_crl(files(store)[0]).issuer == PKI.issuing.subject


def test_what_is_kept_is_what_judges_believe(store: EvidenceStore, tmp_path: Path) -> None:
    folder = PKI.write_trust(tmp_path / "trust")
    for path in (folder / "crls").iterdir():
        path.unlink()
    sources = TrustSources(folder=folder, demo=False, store=store._folder)
    before = read_trust(sources, now=MOMENT)
    assert judge_certificate(LEAF.der, trust=before, moment=MOMENT).sub_indication is SubIndication.TRY_LATER
    keep(store, PKI.crls[0], "http://a.example/root.crl")
    keep(store, response(PKI, LEAF), "http://a.example/ocsp")
    after = read_trust(sources, now=MOMENT)
    verdict = judge_certificate(LEAF.der, trust=after, moment=MOMENT)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert {one.source for one in verdict.revocation} == {"store"}


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blocked = EvidenceStore(tmp_path / "file")
    with pytest.raises(SiteError) as caught:
        keep(blocked, listing())
    assert caught.value.code == "config.invalid"


# --- from whom --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
        ),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "192.0.2.1"),
        *(
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::1",
            "junk",
            "",
        ),
    ],
)
def test_no_address_inside_is_public(address: str) -> None:
    assert not is_public(address)


def test_addresses_of_the_internet_are() -> None:
    for address in ("113.160.0.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"):
        assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://other.example/a.crl",
            "http://ca.example.evil/a",
            "http://ca.example:8080/a",
            "https://ca.example:80/a",
        ),
        *("ftp://ca.example/a", "file:///etc/passwd", "http://user@ca.example/a", "http://ca.example@evil/a", "//x/a"),
        *(
            "http://127.0.0.1/a",
            "http://[::1]/a",
            "http://ca.example#@evil/a",
            "http://",
            "http://ca.example:x/",
            "junk",
        ),
    ],
)
def test_a_host_that_is_not_named_is_not_asked(url: str) -> None:
    with pytest.raises(NotAllowedError):
        allowed_hosts(["ca.example"], []).check(url)


def test_a_host_that_is_named_is() -> None:
    allowed = allowed_hosts(["CA.example", "ca.example:8080"], [])
    for url in (
        "http://ca.example/a.crl",
        "https://ca.example/a",
        "http://CA.EXAMPLE:80/a",
        "http://ca.example:8080/a",
    ):
        allowed.check(url)
    with pytest.raises(NotAllowedError):
        allowed_hosts(["10.0.0.1"], []).check("http://10.0.0.1/a")
    allowed_hosts(["10.0.0.1"], ["10.0.0.1"]).check("http://10.0.0.1/a")


@dataclass
class Site:
    """A server on this machine, which tells what it was asked."""

    port: int = 0
    answers: dict[str, web.Response] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str, host: str = "ca.example") -> str:
        return f"http://{host}:{self.port}/{path}"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()

    async def answer(request: web.Request) -> web.Response:
        found.asked.append(request.path)
        return found.answers[request.path]

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with serving(app) as found.port:
        yield found


class Names(AbstractResolver):
    """Every name is here, or where the test says."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses or ("127.0.0.1",)

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[Any]:
        return [
            {"hostname": host, "host": one, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for one in self._addresses
        ]

    async def close(self) -> None:
        """Nothing."""


def inside(site: Site) -> AllowedHosts:
    """The server of the test, allowed though it is on this machine."""
    return allowed_hosts([f"ca.example:{site.port}"], ["ca.example"])


async def test_a_body_comes_as_it_is(site: Site) -> None:
    site.answers["/a.crl"] = web.Response(body=b"bytes", headers={"Content-Encoding": "gzip"})
    assert await get(site.url("a.crl"), inside(site), resolver=Names()) == b"bytes"


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "127.0.0.1"), ("169.254.169.254",)])
async def test_a_name_that_leads_inside_is_not_followed(site: Site, addresses: tuple[str, ...]) -> None:
    site.answers["/a.crl"] = web.Response(body=b"secret")
    allowed = allowed_hosts([f"ca.example:{site.port}"], [])
    with pytest.raises(OSError, match="no public address"):
        await get(site.url("a.crl"), allowed, resolver=Names(*addresses))
    assert site.asked == []


async def test_no_redirect_is_followed(site: Site) -> None:
    for status in (301, 302, 303, 307, 308):
        site.answers["/a.crl"] = web.Response(status=status, headers={"Location": site.url("secret")})
        with pytest.raises(ClientError, match=f"HTTP {status}"):
            await get(site.url("a.crl"), inside(site), resolver=Names())
    assert set(site.asked) == {"/a.crl"}


async def test_no_proxy_of_the_environment_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{site.port}")
    with pytest.raises((OSError, ClientError)):
        await get("http://nowhere.example:9/a", allowed_hosts(["nowhere.example:9"], []), resolver=Names())
    assert site.asked == []


async def test_too_much_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FETCHED_BYTES_MAX", 1000)
    site.answers["/a.crl"] = web.Response(body=bytes(1001))
    with pytest.raises(ClientError, match="more than"):
        await get(site.url("a.crl"), inside(site), resolver=Names())


async def test_who_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FETCH_SECONDS_MAX", 0.2)
    gone = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    allowed = allowed_hosts([f"ca.example:{port}"], ["ca.example"])
    with pytest.raises(TimeoutError):
        await get(f"http://ca.example:{port}/a", allowed, resolver=Names())
    gone.set()
    server.close()
    await server.wait_closed()


async def test_a_mirror_is_a_file_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "a b.crl").write_bytes(b"list")
    assert await read_mirror(str(tmp_path / "a b.crl")) == b"list"
    assert await read_mirror(f"file://{tmp_path}/a%20b.crl") == b"list"
    for place in ("a.crl", "file://elsewhere/a", str(tmp_path), str(tmp_path / "absent"), "/dev/zero"):
        with pytest.raises(OSError):
            await read_mirror(place)


# --- the fetcher ------------------------------------------------------------------------------------------------------------


@dataclass
class Bench:
    """A fetcher whose sources are files."""

    folder: Path
    fetcher: EvidenceFetcher
    store: EvidenceStore
    clock: ManualClock
    news: list[int]
    plan: list[FetchPlan]

    def publish(self, name: str, data: bytes) -> None:
        (self.folder / name).write_bytes(data)


@pytest.fixture
def bench(tmp_path: Path, store: EvidenceStore) -> Bench:
    clock, news = ManualClock(MOMENT), list[int]()
    sources = tuple(
        EvidenceSource(url=f"http://ca.example/{name}", mirror=str(tmp_path / name), every_seconds=3600)
        for name in ("root.crl", "issuing.crl")
    )
    plan = [FetchPlan(sources=sources)]
    trust = LoadedTrust(PKI.trust)
    fetcher = EvidenceFetcher(
        store=store,
        plan=lambda: plan[0],
        trust=trust.current,
        judge=InlineJudge(),
        clock=clock,
        on_new=lambda: news.append(1),
    )
    bench = Bench(folder=tmp_path, fetcher=fetcher, store=store, clock=clock, news=news, plan=plan)
    bench.publish("root.crl", PKI.crls[0])
    bench.publish("issuing.crl", listing(number=5))
    return bench


async def test_each_source_is_asked_when_it_is_due(bench: Bench) -> None:
    assert [one.kept for one in await bench.fetcher.fetch_due()] == [Kept.NEW, Kept.NEW]
    assert len(bench.news) == 1, "told once, however many came"
    assert await bench.fetcher.fetch_due() == ()
    bench.clock.advance(3599)
    assert await bench.fetcher.fetch_due() == ()
    bench.clock.advance(1)
    assert [one.kept for one in await bench.fetcher.fetch_due()] == [Kept.SAME, Kept.SAME]
    assert len(bench.news) == 1
    assert [one.kept for one in await bench.fetcher.fetch_all()] == [Kept.SAME, Kept.SAME]


async def test_one_that_fails_is_asked_again_soon_and_costs_the_others_nothing(bench: Bench) -> None:
    bench.publish("root.crl", b"<html>")
    first, second = await bench.fetcher.fetch_due()
    assert (first.kept, second.kept) == (None, Kept.NEW)
    assert "neither" in first.reason
    bench.clock.advance(AGAIN_SECONDS)
    bench.publish("root.crl", PKI.crls[0])
    (again,) = await bench.fetcher.fetch_due()
    assert again.kept is Kept.NEW
    assert bench.store.states()[again.url].failed == ""


async def test_a_replayed_list_is_not_taken_and_is_told(bench: Bench) -> None:
    await bench.fetcher.fetch_all()
    bench.publish("issuing.crl", listing(issued=MOMENT - 3 * DAY, number=4))
    assert [one.kept for one in await bench.fetcher.fetch_all()] == [Kept.SAME, Kept.OLDER]
    assert len(bench.news) == 1


async def test_a_clock_that_was_set_back_stops_no_source(bench: Bench) -> None:
    await bench.fetcher.fetch_due()
    bench.clock.jump(-86_400 * 3)
    bench.publish("root.crl", crl(PKI.root, rsa_key("Fetch root"), issued=MOMENT - 20 * DAY))
    assert len(await bench.fetcher.fetch_due()) == 2


async def test_a_source_off_the_list_of_hosts_fails_and_nothing_is_asked(bench: Bench, site: Site) -> None:
    bench.plan[0] = FetchPlan(sources=(EvidenceSource(url=site.url("a.crl", "127.0.0.1")),))
    (only,) = await bench.fetcher.fetch_all()
    assert "not on the list" in only.reason
    assert site.asked == []


async def test_the_probe_tells_what_is_late(bench: Bench) -> None:
    probe = FetchProbe(bench.store, lambda: bench.plan[0], clock=bench.clock)
    assert [one.code for one in await probe.look()] == ["probe.trust.never_fetched"] * 2
    await bench.fetcher.fetch_all()
    (good,) = await probe.look()
    assert (good.code, good.health, good.params["sources"]) == ("probe.trust.fetched", Health.OK, 2)
    bench.clock.advance(3 * 3600 + 1)
    assert {one.code for one in await probe.look()} == {"probe.trust.fetch_late"}
    (reading,) = await bench.fetcher.readings()
    assert reading.value == 3 * 3600 + 1
    bench.plan[0] = replace(bench.plan[0], sources=())
    assert await probe.look() == ()


async def test_it_runs_until_it_is_cancelled(bench: Bench) -> None:
    task = asyncio.create_task(bench.fetcher.run())
    while not bench.news:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(bench.clock.now() - MOMENT, dt.timedelta)


# --- found by fuzzing -----------------------------------------------------------------------------------------------------


def test_a_list_of_ours_with_an_extension_twice_is_kept_and_replaced(tmp_path: Path) -> None:
    """The reader of what lies there raised an exception of its own (DuplicateExtension), and the fetcher ended with it."""
    found = check_evidence(crl_of_authorities_only("bodies"), trust=bundle().trust, moment=MOMENT)
    assert isinstance(found, Genuine)
    store = EvidenceStore(tmp_path)
    assert [store.keep("http://a/", found, moment=MOMENT) for _ in range(2)] == [Kept.NEW, Kept.SAME]
    older = replace(found, der=b"another", issued_at=found.issued_at - DAY)
    assert store.keep("http://a/", older, moment=MOMENT) is Kept.OLDER


@pytest.mark.parametrize(
    "row",
    [
        '{"url": "\\ud800", "tried_at": "2026-11-21T12:00:00.000Z"}',
        '{"url": "http://a/", "tried_at": []}',
        '{"url": "http://a/", "tried_at": null}',
        '{"url": "http://a/", "tried_at": "2026-11-21T12:00:00.000Z", "fetched_at": []}',
        '{"url": "http://a/", "tried_at": "2026-11-21T12:00:00.000Z", "failed": 7}',
        '{"url": "http://a/", "tried_at": "2026-11-21T12:00:00.000Z", "number": "7"}',
    ],
)
def test_a_damaged_index_is_one_that_was_lost(tmp_path: Path, row: str) -> None:
    """Half a surrogate pair was read and could not be written again; a time that was none was read as a state."""
    (tmp_path / "index.json").write_text(f'{{"format": 1, "sources": [{row}]}}')
    store = EvidenceStore(tmp_path)
    assert store.states() == {}
    store.fail("http://b/", "away", moment=MOMENT)
    assert set(store.states()) == {"http://b/"}
