"""Good files for every entry of crypto that takes bytes, and some bad ones: `entry`, a line feed, what is handed to it.

Certificates of a chain stand one after the other, each after its length in four bytes.
"""

import asyncio
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter

from gateway.crypto import judge_pdf, sign_jws
from gateway.crypto.processes.answers import write_answer
from tests.kit.certomancer import bad_evidence
from tests.kit.certomancer.bad_stamps import WORTHLESS, worthless
from tests.kit.certomancer.declared import bundle, certificate, chain, crl_of, key, leaf, timestamp
from tests.kit.pdf_attacks import sealed
from tests.kit.pdf_byte_ranges import RANGES
from tests.kit.pdf_evidence import long_term
from tests.kit.pdf_updates import UPDATES
from tests.kit.pdfs import compressed_pdf, tiny_pdf
from tests.kit.pki import MOMENT, spki
from tests.kit.pyhanko_signer import How, archived, signed, with_fields
from tests.unit.crypto import envelopes

STAMPED: Final = b"stamped"
RECEIPT_KEY: Final = "seal-ec"
CHAINS: Final = (
    "seal",
    "seal-ec",
    "person",
    "revoked",
    "expired",
    "weak",
    "odd-curve",
    "sha1",
    "bodies",
    "under-person",
)


class _Signer:
    """The port `Signer` with a key of the declaration."""

    @property
    def public_key(self) -> bytes:
        return spki(key(RECEIPT_KEY))

    async def sign(self, data: bytes) -> bytes:
        found = key(RECEIPT_KEY)
        assert isinstance(found, ec.EllipticCurvePrivateKey)
        return found.sign(data, ec.ECDSA(SHA256()))


@cache
def token() -> bytes:
    """One good receipt."""
    kid = sha256(spki(key(RECEIPT_KEY))).hexdigest()
    return asyncio.run(sign_jws(b'{"a":1}', kid=kid, signer=_Signer()))


@cache
def good_pdfs() -> Mapping[str, bytes]:
    """Files that pass."""
    two = signed(with_fields(tiny_pdf(), "A", "B"), "person", How(field="A", certify=MDPPerm.FILL_FORMS))
    return {
        "sealed": sealed(),
        "elliptic": signed(compressed_pdf(), "seal-ec"),
        "pss": signed(tiny_pdf(), "seal", How(pss=True)),
        "older": signed(tiny_pdf(), "seal", How(subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED)),
        "stamped": signed(tiny_pdf(), "seal", How(stamp=timestamp)),
        "two": signed(two, "seal", How(field="B")),
        "archived": archived(long_term("seal", MOMENT), timestamp),
    }


@cache
def good_stamps() -> Mapping[str, bytes]:
    """Tokens over `STAMPED` that pass."""
    return {name: timestamp(sha256(STAMPED).digest(), authority=name) for name in ("stamp", "stamp-ec")}


@cache
def good_envelopes() -> Mapping[str, bytes]:
    """Envelopes that pass."""
    return {
        "document": envelopes.signed(envelopes.document(2), leaf("seal")),
        "status": envelopes.signed(envelopes.status(), leaf("seal-ec")),
    }


def chained(*ders: bytes) -> bytes:
    """Certificates as one file."""
    return b"".join(len(der).to_bytes(4) + der for der in ders)


@cache
def vectors() -> Mapping[str, bytes]:
    """Every seed by its name."""
    found = {f"pdf/{name}": data for name, data in good_pdfs().items()}
    for name, change in (*UPDATES.items(), *RANGES.items()):
        found[f"pdf/{name}"] = change(sealed())
    found |= {f"envelope/{name}": data for name, data in good_envelopes().items()}
    found |= {f"certificate/{label}": chained(certificate(label), *chain(label)[1:]) for label in CHAINS}
    found |= {"receipt/good": token(), "receipt/none": b"eyJhbGciOiJub25lIn0..", "trust/crl": crl_of("bodies")}
    found |= {"trust/open crl": bad_evidence.crl_without_next_update("bodies"), "trust/anchor": certificate("root")}
    found |= {"unsealed/tiny": tiny_pdf(), "unsealed/compressed": compressed_pdf(), "unsealed/sealed": sealed()}
    found |= {f"stamp/{name}": data for name, data in good_stamps().items()}
    found |= {f"stamp/{kind}": worthless(kind, MOMENT)(sha256(STAMPED).digest()) for kind in WORTHLESS}
    verdict = judge_pdf(sealed(), trust=bundle().trust, moment=MOMENT)
    found |= {"frame/verdict": write_answer("done", verdict), "frame/bytes": write_answer("done", (b"a", 1, None))}
    return {name: name.partition("/")[0].encode() + b"\n" + data for name, data in found.items()}
