"""A signed list of anchors for tests: keys, and a list of the certificates of a trust folder."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.crypto import DraftOrder, add_signature, draft_list, read_signing_key


@dataclass(frozen=True)
class ListFolder:
    """Where they lie."""

    keys: Path
    """Public halves."""
    one: Path
    two: Path
    file: Path


def make_list(folder: Path, trust: Path, *, now: dt.datetime, number: int = 7, days: int = 90) -> ListFolder:
    """Two keys, and a list that both have signed."""
    public = folder / "list-keys"
    public.mkdir(parents=True)
    paths = []
    for name, key in (("one", Ed25519PrivateKey.generate()), ("two", generate_private_key(SECP256R1()))):
        path = folder / f"{name}.pem"
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        known = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (public / f"{name}.pem").write_bytes(known)
        paths.append(path)
    order = DraftOrder(name="Gốc tin cậy", number=number, issued_at=now, expires_at=now + days * dt.timedelta(days=1))
    data = draft_list(trust, order)
    for path in paths:
        data, _ = add_signature(data, read_signing_key(path, password=bytes), path="list.json")
    (folder / "list.json").write_bytes(data)
    return ListFolder(keys=public, one=paths[0], two=paths[1], file=folder / "list.json")
