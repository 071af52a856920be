"""The type that a file is declared with in an envelope: by its bytes, whatever it is called (facts 1.9)."""

from typing import BinaryIO, Final

from gateway.core.magic import MAGIC_BYTES, OTHER, ZIP, media_type
from gateway.edxml.archive import ArchiveRefused, container_type, read_directory

_ZIP_SUFFIX: Final = ".zip"


def declared_type(file: BinaryIO, size: int, *, name: str) -> str:
    """The media type of a file that can be looked into, of that size and name.

    Never `application/zip` for what is not called so: the vendor's reader takes such a file for one that was wrapped on the
    way, opens it, and keeps its first entry.
    """
    file.seek(0)
    kind = media_type(file.read(MAGIC_BYTES))
    if kind != ZIP:
        return kind
    try:
        container = container_type(file, read_directory(file, size))
    except ArchiveRefused:
        container = None
    return container or (ZIP if name.lower().endswith(_ZIP_SUFFIX) else OTHER)
