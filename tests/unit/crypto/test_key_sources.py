"""Keys in encrypted files: what opens them, what does not, and that nobody learns the password."""

import os
import pickle
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    pkcs12,
)

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.reasons import Reason
from gateway.crypto import (
    InlineHolder,
    KeyHolder,
    KeyHolderPool,
    KeyRef,
    KeySource,
    PemFile,
    Pkcs11Key,
    Pkcs12File,
    Token,
    certificate_digest,
    client_context,
    files_of,
    needs_secret,
    try_key,
)
from gateway.crypto.keys.guarded import UnusableError, read_guarded, read_secret
from gateway.observe import explain
from tests.kit.pki import Key, Leaf, Pki, rsa_key, write_chain, write_key

PASSWORD = "mật khẩu 'lạ' \\ $HOME"
PKI = Pki()
RSA, EC, OTHER = PKI.leaf("seal"), PKI.leaf("elliptic"), PKI.leaf("elliptic", organ_id="Z79.9")


def put(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def encrypted(path: Path, key: Key, kind: PrivateFormat = PrivateFormat.PKCS8, password: str = PASSWORD) -> Path:
    return put(path, key.private_bytes(Encoding.PEM, kind, BestAvailableEncryption(password.encode())))


def p12(path: Path, key: Key | None, certificate: x509.Certificate | None, *others: x509.Certificate) -> Path:
    secret = BestAvailableEncryption(PASSWORD.encode())
    return put(path, pkcs12.serialize_key_and_certificates(b"own", key, certificate, others or None, secret))


def word(error: SiteError) -> str:
    reason = error.params["reason"]
    assert isinstance(reason, Reason)
    return reason.message_id.removeprefix("why.")


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.password = put(path / "password", f"{PASSWORD}\n".encode(), 0o400)
        self.wrong = put(path / "wrong", b"not this one\n")

    def pem(self, key: Key = RSA.key, password: Path | None = None, **more: PrivateFormat) -> PemFile:
        return PemFile(path=encrypted(self.path / "key.pem", key, **more), password_file=password or self.password)

    def p12(self, leaf: Leaf = RSA, *, path: Path | None = None, password: Path | None = None) -> Pkcs12File:
        path = path or p12(self.path / "key.p12", leaf.key, leaf.certificate, leaf.issuing)
        digest = certificate_digest(leaf.der)
        return Pkcs12File(path=path, password_file=password or self.password, certificate=digest)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


GOOD: dict[str, tuple[Callable[[Folder], KeySource], Leaf]] = {
    "encrypted RSA": (lambda f: f.pem(), RSA),
    "encrypted EC": (lambda f: f.pem(EC.key), EC),
    "encrypted the old way": (lambda f: f.pem(kind=PrivateFormat.TraditionalOpenSSL), RSA),
    "PKCS#12, RSA": (lambda f: f.p12(), RSA),
    "PKCS#12, EC": (lambda f: f.p12(EC), EC),
    "PKCS#12, its certificate among others": (
        lambda f: f.p12(EC, path=p12(f.path / "a.p12", EC.key, None, OTHER.certificate, EC.certificate)),
        EC,
    ),
    "plain": (lambda f: PemFile(path=write_key(f.path / "plain.pem", RSA.key)), RSA),
    "by a link": (lambda f: PemFile(path=linked(f.pem().path), password_file=linked(f.password)), RSA),
    "a password without the end of its line": (
        lambda f: f.pem(password=put(f.path / "bare", PASSWORD.encode())),
        RSA,
    ),
    "a password with Windows' end of line": (
        lambda f: f.pem(password=put(f.path / "windows", f"{PASSWORD}\r\n".encode())),
        RSA,
    ),
}


def linked(path: Path) -> Path:
    link = path.with_name(f"{path.name}.link")
    link.symlink_to(path)
    return link


def cut(f: Folder) -> KeySource:
    source = f.pem()
    return PemFile(path=put(source.path, source.path.read_bytes()[:200]), password_file=f.password)


def junk_p12(f: Folder) -> KeySource:
    return f.p12(path=put(f.path / "junk.p12", b"junk"))


def other_key(f: Folder) -> KeySource:
    """The right certificate, beside a key that is not its own."""
    path = f.path / "odd.p12"
    secret = BestAvailableEncryption(PASSWORD.encode())
    data = pkcs12.serialize_key_and_certificates(b"own", OTHER.key, OTHER.certificate, [EC.certificate], secret)
    return f.p12(EC, path=put(path, data))


def fifo(f: Folder) -> Path:
    os.mkfifo(f.path / "fifo", 0o600)
    return f.path / "fifo"


def made(path: Path) -> Path:
    path.mkdir(mode=0o600)
    return path


BAD: dict[str, tuple[Callable[[Folder], KeySource], str]] = {
    "wrong password": (lambda f: f.pem(password=f.wrong), "password_wrong"),
    "wrong password, the old way": (
        lambda f: f.pem(password=f.wrong, kind=PrivateFormat.TraditionalOpenSSL),
        "password_wrong",
    ),
    "no password": (lambda f: PemFile(path=f.pem().path), "password_needed"),
    "a password for nothing": (
        lambda f: PemFile(path=write_key(f.path / "plain.pem", RSA.key), password_file=f.password),
        "password_not_needed",
    ),
    "half a key": (cut, "not_pem_key"),
    "no key file": (lambda f: PemFile(path=f.path / "none.pem", password_file=f.password), "enoent"),
    "a key for everybody": (
        lambda f: PemFile(path=put(f.path / "open", f.pem().path.read_bytes(), 0o644), password_file=f.password),
        "mode",
    ),
    "a key that never ends": (lambda f: PemFile(path=Path("/dev/zero"), password_file=f.password), "enxio"),
    "a pipe for a key": (lambda f: PemFile(path=fifo(f), password_file=f.password), "enxio"),
    "a folder for a key": (lambda f: PemFile(path=made(f.path / "dir"), password_file=f.password), "enxio"),
    "a very large key": (
        lambda f: PemFile(path=put(f.path / "large", b"\n" * limits.MIB), password_file=f.password),
        "large",
    ),
    "PKCS#12, wrong password": (lambda f: f.p12(password=f.wrong), "password_wrong"),
    "PKCS#12, another certificate": (
        lambda f: f.p12(RSA, path=p12(f.path / "a.p12", EC.key, EC.certificate)),
        "other_certificate_inside",
    ),
    "PKCS#12, another key": (other_key, "other_certificate_inside"),
    "PKCS#12 without a certificate": (
        lambda f: f.p12(EC, path=p12(f.path / "a.p12", EC.key, None)),
        "other_certificate_inside",
    ),
    "PKCS#12 without a key": (lambda f: f.p12(path=p12(f.path / "a.p12", None, RSA.certificate)), "no_key_inside"),
    "no PKCS#12": (junk_p12, "not_pfx"),
    "PEM for PKCS#12": (lambda f: f.p12(path=f.pem().path), "not_pfx"),
    "weak": (lambda f: f.pem(rsa_key("weak one", 1024)), "weak_key"),
    "no password file": (lambda f: f.pem(password=f.path / "none"), "secret_file"),
    "everybody's password": (lambda f: f.pem(password=put(f.path / "o", b"x", 0o604)), "secret_file"),
    "an empty password": (lambda f: f.pem(password=put(f.path / "e", b"\n")), "secret_file"),
    "a password of two lines": (lambda f: f.pem(password=put(f.path / "t", b"a\nb\n")), "secret_file"),
    "a password of two ends": (lambda f: f.pem(password=put(f.path / "t", b"a\n\n")), "secret_file"),
    "a password of megabytes": (lambda f: f.pem(password=put(f.path / "m", b"x" * limits.MIB)), "secret_file"),
    "a password with NUL": (lambda f: f.pem(password=put(f.path / "z", b"a\0b\n")), "secret_file"),
    "a binary password": (lambda f: f.pem(password=put(f.path / "b", b"\xff\xfe\xff")), "secret_file"),
    "a pipe for a password": (lambda f: f.pem(password=fifo(f)), "secret_file"),
    "a password that never ends": (lambda f: f.pem(password=Path("/dev/zero")), "secret_file"),
}


@pytest.fixture(params=["inline", "processes"])
async def holding(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[KeySource], object]]:
    pools: list[KeyHolderPool] = []

    async def hold(source: KeySource) -> KeyHolder:
        assert not isinstance(source, Pkcs11Key)
        if request.param == "inline":
            return InlineHolder(keys={"own": source})
        pools.append(KeyHolderPool(keys={"own": source}))
        await pools[-1].start()
        return pools[-1]

    yield hold
    for pool in pools:
        await pool.close()


@pytest.mark.parametrize("case", GOOD)
async def test_a_key_that_is_opened_signs(case: str, folder: Folder, holding: Callable[[KeySource], object]) -> None:
    make, leaf = GOOD[case]
    holder = await holding(make(folder))  # type: ignore[misc]
    for _ in range(2):
        await try_key(holder, KeyRef(key_id="own", chain=leaf.chain))


@pytest.mark.parametrize("case", BAD)
async def test_a_key_that_is_not_opened_says_why_and_nothing_more(
    case: str, folder: Folder, holding: Callable[[KeySource], object]
) -> None:
    make, why = BAD[case]
    holder = await holding(make(folder))  # type: ignore[misc]
    with pytest.raises(SiteError) as caught:
        await holder.sign("own", b"data")
    assert (caught.value.code, word(caught.value)) == ("key.missing", why)
    told = explain(caught.value.code, caught.value.params)
    for said in (str(caught.value), repr(caught.value), told.what_vi, told.what_en):
        assert PASSWORD not in said
        assert "not this one" not in said


def test_what_other_programs_write_is_read(folder: Folder) -> None:
    """OpenSSL's own PKCS#8 and PKCS#12, with today's algorithms."""
    plain, chain = write_key(folder.path / "plain.pem", RSA.key), write_chain(folder.path / "c.pem", RSA.certificate)
    read, out = f"file:{folder.password}", folder.path / "out"
    commands = (
        ["openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", plain, "-out", out, "-passout", read],
        ["openssl", "pkcs8", "-topk8", "-scrypt", "-in", plain, "-out", out, "-passout", read],
        ["openssl", "pkcs12", "-export", "-inkey", plain, "-in", chain, "-out", out, "-passout", read],
    )
    for command in commands:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"openssl: {done.stderr[:80]}")
        out.chmod(0o600)
        source = folder.p12(path=out) if "pkcs12" in command else PemFile(path=out, password_file=folder.password)
        assert InlineHolder(keys={"own": source})._ring.sign("own", b"data")


def test_a_source_says_nothing_secret_and_can_be_sent(folder: Folder) -> None:
    token = Token(module=Path("/m"), pin_file=folder.password, label="gw")
    for source in (folder.pem(), folder.p12(), Pkcs11Key(token=token, certificate=Digest("0" * 64))):
        assert PASSWORD not in repr(source)
        assert pickle.loads(pickle.dumps(source)) == source
        assert folder.password in files_of(source)
        assert needs_secret(source)
    assert not needs_secret(PemFile(path=Path("x")))


def test_a_secret_is_exactly_its_line(folder: Folder) -> None:
    assert read_secret(put(folder.path / "s", b" a b \n")) == " a b "
    assert read_secret(put(folder.path / "s", b"x" * (limits.SECRET_BYTES_MAX - 1) + b"\n"))
    with pytest.raises(UnusableError):
        read_secret(put(folder.path / "s", b"x" * (limits.SECRET_BYTES_MAX + 1)))


def test_no_descriptor_is_left_open(folder: Folder) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (folder.password, fifo(folder), Path("/dev/zero"), made(folder.path / "d"), folder.path / "none"):
        for _ in range(3):
            try:
                read_guarded(path)
            except UnusableError:
                continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_listener_with_an_encrypted_key_does_not_ask_the_terminal(folder: Folder) -> None:
    """OpenSSL would, and `serve` would wait for ever."""
    leaf = PKI.leaf("tls")
    chain = write_chain(folder.path / "tls.crt", leaf.certificate)
    with pytest.raises(SiteError) as caught:
        client_context(certificate=chain, key=encrypted(folder.path / "tls.pem", leaf.key), anchors=PKI.trust.anchors)
    assert (caught.value.code, word(caught.value)) == ("key.missing", "password_needed")


def test_a_listener_s_key_is_no_pipe(folder: Folder) -> None:
    chain = write_chain(folder.path / "tls.crt", PKI.leaf("tls").certificate)
    with pytest.raises(SiteError) as caught:
        client_context(certificate=chain, key=fifo(folder), anchors=PKI.trust.anchors)
    assert (caught.value.code, word(caught.value)) == ("key.missing", "enxio")
