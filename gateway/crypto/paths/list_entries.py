"""What the entries of a revocation list say, looked through without making objects of them: dates, reasons, extensions.

Done once, where a list comes into the house (`trust_folder`), so that a broken one is found then and not when its certificate
is judged. Half a million entries have a few thousand days and a handful of different extensions: each is read once, by
asn1crypto, and recognised by its bytes afterwards.
"""

import re
from typing import Final

from asn1crypto import core, crl

from gateway.crypto.paths.revocation_list import ListOutline, walk

_UTC_TIME: Final = re.compile(rb"\x17\x0d(\d{6})(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ")
_INVALID_SINCE: Final = re.compile(rb"\x06\x03\x55\x1d\x18\x04\x11\x18\x0f(\d{8})(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ")
"""Extension invalidityDate (RFC 5280 section 5.3.2): the one that differs from entry to entry."""


class _Seen:
    """What was read already."""

    def __init__(self) -> None:
        self._dates: set[bytes] = set()
        self._extensions: set[bytes] = set()

    def date(self, der: bytes) -> None:
        found = _UTC_TIME.fullmatch(der)
        known = found[1] if found else der
        if known not in self._dates:
            _read(core.UTCTime if der[0] == core.UTCTime.tag else core.GeneralizedTime, der)
            self._dates.add(known)

    def extensions(self, der: bytes) -> None:
        known = _INVALID_SINCE.sub(rb"\1", der)
        if known not in self._extensions:
            _read(crl.CRLEntryExtensions, der)
            self._extensions.add(known)


def check_said(outline: ListOutline) -> None:
    """Look through all entries of a list.

    Raises:
        ValueError, KeyError, TypeError: what asn1crypto throws at one that cannot be read.
    """
    seen, der = _Seen(), outline.der
    for _, body, after in walk(der, outline.entries):
        time = body + 2 + der[body + 1]
        rest = time + 2 + der[time + 1]
        seen.date(der[time:rest])
        if rest < after:
            seen.extensions(der[rest:after])


def _read(kind: type[core.Asn1Value], der: bytes) -> None:
    kind.load(der, strict=True).native  # noqa: B018 - it is the reading that counts
