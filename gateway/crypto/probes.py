"""Are certificates in date, is revocation known, do keys fit, are judges confined?"""

import asyncio
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from gateway.core.clock import rfc3339
from gateway.core.errors import SiteError
from gateway.core.health import Check, Finding, Health, failed, found
from gateway.core.ports import Clock
from gateway.crypto.keys.checks import check_token_files, public_key_of
from gateway.crypto.keys.guarded import check_mode
from gateway.crypto.keys.sources import KeySource, PemFile, Pkcs11Key, files_of
from gateway.crypto.paths.policy_anchors import missing_anchors
from gateway.crypto.paths.subject import subject_public_key
from gateway.crypto.paths.trust import Trust
from gateway.crypto.paths.trust_folder import read_certificates
from gateway.crypto.processes.landlock import abi

WARNING_DAYS: Final = (1, 7, 14, 30, 60)
"""Marks at which an operator is warned, the more pressing first (experience.md 2.1)."""
CRL_WARNING_DAYS: Final = 7
LIST_WARNING_DAYS: Final = 30
FINDINGS_MAX: Final = 20
"""Of one probe: 168 keys that run out on one day are one worry."""

NamedCertificate = tuple[str, bytes]
"""What it is for, and its DER."""


class CertificateProbe:
    """How long own certificates are good for."""

    check: Final = Check.CERTIFICATES

    def __init__(self, certificates: Callable[[], Sequence[NamedCertificate]], *, clock: Clock) -> None:
        self._certificates = certificates
        self._clock = clock

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        now = self._clock.now()
        shown = await asyncio.to_thread(lambda: [(what, *_validity(der)) for what, der in self._certificates()])
        worries = [finding for what, start, end in shown if (finding := _worry(what, start, end, now)) is not None]
        if worries:
            worries.sort(key=lambda finding: (finding.health is not Health.FAIL, str(finding.params["until"])))
            return tuple(worries[:FINDINGS_MAX])
        days = min(((end - now).days for _, _, end in shown), default=0)
        return (found("probe.certificates.good", count=len(shown), days=days),)


def _validity(der: bytes) -> tuple[datetime, datetime]:
    certificate = x509.load_der_x509_certificate(der)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _worry(what: str, start: datetime, end: datetime, now: datetime) -> Finding | None:
    if now > end:
        return found("probe.certificates.expired", name=what, until=rfc3339(end))
    if now < start:
        return found("probe.certificates.early", name=what, until=rfc3339(start))
    days = (end - now).days
    mark = next((mark for mark in WARNING_DAYS if days < mark), None)
    return found("probe.certificates.soon", name=what, until=rfc3339(end), days=days, mark=mark) if mark else None


class TrustProbe:
    """Whether revocation is known: without a fresh CRL of every authority nothing that it issued passes any more.

    Authorities are the anchors, the intermediates, and whoever issued one of `issued`: certificates that are to be judged.
    """

    check: Final = Check.TRUST

    def __init__(
        self, trust: Callable[[], Trust], *, clock: Clock, issued: Callable[[], Iterable[bytes]] = tuple
    ) -> None:
        self._trust = trust
        self._clock = clock
        self._issued = issued

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`: of each issuer only the CRL that lasts longest counts."""
        trust, now = await asyncio.to_thread(self._trust), self._clock.now()
        listed = (*_list_findings(trust, now), *_missing(trust))
        if not trust.crls and not trust.ocsps:
            return (*listed, found("probe.trust.crl_none"))
        newest = await asyncio.to_thread(_next_updates, trust.crls)
        authorities = await asyncio.to_thread(_authorities, trust, self._issued)
        findings = [
            found("probe.trust.crl_missing", issuer=issuer)
            for name, issuer in sorted(authorities.items(), key=lambda entry: entry[1])
            if name not in newest
        ]
        for issuer, until in sorted(newest.values(), key=lambda entry: entry[1]):
            if until < now:
                findings.append(found("probe.trust.crl_stale", issuer=issuer, until=rfc3339(until)))
            elif (until - now).days < CRL_WARNING_DAYS:
                findings.append(found("probe.trust.crl_soon", issuer=issuer, until=rfc3339(until)))
        good = found("probe.trust.good", anchors=len(trust.anchors), crls=len(trust.crls))
        return (*listed, *(findings[:FINDINGS_MAX] or [good]))


def _list_findings(trust: Trust, now: datetime) -> tuple[Finding, ...]:
    """Of the signed list of anchors, where there is one: its number, its end, and how many there are for whom."""
    if trust.number is None or trust.expires_at is None:
        return ()
    until = rfc3339(trust.expires_at)
    if trust.expires_at <= now:
        return (found("probe.trust.list_expired", number=trust.number, until=until),)
    if (trust.expires_at - now).days < LIST_WARNING_DAYS:
        return (found("probe.trust.list_soon", number=trust.number, until=until),)
    counts = {"bodies": len(trust.anchors), "people": len(trust.people), "authorities": len(trust.authorities)}
    return (found("probe.trust.list", number=trust.number, until=until, **counts),)


def _missing(trust: Trust) -> tuple[Finding, ...]:
    """Anchors that the policy names and trust does not have: a pin that was mistyped, or an anchor that has gone."""
    missing = islice(missing_anchors(trust), FINDINGS_MAX)
    return tuple(found("probe.trust.policy_anchor", role=one.role, digest=one.digest) for one in missing)


def _next_updates(crls: Sequence[bytes]) -> dict[str, tuple[str, datetime]]:
    """By the issuer's name as RFC 5280 section 7.1 compares it: the name for people, and until when it is known."""
    found: dict[str, tuple[str, datetime]] = {}
    for der in crls:
        listed = asn1_crl.CertificateList.load(der)["tbs_cert_list"]
        until = (
            listed["next_update"].native or listed["this_update"].native
        )  # without a next one it says nothing of now
        issuer = listed["issuer"]
        _, before = found.get(issuer.hashable, ("", until))
        found[issuer.hashable] = issuer.human_friendly, max(until, before)
    return found


def _authorities(trust: Trust, issued: Callable[[], Iterable[bytes]]) -> dict[str, str]:
    """Who issues what we judge: the name as it is compared, and for people."""
    own = (*trust.anchors, *trust.people, *trust.authorities, *trust.intermediates)
    names = {x509.load_der_x509_certificate(der).subject.public_bytes() for der in own}
    names |= {x509.load_der_x509_certificate(der).issuer.public_bytes() for der in issued()}
    parsed = map(asn1_x509.Name.load, names)
    return {name.hashable: name.human_friendly for name in parsed}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A key as the configuration names it, and how to tell that it is the right one."""

    key_id: str
    path: Path
    certificate: Path | None
    """None for keys that the registry pins bare."""
    known: Callable[[bytes], bool]
    """Whether the registry names this public key (SubjectPublicKeyInfo, DER) for that purpose."""
    source: KeySource | None = None
    """Where the key lies if that is not simply `path`; of a token `TokenProbe` tells more."""


class KeyProbe:
    """For `doctor`: key files are private, readable, fit their certificates, and are the registry's."""

    check: Final = Check.KEYS

    def __init__(self, keys: Sequence[KeyFile]) -> None:
        self._keys = keys

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        findings = await asyncio.to_thread(lambda: [bad for key in self._keys if (bad := _examine(key)) is not None])
        return tuple(findings[:FINDINGS_MAX]) or (found("probe.keys.good", count=len(self._keys)),)


def _examine(key: KeyFile) -> Finding | None:
    source = key.source or PemFile(path=key.path)
    if (shared := _shared(source)) is not None:
        mode = f"{stat.S_IMODE(shared.stat().st_mode):04o}"
        return found("probe.keys.mode", key=key.key_id, path=shared, mode=mode)
    try:
        if isinstance(source, Pkcs11Key):
            check_token_files(source.token, key_id=key.key_id)
        certified = subject_public_key(read_certificates(key.certificate)[0]) if key.certificate else None
        public = public_key_of(source, key.key_id) or certified
    except SiteError as error:
        return failed(Check.KEYS, error)
    if certified is not None and certified != public:
        return found("probe.keys.pair", key=key.key_id, path=key.path)
    if public is None or not key.known(public):
        return found("probe.keys.stranger", key=key.key_id, path=key.path)
    return None


def _shared(source: KeySource) -> Path | None:
    """The first of its files that others may read. That one is not there, the reading says."""
    for path in files_of(source):
        try:
            check_mode(path)
        except PermissionError:
            return path
        except OSError:
            continue
    return None


class ConfinementProbe:
    """Whether the kernel can take rights over files away from judges."""

    check: Final = Check.WORKERS

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        version = abi()
        return (found("probe.workers.confined", version=version) if version else found("probe.workers.open"),)
