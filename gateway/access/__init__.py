"""Who may ask: API keys of offices' systems, made here, kept as digests, checked on every call.

A key is `gwk_<key id>_<secret>`; the store knows its SHA-256 and nothing that could be used in its place (security.md 6).
256 random bits need no slow hash: there is nothing to guess. A key acts for named bodies, within named scopes:
`read` (see what is there), `send` (hand documents in), `seal` (have the entrusted seal put on them), `act` (accept, refuse).

When it fails: an unknown id, a wrong secret, an expired and a revoked key are one answer, found on one path and in
about one time. What the ledger says is believed for `CACHE_SECONDS`, so a revocation bites well within a minute; a store
that cannot be read means that nobody is let in, not that everybody is.
"""

from gateway.access.authenticator import CACHE_SECONDS, StoredAuthenticator
from gateway.access.keys import SCOPES, make_key, secret_digest

__all__ = ["CACHE_SECONDS", "SCOPES", "StoredAuthenticator", "make_key", "secret_digest"]
