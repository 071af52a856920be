"""The declared PKI at work: certificates, keys, and what its services answer at a moment. No sockets, no clock, no waiting."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final

import yaml
from asn1crypto import algos, cms, crl, ocsp, tsp, x509
from asn1crypto import keys as asn1_keys
from certomancer.registry.common import ArchLabel, CertLabel, KeyLabel, ServiceLabel
from certomancer.registry.config import CertomancerConfig
from certomancer.registry.pki_arch import PKIArchitecture
from certomancer.services import choose_signed_digest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_der_x509_certificate

from gateway.crypto import Trust
from tests.kit.certomancer.keys import DECLARATION, KEYS
from tests.kit.certomancer.signing import remember_keys, signature_of
from tests.kit.certomancer.tokens import token
from tests.kit.pki import MOMENT, Key, Leaf

ANCHORS: Final = ("root",)
INTERMEDIATES: Final = ("bodies", "people")
AUTHORITIES: Final = ("stamp-root",)
CRLS: Final = ("root", "bodies", "people", "stamp-root")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Whom to believe and by what evidence, all DER."""

    anchors: tuple[bytes, ...]
    people: tuple[bytes, ...]
    authorities: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...] = ()

    @property
    def trust(self) -> Trust:
        """As verifiers take it, by the policy of the house."""
        return Trust(
            anchors=self.anchors,
            people=self.people,
            authorities=self.authorities,
            intermediates=self.intermediates,
            crls=self.crls,
            ocsps=self.ocsps,
        )


@cache
def architecture() -> PKIArchitecture:
    """The declaration, read once; keys are loaded when they are first used."""
    remember_keys()
    config = yaml.safe_load(DECLARATION.read_text(encoding="utf-8"))
    return CertomancerConfig(config, key_search_dir=str(KEYS), lazy_load_keys=True).get_pki_arch(ArchLabel("test"))


@cache
def parsed(label: str) -> x509.Certificate:
    """The certificate of that label of the declaration.

    Read from its own bytes, also for certomancer: asn1crypto encodes what it was given as values anew each time it is asked,
    at every level, and that takes half a second for a signature with three certificates.
    """
    made = architecture().get_cert(CertLabel(label))
    read = architecture()._cert_cache[CertLabel(label)] = x509.Certificate.load(made.dump())
    return read


@cache
def certificate(label: str) -> bytes:
    """The same as DER."""
    der: bytes = parsed(label).dump()
    return der


@cache
def chain(label: str) -> tuple[bytes, ...]:
    """A certificate and those above it, without the one that signed itself: what a good signer embeds."""
    found = [parsed(label)]
    while (issuer := _issuer_label(label)) != label:
        found.append(parsed(issuer))
        label = issuer
    return tuple(one.dump() for one in found if one.subject != one.issuer)


def _issuer_label(label: str) -> str:
    found: CertLabel = architecture().get_cert_spec(CertLabel(label)).resolve_issuer_cert(architecture())
    return str(found)


@cache
def key(label: str) -> Key:
    """The private key of that certificate."""
    loaded = load_pem_private_key(next(KEYS.glob(f"{key_name(label)}.*.pem")).read_bytes(), password=None)
    assert isinstance(loaded, Key), "RSA or EC"
    return loaded


def key_name(label: str) -> str:
    """What the declaration calls the key of that certificate."""
    return str(architecture().get_cert_spec(CertLabel(label)).subject_key)


def private_key(name: str) -> asn1_keys.PrivateKeyInfo:
    """A key of the declaration as asn1crypto and pyHanko have it."""
    return architecture().key_set.get_private_key(KeyLabel(name))


def leaf(label: str) -> Leaf:
    """The certificate with its key, as the other tests of the house have theirs."""
    above = _issuer_label(label)
    return Leaf(
        key(label), load_der_x509_certificate(certificate(label)), load_der_x509_certificate(certificate(above))
    )


# --- what its services answer -----------------------------------------------------------------------------------------


@cache
def crl_of(issuer: str, at: datetime = MOMENT) -> bytes:
    """The revocation list of an authority that was the newest at that moment."""
    found = architecture().service_registry.get_crl(ServiceLabel(issuer), at_time=at)
    tbs = found["tbs_cert_list"]
    for name in ("this_update", "next_update"):
        tbs[name] = utc(tbs[name].native)
    for entry in tbs["revoked_certificates"]:
        entry["revocation_date"] = utc(entry["revocation_date"].native)
    return signed_crl(tbs, issuer)


def utc(moment: datetime) -> x509.Time:
    """RFC 5280 section 5.1.2.4: UTCTime through 2049, which certomancer does not keep to in its CRLs."""
    return x509.Time({"utc_time": moment})


def signed_crl(tbs: Any, issuer: str) -> bytes:
    """A list signed by the authority that publishes there."""
    name = architecture().service_registry.get_crl_repo_info(ServiceLabel(issuer)).signing_key
    algorithm, signature = signed(tbs.untag().dump(force=True), str(name))
    whole = crl.CertificateList({"tbs_cert_list": tbs, "signature_algorithm": algorithm, "signature": signature})
    der: bytes = whole.dump(force=True)
    return der


def signed(data: bytes, name: str) -> tuple[algos.SignedDigestAlgorithm, bytes]:
    """A signature by a key of the declaration, and by what algorithm."""
    pair = architecture().key_set.get_asym_key(KeyLabel(name))
    assert pair.private is not None, "published"
    algorithm = choose_signed_digest("sha256", pair.public)
    return algorithm, signature_of(data, pair.private, algorithm)


@cache
def ocsp_of(label: str, at: datetime = MOMENT, *, responder: str = "") -> bytes:
    """The OCSP response about one certificate at that moment; `responder`: by which service of the declaration."""
    request = ocsp.OCSPRequest({"tbs_request": {"request_list": [{"req_cert": certificate_id(label)}]}})
    return answer_ocsp(request.dump(), at, responder=responder or _issuer_label(label))


def certificate_id(label: str) -> ocsp.CertId:
    """How RFC 6960 names a certificate."""
    leaf, issuer = parsed(label), parsed(_issuer_label(label))
    return ocsp.CertId(
        {
            "hash_algorithm": {"algorithm": "sha256"},
            "issuer_name_hash": issuer.subject.sha256,
            "issuer_key_hash": issuer.public_key.sha256,
            "serial_number": leaf.serial_number,
        }
    )


def answer_ocsp(request: bytes, at: datetime, *, responder: str) -> bytes:
    """What a responder of the declaration says to a request (RFC 6960), DER to DER: for servers of tests."""
    service = architecture().service_registry.summon_responder(ServiceLabel(responder), at_time=at)
    der: bytes = service.build_ocsp_response(ocsp.OCSPRequest.load(request)).dump()
    return der


def timestamp(digest: bytes, at: datetime = MOMENT, *, authority: str = "stamp", method: str = "sha256") -> bytes:
    """The token (RFC 3161) over a digest, as that authority issues it at that moment."""
    imprint = tsp.MessageImprint({"hash_algorithm": {"algorithm": method}, "hashed_message": digest})
    request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
    return _stamped(request, at, authority)


def answer_timestamp(request: bytes, at: datetime, *, authority: str = "stamp") -> bytes:
    """What a timestamp authority of the declaration says to a request, DER to DER: for servers of tests."""
    found = cms.ContentInfo.load(_stamped(tsp.TimeStampReq.load(request), at, authority))
    der: bytes = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": found}).dump()
    return der


def _stamped(request: tsp.TimeStampReq, at: datetime, authority: str) -> bytes:
    """By certomancer's table of authorities and our own hand: its tokens name the authority by SHA-1 (`tokens`)."""
    service = architecture().service_registry.get_tsa_info(ServiceLabel(authority))
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.3.6.1.4.1.4146.2.3",
            "message_imprint": request["message_imprint"],
            "serial_number": int.from_bytes(sha256(request.dump() + at.isoformat().encode()).digest()[:8]),
            "gen_time": at,
            "nonce": request["nonce"].native,
        }
    )
    return token(info.dump(), parsed(str(service.signing_cert)), private_key(str(service.signing_key)))


# --- whom to believe --------------------------------------------------------------------------------------------------


def bundle(at: datetime = MOMENT, *, crls: tuple[str, ...] = CRLS, ocsps: tuple[str, ...] = ()) -> Bundle:
    """Everything that is to be believed at that moment: CRLs of these authorities, OCSP responses about these certificates.

    Persons lead to the same root as bodies; whoever wants them apart replaces `people`.
    """
    return Bundle(
        anchors=tuple(map(certificate, ANCHORS)),
        people=(),
        authorities=tuple(map(certificate, AUTHORITIES)),
        intermediates=tuple(map(certificate, INTERMEDIATES)),
        crls=tuple(crl_of(issuer, at) for issuer in crls),
        ocsps=tuple(ocsp_of(label, at) for label in ocsps),
    )
