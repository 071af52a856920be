"""What later verifiers need of a certificate: its path, and what spoke of revocation on it while that was to be had.

Nothing is judged here: whatever goes along with a signature is believed only by whoever verifies it.
"""

from collections.abc import Iterable, Iterator, Sequence

from asn1crypto import crl, ocsp, x509

from gateway.core import limits
from gateway.crypto.paths.trust import Evidence


def both(one: Evidence, other: Evidence) -> Evidence:
    """Both together, everything once."""
    return Evidence(
        certificates=_once(one.certificates, other.certificates),
        crls=_once(one.crls, other.crls),
        ocsps=_once(one.ocsps, other.ocsps),
    )


def _once(*parts: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))


def speaks_of_revocation(evidence: Evidence) -> bool:
    """Whether anything in it does."""
    return bool(evidence.crls or evidence.ocsps)


def evidence_for(chain: Sequence[bytes], held: Evidence) -> Evidence:
    """What a certificate (the first of the chain) needs of what we hold: its paths, and what speaks of revocation on them.

    Every certificate of an issuer goes along: a renewed or cross-signed authority has several, and the verifier's anchor
    decides which of them it needs.

    Raises:
        ValueError: one of them cannot be read, or there are more than any path has.
    """
    above = [x509.Certificate.load(der) for der in _once(chain[1:], held.certificates)]
    needed = [x509.Certificate.load(chain[0])]
    for one in needed:  # grows while it is walked
        issuer = one.issuer.hashable
        needed += [other for other in above if other.subject.hashable == issuer and other not in needed]
        if len(needed) > limits.EMBEDDED_CERTIFICATES_MAX:
            raise ValueError("more issuers than any path has")
    issuers = {one.issuer.hashable for one in needed}
    serials = {one.serial_number for one in needed}
    return Evidence(
        certificates=tuple(one.dump() for one in needed),
        crls=tuple(der for der in held.crls if crl.CertificateList.load(der).issuer.hashable in issuers),
        ocsps=tuple(der for der in held.ocsps if serials & set(_serials(der))),
    )


def _serials(der: bytes) -> Iterator[int]:
    """The certificates that an OCSP response speaks of."""
    response = ocsp.OCSPResponse.load(der).basic_ocsp_response
    for one in response["tbs_response_data"]["responses"]:
        yield one["cert_id"]["serial_number"].native
