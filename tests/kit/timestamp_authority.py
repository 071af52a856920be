"""A timestamp authority (RFC 3161) under a PKI of the tests, the port `TimestampAuthority` without a network, and a server.

Nothing here checks anything: it stamps what it is told, with whatever certificate, at whatever time.
"""

import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from aiohttp import web
from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.core.errors import SiteError
from gateway.core.ports import Clock
from tests.kit.certomancer.declared import answer_timestamp, timestamp
from tests.kit.pki import DAY, Pki, der, rsa_key
from tests.kit.web_site import serving

Stamp = Callable[[bytes], bytes]
"""From what is stamped to the DER of a token."""
Answer = Callable[[bytes, dt.datetime], web.Response]
"""What a server says to a request at a moment."""


@dataclass(frozen=True)
class Authority:
    """One certificate of a timestamp authority in a PKI, and what it stamps."""

    pki: Pki
    name: str = "Test TSA"
    begin: dt.timedelta = -365 * DAY
    """Of the certificate, from `pki.now`."""
    end: dt.timedelta = 365 * DAY
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING
    critical: bool = True
    issuer: Literal["root", "issuing"] = "root"
    """Under which authority; the certificate of one that is no anchor comes along in the token."""

    @cached_property
    def certificate(self) -> x509.Certificate:
        above, key = rsa_key(f"{self.pki.name} {self.issuer}"), rsa_key(f"{self.pki.name} {self.name}")
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .issuer_name((self.pki.root if self.issuer == "root" else self.pki.issuing).subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.pki.now + self.begin)
            .not_valid_after(self.pki.now + self.end)
            .add_extension(x509.ExtendedKeyUsage([self.purpose]), critical=self.critical)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False)
            .sign(above, SHA256())
        )

    def at(self, time: dt.datetime) -> Stamp:
        """Stamps at a time."""
        return lambda data: self.token(hashlib.sha256(data).digest(), time)

    def token(self, digest: bytes, time: dt.datetime, nonce: int | None = None) -> bytes:
        """The token for a SHA-256 digest."""
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": "1.2.3.4",
                "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
                "serial_number": int.from_bytes(digest[:8]) + 1,
                "gen_time": core.GeneralizedTime(time),
                "nonce": nonce,
            }
        )
        above = [] if self.issuer == "root" else [asn1_x509.Certificate.load(der(self.pki.issuing))]
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info.dump())},
                "certificates": [asn1_x509.Certificate.load(der(self.certificate)), *above],
                "signer_infos": [self._signer(info)],
            }
        )
        whole: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
        return whole

    def _signer(self, info: tsp.TSTInfo) -> cms.SignerInfo:
        own, key = der(self.certificate), rsa_key(f"{self.pki.name} {self.name}")
        certificate = asn1_x509.Certificate.load(own)
        named = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        identity = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(own).digest()})
        attributes = cms.CMSAttributes(
            [
                attribute("content_type", "tst_info"),
                attribute("message_digest", hashlib.sha256(info.dump()).digest()),
                attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [identity]})),
            ]
        )
        return cms.SignerInfo(
            {
                "version": "v1",
                "sid": {"issuer_and_serial_number": named},
                "digest_algorithm": {"algorithm": "sha256"},
                "signed_attrs": attributes,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
                "signature": key.sign(attributes.dump(), padding.PKCS1v15(), SHA256()),
            }
        )

    def answer(self, request: bytes, time: dt.datetime) -> web.Response:
        """The TimeStampResp to a TimeStampReq with a SHA-256 digest."""
        asked = tsp.TimeStampReq.load(request)
        digest = asked["message_imprint"]["hashed_message"].native
        token = cms.ContentInfo.load(self.token(digest, time, asked["nonce"].native))
        return reply(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())


def attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


# --- the port ---------------------------------------------------------------------------------------------------------


@dataclass
class NearAuthority:
    """Stamps at the clock's time. `answers`: how many times it does; None: always. `wrong`: it stamps something else."""

    clock: Clock
    token: Callable[[bytes, dt.datetime], bytes] = timestamp
    """From a digest and a time; an `Authority`'s, or that of the declared PKI."""
    answers: int | None = None
    wrong: bool = False
    asked: list[bytes] = field(default_factory=list)

    async def stamp(self, digest: bytes) -> bytes:
        """See `TimestampAuthority.stamp`."""
        self.asked.append(digest)
        if self.answers is not None and len(self.asked) > self.answers:
            raise SiteError("timestamp.unavailable", asked=1, said="away")
        return self.token(hashlib.sha256(b"something else").digest() if self.wrong else digest, self.clock.now())


# --- a server ---------------------------------------------------------------------------------------------------------


def good(request: bytes, moment: dt.datetime) -> web.Response:
    """An honest answer of the declared authority."""
    return reply(answer_timestamp(request, moment))


def reply(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/timestamp-reply")


@asynccontextmanager
async def served(clock: Clock, answer: Answer) -> AsyncIterator[str]:
    """A server on loopback that answers like that (RFC 3161 section 3.4); its address."""

    async def handle(request: web.Request) -> web.Response:
        return answer(await request.read(), clock.now())

    app = web.Application()
    app.router.add_post("/tsa", handle)
    async with serving(app) as port:
        yield f"http://127.0.0.1:{port}/tsa"
