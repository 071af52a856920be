"""What the best signature time says against a signer's certificate that is otherwise good: once for PDF, XML and detached CMS.

EN 319 102-1 clause 5.5.4 compares the two; the same words stand here for every kind of signature, because a signature that
is called forged as a PDF and "not enough evidence" as an envelope is a riddle to whoever holds both.

1. `begun` (step 4): whose signature is proven to have existed before his certificate began did not make it with that
   certificate: FAILED/NOT_YET_VALID. This is asked where the certificate is good today, or out of its bounds, or was revoked
   only after that time; other findings stand as they are, for without them there is nothing to compare. It is not
   TIMESTAMP_ORDER_FAILURE: that is said of timestamps that contradict each other (step 4 e).
2. `graced` (step 6 with clause 5.2.5): evidence is final when it was issued so long after that time that a revocation which was
   under way then would stand in it. Where the policy asks for that (`Freshness.grace_seconds`) it is asked of whatever proves
   the signer's certificate good, by evidence of today as of the past.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.core.validation import Indication, RevocationSeen, RevocationStatus, SubIndication
from gateway.crypto.paths.certificates import CertificateVerdict
from gateway.crypto.paths.policy import Freshness

_OUT_OF_BOUNDS: Final = frozenset({SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.OUT_OF_BOUNDS_NOT_REVOKED})
REVOKED: Final = frozenset({SubIndication.REVOKED_NO_POE, SubIndication.REVOKED_CA_NO_POE})
"""Revoked today, perhaps not yet at the best signature time."""


def begun(now: CertificateVerdict, *, begins: datetime, best: datetime) -> CertificateVerdict:
    """Today's verdict on a certificate that begins then, unless the signature is proven to have existed before that."""
    if best >= begins or not _comparable(now, best):
        return now
    reason = f"signed before its certificate began: a timestamp of {best.isoformat()}, valid from {begins.isoformat()}"
    return replace(now, indication=Indication.TOTAL_FAILED, sub_indication=SubIndication.NOT_YET_VALID, reason=reason)


def _comparable(now: CertificateVerdict, best: datetime) -> bool:
    if now.sub_indication in REVOKED:
        return all(one.revoked_at is not None and one.revoked_at > best for one in _revoked(now.revocation))
    return now.indication is Indication.TOTAL_PASSED or now.sub_indication in _OUT_OF_BOUNDS


def _revoked(seen: Iterable[RevocationSeen]) -> Iterable[RevocationSeen]:
    return (one for one in seen if one.status is RevocationStatus.REVOKED)


def graced(found: CertificateVerdict, *, freshness: Freshness, best: datetime) -> CertificateVerdict:
    """A pass, unless nothing that says so of the signer's certificate was issued long enough after the best signature time."""
    if not freshness.grace_seconds or found.indication is not Indication.TOTAL_PASSED:
        return found
    final = best + timedelta(seconds=freshness.grace_seconds)
    mine = {one.digest for one in found.chain[:1]}
    issued = [one.issued_at for one in found.revocation if one.certificate in mine]
    if any(at is not None and at >= final for at in issued):
        return found
    return replace(
        found,
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.TRY_LATER,
        reason=f"no evidence was issued long enough after the signature: the policy asks for some of {final.isoformat()}",
    )
