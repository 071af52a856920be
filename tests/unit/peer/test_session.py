"""From a certificate to exactly one gateway, or to nobody."""

from pathlib import Path

import pytest

from gateway.core.errors import PeerError
from gateway.core.ids import Digest, GatewayId
from gateway.peer.session import identify
from tests.kit.peer_tls import Authority
from tests.kit.transport import GOVERNMENT, PARTY, make_snapshot

NEXT = Digest("ab" * 32)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_current_and_next_key_identify(authority: Authority) -> None:
    party = authority.issue(PARTY)
    for pins in ((party.pin,), (NEXT, party.pin), (party.pin, NEXT)):
        snapshot = make_snapshot({PARTY: ("", pins), GOVERNMENT: ("", (NEXT,))})
        assert identify(snapshot, party.der).gateway == PARTY


def test_a_renewed_certificate_over_the_same_key_identifies(authority: Authority) -> None:
    party = authority.issue(PARTY)
    renewed = authority.issue(PARTY, key=party.key)
    assert renewed.der != party.der
    assert identify(make_snapshot({PARTY: ("", (party.pin,))}), renewed.der).gateway == PARTY


@pytest.mark.parametrize("case", ["nobody", "two holders", "other name", "no certificate", "empty"])
def test_everything_else_identifies_nobody(authority: Authority, case: str) -> None:
    party = authority.issue(PARTY)
    other = authority.issue("other.example", key=party.key)
    two = GatewayId("two.example")
    pins, certificate = {
        "nobody": ({PARTY: ("", (NEXT,))}, party.der),
        "two holders": ({PARTY: ("", (party.pin,)), two: ("", (party.pin,))}, party.der),
        "other name": ({PARTY: ("", (party.pin,))}, other.der),
        "no certificate": ({PARTY: ("", (party.pin,))}, party.der[:-1]),
        "empty": ({PARTY: ("", (party.pin,))}, b""),
    }[case]
    with pytest.raises(PeerError, match=r"peer\.unpinned"):
        identify(make_snapshot(pins), certificate)
