"""Signatures by themselves, each beside what it is measured by, in turn and in one run on one core; the least of many counts.

A case is two ways of doing one job (`Case`); the figures are microseconds of each and how many times as long ours takes.

*sign_envelope*: everything of a XAdES signature over three parts, from the skeleton's bytes to the signed bytes, beside the
bare RSA-2048 operation over the same octets.

*verify_envelope*: from the file's bytes to the verdict, every duty and the certificate's path, revocation and usage included
(the path is known from the file before, as in a service), beside python-xmlsec from the same bytes: lxml's parse, Ids,
references, value, and the path to the same root. The cases that end in *key* give it the key, so that it looks at no
certificate: less than the job.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Final

import xmlsec
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from benchmarks.edxml import MESSAGE
from benchmarks.results import Figure
from gateway.core.ids import Digest, OrganId
from gateway.core.message import Organ
from gateway.core.model import Attachment, BlobRef
from gateway.core.validation import Indication
from gateway.crypto import prepare_envelope, verify_envelope
from gateway.edxml import write_skeleton
from gateway.safe_xml import QCVN, read_skeleton
from tests.kit.pki import Leaf, Pki

PREFIX: Final = "signatures."
ROUNDS: Final = 300
"""How often each way has its turn."""
_SIGNED: Final = (
    *(f"{{{QCVN}}}{name}" for name in ("MessageHeader", "Bussiness", "edXMLBody")),
    "{http://uri.etsi.org/01903/v1.3.2#}SignedProperties",
    "{http://www.w3.org/2000/09/xmldsig#}KeyInfo",
)

Way = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Ways:
    """Two ways of doing one job."""

    ours: Way
    beside: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table. `make` sets everything up, and fails where one of the two ways does not do the job."""

    id: str
    beside: str
    """What the other way is, in words."""
    make: Callable[[], Ways]
    limit: float | None = None
    """Ours takes at most so many times as long; a half: we are twice as fast."""


# --- envelopes ---------------------------------------------------------------------------------------------------------


@cache
def pki() -> Pki:
    """Around this moment: libxmlsec asks the clock."""
    return Pki(name="Bench", now=datetime.now(UTC).replace(microsecond=0))


def _leaf() -> Leaf:
    return pki().leaf("transport")


@cache
def skeleton(recipients: int) -> bytes:
    """An envelope to so many bodies, with one file, before it is signed."""
    to = tuple(
        Organ(organ_id=OrganId(f"Z79.DU.{number}"), name="Đảng ủy Phường") for number in range(1, recipients + 1)
    )
    blob = BlobRef(digest=Digest("ab" * 32), size=3)
    attachment = Attachment(position=1, name="van-ban.pdf", content_type="application/pdf", blob=blob)
    return write_skeleton(replace(MESSAGE, recipients=to), [attachment])


def _raw(data: bytes) -> bytes:
    key = _leaf().key
    assert isinstance(key, rsa.RSAPrivateKey), "the bench signs with RSA"
    return key.sign(data, padding.PKCS1v15(), SHA256())


def sign(data: bytes) -> bytes:
    """The whole job of signing an envelope, in one process."""
    prepared = prepare_envelope(data, chain=_leaf().chain, moment=pki().now)
    return prepared.filled(_raw(prepared.to_sign))


def verify(data: bytes) -> None:
    """The whole job of verifying one."""
    verdict = verify_envelope(read_skeleton([data]).root, trust=pki().trust, moment=pki().now).signature
    assert verdict is not None, "it is signed"
    assert verdict.indication is Indication.TOTAL_PASSED, verdict


def verify_beside(data: bytes, make_context: Callable[[], xmlsec.SignatureContext]) -> None:
    """python-xmlsec on the same bytes; raises `xmlsec.Error` for a bad one."""
    root = etree.fromstring(data)
    context = make_context()
    for element in root.iter(*_SIGNED):
        context.register_id(element, "Id")
    signature = xmlsec.tree.find_node(root, "Signature", xmlsec.constants.DSigNs)
    assert signature is not None, "it is signed"
    context.verify(signature)


def _with_root() -> Callable[[], xmlsec.SignatureContext]:
    manager = xmlsec.KeysManager()
    root = pki().root.public_bytes(Encoding.PEM)
    manager.load_cert_from_memory(root, xmlsec.constants.KeyDataFormatPem, xmlsec.constants.KeyDataTypeTrusted)
    return partial(xmlsec.SignatureContext, manager)  # type: ignore[call-arg]  # its stub forgets the manager


def _with_key() -> Callable[[], xmlsec.SignatureContext]:
    pem = _leaf().certificate.public_bytes(Encoding.PEM)
    key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem, None)

    def make() -> xmlsec.SignatureContext:
        context = xmlsec.SignatureContext()
        context.key = key
        return context

    return make


def _signing() -> Ways:
    data = skeleton(1)
    verify(sign(data))
    to_sign = prepare_envelope(data, chain=_leaf().chain, moment=pki().now).to_sign
    return Ways(ours=lambda: sign(data), beside=lambda: _raw(to_sign))


def _verifying(recipients: int, contexts: Callable[[], Callable[[], xmlsec.SignatureContext]]) -> Ways:
    data, make_context = sign(skeleton(recipients)), contexts()
    verify(data)
    verify_beside(data, make_context)
    return Ways(ours=lambda: verify(data), beside=lambda: verify_beside(data, make_context))


CASES: Final[tuple[Case, ...]] = (
    Case(id="sign_envelope", beside="RSA-2048 alone", make=_signing, limit=1.8),
    Case(id="verify_envelope_1", beside="python-xmlsec", make=partial(_verifying, 1, _with_root), limit=2.0),
    Case(id="verify_envelope_336", beside="python-xmlsec", make=partial(_verifying, 336, _with_root), limit=2.0),
    Case(id="verify_envelope_1_key", beside="python-xmlsec, key given", make=partial(_verifying, 1, _with_key)),
    Case(id="verify_envelope_336_key", beside="python-xmlsec, key given", make=partial(_verifying, 336, _with_key)),
)


# --- measuring -----------------------------------------------------------------------------------------------------------


def least(ways: Ways, rounds: int) -> tuple[float, float]:
    """Seconds of the fastest call of each way; they take turns, so that a slow moment is neither's."""
    ours, beside = [], []
    for _ in range(rounds):
        ours.append(_seconds(ways.ours))
        beside.append(_seconds(ways.beside))
    return min(ours), min(beside)


def _seconds(way: Way) -> float:
    started = time.perf_counter()
    way()
    return time.perf_counter() - started


def figures_of(case: Case, ours: float, beside: float) -> Iterator[Figure]:
    """What is kept of one case."""
    yield Figure(id=f"{PREFIX}{case.id}.ours", value=_short(ours * 1e6), unit="µs")
    yield Figure(id=f"{PREFIX}{case.id}.beside", value=_short(beside * 1e6), unit="µs")
    value = _short(ours / beside)
    yield Figure(id=f"{PREFIX}{case.id}.ratio", value=value, unit="ratio", target=case.limit, at_most=True)


def signature_figures(cases: Sequence[Case] = CASES, *, rounds: int = ROUNDS) -> Iterator[Figure]:
    """Everything, case by case."""
    for case in cases:
        yield from figures_of(case, *least(case.make(), rounds))


def _short(value: float) -> float:
    return float(f"{value:.3g}")
