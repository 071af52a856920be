"""The manifest: what a backup consists of, as a signed note that no checkpoint of a log can be taken for."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from gateway.audit import AuditError, VerifierKey, open_note, sign_note
from gateway.core.errors import SiteError
from gateway.core.limits import CHUNK_BYTES, NOTE_BYTES_MAX
from gateway.core.ports import Signer

DATABASE: Final = "gateway.db"
MEMORY: Final = "signer-memory"
BLOBS: Final = "blobs"
MANIFEST: Final = "manifest.note"
_FIRST_LINE: Final = "edoc-gateway/backup/v1"
"""A checkpoint begins with the name of its log, and no gateway bears this one: neither can stand for the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup consists of."""

    gateway: str
    made_at: str
    """RFC 3339."""
    schema: str
    """Version of the database."""
    database_bytes: int
    database_sha256: str
    memory_sha256: str
    """Of an empty text where nothing was signed yet: then there is no such file."""
    log_size: int
    log_root: str
    blobs: int
    blob_bytes: int
    blobs_missing: int
    """Files that rows name and that were not there, or not what their names say, when the backup was made."""


_FORM: Final = {one.name: one.type for one in fields(Manifest)}


async def signed(manifest: Manifest, *, key: VerifierKey, signer: Signer) -> str:
    """The manifest as a note."""
    body = json.dumps(asdict(manifest), sort_keys=True, ensure_ascii=True)
    return await sign_note(f"{_FIRST_LINE}\n{body}\n", key=key, signer=signer)


def read_manifest(folder: Path, keys: Sequence[VerifierKey]) -> Manifest:
    """The manifest of a backup, signed by one of the keys.

    Raises:
        SiteError: `backup.manifest`.
    """
    try:
        with (folder / MANIFEST).open("rb") as file:
            note = open_note(file.read(NOTE_BYTES_MAX + 1).decode(), keys)
        return _parsed(note.text)
    except FileNotFoundError as error:
        raise SiteError("backup.manifest", reason=f"no {MANIFEST} in {folder}") from error
    except (OSError, ValueError, AuditError) as error:
        raise SiteError("backup.manifest", reason=str(error)) from error


def _parsed(text: str) -> Manifest:
    first, body, _ = text.split("\n")
    said = json.loads(body)
    if first != _FIRST_LINE or {name: type(value) for name, value in said.items()} != _FORM:
        raise ValueError("not the manifest of a backup")
    return Manifest(**said)


def digest_of(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file; of no file, those of an empty one."""
    digest, size = hashlib.sha256(), 0
    if path.exists():
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    return size, digest.hexdigest()
