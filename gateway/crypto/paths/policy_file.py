"""A validation policy as it stands in a file: strict TOML, every key named, nothing guessed (config/policy/*.toml).

What is left out of `[freshness]` has no bound, where no `anchors` are named all that are trusted are used, and where no
`refused_purposes` are, none is refused; everything else must be there: a policy is read by people who ask what is allowed, and
a default that stands elsewhere is no answer to them. (A policy in force is never changed, so these two, which came later, may
be left out.) Its digest is that of the bytes, so `sha256sum` tells whether a verdict was made by this very file.
"""

import tomllib
from collections import Counter
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

from asn1crypto import x509
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.reasons import Reason, because, of_os
from gateway.crypto.paths.policy import AlgorithmRules, Freshness, Policy, SignerRules

POLICY_BYTES_MAX: Final = 64 * limits.KIB
"""The one that is shipped has 3 KB."""
_ENTRIES_MAX: Final = 50
_SECONDS_MAX: Final = 10 * 366 * 86_400
_PLAIN: Final = frozenset(
    {"missing", "extra_forbidden", "string_type", "int_type", "bool_type", "tuple_type", "model_type"}
)
"""Mistakes that `why.<word>` puts into words without more."""
_USAGES: Final = frozenset(x509.KeyUsage._map.values())  # noqa: SLF001 - asn1crypto names them nowhere else
_PURPOSES: Final = x509.KeyPurposeId._map  # noqa: SLF001 - as above
_DIGESTS: Final = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})
_MECHANISMS: Final = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa"})
_CURVES: Final = frozenset(
    {"secp256r1", "secp384r1", "secp521r1", "brainpoolp256r1", "brainpoolp384r1", "brainpoolp512r1"}
)


def _one_of(known: frozenset[str]) -> AfterValidator:
    """A word that is misspelt would silently allow nothing, or forbid nothing."""

    def check(word: str) -> str:
        if word not in known:
            raise ValueError(f"not one of {', '.join(sorted(known))}")
        return word

    return AfterValidator(check)


def _refused(word: str) -> str:
    """As certificates' purposes are named when they are compared.

    What is allowed and misspelt allows nothing; what is refused and misspelt, or named otherwise, would forbid nothing.
    """
    if not word[:1].isdigit() and word not in _PURPOSES.values():
        raise ValueError("no purpose has this name")
    return str(_PURPOSES.get(word, word))


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
_Purpose = Annotated[str, StringConstraints(pattern=r"^([a-z0-9_]{1,60}|[0-2](\.[0-9]{1,40}){1,30})$")]
_Oid = Annotated[str, StringConstraints(pattern=r"^[0-2](\.[0-9]{1,40}){1,30}$")]
_Until = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))] | None
_Anchor = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
"""SHA-256 of a certificate (DER); authorities publish it in capitals, too."""
_Anchors = Annotated[tuple[_Anchor, ...], Field(strict=False, max_length=_ENTRIES_MAX)]
_Seconds = Annotated[int, Field(ge=1, le=_SECONDS_MAX)]


class _Signer(_Form):
    key_usages: Annotated[
        tuple[Annotated[_Word, _one_of(_USAGES)], ...], Field(strict=False, min_length=1, max_length=_ENTRIES_MAX)
    ]
    purposes: Annotated[tuple[_Purpose, ...], Field(strict=False, max_length=_ENTRIES_MAX)]
    refused_purposes: Annotated[
        tuple[Annotated[_Purpose, AfterValidator(_refused)], ...], Field(strict=False, max_length=_ENTRIES_MAX)
    ] = ()
    certificate_policies: Annotated[tuple[_Oid, ...], Field(strict=False, max_length=_ENTRIES_MAX)]
    anchors: _Anchors = ()

    def rules(self) -> SignerRules:
        return SignerRules(
            usages=frozenset(self.key_usages),
            purposes=frozenset(self.purposes),
            refused_purposes=frozenset(self.refused_purposes),
            certificate_policies=frozenset(self.certificate_policies),
            anchors=_digests(self.anchors),
        )


class _Authority(_Form):
    anchors: _Anchors = ()


def _digests(pins: tuple[str, ...]) -> frozenset[Digest]:
    return frozenset(Digest(pin.lower()) for pin in pins)


class _DigestRule(_Form):
    name: Annotated[_Word, _one_of(_DIGESTS)]
    until: _Until = None


class _MechanismRule(_Form):
    name: Annotated[_Word, _one_of(_MECHANISMS)]
    until: _Until = None


class _CurveRule(_Form):
    name: Annotated[_Word, _one_of(_CURVES)]
    until: _Until = None


class _SizeRule(_Form):
    bits: Annotated[int, Field(ge=limits.RSA_BITS_MIN, le=16_384)]
    until: _Until = None


class _Algorithms(_Form):
    digests: Annotated[tuple[_DigestRule, ...], Field(strict=False, min_length=1, max_length=_ENTRIES_MAX)]
    mechanisms: Annotated[tuple[_MechanismRule, ...], Field(strict=False, min_length=1, max_length=_ENTRIES_MAX)]
    rsa: Annotated[tuple[_SizeRule, ...], Field(strict=False, max_length=_ENTRIES_MAX)]
    curves: Annotated[tuple[_CurveRule, ...], Field(strict=False, max_length=_ENTRIES_MAX)]

    def rules(self) -> AlgorithmRules:
        return AlgorithmRules(
            digests=tuple((one.name, one.until) for one in self.digests),
            mechanisms=tuple((one.name, one.until) for one in self.mechanisms),
            rsa_bits=tuple((one.bits, one.until) for one in self.rsa),
            curves=tuple((one.name, one.until) for one in self.curves),
        )

    def twice(self) -> str:
        """What is named twice, else an empty text: two dates for one algorithm would be decided by their order."""
        for what, names in (
            ("digests", [one.name for one in self.digests]),
            ("mechanisms", [one.name for one in self.mechanisms]),
            ("rsa", [str(one.bits) for one in self.rsa]),
            ("curves", [one.name for one in self.curves]),
        ):
            if any(count > 1 for count in Counter(names).values()):
                return f"algorithms.{what}"
        return ""


class _Freshness(_Form):
    crl_seconds_max: _Seconds | None = None
    ocsp_seconds_max: _Seconds | None = None
    stale_passes: bool
    grace_seconds: Annotated[int, Field(ge=0, le=_SECONDS_MAX)]


class _PolicyForm(_Form):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,59}$")]
    version: Annotated[int, Field(ge=1, lt=2**31)]
    roles_apart: bool
    body: _Signer
    person: _Signer
    authority: _Authority = _Authority()
    algorithms: _Algorithms
    freshness: _Freshness


def load_policy(path: Path) -> Policy:
    """The policy in a file.

    Raises:
        SiteError: `config.invalid`, naming the file and the key that is wrong.
    """
    try:
        with path.open("rb") as file:
            data = file.read(POLICY_BYTES_MAX + 1)
    except OSError as error:
        raise SiteError("config.invalid", path=str(path), reason=of_os(error)) from error
    return parse_policy(data, name=str(path))


def parse_policy(data: bytes, *, name: str) -> Policy:
    """The policy in these bytes; `name` is how an error names them.

    Raises:
        SiteError: as `load_policy`.
    """
    if len(data) > POLICY_BYTES_MAX:
        raise SiteError("config.invalid", path=name, reason=because("large", limit=POLICY_BYTES_MAX))
    try:
        form = _PolicyForm.model_validate(tomllib.loads(data.decode()))
    except ValidationError as error:
        raise SiteError("config.invalid", path=name, reason=_reason(error)) from error
    except UnicodeDecodeError as error:
        raise SiteError("config.invalid", path=name, reason=because("not_text")) from error
    except (ValueError, RecursionError) as error:
        raise SiteError("config.invalid", path=name, reason=because("not_toml", detail=error)) from error
    if twice := form.algorithms.twice():
        reason = because("at", key=twice, reason=because("other", detail="named twice"))
        raise SiteError("config.invalid", path=name, reason=reason)
    return Policy(
        name=form.name,
        version=form.version,
        digest=Digest(sha256(data).hexdigest()),
        roles_apart=form.roles_apart,
        body=form.body.rules(),
        person=form.person.rules(),
        authority_anchors=_digests(form.authority.anchors),
        algorithms=form.algorithms.rules(),
        freshness=Freshness(
            crl_seconds_max=form.freshness.crl_seconds_max,
            ocsp_seconds_max=form.freshness.ocsp_seconds_max,
            stale_passes=form.freshness.stale_passes,
            grace_seconds=form.freshness.grace_seconds,
        ),
    )


def _reason(error: ValidationError) -> Reason:
    """The first mistake, by its place in the file."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind = first["type"]
    why = because(kind) if kind in _PLAIN else because("other", detail=first["msg"].removeprefix("Value error, "))
    return because("at", key=".".join(map(str, first["loc"])), reason=why)
