"""SIGHUP on real gateways: a good change is in force at once and whole, a bad one changes nothing and is told."""

import asyncio
import hashlib
import json
import os
import re
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.api import ApiProblem
from gateway.demo.network import Side
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Patient:
    """One running gateway of the network."""

    real: RealNetwork
    name: str

    @property
    def side(self) -> Side:
        return self.real.network.sides[self.name]

    @property
    def pki(self) -> Path:
        return self.real.network.folder / "pki" / self.name

    def edit(self, old: str, new: str) -> None:
        text = self.side.config.read_text(encoding="utf-8")
        assert re.search(old, text, re.MULTILINE), old
        self.side.config.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE), encoding="utf-8")

    def registry(self, change: Callable[[dict[str, Any]], object]) -> str:
        """The next edition for this gateway alone, its digest pinned."""
        name = re.search(r'^file = "(.*)"', self.side.config.read_text(encoding="utf-8"), re.MULTILINE)
        assert name
        edition = json.loads(Path(name[1]).read_text(encoding="utf-8"))
        edition["epoch"] += 1
        change(edition)
        data = json.dumps(edition).encode()
        path = self.side.folder / f"registry-{edition['epoch']}-{len(data)}.json"
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.edit(r'^file = ".*"\nsha256 = "[0-9a-f]{64}"', f'file = "{path}"\nsha256 = "{digest}"')
        return digest

    async def reload(self) -> dict[str, Any]:
        """Signal it; what it says of it in its log."""
        log = self.side.folder / "serve.log"
        before = log.stat().st_size
        os.kill(self.real.gateways.pids[self.name], signal.SIGHUP)
        async with asyncio.timeout(30):
            while True:
                for line in log.read_bytes()[before:].splitlines():
                    event: dict[str, Any] = json.loads(line)
                    if event["event"] in {"reload.done", "reload.refused"}:
                        return event
                await asyncio.sleep(0.05)

    async def ready(self) -> tuple[int, dict[str, Any]]:
        url = f"http://127.0.0.1:{self.side.admin_port}/readyz"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            members = await answer.json()
            return answer.status, {probe["check"]: probe for probe in members["probes"]}

    async def shown(self, port: int) -> int:
        """Serial number of the certificate that a listener shows."""
        context = self.real.network.client_context()
        context.load_cert_chain(self.pki / "keys" / "tls.crt", self.pki / "keys" / "tls.pem")
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        return x509.load_der_x509_certificate(der).serial_number


def renew(patient: Patient) -> int:
    """A new certificate for the same TLS key by the same authority; its serial number."""
    path = patient.pki / "keys" / "tls.crt"
    old, issuing = x509.load_pem_x509_certificates(path.read_bytes())
    key = load_pem_private_key((patient.pki.parent / "ca" / "issuing.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    new = x509.CertificateBuilder(
        issuer_name=old.issuer,
        subject_name=old.subject,
        public_key=old.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=datetime.now(UTC) - timedelta(minutes=5),
        not_valid_after=datetime.now(UTC) + timedelta(days=300),
        extensions=list(old.extensions),
    ).sign(key, SHA256())
    path.chmod(0o600)
    path.write_bytes(new.public_bytes(Encoding.PEM) + issuing.public_bytes(Encoding.PEM))
    return new.serial_number


async def test_a_good_change_is_in_force_at_once_and_nothing_in_flight_is_lost(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        party = Patient(real, "party")
        first = await real.send(1)
        serial = renew(party)
        closed = real.wards[-1]

        def close(edition: dict[str, Any]) -> None:
            for body in edition["bodies"]:
                if body["organ_id"] == closed:
                    body["status"] = "closed"

        digest = party.registry(close)
        before = party.side.config.read_text(encoding="utf-8")
        keys = before[before.index("[[access.keys]]") :].partition("\n[[access.certificates]]")[0]
        another = keys.replace('id = "', 'id = "another')
        party.side.config.write_text(before + "\n" + another, encoding="utf-8")
        told = await party.reload()
        assert told["event"] == "reload.done", told
        assert told["changed"] == ["registry", "peer_certificate", "office_certificate", "access"]

        assert {await party.shown(party.side.office_port), await party.shown(party.side.peer_port)} == {serial}
        status, probes = await party.ready()
        assert (status, probes["reload"]["params"]) == (200, {"epoch": "2"})
        assert real.rows("party", "SELECT epoch, digest FROM activations ORDER BY epoch")[1:] == [(2, digest)]
        assert real.rows("party", "SELECT count(*) FROM openings WHERE event = 'registry.activated'") == [(2,)]
        assert real.rows("party", "SELECT count(*) FROM api_keys WHERE revoked_at IS NULL") == [(2,)]
        party.side.config.write_text(before, encoding="utf-8")
        assert (await party.reload())["changed"] == ["access"]
        assert real.rows("party", "SELECT key_id LIKE 'another%' FROM api_keys WHERE revoked_at IS NOT NULL") == [(1,)]

        with pytest.raises(ApiProblem) as refusal:
            await real.send(2)
        assert [error["code"] for error in refusal.value.members["errors"]] == ["recipient.closed"]
        second = await real.send(2, recipients=[ward for ward in real.wards if ward != closed])
        await real.until_delivered(first, second)


def swap_receipt_keys(gateways: list[dict[str, Any]]) -> None:
    one, other = gateways
    one["receipt_keys"], other["receipt_keys"] = other["receipt_keys"], one["receipt_keys"]


BAD: dict[str, tuple[Callable[[Patient], object], str, str]] = {
    "a key that nobody knows": (
        lambda p: p.edit(r"^\[receipts\]", "[receipts]\ncolour = 1"),
        "config.invalid",
        "colour",
    ),
    "no TOML": (lambda p: p.side.config.write_text("[gateway\n"), "config.invalid", "gateway.toml"),
    "another port": (lambda p: p.edit(r"^port = \d+", "port = 1"), "config.restart", "office_api.port"),
    "another state folder": (lambda p: p.edit(r'^state = "', 'state = "/elsewhere'), "config.restart", "gateway.state"),
    "one id for two API keys": (
        lambda p: p.side.config.write_text(
            (text := p.side.config.read_text(encoding="utf-8")) + "\n" + text[text.index("[[access.keys]]") :]
        ),
        "config.invalid",
        "twice key=access.keys.id",
    ),
    "another digest": (lambda p: p.edit(r'^sha256 = ".{64}"', f'sha256 = "{"0" * 64}"'), "registry.digest", "0000"),
    "an older edition": (lambda p: p.registry(lambda e: e.update(epoch=1)), "registry.epoch", "epoch=1"),
    "a registry without us": (
        lambda p: p.registry(
            lambda e: e.update(
                gateways=[g for g in e["gateways"] if g["gateway"] != p.side.gateway],
                bodies=[b for b in e["bodies"] if b["gateway"] != p.side.gateway],
            )
        ),
        "registry.invalid",
        "not_listed",
    ),
    "a registry with another receipt key": (
        lambda p: p.registry(lambda e: swap_receipt_keys(e["gateways"])),
        "key.missing",
        "receipts",
    ),
    "trust without anchors": (
        lambda p: p.edit(r'^folder = ".*"', f'folder = "{p.side.folder}"'),
        "config.invalid",
        "no_anchor",
    ),
    "no TLS certificate": (
        lambda p: p.edit(r'^certificate = ".*"', f'certificate = "{p.side.config}"'),
        "key.missing",
        "tls.pem",
    ),
}


async def test_a_bad_change_is_refused_and_the_old_state_stays(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        party = Patient(real, "party")
        party.registry(lambda _: None)
        assert (await party.reload())["event"] == "reload.done"
        good = party.side.config.read_bytes()
        before = await party.shown(party.side.peer_port)
        for what, (plant, code, reason) in BAD.items():
            plant(party)
            told = await party.reload()
            assert (told["event"], told.get("code")) == ("reload.refused", code), what
            assert reason in told["why"], (what, told)
            status, probes = await party.ready()
            advice = "probe.reload.restart" if code == "config.restart" else "probe.reload.refused"
            assert (status, probes["reload"]["code"]) == (200, advice), what
            assert probes["reload"]["state"] == "warn"
            assert code not in probes["reload"]["messages"]["vi"]["what"], "words, not codes"
            assert probes["reload"]["params"]["code"] == code, what
            party.side.config.write_bytes(good)
        assert await party.shown(party.side.peer_port) == before
        assert len(real.rows("party", "SELECT epoch FROM activations")) == 2
        # The service goes on with what it had, and the next good reload is good.
        await real.until_delivered(await real.send(1))
        assert (await party.reload())["event"] == "reload.done"
        _, probes = await party.ready()
        assert (probes["reload"]["code"], probes["reload"]["params"]["epoch"]) == ("probe.reload.good", "2")


async def test_a_body_s_new_key_is_tried_before_it_is_used(tmp_path: Path) -> None:
    """Key and certificate of a transport key roll over together with the registry; a pair that is none is refused."""
    async with real_network(tmp_path) as real:
        party = Patient(real, "party")
        keys = party.pki / "keys" / "transport"
        sender, other = real.sender, next(p.stem for p in sorted(keys.glob("*.crt")) if p.stem != real.sender)
        for path in keys.iterdir():
            path.chmod(0o600)
        shutil.copy(keys / f"{other}.crt", keys / f"{sender}.crt")  # a certificate of another key

        def name_it(edition: dict[str, Any]) -> None:
            bodies = {body["organ_id"]: body for body in edition["bodies"]}
            bodies[sender]["transport_certificates"] += bodies[other]["transport_certificates"]

        party.registry(name_it)
        told = await party.reload()
        assert (told["event"], told.get("code")) == ("reload.refused", "key.missing"), told
        assert "reason=no_pair" in told["why"]
        await real.until_delivered(await real.send(1))

        shutil.copy(keys / f"{other}.pem", keys / f"{sender}.pem")
        told = await party.reload()
        assert (told["event"], told["changed"]) == ("reload.done", ["registry", "keys"])
        Patient(real, "government").registry(name_it)
        assert (await Patient(real, "government").reload())["event"] == "reload.done"
        await real.until_delivered(await real.send(2))
        rows = real.rows("party", "SELECT DISTINCT state FROM deliveries")
        assert rows == [("delivered",)]


@asynccontextmanager
async def peer_connection(real: RealNetwork) -> AsyncIterator[Callable[[], Any]]:
    """The party gateway's own TLS identity on one open connection to the government gateway; asks, and tells the status."""
    files = real.network.folder / "pki" / "party" / "keys"
    context = ssl.create_default_context(cafile=str(real.network.root))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(files / "tls.crt", files / "tls.pem")
    side = real.network.sides["government"]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", side.peer_port, ssl=context, server_hostname=side.gateway
    )

    async def ask() -> int:
        name = "01a200b2-951c-71a1-a95d-3678042f047b"
        writer.write(f"GET /peer/v1/transfers/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length
        await reader.readexactly(int(length[1]))
        return int(head.split()[1])

    try:
        yield ask
    finally:
        writer.transport.abort()


async def test_a_pin_that_is_gone_ends_an_open_connection_at_its_next_request(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        government = Patient(real, "government")
        async with peer_connection(real) as ask:
            assert await ask() == 404

            def unpin(edition: dict[str, Any]) -> None:
                for entry in edition["gateways"]:
                    if entry["gateway"] == real.network.sides["party"].gateway:
                        entry["tls_keys"] = ["ab" * 32]

            government.registry(unpin)
            assert (await government.reload())["event"] == "reload.done"
            assert await ask() == 403


async def test_new_anchors_end_every_open_connection(tmp_path: Path) -> None:
    """An anchor that is gone ends what was opened under it; who still has a good chain shakes hands again."""
    async with real_network(tmp_path) as real:
        government = Patient(real, "government")
        anchors = tmp_path / "anchors"
        shutil.copytree(government.pki / "trust" / "anchors", anchors)
        shutil.copy(next((government.pki / "trust" / "intermediates").iterdir()), anchors / "another.crt")
        government.edit(r'^anchors = ".*"', f'anchors = "{anchors}"')
        async with peer_connection(real) as ask:
            assert await ask() == 404
            told = await government.reload()
            assert (told["event"], told["changed"]) == ("reload.done", ["peer_anchors"])
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await ask()
        async with peer_connection(real) as ask:
            assert await ask() == 404
        await real.until_delivered(await real.send(1))


async def test_a_reload_that_hangs_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    """A pipe that nobody writes into, where a CRL should be: the thread that reads it never comes back."""
    async with real_network(tmp_path) as real:
        party = Patient(real, "party")
        os.mkfifo(party.pki / "trust" / "crls" / "zz.crl")
        os.kill(real.gateways.pids["party"], signal.SIGHUP)
        await asyncio.sleep(1)
        assert (await party.ready())[0] == 200
        async with asyncio.timeout(30):
            await real.gateways.stop("party")
        assert real.gateways.statuses["party"] == 0
        (party.pki / "trust" / "crls" / "zz.crl").unlink()
        await real.gateways.start("party")
        await real.gateways.ready("party")


async def test_new_anchors_of_offices_end_the_connections_of_certificates(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        party = Patient(real, "party")
        anchors = party.pki / "trust" / "anchors"  # in the demo of peers and of documents, too
        clients = real.network.folder / "pki" / "clients"
        context = real.network.client_context()
        context.load_cert_chain(next(clients.glob("*.crt")), next(clients.glob("*.pem")))
        reader, writer = await asyncio.open_connection("127.0.0.1", party.side.office_port, ssl=context)
        writer.write(b"HEAD /api/v1/me HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        shutil.copy(next((party.pki / "trust" / "intermediates").iterdir()), anchors / "another.crt")
        told = await party.reload()
        assert (told["event"], told["changed"]) == ("reload.done", ["trust", "peer_anchors", "client_anchors"])
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_signal_that_comes_while_it_starts_is_heard_once_it_runs(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        party = Patient(real, "party")
        await real.gateways.stop("party")
        log = party.side.folder / "serve.log"
        before = log.stat().st_size
        await real.gateways.start("party")
        async with asyncio.timeout(30):
            while b"judge.confined" not in log.read_bytes()[before:]:  # in the middle of the start
                await asyncio.sleep(0.002)
        told = await party.reload()
        assert told["event"] == "reload.done"
        await real.gateways.ready("party")


async def test_a_body_s_key_moves_into_an_encrypted_file(tmp_path: Path) -> None:
    """With a wrong password nothing changes; with the right one the key is tried, and used from then on."""
    async with real_network(tmp_path) as real:
        party = Patient(real, "party")
        plain = party.pki / "keys" / "transport" / f"{real.sender}.pem"
        private = load_pem_private_key(plain.read_bytes(), None)
        for name, data in (
            ("moved.key", private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right"))),
            ("password", b"wrong\n"),
        ):
            (party.side.folder / name).touch(0o600)
            (party.side.folder / name).write_bytes(data)
        plain.unlink()
        table = f'organ = "{real.sender}"\npurpose = "transport"\npem = "moved.key"\npassword_file = "password"\n'
        with party.side.config.open("a", encoding="utf-8") as config:
            config.write(f"\n[[keys.sources]]\n{table}")
        told = await party.reload()
        assert (told["event"], told.get("code")) == ("reload.refused", "key.missing"), told
        assert "password_wrong" in told["why"]
        assert "right" not in told["why"]

        (party.side.folder / "password").write_bytes(b"right\n")
        told = await party.reload()
        assert (told["event"], told.get("changed")) == ("reload.done", ["keys"]), told
        await real.until_delivered(await real.send(1))
