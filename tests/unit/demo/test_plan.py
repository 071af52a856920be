"""The plan of the development PKI is read strictly: what is wrong is named, nothing is guessed."""

from pathlib import Path

import pytest

from gateway.core.errors import SiteError
from gateway.demo.plan import read_plan
from gateway.demo.resources import PKI_PLAN, demo_resource

TEXT = demo_resource(PKI_PLAN).read_text(encoding="utf-8")


def test_the_shipped_plan_marks_everything() -> None:
    plan = read_plan()
    assert plan.policy_oid.startswith("2.25.")
    for profile in (plan.root, plan.issuing, plan.tls, plan.transport, plan.seal, plan.client):
        assert "DEMO" in profile.subject.common_name
        assert profile.rsa_bits >= 2048
    assert plan.seal.subject.organization_identifier == "{organ_id}"
    assert min(plan.root.crl_days, plan.issuing.crl_days) >= 30


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("backdate_minutes", "backdated_minutes", "backdated_minutes"),
        ("rsa_bits = 2048", "rsa_bits = 1024", "root.rsa_bits"),
        ("rsa_bits = 2048", 'rsa_bits = "2048"', "root.rsa_bits"),
        ("crl_days = 60", "crl_days = 7", "root.crl_days"),
        ("[seal.subject]", "[seal.subjects]", "seal.subject"),
        ('"nonRepudiation"', '"nonrepudiation"', "transport.key_usage"),
        ('common_name = "DEMO Root CA"', 'common_name = "Root CA"', "root.subject"),
        ("DEMO {gateway}", "DEMO {host}", "unknown placeholder host"),
        ("DEMO {gateway}", "DEMO {gateway", "tls.subject"),
        ("days = 1825", "days = 36", "must not outlive"),
        ("2.25.", "1.3.", "policy_oid"),
        ("[root]", "[root", "line"),
    ],
)
def test_a_wrong_plan_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in TEXT
    path = tmp_path / "pki.toml"
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(SiteError) as refused:
        read_plan(path)
    assert refused.value.code == "config.invalid"
    assert refused.value.params["path"] == str(path)
    assert named in str(refused.value.params["reason"])


def test_an_absent_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"config\.invalid"):
        read_plan(tmp_path / "pki.toml")
