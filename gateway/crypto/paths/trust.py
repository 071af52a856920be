"""Whom an installation believes, and what strangers bring along: the two sides of every judgement about a certificate."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.crypto.paths.policy import Policy
from gateway.crypto.processes.shared import Shared


class Role(StrEnum):
    """What a certificate is to be good for."""

    SIGNER = "signer"
    """Of a document, an envelope or a slip: a body or a person."""
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust(Shared):
    """Whom this installation believes, and by which rules. Certificates, CRLs and OCSP responses as DER."""

    anchors: tuple[bytes, ...]
    """For the seals of bodies; and for persons, as long as `people` is empty."""
    people: tuple[bytes, ...] = ()
    """For the signatures of persons."""
    authorities: tuple[bytes, ...] = ()
    """For timestamp authorities: without any, no timestamp is believed."""
    intermediates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    demo: bool = False
    """Whether certificates marked DEMO are accepted."""
    policy: Policy = field(default_factory=Policy)
    number: int | None = None
    """Of the signed list that the anchors are from; None: they lie in a folder."""
    expires_at: datetime | None = None
    """When that list ends; nothing of the present is judged good after it."""

    def anchors_for(self, role: Role) -> tuple[bytes, ...]:
        """Where the path of a certificate in that role has to end."""
        return self.authorities if role is Role.TIMESTAMP else (*self.anchors, *self.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What came along with a signature, from strangers: it is looked at, never believed. DER."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


NO_EVIDENCE: Final = Evidence()
