"""Who asks, and how much of it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.core.principal import Presented, Principal


class Authenticator(Protocol):
    """Turns what a caller shows into who it is."""

    async def authenticate(self, presented: Presented) -> Principal | None:
        """The principal of what is presented, or None: unknown, wrong, expired, revoked and out of place are not told apart.

        Where a key is presented it alone decides, and MUST be good: a certificate beside it neither helps nor adds
        anything. Without one, the certificate decides; its validity MUST be looked at on every call.

        MUST take the same path (and about the same time) for an unknown key id as for a wrong secret, and MUST honour
        a revocation within 60 s. MUST NOT admit from an address outside the credential's list.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How one bucket stands after a request: what the caller is told in `RateLimit` and `Retry-After`."""

    policy: str
    """Whose bucket: `key`, `address` or `failures`; `bytes`: what a key hands in."""
    quota: int
    """Requests (or bytes) that a full bucket holds."""
    window_seconds: int
    """An empty bucket is full again after this long."""
    remaining: int
    reset_seconds: int
    """The bucket is full again after this long."""
    wait_seconds: int
    """0: admitted, and counted. Else refused, not counted, and one request may be made after this long."""


class RateLimiter(Protocol):
    """Counts requests and holds back who makes too many. Never waits."""

    def pass_address(self, address: str) -> Allowance:
        """One request from an address by somebody who is not known."""
        ...

    def fail_address(self, address: str) -> Allowance:
        """One failed authentication from an address."""
        ...

    def pass_principal(self, key_id: str) -> Allowance:
        """One request of a principal."""
        ...

    def hand_in(self, key_id: str, size: int) -> Allowance:
        """So many bytes of a principal, before they are read where their number is known; refused as a whole or not at all."""
        ...

    def at_once(self, key_id: str) -> AbstractContextManager[bool]:
        """A request of a principal while it is being served; False when it has too many of them already."""
        ...
