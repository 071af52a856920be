"""Our own list of anchors: signed by several people, numbered, and good for a limited time (docs/TRUST.md).

It says whom we believe and for what: anchors of bodies, of persons and of timestamp authorities apart, each with its name,
where it was got from, and the SHA-256 by which it was checked out of band. A list is believed when

1. it has the form of this format, every certificate is the one that its digest says, and none stands twice in one role;
2. enough *different* keys of the installation have signed the canonical bytes of `list` (k of n, Ed25519 or ECDSA P-256);
3. it is neither from the future nor expired: who withholds newer lists cannot make us believe an old one for ever;
4. its number is not lower than the highest that was in force here, and the same number has the same content (roll-back).

The order matters: nothing of a list is looked into before its signatures are good, except what it takes to check them.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from asn1crypto import x509
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from gateway.core import limits
from gateway.core.clock import parse_rfc3339, rfc3339
from gateway.core.errors import SiteError
from gateway.core.ids import DIGEST, Digest
from gateway.core.plain_text import first_unseen
from gateway.core.reasons import because, of_os
from gateway.crypto.paths.list_keys import ListKey, verifies

LIST_BYTES_MAX: Final = 4 * limits.MIB
"""A certificate is 2 KB; a whole country's authorities are under a hundred."""
ENTRIES_MAX: Final = 200
"""Of one role."""
SIGNATURES_MAX: Final = 16
FUTURE_TOLERANCE: Final = timedelta(minutes=5)
"""How far `issued_at` may lie ahead of our clock."""
CONTEXT: Final = b"edoc-gateway trust list 1\n"
"""What is signed begins with this, so that no signature made for something else counts here."""


def _certificate(value: object) -> bytes:
    try:
        der = base64.b64decode(str(value), validate=True)
        x509.Certificate.load(der, strict=True).native  # noqa: B018 - parse it all: a broken one is found now
    except (binascii.Error, ValueError, TypeError):
        raise ValueError("not an X.509 certificate in base64") from None
    return der


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("not a date-time")  # noqa: TRY004 - pydantic collects ValueErrors
    return parse_rfc3339(value)


def _line(text: str) -> str:
    if unseen := first_unseen(text):
        raise ValueError(f"holds a character that does not belong into a name ({unseen})")
    return text


_Line = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_line)]
_HexDigest = Annotated[str, StringConstraints(pattern=f"^{DIGEST.pattern}$")]
_Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Entry(_Form):
    name: _Line
    source: _Line
    sha256: _HexDigest
    certificate: Annotated[bytes, BeforeValidator(_certificate)]


_Entries = Annotated[tuple[_Entry, ...], Field(strict=False, max_length=ENTRIES_MAX)]


class _ListForm(_Form):
    name: _Line
    number: Annotated[int, Field(ge=1, lt=2**53)]
    issued_at: _Instant
    expires_at: _Instant
    bodies: Annotated[_Entries, Field(min_length=1)]
    people: _Entries
    authorities: _Entries
    intermediates: _Entries


class _SignatureForm(_Form):
    key: _HexDigest
    """SHA-256 of the SubjectPublicKeyInfo (DER)."""
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{40,200}={0,2}$")]


class _FileForm(_Form):
    format: Literal[1]
    list: dict[str, Any]
    signatures: Annotated[tuple[_SignatureForm, ...], Field(strict=False, max_length=SIGNATURES_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One certificate of a list."""

    name: str
    source: str
    der: bytes

    @property
    def digest(self) -> Digest:
        """By which it was checked."""
        return Digest(sha256(self.der).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustList:
    """A list whose signatures are good."""

    name: str
    number: int
    digest: Digest
    """SHA-256 of the canonical bytes of `list`: who signed it does not change what it says."""
    issued_at: datetime
    expires_at: datetime
    bodies: tuple[Anchor, ...]
    people: tuple[Anchor, ...]
    authorities: tuple[Anchor, ...]
    intermediates: tuple[Anchor, ...]
    signers: tuple[str, ...]
    """Names of the keys that signed it."""


def read_list_bytes(path: Path) -> bytes:
    """The bytes of a list's file.

    Raises:
        SiteError: `config.invalid`: it cannot be read; `trust.invalid`: it is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIST_BYTES_MAX + 1)
    except OSError as error:
        raise SiteError("config.invalid", path=str(path), reason=of_os(error)) from error
    if len(data) > LIST_BYTES_MAX:
        raise _invalid(str(path), f"larger than {LIST_BYTES_MAX} bytes")
    return data


def parse_list(data: bytes, *, keys: Sequence[ListKey], needed: int, now: datetime, path: str) -> TrustList:
    """The list in these bytes; `path` is how an error names it.

    Raises:
        SiteError: `trust.invalid`, `trust.unsigned`, `trust.expired`.
    """
    content, signatures = split_list(data, path=path)
    signed = signed_bytes(content)
    signers = tuple(key.name for key in keys if any(_signed_by(key, one, signed) for one in signatures))
    if len(signers) < needed:
        raise SiteError("trust.unsigned", path=path, valid=len(signers), needed=needed)
    found = _checked(content, signers, path)
    if found.issued_at > now + FUTURE_TOLERANCE:
        raise _invalid(path, f"issued_at: {rfc3339(found.issued_at)} lies in the future")
    if found.expires_at <= now:
        raise SiteError("trust.expired", path=path, number=found.number, until=rfc3339(found.expires_at))
    return found


def split_list(data: bytes, *, path: str) -> tuple[dict[str, Any], tuple[dict[str, str], ...]]:
    """What is signed, and by whom; nothing of either is believed yet.

    Raises:
        SiteError: `trust.invalid`: not of this format.
    """
    try:
        tree = json.loads(data, object_pairs_hook=_no_twice, parse_float=_no_float, parse_constant=_no_float)
        form = _FileForm.model_validate(tree)
        canonical(form.list)  # half a surrogate pair, or too deep: there would be nothing to sign
    except ValidationError as error:
        raise _invalid(path, _first(error)) from error
    except (ValueError, RecursionError) as error:
        raise _invalid(path, str(error)) from error
    return form.list, tuple({"key": one.key, "signature": one.signature} for one in form.signatures)


def check_content(content: dict[str, Any], *, path: str) -> TrustList:
    """What a list says, whoever signed it: for those who are about to.

    Raises:
        SiteError: `trust.invalid`.
    """
    return _checked(content, (), path)


def signed_bytes(content: dict[str, Any]) -> bytes:
    """What is signed: RFC 8785 of `list` (texts and whole numbers only, names in ASCII), with our context before it."""
    return CONTEXT + canonical(content)


def canonical(value: object) -> bytes:
    """RFC 8785 for the values that a list is made of."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def list_file(content: dict[str, Any], signatures: Sequence[dict[str, str]]) -> bytes:
    """The file of a list: to be read by people, too."""
    tree = {"format": 1, "list": content, "signatures": list(signatures)}
    return json.dumps(tree, ensure_ascii=False, indent=1).encode() + b"\n"


def _signed_by(key: ListKey, signature: dict[str, str], signed: bytes) -> bool:
    if signature["key"] != key.digest:
        return False
    try:
        return verifies(key, base64.b64decode(signature["signature"], validate=True), signed)
    except binascii.Error:
        return False


def _checked(content: dict[str, Any], signers: tuple[str, ...], path: str) -> TrustList:
    try:
        form = _ListForm.model_validate(content)
    except ValidationError as error:
        raise _invalid(path, _first(error)) from error
    if form.expires_at <= form.issued_at:
        raise _invalid(path, "expires_at: not after issued_at")
    roles = {name: _anchors(name, getattr(form, name), path) for name in ROLES}
    return TrustList(
        name=form.name,
        number=form.number,
        digest=Digest(sha256(canonical(content)).hexdigest()),
        issued_at=form.issued_at,
        expires_at=form.expires_at,
        signers=signers,
        **roles,
    )


ROLES: Final = ("bodies", "people", "authorities", "intermediates")


def _anchors(role: str, entries: tuple[_Entry, ...], path: str) -> tuple[Anchor, ...]:
    found: dict[str, Anchor] = {}
    for at, entry in enumerate(entries):
        one = Anchor(name=entry.name, source=entry.source, der=entry.certificate)
        if one.digest != entry.sha256:
            raise _invalid(path, f"{role}[{at}].sha256: the certificate is {one.digest}")
        if one.digest in found:
            raise _invalid(path, f"{role}[{at}]: stands twice")
        found[one.digest] = one
    return tuple(found.values())


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers must not see two lists: of a name that stands twice, some take the first and some the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    if not all(name.isascii() for name in found):
        raise ValueError("a name that is not ASCII")
    return found


def _no_float(text: str) -> float:
    raise ValueError(f"not a whole number: {text[:20]}")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'list'}: {first['msg'].removeprefix('Value error, ')}"


def _invalid(path: str, problem: str) -> SiteError:
    return SiteError("trust.invalid", path=path, problem=because("other", detail=problem))
