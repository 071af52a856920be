"""One file handed to the entry that its first line names: by them an installation learns whom to believe, and by what.

* A value comes out, or the errors that the entry names; nothing else is ever raised.
* What is believed because somebody signed it (a list, an answer about a certificate, a timestamp) is what they signed.
* Whoever is believed then, a revoked certificate passes by no evidence, and what was read can be told to people.

It is loaded after the marks are set (`branches`), so with `evidence_target` it alone of this package may import crypto.
"""

import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from asn1crypto import crl, ocsp

from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.validation import Indication
from gateway.crypto import (
    Evidence,
    EvidenceStore,
    PemFile,
    Pkcs12File,
    Trust,
    certificate_digest,
    certificates_believed,
    check_evidence,
    client_certificate,
    evidence_of,
    is_demo,
    judge_certificate,
    load_trust,
    organization_identifier,
    parse_list,
    parse_policy,
    read_certificates,
    read_folder,
    read_list_keys,
    read_pkcs11_uri,
    read_signing_key,
    signed_bytes,
    spki_digest,
    split_list,
    subject_public_key,
    token_chain,
)
from gateway.crypto.fetching.check import Genuine
from gateway.crypto.keys.key_reader import read_private_key
from gateway.crypto.pades.long_term import token_time
from gateway.crypto.paths.list_memory import ListMemory
from gateway.crypto.timestamps.reply import Stamped, check_reply
from tests.kit.certomancer.declared import bundle, certificate, chain
from tests.kit.certomancer.tokens import info_of
from tests.kit.fuzz.disagreement import check
from tests.kit.fuzz.trust_seeds import NONCE, OWN, PASSWORD, STAMPED, signed_list, token, vectors
from tests.kit.pki import MOMENT


class FalseAcceptError(AssertionError):
    """Something was believed that nobody signed."""


@cache
def _trust() -> Trust:
    return bundle().trust


def examine(data: bytes, *, piece: int = 7) -> frozenset[str]:
    """Hand the file over; what is worth remembering of how it went.

    Raises:
        FalseAcceptError: it was believed.
        DisagreementError: something does not hold.
        Exception: whatever the entry let out, which is a mistake of its.
    """
    entry, _, body = data.partition(b"\n")
    reading = _ENTRIES.get(entry)
    if reading is None:
        return frozenset()
    with TemporaryDirectory(dir=_quick_folder()) as made:
        return frozenset(f"{entry.decode()} {said}" for said in reading(body, Path(made)))


@cache
def _quick_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _refused(code: str, reading: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What it gives, or None where it refuses with one of these codes."""
    try:
        return reading(*arguments, **named)
    except SiteError as error:
        if error.code not in code.split():
            raise
        str(error)
        return None


def _judged(trust: Trust, evidence: Evidence | None = None, label: str = "revoked") -> str:
    brought = Evidence(certificates=chain(label)[1:]) if evidence is None else evidence
    verdict = judge_certificate(certificate(label), trust=trust, moment=MOMENT, evidence=brought)
    if label == "revoked" and verdict.indication is Indication.TOTAL_PASSED:
        raise FalseAcceptError("a revoked certificate")
    return f"{verdict.indication} {verdict.sub_indication}"


def _policy(body: bytes, _: Path) -> list[str]:
    found = _refused("config.invalid", parse_policy, body, name="policy")
    if found is None:
        return ["refused"]
    trust = Trust(anchors=_trust().anchors, intermediates=_trust().intermediates, crls=_trust().crls, policy=found)
    return [_judged(trust), _judged(trust, label="seal"), _judged(trust, label="seal-ec")]


def _list(body: bytes, _: Path) -> list[str]:
    codes = "trust.invalid trust.unsigned trust.expired"
    split = _refused(codes, split_list, body, path="list")
    found = _refused(codes, parse_list, body, keys=(OWN,), needed=1, now=MOMENT, path="list")
    if found is not None and signed_bytes(split[0]) != _signed_content():
        raise FalseAcceptError("a list")
    return [f"split {split is not None}", f"parsed {found is not None}"]


@cache
def _signed_content() -> bytes:
    return signed_bytes(split_list(signed_list(), path="list")[0])


def _list_key(body: bytes, folder: Path) -> list[str]:
    (folder / "a.pem").write_bytes(body)
    found = _refused("config.invalid", read_list_keys, folder)
    return [f"{len(found or ())} {[one.digest for one in found or ()][:0]}"]


def _signing_key(body: bytes, folder: Path) -> list[str]:
    (folder / "a.pem").write_bytes(body)
    return [str(type(_refused("key.missing", read_signing_key, folder / "a.pem", password=lambda: PASSWORD)).__name__)]


def _memory(body: bytes, folder: Path) -> list[str]:
    (folder / "a.json").write_bytes(body)
    memory = ListMemory(folder / "a.json")
    _refused("config.invalid trust.number", memory.check, 7, Digest("ab" * 32), path="list")
    return [str(_refused("config.invalid", memory.recall) is None)]


def _index(body: bytes, folder: Path) -> list[str]:
    """What is read there is shown to people, and added to by the next fetching."""
    (folder / "index.json").write_bytes(body)
    store = EvidenceStore(folder)
    states = store.states()
    for state in states.values():
        check(
            all(at is None or at.tzinfo is not None for at in (state.tried_at, state.fetched_at)), "a time of nowhere"
        )
    store.fail("http://new/", "away", moment=MOMENT)
    check(store.states().keys() == {*states, "http://new/"}, "a source was lost")
    return [str(len(states))]


def _certificates(body: bytes, folder: Path) -> list[str]:
    (folder / "a.crt").write_bytes(body)
    found = _refused("config.invalid", read_certificates, folder / "a.crt")
    _refused("config.invalid", read_folder, folder)
    said = [str(found is None)]
    for der in (found or ())[:4]:
        _refused("key.demo", client_certificate, der, demo=False)
        for fact in (certificate_digest, spki_digest, subject_public_key, organization_identifier, is_demo):
            fact(der)
    return said + _as_trust(body, folder, ("anchors", "intermediates", "people", "authorities"))


def _as_trust(body: bytes, folder: Path, names: tuple[str, ...]) -> list[str]:
    """In each of those folders; whoever is believed then is told, and judges."""
    said = []
    for name in names:
        made = folder / f"as {name}"
        for each, file, data in (("anchors", "a.pem", certificate("root")), (name, _FILES.get(name, "b.pem"), body)):
            (made / each).mkdir(exist_ok=True, parents=True)
            (made / each / file).write_bytes(data)
        loaded = _refused("config.invalid key.demo", load_trust, made, False)
        if loaded is None:
            said.append(f"{name} refused")
            continue
        list(certificates_believed(loaded)), list(evidence_of(loaded))
        said += [f"{name} {_judged(loaded)}", f"{name} {_judged(loaded, label='seal')}"]
    return said


_FILES: Final = {"crls": "b.crl", "ocsps": "b.ocsp"}


def _evidence(body: bytes, folder: Path) -> list[str]:
    """Our own, and as it comes along with a signature."""
    said = _as_trust(body, folder, ("crls", "ocsps"))
    bare = Trust(anchors=_trust().anchors, intermediates=_trust().intermediates)
    for brought in (Evidence(crls=(body,)), Evidence(ocsps=(body,))):
        said += [_judged(bare, brought), _judged(bare, brought, "seal"), _judged(_trust(), brought, "seal")]
    return said


def _fetched(body: bytes, folder: Path) -> list[str]:
    found = check_evidence(body, trust=_trust(), moment=MOMENT)
    if not isinstance(found, Genuine):
        check(bool(found.reason), "no reason")
        return ["unfit"]
    if _said(found.der) not in _ever_said():
        raise FalseAcceptError("evidence")
    store = EvidenceStore(folder)
    store.keep("http://a/", found, moment=MOMENT)
    store.keep("http://a/", found, moment=MOMENT)
    check(set(store.states()) == {"http://a/"}, "another source")
    return [found.kind]


def _said(der: bytes) -> bytes:
    """The bytes that an authority signed."""
    for load in (_said_of_crl, _said_of_ocsp):
        try:
            return load(der)
        except (ValueError, TypeError, KeyError):
            continue
    return b""


def _said_of_crl(der: bytes) -> bytes:
    said: bytes = crl.CertificateList.load(der, strict=True)["tbs_cert_list"].dump()
    return said


def _said_of_ocsp(der: bytes) -> bytes:
    said: bytes = (
        ocsp.OCSPResponse.load(der, strict=True)["response_bytes"]["response"].parsed["tbs_response_data"].dump()
    )
    return said


@cache
def _ever_said() -> frozenset[bytes]:
    bodies = (data.partition(b"\n")[2] for name, data in vectors().items() if name.startswith("fetched/"))
    return frozenset(filter(None, map(_said, bodies)))


def _reply(body: bytes, _: Path) -> list[str]:
    found = check_reply(body, digest=STAMPED, nonce=NONCE, trust=_trust(), moment=MOMENT)
    if not isinstance(found, Stamped):
        check(bool(found.reason), "no reason")
        return [found.reason[:16]]
    if info_of(found.token) != info_of(token()) or found.time != MOMENT:
        raise FalseAcceptError("a timestamp")
    return ["stamped", *_token(found.token, Path())]


def _token(body: bytes, _: Path) -> list[str]:
    chained = _refused("timestamp.unavailable", token_chain, body, STAMPED)
    time = _refused("timestamp.unavailable", token_time, body, STAMPED)
    check(time is None or time.tzinfo is not None, "a time of nowhere")
    return [f"{chained is None} {time is None}"]


def _uri(body: bytes, _: Path) -> list[str]:
    text = body.decode("utf-8", "surrogateescape")
    found = _refused("key.missing", read_pkcs11_uri, text, certificate=Digest("ab" * 32))
    if found is None:
        return ["refused"]
    check(bool(found.token.label or found.token.serial), "any token")
    return [f"{bool(found.object_id)}"]


def _pem(body: bytes, folder: Path) -> list[str]:
    file, secret = _written(folder, body)
    found = [
        _refused("key.missing", read_private_key, one, "k") for one in (file, PemFile(path=file, password_file=secret))
    ]
    return [" ".join(type(one).__name__ for one in found)]


def _pfx(body: bytes, folder: Path) -> list[str]:
    file, secret = _written(folder, body)
    own = Digest(sha256(certificate("seal")).hexdigest())
    source = Pkcs12File(path=file, password_file=secret, certificate=own)
    return [type(_refused("key.missing", read_private_key, source, "k")).__name__]


def _written(folder: Path, body: bytes) -> tuple[Path, Path]:
    file, secret = folder / "key", folder / "secret"
    for path, data in ((file, body), (secret, PASSWORD)):
        path.write_bytes(data)
        path.chmod(0o600)
    return file, secret


_ENTRIES: Final[dict[bytes, Callable[[bytes, Path], list[str]]]] = {
    b"policy": _policy,
    b"list": _list,
    b"listkey": _list_key,
    b"signkey": _signing_key,
    b"memory": _memory,
    b"index": _index,
    b"certificates": _certificates,
    b"evidence": _evidence,
    b"fetched": _fetched,
    b"reply": _reply,
    b"token": _token,
    b"uri": _uri,
    b"pem": _pem,
    b"pfx": _pfx,
}
