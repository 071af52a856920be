"""Signed PDFs about whom evidence decides (threats 17, 18 of `pdf_attacks`): what must be refused, and what must be believed.

All are made by pyHanko with the declared PKI, at moments of the past too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.core.validation import Indication, Level
from tests.kit.certomancer import bad_evidence
from tests.kit.certomancer.bad_stamps import WORTHLESS, stamped_at, worthless
from tests.kit.certomancer.declared import Bundle, bundle, chain, crl_of, ocsp_of, timestamp
from tests.kit.pdf_attacks import (
    AFTER,
    BAD_PATH,
    BEFORE,
    IN_2021,
    MALFORMED,
    NO_EVIDENCE,
    NOT_YET,
    OUT_OF_BOUNDS,
    REVOKED,
    Allowed,
    Believed,
    Build,
    Refused,
    sealed,
    signed_by,
    without_crl_of_bodies,
)
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import DAY, MOMENT
from tests.kit.pyhanko_signer import How, archived, signed, with_evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A file whose verdict rests on timestamps, embedded evidence or OCSP responses."""

    threat: int
    name: str
    build: Build
    indication: Indication
    allowed: Allowed = frozenset()
    believed: Believed = bundle
    level: Level
    timestamps: tuple[bool, ...] = ()
    """For each timestamp that is told of, whether it is believed."""

    def __str__(self) -> str:
        return f"{self.threat} {self.name}"


def refused_evidence() -> Iterator[Refused]:
    """Every row of 17 and 18 of what must be refused."""
    yield from _timestamps()
    yield from _late_evidence()


# --- 17, 18: timestamps, and evidence that came too late --------------------------------------------------------------


def _stamped(label: str, at: datetime, kind: str) -> Build:
    return signed_by(label, How(at=at, stamp=worthless(kind, at)))


def _timestamps() -> Iterator[Refused]:
    """Revoked in June, signed in May, as only a timestamp could prove; and this one cannot."""
    for kind in WORTHLESS:
        build = _stamped("revoked-later", BEFORE, kind)
        yield Refused(threat=17, name=f"timestamp {kind}", build=build, allowed=REVOKED)
    after = signed_by("revoked-later", How(at=BEFORE, stamp=stamped_at(AFTER)))
    yield Refused(threat=17, name="timestamp after the revocation", build=after, allowed=REVOKED)
    ahead = datetime(2031, 1, 1, tzinfo=UTC)
    future = signed_by("future", How(at=ahead, stamp=stamped_at(ahead)))
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


def _evidence_after() -> bytes:
    """Stamped and archived in 2021; the evidence of 2021 came after, and a second archive timestamp of today over it."""
    made = signed(tiny_pdf(), "expired", How(at=IN_2021, stamp=stamped_at(IN_2021)))
    made = with_evidence(archived(made, stamped_at(IN_2021 + DAY)), **_evidence("expired", IN_2021))
    return archived(made, timestamp, field="Timestamp2")


def _proven_after_revocation() -> bytes:
    """Evidence of before it was revoked, stamped and archived after."""
    made = signed(tiny_pdf(), "revoked-later", How(at=BEFORE, stamp=stamped_at(AFTER)))
    made = with_evidence(made, **_evidence("revoked-later", BEFORE))
    return archived(made, stamped_at(AFTER + timedelta(hours=1)))


def _never_stamped() -> bytes:
    """No signature timestamp; evidence and archive timestamp of 2021."""
    made = with_evidence(signed(tiny_pdf(), "expired", How(at=IN_2021)), **_evidence("expired", IN_2021))
    return archived(made, stamped_at(IN_2021 + timedelta(hours=1)))


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
    yield Refused(
        threat=18, name="evidence of 2021 after the archive timestamp", build=_evidence_after, allowed=OUT_OF_BOUNDS
    )
    name, allowed = "evidence of before, stamped after the revocation", REVOKED | NO_EVIDENCE
    yield Refused(threat=18, name=name, build=_proven_after_revocation, allowed=REVOKED)
    yield Refused(
        threat=18, name=f"{name}, our list withheld", build=_proven_after_revocation, allowed=allowed,
        believed=without_crl_of_bodies,
    )  # fmt: skip
    name = "revoked, with evidence of before and no timestamp"
    yield Refused(threat=18, name=name, build=_revoked_since, allowed=REVOKED)


# --- what timestamps, embedded evidence and OCSP responses decide -----------------------------------------------------

PASSED: Final = Indication.TOTAL_PASSED
UNDECIDED: Final = Indication.INDETERMINATE


def weighed() -> Iterator[Weighed]:
    """Every row of the table that timestamps, embedded evidence and OCSP responses decide."""
    yield from _weighed_timestamps()
    yield from _weighed_evidence()


def _weighed_timestamps() -> Iterator[Weighed]:
    for authority in ("stamp", "stamp-ec"):
        build = signed_by("seal", How(stamp=stamped_at(MOMENT, authority)))
        name = f"good timestamp by {authority}"
        yield Weighed(threat=17, name=name, build=build, indication=PASSED, level=Level.B_T, timestamps=(True,))
    for kind in WORTHLESS:
        # A signature that is good today needs no timestamp; the report says that this one is not good, and no level counts it.
        build = _stamped("seal", MOMENT, kind)
        name = f"good today, timestamp {kind}"
        yield Weighed(threat=17, name=name, build=build, indication=PASSED, level=Level.B_B, timestamps=(False,))
    build = signed_by("revoked-later", How(at=BEFORE, stamp=stamped_at(BEFORE)))
    name = "timestamped before it was revoked"
    yield Weighed(threat=17, name=name, build=build, indication=PASSED, level=Level.B_T, timestamps=(True,))


def _kept(label: str, at: datetime) -> Build:
    """B-LTA of an hour."""
    return lambda: archived(long_term(label, at), stamped_at(at + timedelta(hours=1)))


def _embedding_ocsp(label: str) -> Build:
    return lambda: with_evidence(signed(tiny_pdf(), label), ocsps=[ocsp_of(label)])


def _with_own_ocsp() -> Bundle:
    return bundle(crls=("root", "people", "stamp-root"), ocsps=("seal",))


def _old_list() -> Bundle:
    return replace(bundle(), crls=(crl_of("root"), crl_of("bodies", BEFORE)))


ENDLESS: Final[dict[str, Build]] = {
    "CRL": lambda: with_evidence(sealed(), crls=[bad_evidence.crl_without_next_update("bodies")]),
    "OCSP": lambda: with_evidence(sealed(), ocsps=[bad_evidence.ocsp_without_next_update("seal", MOMENT - 300 * DAY)]),
}
"""Embedded evidence that does not say how long it counts; the response is also old."""


def _weighed_evidence() -> Iterator[Weighed]:
    for name, label, at in (
        ("signed in 2021, archived in 2021", "expired", IN_2021),
        ("archived before it was revoked", "revoked-later", BEFORE),
    ):
        yield Weighed(
            threat=18, name=name, build=_kept(label, at), indication=PASSED, level=Level.B_LTA, timestamps=(True, True)
        )
    # EN 319 142-1 clause 6.3: what proves the signature's time may as well be a document timestamp.
    yield Weighed(
        threat=18, name="archived in 2021, never stamped", build=_never_stamped, indication=PASSED, level=Level.B_LTA,
        timestamps=(True,),
    )  # fmt: skip
    believed, fresh = without_crl_of_bodies, MOMENT - timedelta(minutes=10)
    yield Weighed(
        threat=11, name="only embedded evidence, fresh", build=lambda: long_term("seal", fresh), indication=PASSED,
        believed=believed, level=Level.B_LT, timestamps=(True,),
    )  # fmt: skip
    embedded = _embedding_ocsp("seal")
    yield Weighed(
        threat=11, name="only an embedded OCSP", build=embedded, indication=PASSED, believed=believed, level=Level.B_B
    )
    yield Weighed(
        threat=11, name="only an OCSP of our own store", build=sealed, indication=PASSED, believed=_with_own_ocsp,
        level=Level.B_B,
    )  # fmt: skip
    yield Weighed(
        threat=11, name="our list is old, the embedded OCSP knows", build=_embedding_ocsp("revoked-later"),
        indication=UNDECIDED, allowed=REVOKED, believed=_old_list, level=Level.B_B,
    )  # fmt: skip
    for kind, build in ENDLESS.items():
        yield Weighed(
            threat=11, name=f"only an embedded {kind} without an end", build=build, indication=UNDECIDED,
            allowed=NO_EVIDENCE | BAD_PATH, believed=believed, level=Level.B_B,
        )  # fmt: skip
