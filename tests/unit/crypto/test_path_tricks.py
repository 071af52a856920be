"""Tricks with certificate paths, after the groups of NIST's PKITS, with certificates of our own (RFC 5280 section 6.1).

Each is a path that a careless validator takes, beside the honest one that differs in nothing else.
"""

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from gateway.core.validation import Indication
from gateway.crypto import Trust
from tests.kit.pki import MOMENT, der, ec_key
from tests.unit.crypto.test_paths import DAY, Issued, _usage, authority, issue, judged, leaf, name, root, trusting

PASSED = Indication.TOTAL_PASSED
ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
POLICY, OTHER = x509.ObjectIdentifier("2.16.704.1.1"), x509.ObjectIdentifier("2.16.704.1.2")
Path = tuple[Issued, Trust]


def below(*authorities: Issued, **how: object) -> Path:
    return leaf(authorities[-1], **how), trusting(*authorities)  # type: ignore[arg-type]


def built(subject: str, by: Issued, *, basic: x509.BasicConstraints | None, usage: tuple[str, ...] | None) -> Issued:
    """An authority with just these of the two extensions that make it one."""
    key = ec_key(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(MOMENT - 300 * DAY)
        .not_valid_after(MOMENT + 300 * DAY)
    )
    if basic is not None:
        builder = builder.add_extension(basic, critical=True)
    if usage is not None:
        builder = builder.add_extension(_usage(*usage), critical=True)
    return Issued(builder.sign(by.key, SHA256()), key)


# --- signatures and names -----------------------------------------------------------------------------------------------


def signature_changed() -> Path:
    """The right names and key identifiers; one bit of the authority's signature is another."""
    sub = authority()
    good = leaf(sub)
    changed = good.der[:-1] + bytes([good.der[-1] ^ 1])
    return Issued(x509.load_der_x509_certificate(changed), good.key), trusting(sub)


def of_another_name() -> Path:
    """The right key; the certificate names an issuer that nobody certified."""
    sub = authority()
    return leaf(Issued(authority("Nobody", key=sub.key).certificate, sub.key)), trusting(sub)


def in_a_circle() -> Path:
    """Two authorities that certified each other, and no anchor above them."""
    first_key, second_key = ec_key("First of two"), ec_key("Second of two")
    first = issue(
        name("First of two"), first_key, Issued(authority("Second of two", key=second_key).certificate, second_key)
    )
    second = issue(name("Second of two"), second_key, first)
    return leaf(second), trusting(first, second)


# --- what makes an authority --------------------------------------------------------------------------------------------

CA = x509.BasicConstraints(ca=True, path_length=None)
NO_CA = x509.BasicConstraints(ca=False, path_length=None)
SIGNS = ("key_cert_sign", "crl_sign")


def made(basic: x509.BasicConstraints | None, usage: tuple[str, ...] | None) -> Callable[[], Path]:
    return lambda: below(built("Built CA", root(), basic=basic, usage=usage))


# --- length ---------------------------------------------------------------------------------------------------------------


def longer_below() -> Path:
    """An authority that may have none below it gives the next one leave to have many."""
    first = authority("First", length=0)
    return below(first, authority("Second", first, length=5))


def length_at_the_top() -> Path:
    first = authority("First", length=1)
    second = authority("Second", first)
    return below(first, second, authority("Third", second))


# --- names ----------------------------------------------------------------------------------------------------------------


def country(code: str) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, code)]))


def limited(
    permitted: list[x509.GeneralName] | None, excluded: list[x509.GeneralName] | None
) -> tuple[tuple[x509.NameConstraints, bool], ...]:
    return ((x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=excluded), True),)


def excluded() -> Path:
    return below(authority("Not VN", extensions=limited(None, [country("VN")])))


def mail(address: str) -> tuple[x509.SubjectAlternativeName, bool]:
    return x509.SubjectAlternativeName([x509.RFC822Name(address)]), False


def widened_below() -> Path:
    """The upper authority is limited to one domain; the lower one says that it may do more."""
    office, elsewhere = x509.RFC822Name("office.test"), x509.RFC822Name("elsewhere.test")
    upper = authority("Only one domain", extensions=limited([office], None))
    lower = authority("Two domains", upper, extensions=limited([office, elsewhere], None))
    return leaf(lower, mail("a@elsewhere.test")), trusting(upper, lower)


def other_mail() -> Path:
    sub = authority("Only one domain", extensions=limited([x509.RFC822Name("office.test")], None))
    return leaf(sub, mail("a@elsewhere.test")), trusting(sub)


# --- policies -------------------------------------------------------------------------------------------------------------


def policies(*identifiers: x509.ObjectIdentifier) -> tuple[x509.CertificatePolicies, bool]:
    return x509.CertificatePolicies([x509.PolicyInformation(one, None) for one in identifiers]), False


EXPLICIT = (x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None), True)


def any_policy_forbidden() -> Path:
    """Asked for explicitly, and "any" does not count: the leaf has nothing else to show."""
    sub = authority("No any", extensions=(policies(POLICY), EXPLICIT, (x509.InhibitAnyPolicy(0), True)))
    return leaf(sub, policies(ANY_POLICY)), trusting(sub)


def policy_of_nobody() -> Path:
    sub = authority("Strict", extensions=(policies(POLICY), EXPLICIT))
    return leaf(sub, policies(OTHER)), trusting(sub)


# --- all ------------------------------------------------------------------------------------------------------------------

NO_WAY, NOT_CA, LENGTH = "Unable to build a validation path", "is not a CA", "exceeds the maximum path length"
NAMES, POLICIES = "not all names of the end-entity certificate are in", "no valid set of policies"
TRICKS: dict[str, tuple[Callable[[], Path], str]] = {
    "signature changed": (signature_changed, "signature"),
    "of another name": (of_another_name, NO_WAY),
    "in a circle": (in_a_circle, NO_WAY),
    "no basic constraints": (made(None, SIGNS), NOT_CA),
    "an authority that says it is none": (made(NO_CA, SIGNS), NOT_CA),
    "neither": (made(None, None), NOT_CA),
    "a key that may not certify": (made(CA, ("crl_sign", "digital_signature")), "is not allowed to sign certificates"),
    "longer below": (longer_below, LENGTH),
    "length at the top": (length_at_the_top, LENGTH),
    "excluded": (excluded, "are excluded"),
    "other mail": (other_mail, NAMES),
    "widened below": (widened_below, NAMES),
    "any policy forbidden": (any_policy_forbidden, POLICIES),
    "policy of nobody": (policy_of_nobody, POLICIES),
}
"""What is tried, and the words of the reason: each is refused for what it is."""


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_never_passes(trick: str) -> None:
    path, words = TRICKS[trick]
    verdict = judged(*path())
    assert verdict.indication in {Indication.INDETERMINATE, Indication.TOTAL_FAILED}
    assert words in verdict.reason


def same_but_honest() -> dict[str, Path]:
    first = authority("First", length=1)
    upper = authority("Only VN, twice", extensions=limited([country("VN")], [country("XX")]))
    one_domain = authority("Only one domain", extensions=limited([x509.RFC822Name("office.test")], None))
    strict = authority("No any", extensions=(policies(POLICY), EXPLICIT, (x509.InhibitAnyPolicy(0), True)))
    return {
        "built": made(CA, SIGNS)(),
        "one below": below(first, authority("Second", first)),
        "narrowed": below(upper, authority("VN too", upper, extensions=limited([country("VN")], None))),
        "its mail": (leaf(one_domain, mail("a@office.test")), trusting(one_domain)),
        "its policy": (leaf(strict, policies(POLICY)), trusting(strict)),
    }


def test_what_is_honest_passes() -> None:
    found = {title: judged(*path).indication for title, path in same_but_honest().items()}
    assert found == dict.fromkeys(found, PASSED)


def test_a_list_by_a_key_that_may_not_sign_lists_says_nothing() -> None:
    sub = built("No lists CA", root(), basic=CA, usage=("key_cert_sign",))
    who, trust = below(sub)
    assert judged(who, trust).indication is Indication.INDETERMINATE
    assert der(sub.certificate) in trust.intermediates
