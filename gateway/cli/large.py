"""Files of a command: in memory up to the usual bound, on the disk above it, and then brought up in pieces."""

import hashlib
from pathlib import Path

from gateway.cli.files import read_file, require_file
from gateway.core.errors import SenderError
from gateway.core.large_limits import LARGE_FILE_MIB_MAX
from gateway.core.limits import FILE_BYTES_MAX, MIB

Content = bytes | Path


def content_of(path: Path) -> Content:
    """The bytes of a file, or the file itself where they are more than is usual; a PDF never is.

    Raises:
        Failure: there is nothing, or it is a folder.
        SenderError: `size.limit`.
        OSError: it cannot be read.
    """
    require_file(path)
    size, limit = path.stat().st_size, LARGE_FILE_MIB_MAX * MIB
    if size <= FILE_BYTES_MAX or path.suffix.lower() == ".pdf":
        return read_file(path, FILE_BYTES_MAX)
    if size > limit:
        raise SenderError("size.limit", limit=limit, what=path.name)
    return path


def size_of(content: Content) -> int:
    """In bytes."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


def sha256_of(content: Content) -> str:
    """In hex."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
