"""Policies as files: strict, bounded, and what is shipped is what is in force without one."""

import hashlib
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.core.errors import SiteError
from gateway.crypto import Policy, load_policy, parse_policy
from gateway.crypto.paths.policy_file import POLICY_BYTES_MAX

FOLDER = Path(__file__).parents[3] / "config" / "policy"
SHIPPED = FOLDER / "edoc-gateway-2.toml"
FIRST = FOLDER / "edoc-gateway-1.toml"
TEXT = SHIPPED.read_text(encoding="utf-8")


def refused(text: str | bytes) -> str:
    with pytest.raises(SiteError) as caught:
        parse_policy(text if isinstance(text, bytes) else text.encode(), name="p.toml")
    assert caught.value.code == "config.invalid"
    assert caught.value.params["path"] == "p.toml"
    return str(caught.value.params["reason"])


def test_the_shipped_policy_is_what_is_in_force_without_one() -> None:
    assert load_policy(SHIPPED) == Policy()
    assert load_policy(SHIPPED).digest == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()


def test_the_first_version_stays_as_it_was_and_refuses_no_purpose() -> None:
    """Its digest stands in verdicts that were made by it, and installations name the file."""
    first = load_policy(FIRST)
    assert first.digest == "0fa611d1c42f78889498e29af81ae047cd3dbe55dfe08e142fcc220a89f87fda"
    assert (first.version, first.body.refused_purposes, first.person.refused_purposes) == (1, set(), set())
    refusing = frozenset({"server_auth"})
    body, person = replace(first.body, refused_purposes=refusing), replace(first.person, refused_purposes=refusing)
    assert replace(first, version=2, digest=Policy().digest, body=body, person=person) == Policy(), (
        "nothing else changed"
    )


def test_a_refused_purpose_means_the_same_by_name_and_by_number() -> None:
    """A certificate's purposes are compared by name where they have one; the number must not forbid nothing."""
    named = 'refused_purposes = ["server_auth"]'
    for word in ("server_auth", "1.3.6.1.5.5.7.3.1"):
        text = TEXT.replace(named, f'refused_purposes = ["{word}"]')
        assert parse_policy(text.encode(), name="p.toml").body.refused_purposes == {"server_auth"}
    text = TEXT.replace(named, 'refused_purposes = ["1.2.3.4"]')
    assert parse_policy(text.encode(), name="p.toml").body.refused_purposes == {"1.2.3.4"}


def test_every_shipped_policy_can_be_read_and_no_two_share_name_and_version() -> None:
    policies = [load_policy(path) for path in sorted(FOLDER.glob("*.toml"))]
    assert len({(policy.name, policy.version) for policy in policies}) == len(policies) >= 2
    for path, policy in zip(sorted(FOLDER.glob("*.toml")), policies, strict=True):
        assert path.stem == f"{policy.name}-{policy.version}"


def test_the_stricter_one_is_stricter() -> None:
    strict = load_policy(FOLDER / "strict-example-3.toml")
    assert strict.roles_apart
    assert strict.freshness.crl_seconds_max == 86_400
    assert (2048, date(2028, 12, 31)) in strict.algorithms.rsa_bits
    assert strict.body.usages == {"non_repudiation"}
    assert strict.body.refused_purposes >= Policy().body.refused_purposes


def test_a_comment_makes_another_digest_and_the_same_rules() -> None:
    other = parse_policy(f"{TEXT}# another\n".encode(), name="p.toml")
    assert other.digest != Policy().digest
    assert other.freshness == Policy().freshness


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("version = 2", "version = 2\nsurprise = 1", "at key=surprise"),
        ("grace_seconds = 0", "grace_seconds = 0\nmercy = 1", "at key=freshness.mercy"),
        ("grace_seconds = 0", "", "at key=freshness.grace_seconds reason=missing"),
        ("grace_seconds = 0", 'grace_seconds = "0"', "at key=freshness.grace_seconds"),
        ("grace_seconds = 0", "grace_seconds = -1", "at key=freshness.grace_seconds"),
        ("bits = 2048", "bits = 1024", "at key=algorithms.rsa.0.bits"),
        ('{ name = "sha512" }', '{ name = "sha1" }', "at key=algorithms.digests.2.name"),
        ('{ name = "sha512" }', '{ name = "sha256" }', "algorithms.digests"),
        ('{ name = "sha512" }', '{ name = "sha512", until = "2030-01-01" }', "at key=algorithms.digests.2.until"),
        ('{ name = "sha512" }', '{ name = "sha512", until = 9999-12-31 }', "at key=algorithms.digests.2.until"),
        ('{ name = "sha512" }', '{ name = "sha512", until = 2030-01-01T10:00:00Z }', "algorithms.digests.2.until"),
        ('["non_repudiation", "digital_signature"]', '["non_repudation"]', "at key=body.key_usages.0"),
        ('["non_repudiation", "digital_signature"]', "[]", "at key=body.key_usages"),
        ("certificate_policies = []", 'certificate_policies = ["rm -rf"]', "at key=body.certificate_policies.0"),
        ('refused_purposes = ["server_auth"]', 'refused_purposes = ["serverAuth"]', "at key=body.refused_purposes.0"),
        ('refused_purposes = ["server_auth"]', 'refused_purposes = ["server_auht"]', "at key=body.refused_purposes.0"),
        ("roles_apart = false", "roles_apart = 0", "at key=roles_apart"),
        ("version = 2", "version = true", "at key=version"),
        ('name = "edoc-gateway"', "name = 'a b'", "at key=name"),
    ],
)
def test_what_is_wrong_is_told_by_its_key(old: str, new: str, where: str) -> None:
    assert old in TEXT
    assert where in refused(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("key", re.findall(r"^(?!refused_)([a-z_]+) = ", TEXT, re.MULTILINE))
def test_no_key_but_those_that_came_later_may_be_left_out(key: str) -> None:
    broken = re.sub(rf"^{key} = .*?(?=^[a-z\[#]|\Z)", "", TEXT, count=1, flags=re.MULTILINE | re.DOTALL)
    assert "missing" in refused(broken)


def test_what_is_no_policy_at_all_is_refused(tmp_path: Path) -> None:
    assert "large" in refused(b"#" * (POLICY_BYTES_MAX + 1))
    assert "not_text" in refused(b"\xff\xfe")
    assert "not_toml" in refused("name = ")
    assert "not_toml" in refused("a=" + "[" * 5000)
    with pytest.raises(SiteError) as caught:
        load_policy(tmp_path / "absent.toml")
    assert str(caught.value.params["reason"]) == "enoent"
    with pytest.raises(SiteError):
        load_policy(tmp_path)
