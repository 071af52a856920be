"""Pieces of revocation evidence: CRLs and the single answers of OCSP responses, read and not verified.

What they say of a certificate, and whether that counts, is worked out in `revocation`; here stands what can be said of a piece
by itself: where it is from, when it was issued, until when it counts, and when what it says can turn.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from asn1crypto import ocsp, x509
from pyhanko_certvalidator.policy_decl import FRESHNESS_FALLBACK_VALIDITY_DEFAULT
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer, RevinfoUsability, RevinfoUsabilityRating

from gateway.core.ids import Digest
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.policy import Freshness
from gateway.crypto.paths.revocation_list import ListAbout, ListOutline, own_outlines, serial_of

ANSWERS_MAX: Final = 16
"""Certificates that one OCSP response speaks of; responders answer about one or a few."""

Source = Literal["embedded", "store"]


class _AnyCrl(CRLContainer):
    """Usable at any time: how fresh it is we judge ourselves (rule 3)."""

    def usable_at(self, policy: object, timing_params: object) -> RevinfoUsability:  # noqa: ARG002 - its interface
        """See `RevinfoContainer.usable_at`."""
        return RevinfoUsability(RevinfoUsabilityRating.OK)


class _AnyResponse(OCSPContainer):
    """The same of an OCSP response."""

    def usable_at(self, policy: object, timing_params: object) -> RevinfoUsability:  # noqa: ARG002 - its interface
        """See `RevinfoContainer.usable_at`."""
        return RevinfoUsability(RevinfoUsabilityRating.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A CRL, or one answer of an OCSP response; not verified. A CRL says nothing until it is asked about somebody (`about`)."""

    kind: Literal["crl", "ocsp"]
    source: Source
    digest: Digest
    container: CRLContainer | OCSPContainer
    plain: CRLContainer | OCSPContainer
    """The same as certvalidator would judge its freshness: for the certificates of those who sign evidence."""
    issued_at: datetime
    next_update: datetime | None
    remembers_from: datetime | None
    """Whoever expired since then is still listed (expiredCertsOnCRL, archive cut-off)."""
    outline: ListOutline | None
    """Of a CRL."""

    @property
    def delta(self) -> bool:
        """Whether it says only what changed since another one."""
        return self.outline is not None and self.outline.head.delta_crl_indicator_value is not None

    def about(self, serials: Collection[bytes]) -> "Piece":
        """The same, its CRL as far as it is about certificates of these serial numbers."""
        if self.outline is None:
            return self
        listed = self.outline.about(serials)
        return replace(self, container=_AnyCrl(listed), plain=CRLContainer(listed))

    @property
    def certificates(self) -> list[x509.Certificate]:
        """Those that came along in an OCSP response: they are looked for on lists, too."""
        if isinstance(self.container, CRLContainer):
            return []
        basic = self.container.extract_basic_ocsp_response()
        return list((basic["certs"] if basic is not None else None) or ())


def own_pieces(crls: tuple[bytes, ...], ocsps: Iterable[bytes]) -> list[Piece]:
    """The pieces of our store.

    Raises:
        ValueError: one cannot be read; what it would have said is not known, so nothing can be judged.
    """
    lists = [_crl_piece(outline, "store") for outline in own_outlines(crls)]
    return [*lists, *(one for der in ocsps for one in _ocsp_pieces(der, "store"))]


def strange_pieces(crls: Iterable[bytes], ocsps: Iterable[bytes]) -> list[Piece]:
    """The pieces that came along; what cannot be read is none."""
    lists = [attempt(lambda der: _crl_piece(ListOutline.read(der), "embedded"), der) for der in crls]
    answers = [attempt(_ocsp_pieces, der, "embedded") for der in ocsps]
    return [
        *(one for one in lists if isinstance(one, Piece)),
        *(piece for some in answers if not isinstance(some, Trouble) for piece in some),
    ]


def _crl_piece(outline: ListOutline, source: Source) -> Piece:
    listed, nobody = outline.head["tbs_cert_list"], ListAbout(outline)
    remembers = next(
        (one["extn_value"].parsed.native for one in listed["crl_extensions"] if one["extn_id"].dotted == "2.5.29.60"),
        None,
    )
    return Piece(
        kind="crl",
        source=source,
        digest=outline.digest,
        container=_AnyCrl(nobody),
        plain=CRLContainer(nobody),
        issued_at=listed["this_update"].native,
        next_update=listed["next_update"].native,
        remembers_from=remembers if isinstance(remembers, datetime) else None,
        outline=outline,
    )


def _ocsp_pieces(der: bytes, source: Source) -> list[Piece]:
    every = OCSPContainer.load_multi(ocsp.OCSPResponse.load(der, strict=True))
    return [_ocsp_piece(plain, der, source) for plain in every[:ANSWERS_MAX]]


def _ocsp_piece(plain: OCSPContainer, der: bytes, source: Source) -> Piece:
    answer = plain.extract_single_response()
    assert answer is not None, "load_multi counted it"
    return Piece(
        kind="ocsp",
        source=source,
        digest=Digest(sha256(der).hexdigest()),
        container=_AnyResponse(plain.ocsp_response_data, plain.index),
        plain=plain,
        issued_at=answer["this_update"].native,
        next_update=answer["next_update"].native,
        remembers_from=_archive_cutoff(answer),
        outline=None,
    )


def _archive_cutoff(answer: ocsp.SingleResponse) -> datetime | None:
    cutoff = answer.archive_cutoff_value
    return cutoff.native if cutoff is not None else None


def until_of(piece: Piece) -> datetime:
    """Until when its issuer says that it counts; an OCSP response that does not say is good for half an hour."""
    return piece.next_update or piece.issued_at + FRESHNESS_FALLBACK_VALIDITY_DEFAULT


def oldest_of(piece: Piece, fresh: Freshness) -> datetime | None:
    """Until when it counts by the policy; None: the policy does not say."""
    seconds = fresh.crl_seconds_max if piece.kind == "crl" else fresh.ocsp_seconds_max
    return None if seconds is None else piece.issued_at + timedelta(seconds=seconds)


# --- when answers can turn -----------------------------------------------------------------------------------------------


def turns_of(pieces: Sequence[Piece], fresh: Freshness) -> Iterator[datetime]:
    """When these begin and cease to count, what OCSP responses say begins to be so, and those who signed them begin and end.

    What a CRL says is a matter of whom it is asked about: `turns_of_lists`.

    Raises:
        ValueError: some cannot be read.
    """
    for piece in pieces:
        yield piece.issued_at
        yield until_of(piece)
        if (oldest := oldest_of(piece, fresh)) is not None:
            yield oldest
        if isinstance(piece.container, OCSPContainer):
            yield from _turns_of_response(piece.container)
        yield from (one for signer in piece.certificates for one in (signer.not_valid_before, signer.not_valid_after))


def turns_of_lists(pieces: Sequence[Piece]) -> Iterator[datetime]:
    """When what these CRLs say of those they were asked about begins to be so.

    Raises:
        ValueError: some cannot be read.
    """
    for piece in pieces:
        if isinstance(piece.container, CRLContainer):
            yield from piece.container.crl_data.revoked_at()


def serials_of(pieces: Sequence[Piece], certificates: Iterable[x509.Certificate]) -> frozenset[bytes]:
    """The serial numbers of everybody who may be looked for on a list: these, and those that came along in OCSP responses."""
    came = (one for piece in pieces for one in piece.certificates)
    return frozenset(serial_of(one) for one in (*certificates, *came))


def _turns_of_response(container: OCSPContainer) -> Iterator[datetime]:
    answer = container.extract_single_response()
    if answer is not None and answer["cert_status"].name == "revoked":
        yield answer["cert_status"].chosen["revocation_time"].native
