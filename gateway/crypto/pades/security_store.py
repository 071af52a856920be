"""Evidence that came along inside a PDF: the document security store (DSS, EN 319 142-1 clause 5.4.2), and the older attribute.

Strangers put it there, so it is looked at and never believed: each piece is read once to see that it can be read at all, its
number and bytes are bounded, and what does not fit or cannot be read is left out, as if it were not there. But a file whose
stores inflate to more than a judge bears (`EVIDENCE_INFLATED_BYTES_MAX`, over all revisions, usable or not) cannot be judged:
leaving the rest out unsaid would let a stranger choose, by what he puts before it, which evidence is seen. What it is worth,
and from when on, is `paths.past`'s to say.

Of certificates only authorities' are taken, few of one subject: path building is factorial in them (signing.md 1.2 C). Signers'
own come in the CMS, those of OCSP responders in the responses.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.sign.general import find_cms_attribute_iter

from gateway.core import limits
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.document import Document
from gateway.crypto.paths.trust import NO_EVIDENCE, Evidence

_PER_SUBJECT_MAX: Final = limits.EMBEDDED_CERTIFICATES_PER_SUBJECT_MAX - 1
"""One place of a subject is left for what stands in the CMS."""
_CERTIFICATES_MAX: Final = limits.EMBEDDED_CERTIFICATES_MAX // 2
_KEYS: Final = ("/Certs", "/CRLs", "/OCSPs", "/VRI")
_PURPOSES: Final = (DecodePurpose.CERTIFICATE, DecodePurpose.CRL, DecodePurpose.OCSP_RESPONSE)


class InflatedError(ValueError):
    """The stores of a document inflate to more than a judge bears."""


@dataclass(slots=True)
class _Room:
    """How much may still be inflated of one document."""

    left: int = limits.EVIDENCE_INFLATED_BYTES_MAX

    def content(self, reference: Any, purpose: DecodePurpose) -> bytes | None:
        """What a stream holds; None: more than fits into any store, or it cannot be read.

        Raises:
            InflatedError: there is no room left.
        """
        found = attempt(_content, reference, purpose)
        if isinstance(found, bytes):
            self.left -= len(found)
        elif found is None:  # so much may have been inflated until it was too much, or turned out to be none
            self.left -= limits.EVIDENCE_BYTES_MAX
        if self.left < 0:
            most = limits.EVIDENCE_INFLATED_BYTES_MAX // limits.MIB
            raise InflatedError(f"validation data of more than {most} MiB: cannot judge")
        return found if isinstance(found, bytes) else None


def _content(reference: Any, purpose: DecodePurpose) -> bytes | Trouble | None:
    """What a stream holds; None: it is packed, and fails once it is unpacked, however far that came."""
    stream = reference.get_object()
    found = attempt(lambda: bytes(stream.read_data(purpose)))
    return None if isinstance(found, Trouble) and "/Filter" in stream else found


@dataclass(slots=True)
class SecurityStores:
    """The security store of each revision of one document, read when it is asked for."""

    document: Document
    _read: dict[int, Evidence] = field(default_factory=dict)
    _room: _Room = field(default_factory=_Room)

    @property
    def latest(self) -> Evidence:
        """What the document holds now.

        Raises:
            InflatedError: as `at`.
        """
        return self.at(self.document.revisions - 1)

    def at(self, revision: int) -> Evidence:
        """What it held at a revision, counted from 0: with an archive timestamp of that revision, what that one covers.

        Raises:
            InflatedError: with those that were asked for before, it inflates to too much.
        """
        if not self.document.has_store:
            return NO_EVIDENCE
        if revision not in self._read:
            found = attempt(self._evidence_at, revision)
            if isinstance(found, InflatedError):
                raise found
            self._read[revision] = NO_EVIDENCE if isinstance(found, Trouble) else found
        return self._read[revision]

    def _evidence_at(self, revision: int) -> Evidence | InflatedError:
        try:
            return _evidence(_streams(self.document.store_at(revision), self._room))
        except InflatedError as error:
            return error


def store_outline(store: Mapping[str, Any] | None) -> tuple[object, ...]:
    """Which objects a security store names: two that name the same ones are the same store."""
    if store is None:
        return ()
    return tuple(repr(attempt(_names, store, key)) if key in store else "" for key in _KEYS)


def _names(store: Mapping[str, Any], key: str) -> object:
    value = store[key]
    return sorted(value) if isinstance(value, dict) else [getattr(one, "idnum", None) for one in value]


def archived_evidence(signer_info: Any) -> Evidence:
    """Adobe's revocation information archival (ISO 32000-2 clause 12.8.3.3.2): a signed attribute, as old as the signature."""
    found = attempt(lambda: _evidence(_attribute(signer_info)))
    return NO_EVIDENCE if isinstance(found, Trouble) else found


def _attribute(signer_info: Any) -> Iterator[tuple[str, bytes]]:
    for archival in find_cms_attribute_iter(signer_info["signed_attrs"], "adobe_revocation_info_archival"):
        for key, member in (("/CRLs", "crl"), ("/OCSPs", "ocsp")):
            yield from ((key, one.dump()) for one in archival[member] or ())


def _streams(store: Mapping[str, Any] | None, room: _Room) -> Iterator[tuple[str, bytes]]:
    for key, purpose in zip(_KEYS[:3], _PURPOSES, strict=True):
        if store is None or key not in store:
            continue
        listed = store[key]  # not `get`: the list itself may stand elsewhere
        for reference in islice(listed, limits.EVIDENCE_ITEMS_MAX):
            if (data := room.content(reference, purpose)) is not None:
                yield key, data


def _evidence(pieces: Iterator[tuple[str, bytes]]) -> Evidence:
    """The pieces that fit and can be read, each once."""
    taken: dict[str, dict[bytes, None]] = {key: {} for key in _KEYS[:3]}
    subjects: Counter[bytes] = Counter()
    room = limits.EVIDENCE_BYTES_MAX
    for key, der in pieces:
        if len(taken[key]) >= limits.EVIDENCE_ITEMS_MAX or len(der) > room or der in taken[key]:
            continue
        room -= len(der)  # also of what is left out: reading it is what costs
        if attempt(_READABLE[key], der) is True and (key != "/Certs" or _fits(der, subjects)):
            taken[key][der] = None
    return Evidence(certificates=tuple(taken["/Certs"]), crls=tuple(taken["/CRLs"]), ocsps=tuple(taken["/OCSPs"]))


def _fits(der: bytes, subjects: Counter[bytes]) -> bool:
    subject: bytes = x509.Certificate.load(der).subject.dump()
    fits = subjects[subject] < _PER_SUBJECT_MAX and subjects.total() < _CERTIFICATES_MAX
    subjects[subject] += fits
    return fits


def _authority(der: bytes) -> bool:
    certificate = x509.Certificate.load(der, strict=True)
    certificate.public_key.dump()
    return bool(certificate.ca and certificate.issuer and certificate.not_valid_before < certificate.not_valid_after)


def _list(der: bytes) -> bool:
    listed = crl.CertificateList.load(der, strict=True)
    content = listed["tbs_cert_list"]
    return bool(listed.issuer and content["this_update"].native and (content["next_update"].native or True))


def _response(der: bytes) -> bool:
    response = ocsp.OCSPResponse.load(der, strict=True)
    singles = response.basic_ocsp_response["tbs_response_data"]["responses"]
    return 0 < len(singles) <= limits.EVIDENCE_ITEMS_MAX and all(one["this_update"].native for one in singles)


_READABLE: Final[Mapping[str, Callable[[bytes], bool]]] = {"/Certs": _authority, "/CRLs": _list, "/OCSPs": _response}
