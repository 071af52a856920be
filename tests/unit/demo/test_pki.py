"""The development PKI as it lies on disk: paths that hold, marks everywhere, keys for their owner alone."""

import hashlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.core.errors import SiteError
from gateway.crypto import DEMO_POLICY_OID, client_certificate, is_demo, judge_certificate, load_trust
from gateway.demo.certificates import Holder, Issuer, new_key
from gateway.demo.layout import certificate_of, write_certificates, write_key
from gateway.demo.pki import DemoPki, make_pki
from gateway.demo.plan import read_plan
from gateway.demo.workshop import Order, Workshop, fill_orders
from gateway.demo.world import DemoWorld
from tests.unit.demo.conftest import MOMENT

PLAN = read_plan()


def certificates(folder: Path) -> list[x509.Certificate]:
    return [one for path in sorted(folder.rglob("*.crt")) for one in x509.load_pem_x509_certificates(path.read_bytes())]


def public_bytes(path: Path) -> bytes:
    key = load_pem_private_key(path.read_bytes(), None)
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_every_certificate_is_marked(pki: DemoPki) -> None:
    found = certificates(pki.folder)
    assert len({one.serial_number for one in found}) == 2 + 2 + 6 + 3 + 1
    for one in found:
        (name,) = one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert "DEMO" in str(name.value)
        policies = one.extensions.get_extension_for_class(x509.CertificatePolicies).value
        assert [policy.policy_identifier.dotted_string for policy in policies] == [PLAN.policy_oid]


def test_keys_are_for_their_owner_alone(pki: DemoPki) -> None:
    keys = sorted(pki.folder.rglob("*.pem"))
    assert len(keys) == 2 + 2 * 3 + 6 + 3 + 1
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o400}
    assert all(path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----") for path in keys)
    folders = [pki.folder, *(path for path in pki.folder.rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_every_key_fits_its_certificate_and_the_registry_gets_that_certificate(pki: DemoPki, world: DemoWorld) -> None:
    assert set(pki.transport) == {body.organ_id for body in world.bodies}
    assert set(pki.seals) == {body.organ_id for body in world.bodies if body.seals}
    for body in world.bodies:
        files = pki.gateways[body.gateway].files
        pairs = [(files.transport_keys, pki.transport[body.organ_id])]
        if body.seals:
            pairs.append((files.seal_keys, pki.seals[body.organ_id]))
        for folder, der in pairs:
            key = folder / f"{body.organ_id}.pem"
            one = x509.load_der_x509_certificate(der)
            assert certificate_of(key).read_bytes() == one.public_bytes(Encoding.PEM)
            spki = one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            assert public_bytes(key) == spki


def test_a_seal_names_its_body_and_may_sign_for_good(pki: DemoPki, world: DemoWorld) -> None:
    one = x509.load_der_x509_certificate(pki.seals[world.sender.organ_id])
    names = {attribute.oid: attribute.value for attribute in one.subject}
    assert names[NameOID.ORGANIZATION_IDENTIFIER] == "Z79.VPTU"
    assert names[NameOID.ORGANIZATION_NAME] == world.sender.name
    usage = one.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.content_commitment) == (True, True)
    others = (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.key_encipherment, usage.value.key_agreement)
    assert not any(others)
    with pytest.raises(x509.ExtensionNotFound):
        one.extensions.get_extension_for_class(x509.ExtendedKeyUsage)


def test_tls_names_the_gateway_and_serves_both_ways(pki: DemoPki) -> None:
    for gateway, material in pki.gateways.items():
        leaf, issuing = x509.load_pem_x509_certificates(material.files.tls_certificate.read_bytes())
        assert leaf.public_bytes(Encoding.DER) == material.tls_certificate
        leaf.verify_directly_issued_by(issuing)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [gateway]
        assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("127.0.0.1")]
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert set(usages) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


def test_the_sender_s_system_has_a_certificate_for_clients_only(pki: DemoPki, world: DemoWorld) -> None:
    organ = world.sender.organ_id
    assert set(pki.clients) == {organ}
    path = pki.folder / "clients" / f"{organ}.crt"
    leaf, issuing = x509.load_pem_x509_certificates(path.read_bytes())
    leaf.verify_directly_issued_by(issuing)
    assert leaf.public_bytes(Encoding.DER) == pki.clients[organ]
    found = client_certificate(pki.clients[organ], demo=True)
    assert found is not None
    assert found.pin == hashlib.sha256(public_bytes(path.with_name(f"{organ}.pem"))).hexdigest()
    assert client_certificate(pki.clients[organ], demo=False) is None
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.CLIENT_AUTH}


def test_receipt_and_log_keys_are_the_pinned_ones(pki: DemoPki) -> None:
    for material in pki.gateways.values():
        receipt = load_pem_private_key(material.files.receipt_key.read_bytes(), None)
        assert isinstance(receipt, EllipticCurvePrivateKey)
        assert isinstance(receipt.curve, SECP256R1)
        assert isinstance(load_pem_private_key(material.files.log_key.read_bytes(), None), Ed25519PrivateKey)
        assert public_bytes(material.files.receipt_key) == material.receipt_key
        assert public_bytes(material.files.log_key) == material.log_key


def test_the_authorities_stay_apart(pki: DemoPki) -> None:
    held = {public_bytes(path) for path in pki.folder.rglob("*.pem") if path.parent.name != "ca"}
    for name in ("root", "issuing"):
        assert public_bytes(pki.folder / "ca" / f"{name}.pem") not in held


def test_validity_begins_a_little_early_and_ends_before_the_issuer(pki: DemoPki) -> None:
    whole = MOMENT.replace(microsecond=0)
    for one in certificates(pki.folder):
        assert one.not_valid_before_utc == whole - timedelta(minutes=PLAN.backdate_minutes)
        assert one.not_valid_after_utc <= whole + timedelta(days=PLAN.root.days)


def test_both_lists_are_current_and_signed(pki: DemoPki) -> None:
    for material in pki.gateways.values():
        files = material.files
        issuers = {"root": files.anchors / "root.crt", "issuing": files.intermediates / "issuing.crt"}
        for name, path in issuers.items():
            revoked = x509.load_pem_x509_crl((files.crls / f"{name}.crl").read_bytes())
            issuer = x509.load_pem_x509_certificate(path.read_bytes())
            key = issuer.public_key()
            assert revoked.issuer == issuer.subject
            assert revoked.is_signature_valid(key)  # type: ignore[arg-type]
            assert len(revoked) == 0
            assert revoked.next_update_utc is not None
            assert revoked.next_update_utc >= MOMENT + timedelta(days=30)


def test_nothing_is_overwritten(pki: DemoPki, world: DemoWorld) -> None:
    before = (pki.folder / "ca" / "root.pem").read_bytes()
    with pytest.raises(FileExistsError):
        make_pki(pki.folder, world, plan=PLAN, moment=MOMENT)
    assert (pki.folder / "ca" / "root.pem").read_bytes() == before


def test_orders_are_filled_by_other_processes_and_progress_is_told(tmp_path: Path) -> None:
    root = Issuer.self_signed(plan=PLAN, key=new_key(2048), moment=MOMENT)
    key = new_key(2048)
    issuing = root.subordinate(key)
    write_key(tmp_path / "issuing.pem", key)
    write_certificates(tmp_path / "issuing.crt", issuing.certificate)
    orders = [
        Order(kind="transport", holder=Holder(name="Một", organ_id=f"Z79.{n}"), key=tmp_path / f"Z79.{n}.pem")
        for n in range(10)
    ]
    told: list[tuple[int, int]] = []
    workshop = Workshop(plan=PLAN, issuing_key=tmp_path / "issuing.pem", moment=MOMENT)
    filled = fill_orders(workshop, orders, processes=2, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)
    assert len(told) == 2
    assert {order.key for order, _ in filled} == {order.key for order in orders}
    for order, der in filled:
        one = x509.load_der_x509_certificate(der)
        one.verify_directly_issued_by(issuing.certificate)
        assert one.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)[0].value == order.holder.organ_id
        assert isinstance(load_pem_private_key(order.key.read_bytes(), None), RSAPrivateKey)


@pytest.mark.interop
def test_openssl_builds_every_path_with_lists_and_policy(world: DemoWorld, tmp_path: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    pki = make_pki(tmp_path / "network", world, plan=PLAN, moment=datetime.now(UTC))
    for material in pki.gateways.values():
        files = material.files
        trust = ["-CAfile", files.anchors / "root.crt", "-untrusted", files.intermediates / "issuing.crt"]
        lists = [word for path in sorted(files.crls.iterdir()) for word in ("-CRLfile", path)]
        rules = ["-x509_strict", "-crl_check_all", "-explicit_policy", "-policy", PLAN.policy_oid]
        leaves = sorted((files.folder / "keys").rglob("*.crt"))
        assert len(leaves) >= 1 + 3 + 1
        command = [str(word) for word in (program, "verify", *rules, *trust, *lists, *leaves)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(": OK") == len(leaves)


def test_our_own_judge_trusts_a_seal_in_a_demo_only(pki: DemoPki, world: DemoWorld) -> None:
    folder = pki.gateways[world.party].files.anchors.parent
    seal = pki.seals[world.sender.organ_id]
    assert is_demo(seal)
    assert judge_certificate(seal, trust=load_trust(folder, demo=True), moment=MOMENT).indication == "TOTAL-PASSED"
    with pytest.raises(SiteError, match=r"key\.demo"):
        load_trust(folder, demo=False)


def test_the_plan_and_the_judge_name_one_policy() -> None:
    assert PLAN.policy_oid == DEMO_POLICY_OID
