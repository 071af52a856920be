"""The anchors that a policy names: of those that are trusted in a role only these are used (EN 319 102-1 clause 5.1.4).

A policy narrows; it never makes an anchor of anything. So there is still one place that says whom we believe, and a policy
without names changes nothing. What it names and trust does not have is told (`missing_anchors`), and is no error: when an
anchor has to go at once, the list without it must come into force though a policy still names it. But where it names anchors
for a role and none of them is there, nothing is left to judge by, and that is the error of a trust without anchors: other
anchors of that role, or those that bodies lend to persons, never step in for them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.reasons import because
from gateway.crypto.paths.policy import Policy
from gateway.crypto.paths.subject import certificate_digest
from gateway.crypto.paths.trust import Trust


@dataclass(frozen=True, slots=True)
class MissingAnchor:
    """One that the policy names and trust does not have in that role."""

    role: str
    """`bodies`, `people` or `authorities`, as in a list."""
    digest: Digest


def with_policy(trust: Trust, policy: Policy, *, path: str) -> Trust:
    """The same trust by the rules of a policy, and narrowed to the anchors that it names; `path`: how an error names it.

    Raises:
        SiteError: `config.invalid`: it names anchors for a role, and none of them is trusted.
    """
    lent = trust.people or (() if policy.roles_apart else trust.anchors)
    return replace(
        trust,
        policy=policy,
        anchors=_chosen(trust.anchors, policy.body.anchors, f"{path}: body.anchors"),
        people=_chosen(lent, policy.person.anchors, f"{path}: person.anchors")
        if policy.person.anchors
        else trust.people,
        authorities=_chosen(trust.authorities, policy.authority_anchors, f"{path}: authority.anchors"),
    )


def _chosen(trusted: tuple[bytes, ...], named: frozenset[Digest], path: str) -> tuple[bytes, ...]:
    if not named:
        return trusted
    left = tuple(der for der in trusted if certificate_digest(der) in named)
    if not left:
        raise SiteError("config.invalid", path=path, reason=because("no_anchor"))
    return left


def missing_anchors(trust: Trust) -> Iterator[MissingAnchor]:
    """What the policy of a trust names and the trust does not have, in the order of the roles."""
    policy = trust.policy
    for role, named, used in (
        ("bodies", policy.body.anchors, trust.anchors),
        ("people", policy.person.anchors, trust.people),
        ("authorities", policy.authority_anchors, trust.authorities),
    ):
        for digest in sorted(named - _digests(used)):
            yield MissingAnchor(role, digest)


def _digests(certificates: Iterable[bytes]) -> frozenset[Digest]:
    return frozenset(Digest(certificate_digest(der)) for der in certificates)
