"""A PKCS#11 token in software (SoftHSM 2) in a folder of its own, and vendors' libraries that misbehave."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.crypto import KeySource, certificate_digest
from gateway.crypto.keys.sources import Pkcs11Key, Token
from tests.kit.pki import Leaf

MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)
MODULE = next((path for path in MODULES if path.exists()), None)
TOOL = shutil.which("softhsm2-util")
PIN, SO_PIN = "13579-ố", "24680"

_PUT = """
import json, sys
import pkcs11
from pkcs11 import Attribute, CertificateType, ObjectClass
asked = json.load(sys.stdin)
token = pkcs11.lib(asked["module"]).get_token(token_label=asked["token"])
with token.open(rw=True, user_pin=asked["pin"]) as session:
    session.create_object({
        Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
        Attribute.TOKEN: True, Attribute.LABEL: asked["label"], Attribute.ID: bytes.fromhex(asked["id"]),
        Attribute.SUBJECT: bytes.fromhex(asked["subject"]), Attribute.VALUE: bytes.fromhex(asked["der"]),
        Attribute.PRIVATE: asked["private"],
    })
"""
_PUT_KEY = """
import json, sys
import pkcs11
from pkcs11 import Attribute
from pkcs11.util.rsa import decode_rsa_private_key
asked = json.load(sys.stdin)
token = pkcs11.lib(asked["module"]).get_token(token_label=asked["token"])
with token.open(rw=True, user_pin=asked["pin"]) as session:
    key = decode_rsa_private_key(bytes.fromhex(asked["key"]))
    session.create_object({
        **key, Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.SIGN: True,
        Attribute.ID: bytes.fromhex(asked["id"]), Attribute.ALWAYS_AUTHENTICATE: True,
    })
"""


@dataclass(frozen=True)
class SoftToken:
    """One token; everything about it lies in `folder`."""

    folder: Path
    label: str = "gw"

    @classmethod
    def make(cls, folder: Path, label: str = "gw") -> "SoftToken":
        """An empty token with its PIN in a file."""
        (folder / "tokens").mkdir(parents=True)
        lines = (f"directories.tokendir = {folder / 'tokens'}", "objectstore.backend = file", "log.level = ERROR")
        (folder / "softhsm2.conf").write_text("\n".join(lines) + "\n")
        token = cls(folder, label)
        token._util("--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", PIN)
        token.write_pin(PIN)
        return token

    @property
    def store(self) -> Path:
        """Where the token itself lies: taken away, it is unplugged."""
        return self.folder / "tokens"

    @property
    def pin_file(self) -> Path:
        return self.folder / "pin"

    def write_pin(self, text: str) -> None:
        self.pin_file.touch(mode=0o600)
        self.pin_file.chmod(0o600)
        self.pin_file.write_text(text + "\n")

    def change_pin(self, old: str, new: str) -> None:
        """As its owner does, with another program."""
        script = (
            "import json, sys, pkcs11\nasked = json.load(sys.stdin)\n"
            "token = pkcs11.lib(asked['module']).get_token(token_label=asked['token'])\n"
            "with token.open(rw=True, user_pin=asked['old']) as session: session.set_pin(asked['old'], asked['new'])\n"
        )
        self._program(script, old=old, new=new)

    def serial(self) -> str:
        """Its serial number, as SoftHSM chose it."""
        script = (
            "import json, sys, pkcs11\nasked = json.load(sys.stdin)\n"
            "print(pkcs11.lib(asked['module']).get_token(token_label=asked['token']).serial.decode())\n"
        )
        return self._program(script).strip()

    def spend_a_try(self) -> None:
        """As somebody does who does not know the PIN."""
        script = (
            "import json, sys, pkcs11\nasked = json.load(sys.stdin)\n"
            "token = pkcs11.lib(asked['module']).get_token(token_label=asked['token'])\n"
            "try: token.open(user_pin='not this one')\n"
            "except pkcs11.exceptions.PinIncorrect: pass\n"
        )
        self._program(script)

    def another_of_this_label(self) -> None:
        """A second token in the same store."""
        self._util("--init-token", "--free", "--label", self.label, "--so-pin", SO_PIN, "--pin", PIN)

    def replug(self) -> None:
        """Its objects leave and come back as others: what a session has of them is void."""
        for path in self.store.glob("*/*.object"):
            if path.name != "token.object":
                path.rename(path.with_name(f"{uuid.uuid4()}.object"))

    @property
    def source(self) -> Token:
        assert MODULE is not None
        return Token(
            module=MODULE,
            label=self.label,
            pin_file=self.pin_file,
            environment=(("SOFTHSM2_CONF", str(self.folder / "softhsm2.conf")),),
        )

    def put(
        self, leaf: Leaf, *, object_id: str, label: str = "seal", certificate: bool = True, hidden: bool = False
    ) -> None:
        """Key and certificate of a leaf."""
        pem = self.folder / f"{object_id}.pem"
        pem.write_bytes(leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self._util(
            *("--import", str(pem), "--token", self.label, "--label", label, "--id", object_id),
            *("--pin", PIN, "--force"),
        )
        pem.unlink()
        if certificate:
            self._put_certificate(leaf, object_id=object_id, label=label, hidden=hidden)

    def _put_certificate(self, leaf: Leaf, *, object_id: str, label: str, hidden: bool) -> None:
        subject = leaf.certificate.subject.public_bytes().hex()
        self._program(_PUT, id=object_id, label=label, subject=subject, der=leaf.der.hex(), private=hidden)

    def put_asking_each_time(self, leaf: Leaf, *, object_id: str) -> None:
        """An RSA key with CKA_ALWAYS_AUTHENTICATE, and its certificate."""
        der = leaf.key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        self._program(_PUT_KEY, id=object_id, key=der.hex())
        self._put_certificate(leaf, object_id=object_id, label="each time", hidden=False)

    def key(self, leaf: Leaf, *, object_id: str = "") -> KeySource:
        return Pkcs11Key(token=self.source, certificate=certificate_digest(leaf.der), object_id=object_id)

    def _util(self, *arguments: str) -> None:
        assert TOOL is not None
        self._run([TOOL, *arguments], "")

    def _program(self, script: str, **asked: object) -> str:
        told = {"module": str(MODULE), "token": self.label, "pin": PIN, **asked}
        return self._run([sys.executable, "-c", script], json.dumps(told))

    def _run(self, command: list[str], told: str) -> str:
        environment = {**os.environ, "SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}
        done = subprocess.run(
            command, input=told, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
