"""Which certificates are fit to identify an office's system."""

import hashlib
from pathlib import Path

import pytest

from gateway.core.principal import ClientCertificate
from gateway.crypto import client_certificate
from tests.kit.peer_tls import CLIENT, SERVER, Authority, Order
from tests.kit.pki import LeafKind, Pki, spki

PKI = Pki(name="Client")


def test_a_fit_one_says_its_pin_and_its_dates() -> None:
    leaf = PKI.leaf("tls")
    assert client_certificate(leaf.der, demo=False) == ClientCertificate(
        pin=hashlib.sha256(spki(leaf.key)).hexdigest(),
        not_before=leaf.certificate.not_valid_before_utc,
        not_after=leaf.certificate.not_valid_after_utc,
    )


def test_its_dates_are_for_the_caller_to_judge(tmp_path: Path) -> None:
    for order in (Order(name="office").expired(), Order(name="office").not_yet_valid()):
        found = client_certificate(Authority(tmp_path).issue(order).der, demo=False)
        assert found is not None
        assert found.not_before == order.not_before.replace(microsecond=0)
        assert found.not_after == order.not_after.replace(microsecond=0)


@pytest.mark.parametrize("kind", ["seal", "transport", "purpose", "usage", "elliptic"])
def test_one_that_is_not_expressly_for_clients_is_unfit(kind: LeafKind) -> None:
    assert client_certificate(PKI.leaf(kind).der, demo=True) is None


def test_an_elliptic_key_and_a_client_only_purpose_are_fit(tmp_path: Path) -> None:
    identity = Authority(tmp_path).issue(Order(name="office", usages=(CLIENT,)))
    found = client_certificate(identity.der, demo=False)
    assert found is not None
    assert found.pin == identity.pin
    assert client_certificate(Authority(tmp_path).issue(Order(name="office", usages=(SERVER,))).der, demo=False) is None


def test_a_demo_certificate_is_fit_in_a_demo_only(tmp_path: Path) -> None:
    der = Authority(tmp_path).issue("DEMO office").der
    assert client_certificate(der, demo=True) is not None
    assert client_certificate(der, demo=False) is None
    under = Authority(tmp_path, "DEMO Issuing CA").issue("office").der
    assert client_certificate(under, demo=False) is None


@pytest.mark.parametrize("der", [b"", b"x", b"0" * 1000, PKI.leaf("tls").der[:-1], PKI.leaf("tls").der + b"x"])
def test_what_is_no_certificate_is_unfit(der: bytes) -> None:
    assert client_certificate(der, demo=True) is None


def test_an_authority_is_no_system() -> None:
    assert client_certificate(PKI.leaf("tls").chain[1], demo=True) is None
