"""Paths that were found good: kept between the turns, and never for a moment beyond one."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.core.validation import Indication, SubIndication
from gateway.crypto import CertificateVerdict, Evidence, Trust, judge_certificate
from gateway.crypto.paths import path as walk
from gateway.crypto.paths.path_memory import MARGIN, PathMemory, path_key
from tests.kit.pki import DAY, MOMENT, Leaf, Pki, der, rsa_key

SECOND = dt.timedelta(seconds=1)
PKI = Pki("Memory")
LEAF = PKI.leaf("transport")


class Walks:
    """How many paths were walked."""

    def __init__(self) -> None:
        self.count = 0


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Walks]:
    counted, walking = Walks(), walk._Walk

    def counting(*args: Any) -> object:
        counted.count += 1
        return walking(*args)

    monkeypatch.setattr(walk, "_Walk", counting)
    walk._known.cache_clear()
    yield counted
    walk._known.cache_clear()


def judged(moment: dt.datetime = MOMENT, *, leaf: Leaf = LEAF, trust: Trust = PKI.trust) -> CertificateVerdict:
    return judge_certificate(leaf.der, trust=trust, moment=moment, evidence=Evidence(certificates=leaf.chain))


def anew(moment: dt.datetime, *, trust: Trust = PKI.trust) -> CertificateVerdict:
    """Judged by somebody who remembers nothing."""
    walk._known.cache_clear()
    return judged(moment, trust=trust)


def crl(*, following: dt.timedelta = 30 * DAY, revoked: dict[int, dt.timedelta] | None = None) -> bytes:
    """A list of the issuing authority."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(PKI.issuing.subject)
        .last_update(MOMENT - DAY)
        .next_update(MOMENT + following)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(rsa_key("Memory issuing").public_key()), critical=False
        )
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for serial, when in (revoked or {}).items():
        gone = (
            x509.RevokedCertificateBuilder()
            .serial_number(serial)
            .revocation_date(MOMENT + when)
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
        )
        builder = builder.add_revoked_certificate(gone.build())
    return der(builder.sign(rsa_key("Memory issuing"), SHA256()))


def trusting(issued: bytes) -> Trust:
    return replace(PKI.trust, crls=(PKI.crls[0], issued))


def test_a_good_path_is_walked_once(walks: Walks) -> None:
    for seconds in range(5):
        assert judged(MOMENT + seconds * SECOND).indication is Indication.TOTAL_PASSED
    assert walks.count == 1


def test_another_certificate_chain_or_trust_is_walked_by_itself(walks: Walks) -> None:
    judged()
    judged(leaf=PKI.leaf("seal"))
    judge_certificate(
        LEAF.der, trust=PKI.trust, moment=MOMENT, evidence=Evidence(certificates=(*LEAF.chain, PKI.leaf("seal").der))
    )
    judged(trust=replace(PKI.trust, demo=True))
    judged(trust=trusting(crl()))
    assert walks.count == 5


def test_trust_that_revokes_is_heard_at_once(walks: Walks) -> None:
    assert judged().indication is Indication.TOTAL_PASSED
    revoking = trusting(crl(revoked={LEAF.certificate.serial_number: -DAY / 2}))
    assert judged(trust=revoking).sub_indication is SubIndication.REVOKED_NO_POE
    assert judged().indication is Indication.TOTAL_PASSED
    assert walks.count == 2


@pytest.mark.parametrize(
    ("trust", "turn", "after"),
    [
        (PKI.trust, LEAF.certificate.not_valid_after_utc, SubIndication.OUT_OF_BOUNDS_NO_POE),
        (trusting(crl(following=DAY)), MOMENT + DAY, SubIndication.TRY_LATER),
        (
            trusting(crl(following=4000 * DAY)),
            LEAF.certificate.not_valid_after_utc,
            SubIndication.OUT_OF_BOUNDS_NO_POE,
        ),
        (
            trusting(crl(revoked={LEAF.certificate.serial_number: 2 * DAY})),
            MOMENT + 2 * DAY,
            SubIndication.REVOKED_NO_POE,
        ),
    ],
    ids=["list and leaf", "list runs out", "leaf runs out", "revoked from a later day on"],
)
def test_no_moment_beyond_a_turn_is_answered_from_memory(
    walks: Walks, trust: Trust, turn: dt.datetime, after: SubIndication
) -> None:
    near = min(turn, MOMENT + 29 * DAY)
    assert judged(near - DAY / 2, trust=trust).indication is Indication.TOTAL_PASSED
    assert judged(near - DAY / 4, trust=trust).indication is Indication.TOTAL_PASSED
    assert walks.count == 1
    beyond = judged(turn + 10 * SECOND, trust=trust)
    assert beyond.indication is Indication.INDETERMINATE
    assert beyond.sub_indication is after
    assert beyond == anew(turn + 10 * SECOND, trust=trust)


def test_who_remembers_says_what_he_would_say_anew_at_every_moment(walks: Walks) -> None:
    """Around every turn there is, forwards and backwards in time."""
    trust = trusting(crl(following=DAY, revoked={LEAF.certificate.serial_number: DAY / 2, 7: -DAY / 2}))
    turns = [LEAF.certificate.not_valid_before_utc, MOMENT - DAY, MOMENT - DAY / 2, MOMENT, MOMENT + DAY / 2]
    turns += [MOMENT + DAY, LEAF.certificate.not_valid_after_utc]
    steps = (-3600, -MARGIN.seconds - 1, -2, -1, 0, 1, 2, MARGIN.seconds + 1, 3600)
    moments = [turn + step * SECOND for turn in turns for step in steps]
    fresh = {moment: anew(moment, trust=trust).indication for moment in moments}
    assert {Indication.TOTAL_PASSED, Indication.INDETERMINATE} == set(fresh.values())
    walk._known.cache_clear()
    walks.count = 0
    for round_of in (moments, moments[::-1], moments):
        assert {moment: judged(moment, trust=trust).indication for moment in round_of} == fresh
    passed = sum(indication is Indication.TOTAL_PASSED for indication in fresh.values())
    assert walks.count < 3 * len(moments) - passed, "and it does remember"


def test_what_is_not_good_is_found_again_each_time(walks: Walks) -> None:
    for _ in range(3):
        assert judged(leaf=PKI.leaf("revoked")).sub_indication is SubIndication.REVOKED_NO_POE
    assert walks.count == 3


def test_usage_is_looked_at_though_the_path_is_known(walks: Walks) -> None:
    wrong = PKI.leaf("usage")
    for _ in range(2):
        assert judged(leaf=wrong).sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    assert walks.count == 1


def test_a_list_that_cannot_be_dated_makes_every_path_be_walked(walks: Walks) -> None:
    undated = replace(PKI.trust, crls=(*PKI.crls, b"\x30\x00"))
    judged(trust=undated)
    judged(trust=undated)
    assert walks.count in {0, 2}, "what the validator cannot read it does not walk at all"


def test_memory_that_knows_no_turns_keeps_nothing() -> None:
    memory: PathMemory[str] = PathMemory(None)
    memory.keep(b"a", MOMENT, "found", turns=())
    assert not memory.recall(b"a", MOMENT)


def test_only_so_many_are_kept_and_the_latest_used_stay() -> None:
    memory: PathMemory[str] = PathMemory((), limit=2)
    for key in (b"a", b"b"):
        memory.keep(key, MOMENT, "found", turns=())
    assert memory.recall(b"a", MOMENT)
    memory.keep(b"c", MOMENT, "found", turns=())
    assert [memory.recall(key, MOMENT) for key in (b"a", b"b", b"c")] == ["found", None, "found"]
    assert len(memory) == 2


def test_close_to_a_turn_nothing_is_kept() -> None:
    memory: PathMemory[str] = PathMemory((MOMENT,))
    for step in (-MARGIN, -SECOND, 0 * SECOND, SECOND, MARGIN):
        memory.keep(b"a", MOMENT + step, "found", turns=())
        assert not memory.recall(b"a", MOMENT + step)
    memory.keep(b"a", MOMENT + MARGIN + SECOND, "found", turns=())
    assert memory.recall(b"a", MOMENT + 1000 * DAY)
    assert not memory.recall(b"a", MOMENT - DAY)


def test_no_two_chains_share_a_name() -> None:
    assert path_key(b"ab", (b"c",)) != path_key(b"a", (b"bc",)) != path_key(b"a", (b"b", b"c"))
    assert path_key(b"a", (b"b", b"c")) != path_key(b"a", (b"c", b"b"))
