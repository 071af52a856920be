"""A demo installation that has run, with one fault planted at a time: `doctor` names each with its remedy."""

import asyncio
import json
import re
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gateway.config import Config, load_config
from gateway.core.health import Health, worst
from gateway.doctor import examine
from gateway.observe import explain
from gateway.preflight import findings_of
from tests.kit.real_network import real_network

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.executable).with_name("gateway")


@dataclass(frozen=True)
class Patient:
    """A copy of one side of the network; `folder` holds the whole of it."""

    folder: Path
    path: Path

    @property
    def config(self) -> Config:
        return load_config(self.path)

    @property
    def pki(self) -> Path:
        return self.folder / "pki" / "party"

    def edit(self, change: Callable[[str], str]) -> None:
        text = self.path.read_text(encoding="utf-8")
        assert change(text) != text
        self.path.write_text(change(text), encoding="utf-8")

    def database(self, statement: str) -> None:
        connection = sqlite3.connect(self.config.database_place())
        connection.execute(statement)
        connection.commit()
        connection.close()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of three wards that has carried a document, and was stopped."""
    folder = tmp_path_factory.mktemp("clinic")

    async def carry() -> None:
        async with real_network(folder) as real:
            await real.until_delivered(await real.send(1))

    asyncio.run(carry())
    return folder / "network"


@pytest.fixture
def patient(network: Path, tmp_path: Path) -> Patient:
    folder = tmp_path / "network"
    shutil.copytree(network, folder, copy_function=shutil.copy2)
    path = folder / "party" / "gateway.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(str(network), str(folder)), encoding="utf-8")
    return Patient(folder, path)


async def run(patient: Patient, *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(str(PROGRAM), "doctor", "--config", str(patient.path), *options), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_sound_installation_that_is_stopped_has_nothing_to_mend(patient: Patient) -> None:
    findings = await examine(patient.path)
    assert [finding.code for finding in findings if finding.health is not Health.OK] == ["probe.service.stopped"]
    status, said = await run(patient)
    assert status == 0
    lines = said.splitlines()
    assert lines[0].startswith("! Dịch vụ")
    assert [line[0] for line in lines[2:]] == ["✔"] * 19


async def test_a_running_gateway_in_health_is_all_well(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        await real.until_delivered(await real.send(1))
        for side in real.network.sides.values():
            findings = await examine(side.config, peers=True)
            assert [finding.code for finding in findings if finding.health is not Health.OK] == []
            status, said = await run(Patient(real.network.folder, side.config))
            assert (status, {line[0] for line in said.splitlines() if line}) == (0, {"✔"})


async def test_what_only_the_start_would_refuse_is_found_too(patient: Patient) -> None:
    """No probe looks at the clients' anchors; `serve` does."""
    patient.edit(lambda text: re.sub(r'client_anchors = "[^"]*"', f'client_anchors = "{patient.folder}/nothing"', text))
    assert [finding.code for finding in await examine(patient.path) if finding.health is Health.FAIL] == [
        "config.invalid"
    ]


def reissue(certificate: Path, key: Path, *, days: float) -> None:
    """The same name for the same key, for other days; who signs it does not matter to a pin."""
    old = x509.load_pem_x509_certificate(certificate.read_bytes())
    private = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, RSAPrivateKey)
    until = datetime.now(UTC) + timedelta(days=days)
    builder = x509.CertificateBuilder(
        issuer_name=old.issuer,
        subject_name=old.subject,
        public_key=private.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=until - timedelta(days=397),
        not_valid_after=until,
        extensions=list(old.extensions),
    )
    certificate.chmod(0o600)
    certificate.write_bytes(builder.sign(private, SHA256()).public_bytes(Encoding.PEM))


def stale(patient: Patient) -> None:
    for path in (patient.pki / "trust" / "crls").iterdir():
        data = path.read_bytes()
        pem = data.startswith(b"-----")
        old = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
        key = load_pem_private_key((patient.pki / "keys" / "tls.pem").read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=old.issuer, last_update=now - timedelta(days=9), next_update=now - timedelta(days=2)
        )
        path.chmod(0o600)
        path.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM if pem else Encoding.DER))


def a_blob(patient: Patient) -> Path:
    return next(path for path in sorted(patient.config.blobs.glob("??/*")))


def swap(patient: Patient, one: str, other: str) -> None:
    path = patient.folder / one
    path.chmod(0o600)
    path.write_bytes((patient.folder / other).read_bytes())


def body_keys(patient: Patient) -> list[Path]:
    return sorted(patient.config.keys.transport.glob("*.pem"))


def exchange_keys(patient: Patient) -> None:
    first, second, *_ = body_keys(patient)
    first.chmod(0o600)
    first.write_bytes(second.read_bytes())


def tls(patient: Patient) -> tuple[Path, Path]:
    return patient.config.peer.certificate, patient.config.peer.key


FAULTS: dict[str, tuple[Callable[[Patient], object], str, str]] = {
    "others may read a key": (
        lambda p: body_keys(p)[0].chmod(0o644),
        "probe.keys.mode",
        "chmod 0400",
    ),
    "key and certificate are no pair": (exchange_keys, "probe.keys.pair", ".crt"),
    "another receipt key than the registry's": (
        lambda p: swap(p, "pki/party/keys/receipt.pem", "pki/government/keys/receipt.pem"),
        "probe.keys.stranger",
        "registry",
    ),
    "a key is missing": (lambda p: p.config.audit.key.unlink(), "key.missing", "key"),
    "a certificate has expired": (
        lambda p: reissue(*tls(p), days=-1),
        "probe.certificates.expired",
        "SIGHUP",
    ),
    "a certificate ends soon": (lambda p: reissue(*tls(p), days=5.5), "probe.certificates.soon", "SIGHUP"),
    "another registry than was pinned": (
        lambda p: (p.folder / "registry.json").write_bytes((p.folder / "registry.json").read_bytes() + b"\n"),
        "registry.digest",
        "registry",
    ),
    "a revocation list is out of date": (stale, "probe.trust.crl_stale", "crls"),
    "an issuer has no revocation list": (
        lambda p: (p.pki / "trust" / "crls" / "issuing.crl").unlink(),
        "probe.trust.crl_missing",
        "crls",
    ),
    "the registry is missing": (lambda p: (p.folder / "registry.json").unlink(), "config.invalid", "in place"),
    "two listeners have one port": (
        lambda p: p.edit(
            lambda text: text.replace(f"port = {p.config.peer.port}", f"port = {p.config.office_api.port}")
        ),
        "config.invalid",
        "setting",
    ),
    "the database is newer than the program": (
        lambda p: p.database("UPDATE alembic_version SET version_num = '9999'"),
        "store.version",
        "version",
    ),
    "the database is damaged": (
        lambda p: p.config.database_place().write_bytes(b"nothing of ours" * 1_000),
        "store.damaged",
        "backup",
    ),
    "the signer has forgotten": (
        lambda p: p.config.signer_memory.unlink(),
        "audit.inconsistent",
        "security officer",
    ),
    "the log is shorter than what was signed": (
        lambda p: p.database("UPDATE tree_head SET root = zeroblob(32)"),
        "audit.inconsistent",
        "security officer",
    ),
    "a file has rotted": (
        lambda p: (a_blob(p).chmod(0o600), a_blob(p).write_bytes(b"rot")),
        "probe.blobs.damaged",
        "backup",
    ),
    "the disk is full": (
        lambda p: p.edit(lambda text: text + "\n[disk]\nwarn = 0.00001\nfull = 0.00002\nread_only = 99.9\n"),
        "probe.disk.full",
        "space",
    ),
    "a key of the configuration is unknown": (
        lambda p: p.edit(lambda text: text.replace("[receipts]", "[receipts]\ncolour = 1")),
        "config.invalid",
        "setting",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_planted_fault_is_named_with_its_remedy(patient: Patient, fault: str) -> None:
    plant, code, remedy = FAULTS[fault]
    plant(patient)
    findings = [finding for finding in await examine(patient.path) if finding.health is not Health.OK]
    named = [finding for finding in findings if finding.code == code]
    assert named, [finding.code for finding in findings]
    said = explain(code, named[0].params)
    assert said.todo_vi
    assert remedy in said.todo_en
    assert "unknown" not in said.what_en
    # Nothing else is said to be wrong; whoever looks at invariants may have met the same file.
    same = {"probe.invariants.i1"} if code == "probe.blobs.damaged" else set()
    assert {finding.code for finding in findings} <= {code, "probe.service.stopped"} | same


def test_the_damaged_file_is_named(patient: Patient) -> None:
    path = a_blob(patient)
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (finding,) = [one for one in asyncio.run(examine(patient.path)) if one.code == "probe.blobs.damaged"]
    said = explain(finding.code, finding.params)
    assert str(path) in said.what_vi
    assert path.name in said.what_en


def test_the_issuer_without_a_revocation_list_is_named(patient: Patient) -> None:
    (patient.pki / "trust" / "crls" / "issuing.crl").unlink()
    (finding,) = [one for one in asyncio.run(examine(patient.path)) if one.health is Health.FAIL]
    assert "Issuing" in str(finding.params["issuer"])


def drop_environment(text: str) -> str:
    return text.replace('environment = "demo"\n', "")


@pytest.mark.parametrize("fault", [None, drop_environment, *(plant for plant, _, _ in FAULTS.values())])
async def test_what_config_check_refuses_doctor_does_not_call_valid(patient: Patient, fault: Any) -> None:
    if fault is drop_environment:
        patient.edit(drop_environment)
    elif fault is not None:
        fault(patient)
    refused = [one for one in findings_of(patient.path) if one.error is not None]
    findings = await examine(patient.path)
    codes = {finding.code for finding in findings}
    assert ("probe.configuration.good" in codes) == (not refused)
    assert not refused or worst(findings) is Health.FAIL


async def test_demo_material_in_production_is_told_by_one_line_for_each_key(patient: Patient) -> None:
    patient.edit(drop_environment)
    said = [finding for finding in await examine(patient.path) if finding.check == "configuration"]
    assert len(said) <= 5
    assert any(finding.code == "probe.configuration.many" and finding.params["count"] == 4 for finding in said)


async def test_a_port_that_a_stranger_holds_is_named(patient: Patient) -> None:
    config = patient.config
    with socket.socket() as stranger:
        stranger.bind((config.peer.host, config.peer.port))
        stranger.listen()
        findings = await examine(patient.path)
        (taken,) = [finding for finding in findings if finding.code == "probe.ports.taken"]
        assert taken.params == {"name": "peer", "port": config.peer.port}
    assert worst(findings) is Health.FAIL


async def test_another_program_at_the_admin_address_is_no_service_of_ours(patient: Patient) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", patient.config.admin.port)
    async with server:
        codes = {finding.code for finding in await examine(patient.path)}
    assert {"probe.service.foreign", "probe.ports.taken"} <= codes


async def test_for_programs_it_is_one_json_value_and_one_exit_code(patient: Patient) -> None:
    body_keys(patient)[0].chmod(0o640)
    status, said = await run(patient, "--json")
    report: dict[str, Any] = json.loads(said)
    assert (status, report["sound"], report["state"]) == (1, False, "fail")
    (fault,) = [check for check in report["checks"] if check["state"] == "fail"]
    assert (fault["check"], fault["code"], fault["params"]["mode"]) == ("keys", "probe.keys.mode", "0640")
    assert "chmod 0400" in fault["messages"]["vi"]["todo"]
    assert [check["check"] for check in report["checks"]][:3] == ["service", "configuration", "registry"]


async def test_peers_are_asked_on_request_only_and_are_never_our_fault(patient: Patient) -> None:
    findings = await examine(patient.path, peers=True)
    (peer,) = [finding for finding in findings if finding.check == "peers"]
    assert (peer.code, peer.health) == ("probe.peers.unreached", Health.WARN)
    assert worst(findings) is Health.WARN
