"""Signed PDFs that nobody may believe, by the threats of the validation page (10 to 16; 17 and 18 are `pdf_evidence`).

Each is a builder, a bundle to believe by, and what a correct verifier may answer about the signature in question. The numbers:
10 signers who may not sign, 11 revocation, 12 paths, 13 exhaustion, 14 incremental updates, 15 byte ranges, 16 DocMDP.
All files are made by pyHanko (`pyhanko_signer`), none by our own signer.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final

from pyhanko.sign.fields import MDPPerm

from gateway.core.validation import Indication, SubIndication
from tests.kit import pdf_byte_ranges, pdf_updates
from tests.kit.certomancer import bad_evidence
from tests.kit.certomancer.crowds import crowd
from tests.kit.certomancer.declared import CRLS, Bundle, bundle, certificate, chain, crl_of, ocsp_of, timestamp
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import DAY, MOMENT
from tests.kit.pyhanko_signer import How, signed, with_evidence, with_fields

Build = Callable[[], bytes]
Believed = Callable[[], Bundle]
Allowed = frozenset[SubIndication]

NOT_PASSED: Final = frozenset({Indication.INDETERMINATE, Indication.TOTAL_FAILED})
CHANGED: Final = frozenset({SubIndication.SIG_CONSTRAINTS_FAILURE})
MALFORMED: Final = frozenset({SubIndication.FORMAT_FAILURE, SubIndication.HASH_FAILURE, *CHANGED})
OUT_OF_BOUNDS: Final = frozenset(
    {SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.OUT_OF_BOUNDS_NOT_REVOKED, SubIndication.EXPIRED}
)
NOT_YET: Final = frozenset({SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.NOT_YET_VALID})
REVOKED: Final = frozenset({SubIndication.REVOKED_NO_POE, SubIndication.REVOKED})
USAGE: Final = frozenset({SubIndication.CHAIN_CONSTRAINTS_FAILURE})
WEAK: Final = frozenset({SubIndication.CRYPTO_CONSTRAINTS_FAILURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE})
NO_CHAIN: Final = frozenset({SubIndication.NO_CERTIFICATE_CHAIN_FOUND})
NO_EVIDENCE: Final = frozenset(
    {SubIndication.TRY_LATER, SubIndication.NO_POE, SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE}
)
BAD_PATH: Final = frozenset(
    {
        *(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        *(SubIndication.REVOKED_CA_NO_POE, SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.TRY_LATER),
    }
)

IN_2021: Final = datetime(2021, 6, 1, tzinfo=UTC)
BEFORE: Final = datetime(2026, 5, 1, tzinfo=UTC)
"""A month before `revoked-later` was revoked."""
AFTER: Final = datetime(2026, 7, 1, tzinfo=UTC)
REFUSED_AUTHORITIES: Final = ("limited-authority", "deeper-authority", "weak-authority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file with a signature that must not pass."""

    threat: int
    name: str
    build: Build
    allowed: Allowed
    believed: Believed = bundle
    which: int = 0
    """The signature in question, counted from 0 in the order of the revisions."""

    def __str__(self) -> str:
        return f"{self.threat} {self.name}"


@cache
def sealed() -> bytes:
    """The letter that is attacked."""
    return signed(tiny_pdf("Chi 100 dong"), "seal")


def signed_by(label: str, how: How | None = None) -> Build:
    return lambda: signed(tiny_pdf(), label, how or How())


def refused() -> Iterator[Refused]:
    """Every row of the table of what must be refused, up to 16."""
    yield from _signers()
    yield from _revocation()
    yield from _paths()
    yield from _exhaustion()
    yield from _updates()
    yield from _permissions()


# --- 10: who may not sign ---------------------------------------------------------------------------------------------

SIGNERS: Final[dict[str, Allowed]] = {
    **dict.fromkeys(("revoked", "revoked-later"), REVOKED),
    "expired": OUT_OF_BOUNDS,
    "future": NOT_YET,
    **dict.fromkeys(("wrong-usage", "no-usage", "wrong-purpose", "bodies"), USAGE),
    **dict.fromkeys(("weak", "odd-curve", "sha1"), WEAK),
}


def _signers() -> Iterator[Refused]:
    for label, allowed in SIGNERS.items():
        yield Refused(threat=10, name=label, build=signed_by(label), allowed=allowed)
        stamped = signed_by(label, How(stamp=timestamp))
        yield Refused(threat=10, name=f"{label}, with a good timestamp", build=stamped, allowed=allowed)
    claimed = signed_by("expired", How(at=IN_2021))
    yield Refused(threat=10, name="expired, claiming a good time", build=claimed, allowed=OUT_OF_BOUNDS)
    sha1 = signed_by("seal", How(digest="sha1"))
    yield Refused(threat=10, name="digest SHA-1", build=sha1, allowed=WEAK)


# --- 11: revocation withheld, stale, forged, by others ----------------------------------------------------------------


def without_crl_of_bodies() -> Bundle:
    return bundle(crls=("root", "people", "stamp-root"))


def _stale() -> Bundle:
    return bundle(MOMENT - 40 * DAY)


BAD_EMBEDDED: Final[dict[str, Callable[[str], dict[str, Iterable[bytes]]]]] = {
    "nothing": lambda _: {},
    "stale CRL": lambda _: {"crls": [crl_of("bodies", BEFORE)]},
    "CRL emptied": lambda _: {"crls": [bad_evidence.crl_emptied("bodies")]},
    "CRL by an impostor": lambda _: {
        "crls": [bad_evidence.crl_by_impostor()],
        "certificates": [certificate("impostor"), certificate("stranger-root")],
    },
    "CRL of another authority": lambda _: {"crls": [crl_of("people")]},
    "CRL of authorities only": lambda _: {"crls": [bad_evidence.crl_of_authorities_only("bodies")]},
    "OCSP: try later": lambda _: {"ocsps": [bad_evidence.ocsp_try_later()]},
    "OCSP stale": lambda label: {"ocsps": [ocsp_of(label, BEFORE)]},
    "OCSP about another": lambda _: {"ocsps": [ocsp_of("seal-ec")]},
    "OCSP relabelled": lambda label: {"ocsps": [bad_evidence.ocsp_relabelled(label, "seal-ec")]},
    "OCSP signed by another": lambda label: {"ocsps": [bad_evidence.ocsp_signed_by(label, "authority")]},
    "OCSP: unknown": lambda label: {"ocsps": [bad_evidence.ocsp_unknown(label)]},
    "OCSP by an unfit responder": lambda label: {"ocsps": [ocsp_of(label, responder="bodies-unfit")]},
    "OCSP by another's responder": lambda label: {"ocsps": [ocsp_of(label, responder="bodies-by-people")]},
}
"""Evidence that came along and must not count, about the certificate of that label."""


def _embedding(label: str, kind: str) -> Build:
    return lambda: with_evidence(signed(tiny_pdf(), label), **BAD_EMBEDDED[kind](label))


def _revocation() -> Iterator[Refused]:
    yield Refused(threat=11, name="withheld", build=sealed, allowed=NO_EVIDENCE, believed=without_crl_of_bodies)
    yield Refused(threat=11, name="all stale", build=sealed, allowed=NO_EVIDENCE | BAD_PATH, believed=_stale)
    for kind in BAD_EMBEDDED:
        name, allowed = f"only embedded: {kind}", NO_EVIDENCE | BAD_PATH
        yield Refused(
            threat=11, name=name, build=_embedding("seal", kind), allowed=allowed, believed=without_crl_of_bodies
        )
        name = f"revoked, embedded: {kind}"
        yield Refused(threat=11, name=name, build=_embedding("revoked", kind), allowed=REVOKED)


# --- 12: paths --------------------------------------------------------------------------------------------------------


def _every_crl() -> Bundle:
    return bundle(crls=(*CRLS, *REFUSED_AUTHORITIES))


def _paths() -> Iterator[Refused]:
    for label in ("outside", "too-deep", "under-revoked", "under-expired", "under-person"):
        yield Refused(threat=12, name=label, build=signed_by(label), allowed=BAD_PATH, believed=_every_crl)
    yield Refused(threat=12, name="under-weak", build=signed_by("under-weak"), allowed=WEAK, believed=_every_crl)
    loop = tuple(map(certificate, ("loop-self", "loop-round", "loop-back")))
    yield Refused(threat=12, name="looped", build=signed_by("looped", How(embedded=loop)), allowed=NO_CHAIN)
    for label in ("stranger", "impostor-seal"):
        brought = (*chain(label)[1:], certificate("stranger-root"))
        yield Refused(threat=12, name=label, build=signed_by(label, How(embedded=brought)), allowed=NO_CHAIN)
    crossed = How(embedded=(certificate("bodies-cross"),))
    yield Refused(
        threat=12, name="cross-signed by an unknown root", build=signed_by("seal", crossed), allowed=NO_CHAIN | BAD_PATH,
        believed=lambda: Bundle(
            anchors=(certificate("stranger-root"),), people=(), authorities=(), intermediates=(), crls=bundle().crls
        ),
    )  # fmt: skip


# --- 13: exhaustion ---------------------------------------------------------------------------------------------------


def _exhaustion() -> Iterator[Refused]:
    many = frozenset({SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE})
    for name, others in (("9 authorities of one name", (9, True)), ("15 authorities", (15, False))):
        build = _crowded(*others)
        yield Refused(threat=13, name=name, build=build, allowed=many | MALFORMED)
    for name, change in pdf_updates.CIRCLES.items():
        yield Refused(threat=13, name=name, build=_changed(change), allowed=MALFORMED)
    yield Refused(
        threat=13, name="21 signatures", build=lambda: pdf_updates.signed_often(tiny_pdf(), 21), allowed=MALFORMED
    )


def _crowded(count: int, same: bool) -> Build:
    return lambda: signed(tiny_pdf(), "seal", How(embedded=(*chain("seal")[1:], *crowd(count, same_name=same))))


# --- 14, 15: updates and byte ranges ----------------------------------------------------------------------------------


def _changed(change: Callable[[bytes], bytes]) -> Build:
    return lambda: change(sealed())


def _updates() -> Iterator[Refused]:
    for name, change in pdf_updates.UPDATES.items():
        yield Refused(threat=14, name=name, build=_changed(change), allowed=CHANGED)
        between = _countersigned(change)
        yield Refused(threat=14, name=f"{name}, then signed again", build=between, allowed=MALFORMED)
    yield Refused(threat=14, name="text field filled", build=_filled, allowed=CHANGED)
    for name, boxes in OVER.items():
        yield Refused(threat=14, name=name, build=_covered(*boxes), allowed=CHANGED)
    for name, change in pdf_byte_ranges.RANGES.items():
        yield Refused(
            threat=15, name=name, build=_changed(change), allowed=MALFORMED | {SubIndication.SIG_CRYPTO_FAILURE}
        )


def _countersigned(change: Callable[[bytes], bytes]) -> Build:
    """Somebody who is believed signs after the change: the first signature must not gain by it."""
    return lambda: signed(change(sealed()), "person-ec", How(field="Second"))


OVER: Final = {
    "signed again in a field over the page": [(0, 0, 595, 842)],
    "signed again in three fields over its text": [
        (0, 700 - 90 * number, 595, 780 - 90 * number) for number in range(3)
    ],
}


def _covered(*boxes: tuple[int, int, int, int]) -> Build:
    """Somebody who is believed signs, too, and his picture covers what the first one signed."""

    def build() -> bytes:
        pdf = sealed()
        for number, box in enumerate(boxes):
            pdf = signed(pdf, "person-ec", How(field=f"Over{number}", box=box))
        return pdf

    return build


def _filled() -> bytes:
    form = pdf_updates.with_text_field(tiny_pdf())
    return pdf_updates.text_field_filled(signed(form, "seal", How(field="Later")))


# --- 16: what the first signer forbade --------------------------------------------------------------------------------


def _certified(permission: MDPPerm, *, fields_before: bool) -> Build:
    def build() -> bytes:
        pdf = with_fields(tiny_pdf(), "First", "Second") if fields_before else tiny_pdf()
        first = signed(pdf, "person", How(field="First", certify=permission))
        return signed(first, "seal", How(field="Second", box=None if fields_before else (60, 60, 260, 130)))

    return build


def _permissions() -> Iterator[Refused]:
    for permission, before in ((MDPPerm.NO_CHANGES, True), (MDPPerm.NO_CHANGES, False), (MDPPerm.FILL_FORMS, False)):
        name = f"certified with {permission.name}, then signed in {'an old' if before else 'a new visible'} field"
        yield Refused(threat=16, name=name, build=_certified(permission, fields_before=before), allowed=CHANGED)
