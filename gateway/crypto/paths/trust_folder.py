"""Trust as it lies in a folder, each file PEM or DER, each bounded. Only `anchors/` must be there.

    anchors/        of bodies (and of persons, as long as `people/` has none)
    people/         of persons
    authorities/    of timestamp authorities
    intermediates/  certificates between: not believed, only found here
    crls/ ocsps/    revocation evidence

Only these files are believed: never the operating system's store, never certifi's. For an installation in earnest the
anchors come from a signed list instead (`trust_list`); the folder then keeps intermediates and evidence alone.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from asn1crypto import ocsp, pem, x509

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.reasons import because, of_os
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.list_entries import check_said
from gateway.crypto.paths.revocation_list import ListOutline
from gateway.crypto.paths.subject import refuse_demo
from gateway.crypto.paths.trust import Trust

_FILES_MAX: Final = 200
_FILE_BYTES_MAX: Final = limits.REVOCATION_LIST_BYTES_MAX
_CERTIFICATE_SUFFIXES: Final = frozenset({".pem", ".crt", ".cer"})
_CRL_SUFFIXES: Final = frozenset({".pem", ".crl"})
_OCSP_SUFFIXES: Final = frozenset({".ocsp", ".ors", ".der"})
ANCHOR_FOLDERS: Final = ("anchors", "people", "authorities")


class LoadedTrust:
    """Whom we believe now: one reference to one frozen `Trust`. Readers may be in any thread; only one replaces."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def current(self) -> Trust:
        """Whom we believe: one object for each loading, so a caller keeps a consistent view as long as it holds it."""
        return self._trust

    def replace(self, trust: Trust) -> None:
        """Believe these from now on."""
        self._trust = trust


def load_trust(folder: Path, demo: bool) -> Trust:
    """Read whom to believe, by the rules that are shipped. `demo`: whether this installation accepts demo certificates.

    Raises:
        SiteError: `config.invalid` naming the file, or `key.demo` for a demo anchor where none is accepted.
    """
    anchors, people, authorities = (_read(folder / name, _CERTIFICATES) for name in ANCHOR_FOLDERS)
    if not anchors:
        raise SiteError("config.invalid", path=str(folder / "anchors"), reason=because("no_anchor"))
    if not demo:
        for anchor in (*anchors, *people, *authorities):
            refuse_demo(anchor, what="trust anchor")
    trust = Trust(anchors=anchors, people=people, authorities=authorities, demo=demo)
    return with_evidence(trust, folder)


def with_evidence(trust: Trust, folder: Path) -> Trust:
    """The same anchors, with the intermediates and the revocation evidence of a folder as well.

    Raises:
        SiteError: `config.invalid` naming the file.
    """
    crls = _added(trust.crls, _read(folder / "crls", _CRLS))
    _insist_on_size(crls, limits.REVOCATION_LISTS_BYTES_MAX, folder / "crls")
    ocsps = _added(trust.ocsps, _read(folder / "ocsps", _OCSPS))
    _insist_on_size(ocsps, limits.OCSP_RESPONSES_BYTES_MAX, folder / "ocsps")
    return replace(
        trust,
        intermediates=_added(trust.intermediates, _read(folder / "intermediates", _CERTIFICATES)),
        crls=crls,
        ocsps=ocsps,
    )


def _insist_on_size(evidence: tuple[bytes, ...], limit: int, folder: Path) -> None:
    if sum(map(len, evidence)) > limit:
        raise SiteError("config.invalid", path=str(folder), reason=because("large", limit=limit))


def _added(some: tuple[bytes, ...], more: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Each once, in their order."""
    return tuple(dict.fromkeys((*some, *more)))


def read_certificates(path: Path) -> tuple[bytes, ...]:
    """The certificates of one PEM or DER file, in order, as DER.

    Raises:
        SiteError: `config.invalid` naming the file.
    """
    return _read_file(path, _certificate)


def read_evidence(data: bytes, kind: str) -> bytes:
    """The DER of one CRL (`crl`) or OCSP response (`ocsp`) that is PEM or DER, looked through to its end.

    Raises:
        ValueError: it is none, or there are several.
    """
    (der,) = _parsed(data, _list if kind == "crl" else _response)
    return der


def read_folder(folder: Path | None) -> tuple[bytes, ...]:
    """The certificates of all files of a folder, by file name, as DER; none without a folder.

    Raises:
        SiteError: `config.invalid` naming the folder or the file.
    """
    if folder is None:
        return ()
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise SiteError("config.invalid", path=str(folder), reason=of_os(error)) from error
    found = tuple(der for path in paths for der in read_certificates(path))
    if not found:
        raise SiteError("config.invalid", path=str(folder), reason=because("no_certificate"))
    return found


def _certificate(der: bytes) -> object:
    return x509.Certificate.load(der, strict=True).native


def _list(der: bytes) -> object:
    outline = ListOutline.read(der)
    check_said(outline)
    return outline.head.native


def _response(der: bytes) -> object:
    return ocsp.OCSPResponse.load(der, strict=True).native


_Check = Callable[[bytes], object]
"""Looks through all of it, so that a broken file is found at start; throws whatever its library throws."""
_Kind = tuple[frozenset[str], _Check]
_CERTIFICATES: Final[_Kind] = (_CERTIFICATE_SUFFIXES, _certificate)
_CRLS: Final[_Kind] = (_CRL_SUFFIXES, _list)
_OCSPS: Final[_Kind] = (_OCSP_SUFFIXES, _response)


def _read(folder: Path, kind: _Kind) -> tuple[bytes, ...]:
    if not folder.is_dir():
        return ()
    suffixes, check = kind
    paths = sorted(path for path in folder.iterdir() if path.suffix in suffixes and not path.name.startswith("."))
    if len(paths) > _FILES_MAX:
        raise SiteError("config.invalid", path=str(folder), reason=because("many_files", limit=_FILES_MAX))
    return tuple(der for path in paths for der in _read_file(path, check))


def _read_file(path: Path, check: _Check) -> tuple[bytes, ...]:
    try:
        # Not blocking: a pipe of that name would hang a reload for ever.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return _parsed(file.read(_FILE_BYTES_MAX + 1) if regular else b"", check)
    except OSError as error:
        raise SiteError("config.invalid", path=str(path), reason=of_os(error)) from error
    except (ValueError, TypeError) as error:
        raise SiteError("config.invalid", path=str(path), reason=because("form", detail=str(error))) from error


def _parsed(data: bytes, check: _Check) -> tuple[bytes, ...]:
    if len(data) > _FILE_BYTES_MAX:
        raise ValueError("too large")
    blocks = [der for _, _, der in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
    for der in blocks:
        found = attempt(check, der)
        if isinstance(found, Trouble):
            raise ValueError(found.reason)  # noqa: TRY004 - of the bytes, not of a type
    return tuple(blocks)
