"""A reload that hangs says so, is not stacked, and does not keep the gateway from ending."""

import asyncio
import secrets
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.audit import sequence
from gateway.config.sections import AccessSection
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.ledgers import UnitOfWork
from gateway.core.states import DocumentState
from gateway.crypto import LoadedTrust
from gateway.exchange import Journal
from gateway.material import Material
from gateway.observe import UNMEASURED, ServiceManager, explain
from gateway.reload import Reloader, taking_effect
from gateway.storage import open_memory
from tests.kit import rows
from tests.kit.clock import ManualClock
from tests.kit.logs import caught_logs, logged_events
from tests.kit.pki import Pki

PKI = Pki("Reload")


class Hanging(Reloader):
    """Reads files of a file system that does not answer, until it does."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = open_memory(sequencer=sequence)
        journal = Journal(entropy=secrets.token_bytes)
        desk = SimpleNamespace(meter=UNMEASURED, clock=self.clock, store=self.store, journal=journal)
        parts: Any = SimpleNamespace(desk=desk)
        material: Any = SimpleNamespace(snapshot=SimpleNamespace(epoch=7))
        signers: Any = None
        manager = ServiceManager({}, clock=self.clock)
        super().__init__(Path("gateway.toml"), material, signers=signers, parts=parts, manager=manager)
        self.answers, self.reads, self.threads = threading.Event(), 0, set[threading.Thread]()

    def _read(self) -> Any:
        self.reads += 1
        self.threads.add(threading.current_thread())
        self.answers.wait(10)
        raise SiteError("config.invalid", path="x", reason="y")

    async def code(self) -> str:
        (finding,) = await self.look()
        return finding.code


async def test_an_edition_and_who_may_ask_come_into_force_together_or_not_at_all() -> None:
    """At start, too: a gateway must not run on the new edition with the keys of the old one."""
    store, clock = open_memory(sequencer=sequence), ManualClock()
    config: Any = SimpleNamespace(
        gateway=SimpleNamespace(id="here.example"), log_origin="here.example/audit", access=AccessSection()
    )
    snapshot: Any = SimpleNamespace(epoch=7, digest=Digest("ab" * 32))
    material: Any = SimpleNamespace(config=config, snapshot=snapshot)
    journal = Journal(entropy=secrets.token_bytes)

    def broken(_uow: UnitOfWork) -> None:
        raise SiteError("store.busy")

    unit = taking_effect(material, journal=journal, moment=clock.now())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.reload.declaring", lambda *_, **__: broken)
        with pytest.raises(SiteError):
            await store.transact(taking_effect(material, journal=journal, moment=clock.now()))
    assert await store.read(lambda uow: uow.directory.active()) is None
    await store.transact(unit)
    active = await store.read(lambda uow: uow.directory.active())
    assert active is not None
    assert active.epoch == 7
    await store.close()


class Exchanging(Hanging):
    """Finds that something is not what it was."""

    changed: frozenset[str] = frozenset()

    def _read(self) -> Any:
        return None

    retired: Any = None

    async def _prepare(self, _new: Any) -> None:
        return None

    def _swap(self, _new: Any, _fresh: Any) -> tuple[frozenset[str], Any]:
        return self.changed, self.retired


class Unending:
    """Key-holders that do not end well."""

    async def close(self) -> None:
        raise OSError(9, "Bad file descriptor")


async def test_a_reload_that_took_effect_is_not_told_as_refused_because_old_key_holders_do_not_end() -> None:
    reloader = Exchanging()
    reloader.changed, reloader.retired = frozenset({"keys"}), Unending()
    wanting = rows.document(state=DocumentState.HELD, reason="key.missing")
    await reloader.store.transact(lambda uow: uow.documents.add(wanting))
    with caught_logs() as stream:
        await reloader.reload()
    assert await reloader.code() == "probe.reload.good"
    assert [line["event"] for line in logged_events(stream)] == ["held.resumed", "reload.holders_not_ended"]
    await reloader.store.close()


@pytest.mark.parametrize("error", [TypeError("ours"), KeyError("ours")])
async def test_an_error_of_ours_behind_the_reading_is_not_told_as_a_bad_file(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: Any, _new: Any) -> None:
        raise error

    reloader = Exchanging()
    monkeypatch.setattr(Reloader, "_fresh_holders", broken)
    monkeypatch.setattr(Exchanging, "_prepare", Reloader._prepare)
    with pytest.raises(type(error)):
        await reloader.reload()
    await reloader.store.close()


async def test_what_a_library_says_of_a_file_is_a_refusal_and_so_is_a_process_that_cannot_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable(_self: Any) -> None:
        raise KeyError("theirs")

    async def no_process(_self: Any, _new: Any) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    reloader = Exchanging()
    monkeypatch.setattr(Reloader, "_fresh_holders", no_process)
    monkeypatch.setattr(Exchanging, "_prepare", Reloader._prepare)
    with pytest.raises(SiteError, match=r"config\.invalid"):
        await reloader.reload()
    assert await reloader.code() == "probe.reload.refused"
    monkeypatch.setattr(Exchanging, "_read", unreadable)
    with pytest.raises(SiteError, match=r"config\.invalid"):
        await reloader.reload()
    await reloader.store.close()


async def test_what_is_held_for_want_of_evidence_goes_on_after_a_reload_that_brought_some_and_after_a_start() -> None:
    reloader = Exchanging()
    wanting = rows.document(state=DocumentState.HELD, reason="key.missing")
    other = rows.document(state=DocumentState.HELD, reason="internal")

    async def held() -> set[str]:
        return {row.key for row in await reloader.store.read(lambda uow: uow.documents.held(None, 10))}

    for document in (wanting, other):
        await reloader.store.transact(lambda uow, document=document: uow.documents.add(document))
    await reloader.reload()
    reloader.changed = frozenset({"log", "access"})
    await reloader.reload()
    assert await held() == {wanting.key, other.key}
    reloader.changed = frozenset({"trust"})
    await reloader.reload()
    assert await held() == {other.key}
    (item,) = await reloader.store.read(lambda uow: uow.work.queued(None, 10))
    assert item.item.subject == wanting.key
    third = rows.document(state=DocumentState.HELD, reason="envelope.undecided")
    await reloader.store.transact(lambda uow: uow.documents.add(third))
    running = asyncio.create_task(reloader.run())
    async with asyncio.timeout(5):
        while third.key in await held():
            await asyncio.sleep(0.01)
    running.cancel()
    assert await held() == {other.key}


async def until(reloader: Hanging, code: str) -> None:
    async with asyncio.timeout(5):
        while await reloader.code() != code:
            await asyncio.sleep(0.01)


async def test_a_reload_that_hangs_is_told_and_what_is_asked_meanwhile_is_done_once_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.reload.RELOAD_SECONDS_MAX", 0.05)
    reloader = Hanging()
    with caught_logs() as stream:
        running = asyncio.create_task(reloader.run())
        assert await reloader.code() == "probe.reload.good"
        reloader.request()
        await until(reloader, "probe.reload.slow")
        reloader.clock.advance(90)
        (finding,) = await reloader.look()
        assert finding.params["seconds"] == 90
        for _ in range(5):
            reloader.request()
        await asyncio.sleep(0.1)
        assert reloader.reads == 1, "not stacked"
        reloader.answers.set()
        await until(reloader, "probe.reload.refused")
        async with asyncio.timeout(5):
            while reloader.reads < 2:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert reloader.reads == 2, "five wishes are one reload"
        running.cancel()
    assert [line["event"] for line in logged_events(stream)].count("reload.slow") == 1
    assert all(thread.daemon for thread in reloader.threads), "else the interpreter would wait for it at its end"


async def test_what_only_a_restart_takes_in_is_advised_as_a_restart() -> None:
    """The advice was to mend and to reload, which can never help."""
    reloader = Hanging()
    reloader._refused = SiteError("config.restart", path="office_api.host")
    (finding,) = await reloader.look()
    assert finding.code == "probe.reload.restart"
    said = explain(finding.code, finding.params)
    assert "office_api.host" in said.what_vi
    assert "systemctl restart" in said.todo_vi
    reloader._refused = SiteError("registry.digest", path="registry.json", expected="a", actual="b")
    (finding,) = await reloader.look()
    told = explain(finding.code, finding.params)
    assert "registry.digest" not in told.what_vi
    assert "mã băm đã ghim" in told.what_vi


# --- new revocation evidence ------------------------------------------------------------------------------------------------


class Renewing(Hanging):
    """Has anchors, and a sealer that tells what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Any] = []
        parts: Any = self._parts
        parts.trust = LoadedTrust(PKI.trust)
        parts.sealer = SimpleNamespace(replace=self.given.append)
        parts.holders = SimpleNamespace(pool=None)
        config: Any = SimpleNamespace()
        self._material = Material(
            config=config,
            snapshot=SimpleNamespace(epoch=7),
            trust=PKI.trust,
            **{name: {} for name in ("transports", "seals")},
            **dict.fromkeys(("peer_server", "peer_client", "office"), None),
            **dict.fromkeys(("peer_anchors", "client_anchors", "peer_certificate", "office_certificate"), ()),
        )


async def renewed(reloader: Renewing) -> None:
    running = asyncio.create_task(reloader.run())
    reloader.renew()
    for _ in range(200):
        await asyncio.sleep(0.005)
        if reloader.given:
            break
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await reloader.store.close()


async def test_new_evidence_is_put_in_force_without_reading_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    reloader, fresh = Renewing(), replace(PKI.trust, ocsps=(b"new",))
    wanting = rows.document(state=DocumentState.HELD, reason="key.missing")
    await reloader.store.transact(lambda uow: uow.documents.add(wanting))
    monkeypatch.setattr("gateway.reload._trust_of", lambda *_: fresh)
    with caught_logs() as stream:
        await renewed(reloader)
    assert reloader.reads == 0
    assert reloader._parts.trust.current() is fresh
    assert reloader.material().trust is fresh
    assert reloader.given[0].trust is fresh
    assert {"trust.renewed", "held.resumed"} <= {line["event"] for line in logged_events(stream)}


async def test_a_store_that_cannot_be_read_leaves_what_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: Any) -> Any:
        raise SiteError("config.invalid", path="revocation", reason="eio")

    reloader = Renewing()
    monkeypatch.setattr("gateway.reload._trust_of", unreadable)
    with caught_logs() as stream:
        running = asyncio.create_task(reloader.run())
        reloader.renew()
        while "trust.not_renewed" not in stream.getvalue():
            await asyncio.sleep(0.005)
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert reloader._parts.trust.current() is PKI.trust
    assert reloader.given == []
    await reloader.store.close()
