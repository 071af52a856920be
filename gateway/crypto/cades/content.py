"""The content of a detached signature: a file of any size and kind, of which only the digests are wanted."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

DIGESTS: Final = frozenset({"sha256", "sha384", "sha512"})
"""Digest algorithms that still hold."""
_PIECE_BYTES: Final = 1024 * 1024


def hash_file(path: Path, algorithms: Iterable[str]) -> Mapping[str, bytes]:
    """The digests of a file by each of the algorithms, in one reading and flat memory.

    Not for a judge: hashing understands nothing of what it reads, and 2 GiB take longer than a judge is given.

    Raises:
        OSError: it cannot be read.
    """
    hashes = {name: hashlib.new(name) for name in sorted(set(algorithms) & DIGESTS)}
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            for one in hashes.values():
                one.update(piece)
    return {name: one.digest() for name, one in hashes.items()}
