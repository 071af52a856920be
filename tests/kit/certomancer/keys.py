"""`python -m tests.kit.certomancer.keys`: the keys that `pki.yml` names and nobody has made yet.

They lie in the repository, published: so the test PKI is the same, byte for byte, in every run and every process of a run, no
test waits for a prime, and a failure that fuzzing found can be replayed. `tests/vectors/pki-keys/README.md` says the rest.
"""

import sys
from pathlib import Path
from typing import Final

import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

DECLARATION: Final = Path(__file__).parent / "pki.yml"
KEYS: Final = Path(__file__).parents[2] / "vectors" / "pki-keys"
_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {"p256": ec.SECP256R1, "secp256k1": ec.SECP256K1}


def missing() -> list[Path]:
    """Files that are declared and not there."""
    declared = yaml.safe_load(DECLARATION.read_text(encoding="utf-8"))["keysets"]["test"]["keys"]
    return [path for path in (KEYS / key["path"] for key in declared.values()) if not path.exists()]


def make(path: Path) -> None:
    """One key, of the kind that the name of its file says."""
    kind = path.suffixes[0].removeprefix(".")
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind in _CURVES:
        key = ec.generate_private_key(_CURVES[kind]())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


if __name__ == "__main__":
    for wanted in missing():
        make(wanted)
        sys.stdout.write(f"{wanted.name}\n")
