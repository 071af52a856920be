"""Detached signatures that stay the same (`tests/vectors/cades`), made by `tests.unit.crypto.detached` with a `Pki`.

The keys were thrown away. All were signed at, and are judged at, `tests.kit.pki.MOMENT`.
"""

from functools import cache
from pathlib import Path

from gateway.crypto import Trust

FOLDER = Path(__file__).parents[1] / "vectors" / "cades"
CONTENT = "Phụ lục kèm theo Tờ trình, không phải PDF.\n".encode()


@cache
def signatures() -> dict[str, bytes]:
    """Every signature by its name: .p7s over `CONTENT`, .p7m with it inside; those beginning with `bad-` never pass."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.p7?"))}


@cache
def trust() -> Trust:
    """Whom they are judged by."""
    blobs = {path.name: path.read_bytes() for path in FOLDER.glob("*.der")}
    return Trust(
        anchors=(blobs["root.der"],),
        intermediates=(blobs["issuing.der"],),
        crls=(blobs["root-crl.der"], blobs["issuing-crl.der"]),
    )


def token() -> bytes:
    """A timestamp token; upon what, nobody asks."""
    return (FOLDER / "token.tst").read_bytes()
