"""Signed PDFs that nobody may believe, by the threats of the validation page (10 to 18), and some that must be believed.

Each is a builder, a bundle to believe by, and what a correct verifier may answer about the signature in question. The numbers:
10 signers who may not sign, 11 revocation, 12 paths, 13 exhaustion, 14 incremental updates, 15 byte ranges, 16 DocMDP,
17 timestamps, 18 late evidence. All files are made by pyHanko (`pyhanko_signer`), none by our own signer.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from pyhanko.sign.fields import MDPPerm

from gateway.core.validation import Indication, Level, SubIndication
from tests.kit import pdf_updates
from tests.kit.certomancer import bad_evidence
from tests.kit.certomancer.bad_stamps import WORTHLESS, stamped_at, worthless
from tests.kit.certomancer.crowds import crowd
from tests.kit.certomancer.declared import CRLS, Bundle, bundle, certificate, chain, crl_of, ocsp_of, timestamp
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import DAY, MOMENT
from tests.kit.pyhanko_signer import How, archived, signed, with_evidence, with_fields

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A file whose right verdict takes timestamps, embedded evidence, OCSP or a policy into account."""

    threat: int
    name: str
    build: Build
    indication: Indication
    allowed: Allowed = frozenset()
    believed: Believed = bundle
    level: Level | None = None
    timestamps: tuple[bool, ...] | None = None
    """For each timestamp that must be told of, whether it is believed."""

    def __str__(self) -> str:
        return f"{self.threat} {self.name}"


@cache
def sealed() -> bytes:
    """The letter that is attacked."""
    return signed(tiny_pdf("Chi 100 dong"), "seal")


def _signed(label: str, how: How | None = None) -> Build:
    return lambda: signed(tiny_pdf(), label, how or How())


def refused() -> Iterator[Refused]:
    """Every row of the table of what must be refused."""
    yield from _signers()
    yield from _revocation()
    yield from _paths()
    yield from _exhaustion()
    yield from _updates()
    yield from _permissions()
    yield from _timestamps()
    yield from _late_evidence()


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
        yield Refused(threat=10, name=label, build=_signed(label), allowed=allowed)
        stamped = _signed(label, How(stamp=timestamp))
        yield Refused(threat=10, name=f"{label}, with a good timestamp", build=stamped, allowed=allowed)
    claimed = _signed("expired", How(at=IN_2021))
    yield Refused(threat=10, name="expired, claiming a good time", build=claimed, allowed=OUT_OF_BOUNDS)
    sha1 = _signed("seal", How(digest="sha1"))
    yield Refused(threat=10, name="digest SHA-1", build=sha1, allowed=WEAK)


# --- 11: revocation withheld, stale, forged, by others ----------------------------------------------------------------


def _without_crl_of_bodies() -> Bundle:
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
    yield Refused(threat=11, name="withheld", build=sealed, allowed=NO_EVIDENCE, believed=_without_crl_of_bodies)
    yield Refused(threat=11, name="all stale", build=sealed, allowed=NO_EVIDENCE | BAD_PATH, believed=_stale)
    for kind in BAD_EMBEDDED:
        name, allowed = f"only embedded: {kind}", NO_EVIDENCE | BAD_PATH
        yield Refused(
            threat=11, name=name, build=_embedding("seal", kind), allowed=allowed, believed=_without_crl_of_bodies
        )
        name = f"revoked, embedded: {kind}"
        yield Refused(threat=11, name=name, build=_embedding("revoked", kind), allowed=REVOKED)


# --- 12: paths --------------------------------------------------------------------------------------------------------


def _every_crl() -> Bundle:
    return bundle(crls=(*CRLS, *REFUSED_AUTHORITIES))


def _paths() -> Iterator[Refused]:
    for label in ("outside", "too-deep", "under-revoked", "under-expired", "under-person"):
        yield Refused(threat=12, name=label, build=_signed(label), allowed=BAD_PATH, believed=_every_crl)
    yield Refused(threat=12, name="under-weak", build=_signed("under-weak"), allowed=WEAK, believed=_every_crl)
    loop = tuple(map(certificate, ("loop-self", "loop-round", "loop-back")))
    yield Refused(threat=12, name="looped", build=_signed("looped", How(embedded=loop)), allowed=NO_CHAIN)
    for label in ("stranger", "impostor-seal"):
        brought = (*chain(label)[1:], certificate("stranger-root"))
        yield Refused(threat=12, name=label, build=_signed(label, How(embedded=brought)), allowed=NO_CHAIN)
    crossed = How(embedded=(certificate("bodies-cross"),))
    yield Refused(
        threat=12, name="cross-signed by an unknown root", build=_signed("seal", crossed), allowed=NO_CHAIN | BAD_PATH,
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
    for name, change in pdf_updates.RANGES.items():
        yield Refused(
            threat=15, name=name, build=_changed(change), allowed=MALFORMED | {SubIndication.SIG_CRYPTO_FAILURE}
        )


def _countersigned(change: Callable[[bytes], bytes]) -> Build:
    """Somebody who is believed signs after the change: the first signature must not gain by it."""
    return lambda: signed(change(sealed()), "person-ec", How(field="Second"))


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


# --- 17, 18: timestamps, and evidence that came too late --------------------------------------------------------------


def _stamped(label: str, at: datetime, kind: str) -> Build:
    return _signed(label, How(at=at, stamp=worthless(kind, at)))


def _timestamps() -> Iterator[Refused]:
    """Revoked in June, signed in May, as only a timestamp could prove; and this one cannot."""
    for kind in WORTHLESS:
        build = _stamped("revoked-later", BEFORE, kind)
        yield Refused(threat=17, name=f"timestamp {kind}", build=build, allowed=REVOKED)
    after = _signed("revoked-later", How(at=BEFORE, stamp=stamped_at(AFTER)))
    yield Refused(threat=17, name="timestamp after the revocation", build=after, allowed=REVOKED)
    ahead = datetime(2031, 1, 1, tzinfo=UTC)
    future = _signed("future", How(at=ahead, stamp=stamped_at(ahead)))
    yield Refused(threat=17, name="timestamp of the future", build=future, allowed=NOT_YET)
    for kind in WORTHLESS:
        yield Refused(
            threat=17, name=f"archive timestamp {kind}", build=_archived(kind), allowed=OUT_OF_BOUNDS | MALFORMED
        )


def _evidence(label: str, at: datetime) -> dict[str, Iterable[bytes]]:
    """What a signer embeds for long-term validation."""
    lists = [crl_of(issuer, at) for issuer in ("root", "bodies", "stamp-root")]
    return {"certificates": chain(label)[1:], "crls": lists, "ocsps": [ocsp_of(label, at)]}


def long_term(label: str, at: datetime, *, stamp: str = "stamp") -> bytes:
    """Signed, timestamped and furnished with evidence at that moment: B-LT."""
    made = signed(tiny_pdf(), label, How(at=at, stamp=stamped_at(at, stamp)))
    return with_evidence(made, **_evidence(label, at + timedelta(minutes=5)))


def _archived(kind: str) -> Build:
    """B-LT of 2021 whose archive timestamp is worth nothing."""
    return lambda: archived(long_term("expired", IN_2021), worthless(kind, IN_2021 + DAY))


def _late() -> bytes:
    made = with_evidence(signed(tiny_pdf(), "expired", How(stamp=timestamp)), **_evidence("expired", IN_2021))
    return archived(made, timestamp)


def _backdated() -> bytes:
    made = with_evidence(signed(tiny_pdf(), "expired", How(at=IN_2021)), **_evidence("expired", IN_2021))
    return archived(made, timestamp)


def _unproven() -> bytes:
    return long_term("expired", IN_2021)


def _revoked_since() -> bytes:
    made = signed(tiny_pdf(), "revoked-later", How(at=BEFORE))
    return with_evidence(made, **_evidence("revoked-later", BEFORE))


def _late_evidence() -> Iterator[Refused]:
    yield Refused(threat=18, name="signed after its end, with evidence of before", build=_late, allowed=OUT_OF_BOUNDS)
    allowed = OUT_OF_BOUNDS | NO_EVIDENCE
    yield Refused(threat=18, name="evidence of 2021 that no archive timestamp proves", build=_unproven, allowed=allowed)
    yield Refused(threat=18, name="evidence of 2021, archived only now", build=_backdated, allowed=OUT_OF_BOUNDS)
    name = "revoked, with evidence of before and no timestamp"
    yield Refused(threat=18, name=name, build=_revoked_since, allowed=REVOKED)


# --- what passes once timestamps, embedded evidence and OCSP are looked at --------------------------------------------

PASSED: Final = Indication.TOTAL_PASSED
UNDECIDED: Final = Indication.INDETERMINATE


def later() -> Iterator[Later]:
    """Every row of the table that waits for timestamps, embedded evidence, OCSP and the policy."""
    yield from _later_timestamps()
    yield from _later_evidence()


def _later_timestamps() -> Iterator[Later]:
    for authority in ("stamp", "stamp-ec"):
        build = _signed("seal", How(stamp=stamped_at(MOMENT, authority)))
        name = f"good timestamp by {authority}"
        yield Later(threat=17, name=name, build=build, indication=PASSED, level=Level.B_T, timestamps=(True,))
    for (
        kind
    ) in WORTHLESS:  # a signature that is good today needs no timestamp; the report says that this one is not good
        build = _stamped("seal", MOMENT, kind)
        name = f"good today, timestamp {kind}"
        yield Later(threat=17, name=name, build=build, indication=PASSED, timestamps=(False,))
    build = _signed("revoked-later", How(at=BEFORE, stamp=stamped_at(BEFORE)))
    name = "timestamped before it was revoked"
    yield Later(threat=17, name=name, build=build, indication=PASSED, level=Level.B_T, timestamps=(True,))


def _kept(label: str, at: datetime) -> Build:
    """B-LTA of an hour."""
    return lambda: archived(long_term(label, at), stamped_at(at + timedelta(hours=1)))


def _embedding_ocsp(label: str) -> Build:
    return lambda: with_evidence(signed(tiny_pdf(), label), ocsps=[ocsp_of(label)])


def _with_own_ocsp() -> Bundle:
    return bundle(crls=("root", "people", "stamp-root"), ocsps=("seal",))


def _old_lists() -> Bundle:
    return bundle(BEFORE, crls=("root", "bodies"))


ENDLESS: Final[dict[str, Build]] = {
    "CRL": lambda: with_evidence(sealed(), crls=[bad_evidence.crl_without_next_update("bodies")]),
    "OCSP": lambda: with_evidence(sealed(), ocsps=[bad_evidence.ocsp_without_next_update("seal", MOMENT - 300 * DAY)]),
}
"""Embedded evidence that does not say how long it counts; the response is also old."""


def _later_evidence() -> Iterator[Later]:
    for name, label, at in (
        ("signed in 2021, archived in 2021", "expired", IN_2021),
        ("archived before it was revoked", "revoked-later", BEFORE),
    ):
        yield Later(
            threat=18, name=name, build=_kept(label, at), indication=PASSED, level=Level.B_LTA, timestamps=(True, True)
        )
    believed, fresh = _without_crl_of_bodies, MOMENT - timedelta(minutes=10)
    yield Later(
        threat=11, name="only embedded evidence, fresh", build=lambda: long_term("seal", fresh), indication=PASSED,
        believed=believed, level=Level.B_LT,
    )  # fmt: skip
    embedded = _embedding_ocsp("seal")
    yield Later(threat=11, name="only an embedded OCSP", build=embedded, indication=PASSED, believed=believed)
    yield Later(
        threat=11, name="only an OCSP of our own store", build=sealed, indication=PASSED, believed=_with_own_ocsp
    )
    yield Later(
        threat=11, name="our list is old, the embedded OCSP knows", build=_embedding_ocsp("revoked-later"),
        indication=UNDECIDED, allowed=REVOKED | NO_EVIDENCE, believed=_old_lists,
    )  # fmt: skip
    for kind, build in ENDLESS.items():
        yield Later(
            threat=11, name=f"only an embedded {kind} without an end", build=build, indication=UNDECIDED,
            allowed=NO_EVIDENCE | BAD_PATH, believed=believed,
        )  # fmt: skip
