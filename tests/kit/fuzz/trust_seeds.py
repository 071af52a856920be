"""Good files for every entry by which an installation learns whom to believe and by what: `entry`, a line feed, the file."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from asn1crypto import cms, tsp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from cryptography.x509 import load_der_x509_certificate

from gateway.core.clock import rfc3339
from gateway.crypto import DraftOrder, ListKey, add_signature, draft_list
from gateway.crypto.timestamps.reply import request
from tests.kit.certomancer import bad_evidence
from tests.kit.certomancer.declared import answer_timestamp, certificate, crl_of, key, ocsp_of
from tests.kit.pki import MOMENT

NONCE: Final = 4711
STAMPED: Final = sha256(b"stamped").digest()
PASSWORD: Final = b"correct horse"
POLICY: Final = Path(__file__).parents[3] / "config" / "policy"
LIST_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
OWN: Final = ListKey("one", LIST_KEY.public_key())


@cache
def signed_list() -> bytes:
    """One that our key has signed."""
    with TemporaryDirectory() as made:
        for role, label in (("anchors", "root"), ("intermediates", "bodies"), ("authorities", "root")):
            folder = Path(made) / role
            folder.mkdir()
            (folder / "a.crt").write_bytes(certificate(label))
        order = DraftOrder(name="Gốc", number=7, issued_at=MOMENT, expires_at=MOMENT + timedelta(days=90))
        return add_signature(draft_list(Path(made), order), LIST_KEY, path="list.json")[0]


@cache
def reply() -> bytes:
    """What a good authority answers us."""
    return answer_timestamp(request(STAMPED, NONCE), MOMENT)


@cache
def token() -> bytes:
    """The token in it."""
    found: bytes = tsp.TimeStampResp.load(reply())["time_stamp_token"].dump()
    return found


def refusal() -> bytes:
    """A reply without a token."""
    status = tsp.PKIStatusInfo({"status": "rejection", "status_string": ["busy"]})
    der: bytes = b"\x30" + bytes([len(status.dump())]) + status.dump()
    return der


def _pem(data: bytes, label: str) -> bytes:
    return load_der_x509_certificate(data).public_bytes(Encoding.PEM) if label == "CERTIFICATE" else data


@cache
def vectors() -> Mapping[str, bytes]:
    """Every seed by its name."""
    own, open_ = key("seal"), NoEncryption()  # what is shut costs as many rounds as a change of the file asks for
    p12 = pkcs12.serialize_key_and_certificates(
        b"own", own, load_der_x509_certificate(certificate("seal")), None, open_
    )
    index = f'{{"format":1,"sources":[{{"url":"http://a/b.crl","tried_at":"{rfc3339(MOMENT)}","fetched_at":null,"failed":"","kind":"crl"}}]}}'
    found = {f"policy/{path.stem}": path.read_bytes() for path in sorted(POLICY.glob("*.toml"))}
    found |= {"list/signed": signed_list(), "index/one": index.encode()}
    found |= {"memory/one": b'{"number":7,"digest":"' + b"ab" * 32 + b'"}'}
    known = LIST_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    found |= {"listkey/public": known}
    found |= {"signkey/plain": LIST_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())}
    for label in ("root", "seal", "person", "seal-ec", "odd-curve", "weak"):
        found[f"certificates/{label}"] = _pem(certificate(label), "CERTIFICATE")
    found |= {"certificates/der": certificate("bodies")}
    for name, der in {
        "crl": crl_of("bodies"),
        "open": bad_evidence.crl_without_next_update("bodies"),
        "impostor": bad_evidence.crl_by_impostor(),
        "partial": bad_evidence.crl_of_authorities_only("bodies"),
        "revoked": ocsp_of("revoked"),
        "good": ocsp_of("seal"),
        "later": bad_evidence.ocsp_try_later(),
        "open answer": bad_evidence.ocsp_without_next_update("seal"),
    }.items():
        found |= {f"evidence/{name}": der, f"fetched/{name}": der}
    found |= {"reply/good": reply(), "reply/refusal": refusal(), "token/good": token()}
    found |= {
        "uri/whole": b"pkcs11:token=office;serial=1a2b;id=%01?module-path=/usr/lib/p11.so&pin-source=file:/run/pin"
    }
    found |= {"pem/plain": own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())}
    found |= {"pfx/own": p12}
    found |= {"pem/ec": key("seal-ec").private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())}
    assert cms.ContentInfo.load(token())["content_type"].native == "signed_data"
    return {name: name.partition("/")[0].encode() + b"\n" + data for name, data in found.items()}
