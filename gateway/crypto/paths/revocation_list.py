"""A revocation list (RFC 5280 section 5.1) of any size: entries stay bytes, and only those that are asked for become objects.

A national authority's list has half a million entries. asn1crypto makes about ten objects of each (3 KB of memory), and
certvalidator looks at all of them for every certificate: seconds, and half a gigabyte. Here a list is walked once, to see that
every entry is one (`ListOutline.read`). Then a serial number is looked for as the bytes that it would be in the list, which is
what certvalidator compares, too; and what is found is handed to it as a list of the same head, signature and bytes that holds
these entries alone (`about`). Whoever can be looked for is named beforehand (`pieces.serials_of`); a list that was asked about
nobody answers nobody.

What is the same as if it looked at the whole list, and why:

- An entry counts by the bytes of its serial number (`find_cert_in_list`); the order of entries is kept.
- In an indirect list an entry that names another issuer (certificateIssuer) speaks for all after it (section 5.3.3): every
  entry in which that extension's OID stands is kept as well.
- A list with an entry that is none is no list at all, whoever is asked about.

Only DER is read here (section 5.1.1.3: a list is signed over its DER); what an entry's date and extensions say is read when
the entry is asked for, and once beforehand of our own lists (`list_entries`).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from asn1crypto import crl, parser, x509

from gateway.core.ids import Digest
from gateway.crypto.processes.shared import SHARED_MAX

_SEQUENCE, _INTEGER = 0x30, 0x02
_TIMES: Final = frozenset({0x17, 0x18})
"""UTCTime, GeneralizedTime."""
_EXTENSIONS: Final = 0xA0
"""crlExtensions [0]: with nothing else after revokedCertificates, none of these can be taken for something else."""
_LONG: Final = 0x80
_LENGTH_BYTES_MAX: Final = 4
_OTHER_ISSUER: Final = bytes.fromhex("0603551d1d")
"""id-ce-certificateIssuer (section 5.3.3)."""


@dataclass(frozen=True, slots=True, eq=False)
class ListOutline:
    """A list that was walked."""

    der: bytes
    signed: slice
    """Where its tbsCertList stands: what the signature is over."""
    entries: slice
    """Where the members of its revokedCertificates stand; empty when there are none."""
    head: crl.CertificateList
    """All of it but the entries."""
    digest: Digest
    """SHA-256 of the whole."""

    @classmethod
    def read(cls, der: bytes) -> "ListOutline":
        """Walk a list.

        Raises:
            ValueError: not a list in DER, or one of its entries is none.
        """
        try:
            return cls._read(der)
        except IndexError:
            raise ValueError("the list ends before its end") from None

    @classmethod
    def _read(cls, der: bytes) -> "ListOutline":
        start, end = _contents(der, 0, _SEQUENCE)
        if end != len(der):
            raise ValueError("bytes after the end of the list")
        inside, signed_end = _contents(der, start, _SEQUENCE)
        at, after = _revoked(der, inside, signed_end)
        entries = slice(*_contents(der, at, _SEQUENCE)) if at < after else slice(at, at)
        _check_entries(der, entries)
        head = _sequence(_sequence(der[inside:at] + der[after:signed_end]) + der[signed_end:end])
        return cls(
            der=der,
            signed=slice(start, signed_end),
            entries=entries,
            head=crl.CertificateList.load(head, strict=True),
            digest=Digest(sha256(der).hexdigest()),
        )

    def about(self, serials: Collection[bytes]) -> "ListAbout":
        """The list as far as it is about certificates of these serial numbers (`serial_of`)."""
        return ListAbout(self, crl.RevokedCertificates.load(_sequence(b"".join(self._entries_of(serials)))))

    def revoked_at(self, serial: bytes) -> datetime | None:
        """When the first certificate of this serial number was revoked, whoever issued it; None: there is none on the list.

        Raises:
            ValueError: the date cannot be read.
        """
        for entry in self.about((serial,))["tbs_cert_list"]["revoked_certificates"]:
            if entry["user_certificate"].dump() == serial:
                found: datetime = entry["revocation_date"].native
                return found
        return None

    def _entries_of(self, serials: Collection[bytes]) -> Iterator[bytes]:
        der, (start, end) = self.der, (self.entries.start, self.entries.stop)
        if not any(der.find(serial, start, end) >= 0 for serial in serials):
            return
        wanted = frozenset(serials)
        others = der.find(_OTHER_ISSUER, start, end) >= 0
        for at, body, after in walk(der, self.entries):
            if der[body : body + 2 + der[body + 1]] in wanted or (others and der.find(_OTHER_ISSUER, body, after) >= 0):
                yield der[at:after]


@lru_cache(maxsize=SHARED_MAX)
def own_outlines(crls: tuple[bytes, ...]) -> tuple[ListOutline, ...]:
    """The outlines of the lists of our own store, kept as long as a child holds the `Trust` with them; they copy nothing.

    Raises:
        ValueError: as `ListOutline.read`.
    """
    return tuple(map(ListOutline.read, crls))


def serial_of(certificate: x509.Certificate) -> bytes:
    """The serial number of a certificate as it would stand in a list."""
    found: bytes = certificate["tbs_certificate"]["serial_number"].dump()
    return found


class _SignedAbout(crl.TbsCertList):  # type: ignore[misc]  # asn1crypto has no types
    """The tbsCertList of a `ListAbout`."""

    def __init__(self, outline: ListOutline, entries: crl.RevokedCertificates | None) -> None:
        super().__init__()
        self._outline = outline
        self._entries = entries

    def __getitem__(self, key: Any) -> Any:
        """A field: the entries that are kept, else as it is in the list."""
        if key != "revoked_certificates":
            return self._outline.head["tbs_cert_list"][key]
        if self._entries is None:
            raise LookupError("a list that was asked about nobody")
        return self._entries

    def dump(self, force: bool = False) -> bytes:  # noqa: ARG002 - its interface
        """What is signed, as it stands in the list."""
        return self._outline.der[self._outline.signed]


class ListAbout(crl.CertificateList):  # type: ignore[misc]  # asn1crypto has no types
    """A list as far as it is about some certificates, in the shape in which the libraries read lists."""

    def __init__(self, outline: ListOutline, entries: crl.RevokedCertificates | None = None) -> None:
        super().__init__()
        self.digest: Final = outline.digest
        self._outline = outline
        self._signed = _SignedAbout(outline, entries)

    def __getitem__(self, key: Any) -> Any:
        """A field, as it is in the list."""
        return self._signed if key == "tbs_cert_list" else self._outline.head[key]

    def dump(self, force: bool = False) -> bytes:  # noqa: ARG002 - its interface
        """The list as it came."""
        return self._outline.der

    def revoked_at(self) -> Iterator[datetime]:
        """The dates of the entries that are kept.

        Raises:
            ValueError: one cannot be read.
        """
        for entry in self._signed["revoked_certificates"]:
            yield entry["revocation_date"].native


# --- DER -----------------------------------------------------------------------------------------------------------------


def _contents(der: bytes, at: int, tag: int | None = None) -> tuple[int, int]:
    """Where the contents of the value at a place begin and end."""
    if tag is not None and der[at] != tag:
        raise ValueError(f"a value of another kind at byte {at}")
    length, body = der[at + 1], at + 2
    if length >= _LONG:
        count = length - _LONG
        if not 0 < count <= _LENGTH_BYTES_MAX:
            raise ValueError(f"not DER at byte {at}")
        length, body = int.from_bytes(der[body : body + count]), body + count
    if body + length > len(der):
        raise ValueError(f"a value that ends after the list, at byte {at}")
    return body, body + length


def _revoked(der: bytes, inside: int, end: int) -> tuple[int, int]:
    """Where revokedCertificates begins and ends in a tbsCertList; twice the same place when it is left out."""
    at = inside
    if der[at] == _INTEGER:  # version
        at = _contents(der, at)[1]
    for _ in ("signature", "issuer"):
        at = _contents(der, at, _SEQUENCE)[1]
    if der[at] not in _TIMES:
        raise ValueError("no thisUpdate")
    at = _contents(der, at)[1]
    if at < end and der[at] in _TIMES:  # nextUpdate
        at = _contents(der, at)[1]
    after = _contents(der, at)[1] if at < end and der[at] == _SEQUENCE else at
    if after != end and (after > end or _contents(der, after, _EXTENSIONS)[1] != end):
        raise ValueError("a field that no list has")
    return at, after


def walk(der: bytes, entries: slice) -> Iterator[tuple[int, int, int]]:
    """Of each entry where it begins, where its contents begin, and where it ends."""
    at, end = entries.start, entries.stop
    while at < end:
        length, body = der[at + 1], at + 2
        after = body + length if length < _LONG else 0
        if not after:
            body, after = _contents(der, at)
        yield at, body, after
        at = after


def _check_entries(der: bytes, entries: slice) -> None:
    """Each is a SEQUENCE of a serial number, a time and perhaps extensions, and the last ends where all end.

    Numbers and times have fewer than 128 bytes (section 5.1.2.6: 20 and 15).
    """
    after = entries.start
    for at, body, after in walk(der, entries):
        time = body + 2 + der[body + 1]
        rest = time + 2 + der[time + 1]
        plain = der[at] == _SEQUENCE and der[body] == _INTEGER and 0 < der[body + 1] < _LONG and der[time] in _TIMES
        if not plain or der[time + 1] >= _LONG or (rest != after and _contents(der, rest, _SEQUENCE)[1] != after):
            raise ValueError(f"an entry that is none, at byte {at}")
    if after != entries.stop:
        raise ValueError("an entry that ends after all entries")


def _sequence(contents: bytes) -> bytes:
    return bytes(parser.emit(0, 1, 16, contents))
