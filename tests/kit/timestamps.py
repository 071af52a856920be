"""A timestamp authority in this process: pyHanko's for tests, under the issuing authority of a `Pki`; on loopback, too."""

import datetime as dt
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property

from aiohttp import web
from asn1crypto import algos, keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from gateway.core.errors import SiteError
from tests.kit.pki import DAY, Pki, der, rsa_key


@cache
def authority_certificate(pki: Pki) -> x509.Certificate:
    """Key usage and extended key usage as RFC 3161 section 2.3 wants them."""
    key, issuing_key = rsa_key(f"{pki.name} tsa"), rsa_key(f"{pki.name} issuing")
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{pki.name} TSA")]))
        .issuer_name(pki.issuing.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(pki.now - 30 * DAY)
        .not_valid_after(pki.now + 365 * DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing_key.public_key()), critical=False)
        .add_extension(usage, critical=True)
        .sign(issuing_key, SHA256())
    )


@dataclass
class OwnAuthority:
    """The port `TimestampAuthority`. `answers`: how many times it does; None: always. `wrong`: it stamps something else."""

    pki: Pki
    moment: dt.datetime
    answers: int | None = None
    wrong: bool = False
    asked: list[bytes] = field(default_factory=list)

    @cached_property
    def _stamper(self) -> DummyTimeStamper:
        key = rsa_key(f"{self.pki.name} tsa").private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        above = SimpleCertificateStore()
        above.register(asn1_x509.Certificate.load(der(self.pki.issuing)))
        own = asn1_x509.Certificate.load(der(authority_certificate(self.pki)))
        return DummyTimeStamper(own, keys.PrivateKeyInfo.load(key), certs_to_embed=above, fixed_dt=self.moment)

    async def stamp(self, digest: bytes) -> bytes:
        self.asked.append(digest)
        if self.answers is not None and len(self.asked) > self.answers:
            raise SiteError("timestamp.unavailable", asked=1, said="away")
        stamped = hashlib.sha256(b"something else").digest() if self.wrong else digest
        imprint = tsp.MessageImprint(
            {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": stamped}
        )
        request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
        token: bytes = self._stamper.request_tsa_response(request)["time_stamp_token"].dump()
        return token

    def answer(self, request: bytes) -> bytes:
        """The TimeStampResp to a TimeStampReq."""
        reply: bytes = self._stamper.request_tsa_response(tsp.TimeStampReq.load(request)).dump()
        return reply

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Its address on loopback (RFC 3161 section 3.4)."""

        async def handle(request: web.Request) -> web.Response:
            return web.Response(body=self.answer(await request.read()), content_type="application/timestamp-reply")

        app = web.Application()
        app.router.add_post("/tsa", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/tsa"
        finally:
            await runner.cleanup()
