"""No key signs before its own certificate was found good: here is said why not, and what its operator does about it.

pyHanko, like any signer, signs with a revoked, expired or weak certificate as gladly as with a good one (signing.md 0.7), and
every recipient would refuse what comes of it. The verdict is `judge_certificate`'s; this only puts it into words.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from cryptography import x509

from gateway.core.errors import SiteError
from gateway.core.reasons import Reason, because
from gateway.core.validation import Indication
from gateway.core.validation import SubIndication as Sub
from gateway.crypto.edge import attempt
from gateway.crypto.paths.certificates import CertificateVerdict
from gateway.crypto.paths.subject import is_demo

_Told = tuple[Reason, Reason]
"""What is wrong, and what to do about it."""

_REVOKED: Final[_Told] = because("own_revoked"), because("replace_revoked")
_EXPIRED: Final[_Told] = because("own_expired"), because("renew")
_EARLY: Final[_Told] = because("own_early"), because("wait_or_clock")
_WEAK: Final[_Told] = because("own_weak"), because("new_key")
_USAGE: Final[_Told] = because("own_usage"), because("right_usage")
_AUTHORITY: Final[_Told] = because("own_authority"), because("right_certificate")
_DEMO: Final[_Told] = because("own_demo"), because("right_certificate")
_UNKNOWN: Final[_Told] = because("own_unknown"), because("bring_evidence")
_OTHER: Final[_Told] = because("own_other"), because("look_closer")
_TOLD: Final[Mapping[Sub, _Told]] = MappingProxyType(
    {
        Sub.REVOKED: _REVOKED,
        Sub.REVOKED_NO_POE: _REVOKED,
        Sub.REVOKED_CA_NO_POE: (because("own_authority_revoked"), because("other_authority")),
        Sub.EXPIRED: _EXPIRED,
        Sub.NOT_YET_VALID: _EARLY,
        Sub.OUT_OF_BOUNDS_NO_POE: _EXPIRED,
        Sub.OUT_OF_BOUNDS_NOT_REVOKED: _EXPIRED,
        Sub.CRYPTO_CONSTRAINTS_FAILURE: _WEAK,
        Sub.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: _WEAK,
        Sub.CHAIN_CONSTRAINTS_FAILURE: _USAGE,
        Sub.NO_CERTIFICATE_CHAIN_FOUND: (because("own_stranger"), because("bring_authority")),
        Sub.TRY_LATER: _UNKNOWN,
        Sub.REVOCATION_OUT_OF_BOUNDS_NO_POE: _UNKNOWN,
    }
)


def insist_on_own(verdict: CertificateVerdict, der: bytes, *, key_id: str, moment: datetime) -> None:
    """Let a key sign only if its certificate is good.

    Raises:
        SiteError: `key.certificate`, with what is wrong, what to do, and (in the log) what the judge said.
    """
    if verdict.indication is not Indication.TOTAL_PASSED:
        raise _refused(verdict, der, key_id, moment)


def insist_alone(verdict: CertificateVerdict, der: bytes, *, key_id: str, moment: datetime) -> None:
    """The same where nobody said whom to believe: only of what the certificate says against itself (`judge_alone`).

    Raises:
        SiteError: `key.certificate`.
    """
    if verdict.sub_indication is not Sub.NO_CERTIFICATE_CHAIN_FOUND:
        raise _refused(verdict, der, key_id, moment)


def _refused(verdict: CertificateVerdict, der: bytes, key_id: str, moment: datetime) -> SiteError:
    reason, remedy = _words(verdict.sub_indication, der, moment)
    found = f"{verdict.sub_indication}: {verdict.reason}"
    return SiteError("key.certificate", key=key_id, reason=reason, remedy=remedy, found=found)


def _words(sub: Sub | None, der: bytes, moment: datetime) -> _Told:
    told = _TOLD.get(sub, _OTHER) if sub is not None else _OTHER
    if told is _EXPIRED and moment < x509.load_der_x509_certificate(der).not_valid_before_utc:
        return _EARLY
    return (_of_another_sort(der) or told) if told is _USAGE else told


def _of_another_sort(der: bytes) -> _Told | None:
    """An authority's own certificate, or one marked DEMO, is not mended by another key usage."""
    certificate = x509.load_der_x509_certificate(der)
    if attempt(lambda: certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca) is True:
        return _AUTHORITY
    return _DEMO if attempt(is_demo, der) is True else None
