"""Files with known verdicts that are not of our profile: every attack is refused, and nothing foreign is ever passed."""

from pathlib import Path

import pytest
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import Trust, verify_envelope, verify_slip
from gateway.edxml import parse_slip
from gateway.safe_xml import parse_signed, read_skeleton
from tests.unit.crypto.test_own_pki import VECTOR_MOMENT

PARSER, PROFILE = "the parser", "the profile"
XSW = {
    "attrs-20000": PARSER,
    "billion-laughs": PARSER,
    "cert-swapped": PROFILE,
    "comment-in-text": PARSER,
    "deep-300": PARSER,
    "digestvalue-comment": PARSER,
    "doctype-entity": PARSER,
    "hmac-confusion": PROFILE,
    "keyinfo-extra": PROFILE,
    "pi-before-root": PARSER,
    "sha1-method": PROFILE,
    "signedproperties-ref-removed": PROFILE,
    "tamper-body": PROFILE,
    "tamper-signingtime": PROFILE,
    "two-signedinfo": PROFILE,
    "xpath-transform": PROFILE,
    "xsw1-original-in-Object": PROFILE,
    "xsw2-original-as-child": PROFILE,
    "xsw3-original-in-Extension": PROFILE,
    "xsw4-duplicate-Id": PROFILE,
    "xsw5-two-signatures": PROFILE,
    "xxe-file": PARSER,
}
"""Who refuses each. Attacks of the same names upon our own envelopes: tests/scenario/envelope_attacks.py."""
FOREIGN = (
    *("dsig-enveloped", "dsig-enveloped-ec", "dsig-enveloped-pss", "dsig-expired", "dsig-idref", "dsig-nonsig"),
    *("dsig-revoked", "dsig-weak1024", "hsm-ec", "hsm-pss", "hsm-rsa", "xades-a-c14n10", "xades-a-c14n11"),
    *("xades-a-exc", "xades-a-fixed", "xades-a-fixed-t", "xades-b", "xades-b-c14n10", "xades-b-c14n11"),
    *("xades-b-exc", "xades-b-fixed", "xades-b-fixed-t", "xades-t"),
)
"""Good ones, broken ones, and good ones by certificates that are not: another root, another profile, so nobody here can say."""


def test_the_table_is_the_whole_set(own_pki: Path) -> None:
    assert {path.stem for path in (own_pki.parent / "own-xsw").glob("*.xml")} == XSW.keys()
    assert {path.stem for path in (own_pki / "xml").glob("*.xml")} == set(FOREIGN)


@pytest.mark.parametrize("name", XSW)
def test_every_attack_is_refused_by_every_entry(name: str, own_pki: Path, own_trust: Trust) -> None:
    data = (own_pki.parent / "own-xsw" / f"{name}.xml").read_bytes()
    for parse in (lambda: read_skeleton([data]).root, lambda: parse_signed(data), lambda: parse_slip(data)):
        if XSW[name] is PARSER:
            with pytest.raises(SenderError):
                parse()
            continue
        for verify in (verify_envelope, verify_slip):
            check_foreign(parse(), verify, own_trust)


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_of_the_profile_is_undecided(name: str, own_pki: Path, own_trust: Trust) -> None:
    data = (own_pki / "xml" / f"{name}.xml").read_bytes()
    for verify in (verify_envelope, verify_slip):
        check_foreign(read_skeleton([data]).root, verify, own_trust)


def check_foreign(root: etree._Element, verify: object, trust: Trust) -> None:
    assert verify in (verify_envelope, verify_slip)
    verdict = (verify_envelope if verify is verify_envelope else verify_slip)(root, trust=trust, moment=VECTOR_MOMENT)
    assert verdict.signature is not None
    assert (verdict.signature.indication, verdict.signature.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    assert (verdict.certificate, verdict.signed, verdict.signature.covers) == (None, frozenset(), "")
