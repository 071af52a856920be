"""Keys of bodies as an installation keeps them: `<code>.pem` beside `<code>.crt` in a folder for each purpose, or elsewhere."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gateway.core.ids import Digest, OrganId
from gateway.crypto.keys.own_key import KeyRef
from gateway.crypto.keys.sources import KeySource, PemFile
from gateway.crypto.paths.subject import certificate_digest
from gateway.crypto.paths.trust_folder import read_certificates

KeyFiles = Mapping[OrganId, tuple[KeyRef, KeySource]]
"""For each body what is shown (id, certificates) and where the key lies; the key itself is opened by a key-holder only."""
Elsewhere = Callable[[OrganId, Digest], KeySource | None]
"""Where the key of a body lies, given the digest of its certificate; None: beside it."""


def read_key_files(
    folder: Path, organs: Iterable[OrganId], *, purpose: str, elsewhere: Elsewhere = lambda _organ, _digest: None
) -> KeyFiles:
    """The keys of these bodies; ids are `<purpose>:<code>`.

    Raises:
        SiteError: `config.invalid` naming the certificate file that is missing or unreadable.
    """
    found: dict[OrganId, tuple[KeyRef, KeySource]] = {}
    for organ in organs:
        chain = read_certificates(folder / f"{organ}.crt")
        source = elsewhere(organ, certificate_digest(chain[0])) or PemFile(path=folder / f"{organ}.pem")
        found[organ] = KeyRef(key_id=f"{purpose}:{organ}", chain=chain), source
    return found
