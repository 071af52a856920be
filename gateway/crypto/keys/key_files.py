"""Keys of bodies as an installation keeps them: `<code>.pem` beside `<code>.crt` in a folder for each purpose."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.core.ids import OrganId
from gateway.crypto.paths.trust_folder import read_certificates
from gateway.crypto.sealer import KeyRef

KeyFiles = Mapping[OrganId, tuple[KeyRef, Path]]
"""For each body what is shown (id, certificates) and where the key lies; the key itself is opened by a key-holder only."""


def read_key_files(folder: Path, organs: Iterable[OrganId], *, purpose: str) -> KeyFiles:
    """The keys of these bodies; ids are `<purpose>:<code>`.

    Raises:
        SiteError: `config.invalid` naming the certificate file that is missing or unreadable.
    """
    return {
        organ: (
            KeyRef(key_id=f"{purpose}:{organ}", chain=read_certificates(folder / f"{organ}.crt")),
            folder / f"{organ}.pem",
        )
        for organ in organs
    }
