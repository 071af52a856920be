"""A list of anchors as it is made and signed: by hand, on a machine without a network, by several people one after the other.

Each who signs sees what he signs first; his signature is over the canonical bytes of `list`, so it stays good when others add
theirs.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from asn1crypto import x509

from gateway.core.clock import rfc3339
from gateway.core.errors import SiteError
from gateway.core.reasons import because
from gateway.crypto.paths.list_keys import PrivateKey, sign_list_bytes
from gateway.crypto.paths.subject import certificate_digest, common_name
from gateway.crypto.paths.trust_folder import read_certificates
from gateway.crypto.paths.trust_list import (
    SIGNATURES_MAX,
    TrustList,
    check_content,
    list_file,
    signed_bytes,
    split_list,
)

_FOLDERS: Final = (
    ("bodies", "anchors"),
    ("people", "people"),
    ("authorities", "authorities"),
    ("intermediates", "intermediates"),
)
"""Roles of a list, and the folders of a trust folder that hold their certificates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOrder:
    """What a list is to say beside its certificates."""

    name: str
    number: int
    issued_at: datetime
    expires_at: datetime


def draft_list(folder: Path, order: DraftOrder) -> bytes:
    """The file of a list of the certificates in a trust folder, not signed yet; `source` is each one's file.

    Raises:
        SiteError: `config.invalid` for a file; `trust.invalid`: it would be no list.
    """
    content: dict[str, Any] = {
        "name": order.name,
        "number": order.number,
        "issued_at": rfc3339(order.issued_at),
        "expires_at": rfc3339(order.expires_at),
        **{role: [_entry(path, der) for path, der in _certificates(folder / name)] for role, name in _FOLDERS},
    }
    check_content(content, path=str(folder))
    return list_file(content, ())


def add_signature(data: bytes, key: PrivateKey, *, path: str) -> tuple[bytes, TrustList]:
    """The same list with one more signature, or with this key's made anew; and what it says.

    Raises:
        SiteError: `trust.invalid`: it is no list, or bears too many signatures.
    """
    content, signatures = split_list(data, path=path)
    said = check_content(content, path=path)
    known, raw = sign_list_bytes(key, signed_bytes(content))
    mine = {"key": str(known.digest), "signature": base64.b64encode(raw).decode()}
    others: Sequence[dict[str, str]] = [one for one in signatures if one["key"] != known.digest]
    if len(others) >= SIGNATURES_MAX:
        problem = because("other", detail=f"more than {SIGNATURES_MAX} signatures")
        raise SiteError("trust.invalid", path=path, problem=problem)
    return list_file(content, [*others, mine]), said


def _certificates(folder: Path) -> list[tuple[Path, bytes]]:
    if not folder.is_dir():
        return []
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".pem", ".crt", ".cer"})
    return [(path, der) for path in paths for der in read_certificates(path)]


def _entry(path: Path, der: bytes) -> dict[str, str]:
    return {
        "name": common_name(x509.Certificate.load(der)) or path.stem,
        "source": path.name,
        "sha256": certificate_digest(der),
        "certificate": base64.b64encode(der).decode(),
    }
