"""Anchors that a policy names: it narrows what is trusted, in every role, and never adds."""

import datetime as dt
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.validation import Indication, SignerKind, SubIndication
from gateway.crypto import ListSource, Policy, Trust, TrustSources, judge_certificate, parse_policy, read_trust
from gateway.crypto.paths.policy import SignerRules
from gateway.crypto.paths.policy_anchors import MissingAnchor, missing_anchors, with_policy
from tests.kit.pki import MOMENT, Pki, der, write_chain
from tests.kit.trust_lists import make_list

ONE, TWO, THREE = Pki("One"), Pki("Two"), Pki("Three")
A, B, C = der(ONE.root), der(TWO.root), der(THREE.root)
BOTH = Trust(
    anchors=(A, B),
    intermediates=(*ONE.trust.intermediates, *TWO.trust.intermediates),
    crls=(*ONE.crls, *TWO.crls),
    authorities=(B, C),
    demo=True,
)
SHIPPED = (Path(__file__).parents[3] / "config" / "policy" / "edoc-gateway-2.toml").read_text("utf-8")


def pin(certificate: bytes) -> Digest:
    return Digest(sha256(certificate).hexdigest())


def naming(
    *,
    body: tuple[bytes, ...] = (),
    person: tuple[bytes, ...] = (),
    authority: tuple[bytes, ...] = (),
    apart: bool = False,
) -> Policy:
    return Policy(
        body=SignerRules(anchors=frozenset(map(pin, body))),
        person=SignerRules(anchors=frozenset(map(pin, person))),
        authority_anchors=frozenset(map(pin, authority)),
        roles_apart=apart,
    )


def narrowed(policy: Policy, trust: Trust = BOTH) -> Trust:
    return with_policy(trust, policy, path="p.toml")


def test_without_names_nothing_changes_but_the_policy() -> None:
    assert narrowed(Policy(version=77)) == replace(BOTH, policy=Policy(version=77))


def test_only_the_anchor_that_is_named_leads_to_a_pass() -> None:
    only = narrowed(naming(body=(A,)))
    for pki, expected in ((ONE, None), (TWO, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)):
        leaf = pki.leaf("seal").der
        assert judge_certificate(leaf, trust=BOTH, moment=MOMENT).indication is Indication.TOTAL_PASSED
        assert judge_certificate(leaf, trust=only, moment=MOMENT).sub_indication is expected


def test_each_role_is_narrowed_by_itself() -> None:
    trust = narrowed(naming(body=(A,), person=(B,), authority=(C,)))
    assert (trust.anchors, trust.people, trust.authorities) == ((A,), (B,), (C,))
    own = narrowed(naming(person=(C,)), replace(BOTH, people=(C,)))
    assert (own.anchors, own.people, own.authorities) == ((A, B), (C,), (B, C))


def test_what_bodies_do_not_use_they_do_not_lend_to_persons() -> None:
    trust = narrowed(naming(body=(A,)))
    assert trust.people == ()
    verdict = judge_certificate(TWO.leaf("seal").der, trust=trust, moment=MOMENT)
    assert verdict.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_an_anchor_that_is_named_for_persons_alone_is_good_for_no_body() -> None:
    trust = narrowed(naming(body=(A,), person=(B,)))
    verdict = judge_certificate(TWO.leaf("seal").der, trust=trust, moment=MOMENT)
    assert verdict.identity is not None
    assert verdict.identity.kind is SignerKind.PERSON


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        (naming(body=(C,)), "body.anchors"),
        (naming(person=(C,)), "person.anchors"),
        (naming(person=(A,), apart=True), "person.anchors"),
        (naming(authority=(A,)), "authority.anchors"),
    ],
    ids=["body", "person", "person apart", "authority"],
)
def test_no_anchor_left_is_an_error_and_no_other_steps_in(policy: Policy, key: str) -> None:
    with pytest.raises(SiteError) as caught:
        narrowed(policy)
    assert caught.value.code == "config.invalid"
    assert (caught.value.params["path"], str(caught.value.params["reason"])) == (f"p.toml: {key}", "no_anchor")


def test_one_that_is_named_and_not_trusted_is_told() -> None:
    trust = narrowed(naming(body=(A, C), authority=(B, A)))
    assert trust.anchors == (A,)
    assert list(missing_anchors(trust)) == [MissingAnchor("bodies", pin(C)), MissingAnchor("authorities", pin(A))]
    assert list(missing_anchors(BOTH)) == []


# --- as it is read ------------------------------------------------------------------------------------------------------


def written(folder: Path, *, body: str = "", rest: str = "") -> Path:
    """The shipped rules, with anchors."""
    path = folder / "policy.toml"
    path.write_text(SHIPPED.replace("[person]", f"{body}\n[person]", 1) + rest, "utf-8")
    return path


def test_the_keys_of_the_file(tmp_path: Path) -> None:
    text = written(tmp_path, body=f'anchors = ["{pin(A).upper()}"]', rest=f'\n[authority]\nanchors = ["{pin(B)}"]\n')
    policy = parse_policy(text.read_bytes(), name="p.toml")
    assert (policy.body.anchors, policy.person.anchors, policy.authority_anchors) == ({pin(A)}, set(), {pin(B)})


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (f'anchors = ["{"0" * 63}"]', "body.anchors.0"),
        ('anchors = ["' + "f0:" * 32 + '"]', "body.anchors.0"),
        (f'anchors = "{"0" * 64}"', "body.anchors"),
    ],
)
def test_what_is_no_digest_is_refused(body: str, where: str, tmp_path: Path) -> None:
    with pytest.raises(SiteError) as caught:
        parse_policy(written(tmp_path, body=body).read_bytes(), name="p.toml")
    assert f"at key={where}" in str(caught.value.params["reason"])


def folder_of(folder: Path) -> Path:
    (folder / "anchors").mkdir(parents=True)
    for name, pki in (("one", ONE), ("two", TWO)):
        write_chain(folder / "anchors" / f"{name}.pem", pki.root)
    return folder


def test_a_folder_is_narrowed_as_it_is_read(tmp_path: Path) -> None:
    sources = TrustSources(
        folder=folder_of(tmp_path / "trust"), demo=True, policy=written(tmp_path, body=f'anchors = ["{pin(B)}"]')
    )
    assert read_trust(sources, now=MOMENT).anchors == (B,)
    assert set(read_trust(replace(sources, policy=None), now=MOMENT).anchors) == {A, B}


def test_a_list_is_narrowed_as_it_is_read_and_one_without_the_anchor_comes_into_force(tmp_path: Path) -> None:
    """An anchor that has to go at once goes, though a policy still names it beside another."""
    trust = folder_of(tmp_path / "trust")
    policy = written(tmp_path, body=f'anchors = ["{pin(A)}", "{pin(B)}"]')
    (tmp_path / "empty").mkdir()

    def believed(name: str) -> Trust:
        made = make_list(tmp_path / name, trust, now=MOMENT)
        source = ListSource(file=made.file, keys=made.keys, needed=2)
        sources = TrustSources(folder=tmp_path / "empty", demo=True, policy=policy, list=source)
        return read_trust(sources, now=MOMENT + dt.timedelta(hours=1))

    assert set(believed("first").anchors) == {A, B}
    (trust / "anchors" / "two.pem").unlink()
    after = believed("second")
    assert (after.anchors, list(missing_anchors(after))) == ((A,), [MissingAnchor("bodies", pin(B))])
