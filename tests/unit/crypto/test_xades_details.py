"""What a verdict tells beside itself: every duty and how it ended, algorithms, level; and what is kept changes no verdict."""

import copy
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from lxml import etree

import gateway.observe
from gateway.core.validation import Indication, Level, Outcome, SubIndication
from gateway.core.verdict import SignatureVerdict
from gateway.crypto import Trust, prepare_envelope, verify_envelope
from gateway.crypto.paths.algorithms import SPOKEN
from gateway.crypto.paths.policy import AlgorithmRules
from gateway.crypto.processes.answers import read_answer, write_answer
from gateway.crypto.xades import signing_key as keys
from gateway.crypto.xades import verify as xades
from gateway.crypto.xades.algorithms import DIGESTS, METHODS
from gateway.safe_xml import read_skeleton
from tests.kit.pki import DAY, MOMENT, Leaf, Pki
from tests.unit.crypto.envelopes import DS, document, signed
from tests.unit.crypto.second_opinions import XADES, signxml_accepts, xmlsec_accepts

PKI = Pki()
STRANGER = Pki(name="Stranger")
LEAF = PKI.leaf("transport")
SIGNED = signed(document(), LEAF)
Element = etree._Element


def judged(data: bytes, **rest: object) -> SignatureVerdict:
    root = read_skeleton([data]).root
    verdict = verify_envelope(root, **{"trust": PKI.trust, "moment": MOMENT, **rest}).signature  # type: ignore[arg-type]
    assert verdict is not None
    return verdict


# --- the duties --------------------------------------------------------------------------------------------------------


def test_each_duty_is_told_by_number_name_and_clause() -> None:
    checks = judged(SIGNED).details.checks
    assert [(check.duty, check.name, check.clause) for check in checks] == [
        (duty.number, duty.name, duty.clause) for duty in xades.DUTIES
    ]
    assert all(check.clause for check in checks)
    assert {check.outcome for check in checks if check.duty != 10} == {Outcome.MET}


def test_the_list_at_the_top_of_the_file_numbers_the_same_duties() -> None:
    assert xades.__doc__ is not None
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", xades.__doc__, re.MULTILINE)]
    assert numbers == [duty.number for duty in xades.DUTIES] == list(range(1, len(xades.DUTIES) + 1))


def test_each_duty_has_its_text_in_both_languages() -> None:
    folder = Path(gateway.observe.__file__).parent / "locale"
    for language in ("vi", "en"):
        catalogue = (folder / language / "LC_MESSAGES" / "gateway.po").read_text(encoding="utf-8")
        for duty in xades.DUTIES:
            assert re.search(rf'msgid "check\.{re.escape(duty.name)}"\nmsgstr "[^"]', catalogue), (language, duty.name)


def change(name: str, namespace: str, **attributes: str) -> Callable[[Element], object]:
    return lambda root: next(root.iter(f"{{{namespace}}}{name}")).attrib.update(attributes)


def text(name: str, namespace: str, value: str) -> Callable[[Element], object]:
    return lambda root: setattr(next(root.iter(f"{{{namespace}}}{name}")), "text", value)


def doubled(root: Element) -> None:
    signature = next(root.iter(f"{{{DS}}}Signature"))
    signature.addnext(copy.deepcopy(signature))


def other_certificate(root: Element) -> None:
    data = next(root.iter(f"{{{DS}}}X509Data"))
    data.remove(data[0])


NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
BROKEN: dict[int, Callable[[Element], object]] = {
    1: doubled,
    2: change("MessageHeader", NS, Id="other"),
    3: change("QualifyingProperties", XADES, Target="#other"),
    4: change("SignatureMethod", DS, Algorithm=f"{DS}rsa-sha1"),
    5: change("Reference", DS, URI="#other"),
    6: other_certificate,
    7: text("SignatureValue", DS, "AAAA"),
    8: text("Subject", NS, "x"),
    9: change("edXMLEnvelope", NS, note="x"),
}


@pytest.mark.parametrize("duty", BROKEN)
def test_the_duty_that_is_not_met_is_the_one_that_is_named(duty: int) -> None:
    root = etree.fromstring(SIGNED)
    BROKEN[duty](root)
    verdict = judged(etree.tostring(root))
    outcomes = [check.outcome for check in verdict.details.checks]
    ended = Outcome.UNDECIDED if duty == 9 else Outcome.FAILED
    assert outcomes[:duty] == [*[Outcome.MET] * (duty - 1), ended]
    assert set(outcomes[duty:]) == {Outcome.NOT_MADE}
    assert verdict.details.checks[duty - 1].detail == verdict.reason
    assert verdict.details.level is (Level.B_B if duty == 9 else None)


def test_a_certificate_that_is_not_good_is_the_last_duty() -> None:
    checks = judged(signed(document(), PKI.leaf("revoked"))).details.checks
    assert (checks[-1].outcome, checks[-1].detail != "") == (Outcome.UNDECIDED, True)


def test_a_judge_can_answer_with_all_of_it() -> None:
    verdict = judged(SIGNED)
    assert read_answer(write_answer("ok", verdict)) == ("ok", verdict)


def test_it_tells_who_by_which_path_and_by_which_policy() -> None:
    details = judged(SIGNED).details
    assert details.identity is not None
    assert details.identity.name == "Test transport"
    assert details.chain[0].digest == judged(SIGNED).certificate
    assert details.chain[-1].anchor
    assert details.policy == PKI.trust.policy.used


# --- algorithms --------------------------------------------------------------------------------------------------------


def resigned(method: str, sign: Callable[[rsa.RSAPrivateKey, bytes], bytes]) -> bytes:
    """The envelope signed by another method: SignedInfo says so, and the value follows from it."""
    prepared = prepare_envelope(document(), chain=LEAF.chain, moment=MOMENT)
    name = b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    before, to_sign = (part.replace(name, method.encode()) for part in (prepared.before, prepared.to_sign))
    assert isinstance(LEAF.key, rsa.RSAPrivateKey)
    value = sign(LEAF.key, to_sign)
    return type(prepared)(before=before, after=prepared.after, to_sign=to_sign, coordinate_bytes=0).filled(value)


def pkcs1(algorithm: HashAlgorithm) -> Callable[[rsa.RSAPrivateKey, bytes], bytes]:
    return lambda key, data: key.sign(data, padding.PKCS1v15(), algorithm)


def pss(algorithm: HashAlgorithm, salt: int) -> Callable[[rsa.RSAPrivateKey, bytes], bytes]:
    return lambda key, data: key.sign(data, padding.PSS(padding.MGF1(algorithm), salt), algorithm)


MORE = "http://www.w3.org/2001/04/xmldsig-more#"
PSS = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
TAKEN = {
    f"{MORE}rsa-sha256": (pkcs1(SHA256()), ("RSASSA-PKCS1-v1_5", "SHA-256")),
    f"{MORE}rsa-sha384": (pkcs1(SHA384()), ("RSASSA-PKCS1-v1_5", "SHA-384", "SHA-256")),
    f"{MORE}rsa-sha512": (pkcs1(SHA512()), ("RSASSA-PKCS1-v1_5", "SHA-512", "SHA-256")),
    PSS: (pss(SHA256(), 32), ("RSASSA-PSS", "SHA-256")),
}


@pytest.mark.parametrize("method", TAKEN)
def test_what_is_on_the_short_list_is_taken_and_named(method: str) -> None:
    sign, names = TAKEN[method]
    data = resigned(method, sign)
    verdict = judged(data)
    assert (verdict.indication, verdict.details.algorithms) == (Indication.TOTAL_PASSED, names)
    assert signxml_accepts(data, LEAF.certificate)
    assert xmlsec_accepts(data, LEAF.certificate)


def test_an_elliptic_signature_is_named() -> None:
    names = judged(signed(document(), PKI.leaf("elliptic"))).details.algorithms
    assert names == ("ECDSA", "SHA-256")


NOT_TAKEN = {
    "PSS with another salt": (PSS, pss(SHA256(), 20)),
    "PSS said, PKCS #1 done": (PSS, pkcs1(SHA256())),
    "PKCS #1 said, PSS done": (f"{MORE}rsa-sha256", pss(SHA256(), 32)),
    "another hash than is said": (f"{MORE}rsa-sha512", pkcs1(SHA256())),
    "ECDSA said, RSA done": (f"{MORE}ecdsa-sha256", pkcs1(SHA256())),
}


@pytest.mark.parametrize("case", NOT_TAKEN)
def test_what_is_said_and_what_is_done_are_the_same(case: str) -> None:
    verdict = judged(resigned(*NOT_TAKEN[case]))
    assert (verdict.indication, verdict.sub_indication) == (
        Indication.TOTAL_FAILED,
        SubIndication.SIG_CRYPTO_FAILURE,
    )


OFF_THE_LIST = (
    *(f"{DS}rsa-sha1", f"{DS}hmac-sha1", f"{MORE}hmac-sha256", f"{DS}dsa-sha1", f"{MORE}rsa-md5", f"{MORE}rsa-sha224"),
    *("http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1", "http://www.w3.org/2007/05/xmldsig-more#rsa-pss", ""),
)


@pytest.mark.parametrize("method", OFF_THE_LIST)
def test_what_is_not_on_the_short_list_is_refused_even_well_signed(method: str) -> None:
    verdict = judged(resigned(method, pkcs1(SHA256())))
    assert (verdict.indication, verdict.reason) == (Indication.TOTAL_FAILED, "signature algorithm")


ELLIPTIC = signed(document(), PKI.leaf("elliptic"))


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value[:-1],
        lambda value: value[:32] + bytes(1) + value[32:],
        lambda value: bytes(1) + value[:32] + bytes(1) + value[32:],
        lambda value: value + bytes(1),
    ],
)
def test_r_and_s_are_as_long_as_the_curve_says(change: Callable[[bytes], bytes]) -> None:
    """A zero in front of s changes no number: one signature would have many values."""
    root = etree.fromstring(ELLIPTIC)
    value = next(root.iter(f"{{{DS}}}SignatureValue"))
    value.text = b64encode(change(b64decode(value.text or ""))).decode()
    verdict = judged(etree.tostring(root))
    assert (verdict.indication, verdict.sub_indication) == (
        Indication.TOTAL_FAILED,
        SubIndication.SIG_CRYPTO_FAILURE,
    )


@pytest.mark.parametrize("method", [*TAKEN, f"{MORE}ecdsa-sha384", f"{MORE}ecdsa-sha512"])
def test_a_key_of_another_kind_or_with_another_hash_verifies_nothing(method: str) -> None:
    root = etree.fromstring(ELLIPTIC)
    next(root.iter(f"{{{DS}}}SignatureMethod")).set("Algorithm", method)
    verdict = judged(etree.tostring(root))
    assert (verdict.indication, verdict.sub_indication) == (
        Indication.TOTAL_FAILED,
        SubIndication.SIG_CRYPTO_FAILURE,
    )


def ruled(**rules: object) -> Trust:
    """Trust with a policy whose algorithms are those, and the others of the house."""
    algorithms = replace(AlgorithmRules(), **rules)  # type: ignore[arg-type]
    return replace(PKI.trust, policy=replace(PKI.trust.policy, algorithms=algorithms))


YESTERDAY = (MOMENT - DAY).date()
FORBIDDEN = {
    "a digest": (ruled(digests=(("sha512", None),)), SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    "a mechanism": (ruled(mechanisms=(("ecdsa", None),)), SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    "a digest that ended": (ruled(digests=(("sha256", YESTERDAY),)), SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    "a mechanism that ended": (
        ruled(mechanisms=(("rsassa_pkcs1v15", YESTERDAY),)),
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    ),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_the_policy_does_not_allow_does_not_pass(case: str) -> None:
    trust, sub_indication = FORBIDDEN[case]
    verdict = judged(SIGNED, trust=trust)
    assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, sub_indication)
    assert {check.duty: check.outcome for check in verdict.details.checks}[11] is Outcome.UNDECIDED


def test_what_ends_today_counts_today() -> None:
    trust = ruled(mechanisms=(("rsassa_pkcs1v15", MOMENT.date()),), digests=(("sha256", MOMENT.date()),))
    assert judged(SIGNED, trust=trust).indication is Indication.TOTAL_PASSED


def test_every_algorithm_of_ours_has_a_name_in_policies() -> None:
    rules = AlgorithmRules()
    known = dict(rules.digests).keys() | dict(rules.mechanisms).keys()
    names = {name for method in METHODS.values() for name in (method.name, method.hash_name)}
    assert names | {digest.name for digest in DIGESTS.values()} == {SPOKEN[name] for name in known}


# --- what is kept --------------------------------------------------------------------------------------------------------


def scenes() -> list[tuple[Leaf, dict[str, object]]]:
    """Leaves good and bad, times before, in and after, trust and none: nothing of one may show in the next."""
    leaves = [PKI.leaf(kind) for kind in ("transport", "expired", "revoked", "usage", "weak")]
    moments = [MOMENT, MOMENT + 20 * DAY]
    return [
        (leaf, {"trust": trust, "moment": moment})
        for leaf in (*leaves, STRANGER.leaf("transport"))
        for moment in moments
        for trust in (PKI.trust, STRANGER.trust)
    ]


def test_parsed_certificates_that_are_kept_change_no_verdict() -> None:
    files = {leaf.der: signed(document(), leaf) for leaf, _ in scenes()}
    alone = []
    for leaf, rest in scenes():
        keys._kept.cache_clear()
        alone.append(judged(files[leaf.der], **rest))
    keys._kept.cache_clear()
    assert [judged(files[leaf.der], **rest) for leaf, rest in scenes()] == alone
    assert keys._kept.cache_info().hits > 0
    assert {verdict.indication for verdict in alone} == {Indication.TOTAL_PASSED, Indication.INDETERMINATE}


def test_what_is_kept_is_bounded() -> None:
    assert keys._kept.cache_info().maxsize == keys.KEPT_MAX
    keys._kept.cache_clear()
    with pytest.raises(ValueError):
        keys.signing_key(bytes(keys.CERTIFICATE_BYTES_MAX + 1))
    with pytest.raises(ValueError):
        keys.signing_key(b"not a certificate")
    assert keys._kept.cache_info().currsize == 0, "what is no certificate is not kept"


def test_a_large_certificate_is_read_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keys._kept.cache_clear()
    monkeypatch.setattr(keys, "CERTIFICATE_BYTES_MAX", len(LEAF.der) - 1)
    assert keys.signing_key(LEAF.der).name == "Test transport"
    assert keys._kept.cache_info().currsize == 0
