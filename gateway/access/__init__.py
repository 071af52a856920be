"""Who may ask, and how much: API keys and client certificates of offices' systems, and the bounds of what one caller may take.

A key is `gwk_<key id>_<secret>`; the store knows its SHA-256 and nothing that could be used in its place (security.md 6).
256 random bits need no slow hash: there is nothing to guess. A certificate is known by the SHA-256 of its public key
(SubjectPublicKeyInfo): it can be renewed without a word to the gateway, and TLS has verified its chain before anybody here
sees it. Both act for named bodies, within named scopes (`read`, `send`, `seal`, `act`), from named addresses, until a day.

Rules: where there is an Authorization header it alone decides; a certificate counts only without one. What is declared in
the configuration comes into force in one unit of work with its audit leaf (`declaring`), at start and whenever it is read
anew. The ledger's word is believed for `CACHE_SECONDS`, so a revocation bites well within a minute. Rates are token buckets
(`TokenBucketLimiter`): a good credential has its own, strangers share that of their address. Connections are counted from their
accepting on (`open_listener`, `places`): strangers are a pool of their own, and have to go when others come.

When it fails: an unknown id, a wrong secret, an expired, a revoked and a misplaced credential are one answer, found in about
one time. A store that cannot be read means that nobody is let in, not that everybody is.
"""

from gateway.access.authenticator import CACHE_SECONDS, ReadCertificate, StoredAuthenticator
from gateway.access.buckets import Buckets, Rate
from gateway.access.declaration import Changes, Grants, declaring
from gateway.access.keys import SCOPES, make_key, secret_digest
from gateway.access.listener import SharedListener, open_listener
from gateway.access.places import Share
from gateway.access.rate_limiter import Rates, TokenBucketLimiter

__all__ = [
    "CACHE_SECONDS",
    "SCOPES",
    "Buckets",
    "Changes",
    "Grants",
    "Rate",
    "Rates",
    "ReadCertificate",
    "Share",
    "SharedListener",
    "StoredAuthenticator",
    "TokenBucketLimiter",
    "declaring",
    "make_key",
    "open_listener",
    "secret_digest",
]
