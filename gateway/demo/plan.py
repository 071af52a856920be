"""The plan of the development PKI: certs/pki.toml read strictly, so that a misspelt key is an error and not a default."""

import tomllib
from pathlib import Path
from string import Formatter
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.core.errors import SiteError
from gateway.core.limits import RSA_BITS_MIN
from gateway.demo.resources import PKI_PLAN, demo_resource

KeyUsage = Literal["digitalSignature", "nonRepudiation", "keyCertSign", "cRLSign"]
"""RFC 5280 section 4.2.1.3, by its names."""
ExtendedKeyUsage = Literal["serverAuth", "clientAuth"]
LeafKind = Literal["tls", "transport", "seal", "client"]

CRL_DAYS_MIN: Final = 30
"""The demo may be left running for weeks, and nobody issues its next list."""
MARK: Final = "DEMO"
"""Stands in every subject (house.md, "Demo is not production")."""

_PLACEHOLDERS: Final = frozenset({"name", "organ_id", "gateway"})
_Days = Annotated[int, Field(ge=1, le=36_500)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Subject(_Part):
    """A distinguished name, with placeholders."""

    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    organization: str
    organizational_unit: str | None = None
    organization_identifier: str | None = None
    common_name: str

    @model_validator(mode="after")
    def _marked_and_fillable(self) -> Self:
        if MARK not in self.common_name:
            raise ValueError(f"common_name must say {MARK}")
        for text in self.model_dump(exclude_none=True).values():
            unknown = {field for _, field, _, _ in Formatter().parse(text) if field is not None} - _PLACEHOLDERS
            if unknown:
                raise ValueError(f"unknown placeholder {', '.join(sorted(unknown))}")
        return self


class Profile(_Part):
    """What every certificate has."""

    days: _Days
    rsa_bits: Annotated[int, Field(ge=RSA_BITS_MIN, le=8192)]
    key_usage: Annotated[tuple[KeyUsage, ...], Field(strict=False, min_length=1)]
    subject: Subject


class AuthorityProfile(Profile):
    """A certificate that issues others, and the revocation list it keeps."""

    path_length: Annotated[int, Field(ge=0, le=3)]
    crl_days: Annotated[int, Field(ge=CRL_DAYS_MIN)]


class LeafProfile(Profile):
    """A certificate of a gateway or a body."""

    extended_key_usage: Annotated[tuple[ExtendedKeyUsage, ...], Field(strict=False)] = ()


class PkiPlan(_Part):
    """The whole of certs/pki.toml."""

    policy_oid: Annotated[str, Field(pattern=r"^2\.25\.[1-9][0-9]{0,38}$")]
    backdate_minutes: Annotated[int, Field(ge=0, le=24 * 60)]
    root: AuthorityProfile
    issuing: AuthorityProfile
    tls: LeafProfile
    transport: LeafProfile
    seal: LeafProfile
    client: LeafProfile

    @model_validator(mode="after")
    def _nothing_outlives_its_issuer(self) -> Self:
        longest = max(self.tls.days, self.transport.days, self.seal.days, self.client.days)
        if not longest <= self.issuing.days <= self.root.days:
            raise ValueError("a certificate must not outlive its issuer: days of root >= issuing >= every other")
        return self

    def leaf(self, kind: LeafKind) -> LeafProfile:
        """The profile of one kind of leaf."""
        return {"tls": self.tls, "transport": self.transport, "seal": self.seal, "client": self.client}[kind]


def read_plan(path: Path | None = None) -> PkiPlan:
    """The plan in a file, by default the one this installation came with.

    Raises:
        SiteError: `config.invalid`, naming the file and every wrong key by its path.
    """
    path = path or demo_resource(PKI_PLAN)
    try:
        return PkiPlan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SiteError("config.invalid", path=str(path), reason=problems) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SiteError("config.invalid", path=str(path), reason=str(error)) from error
