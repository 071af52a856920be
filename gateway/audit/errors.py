"""What a verifier of this room answers when something does not prove what it claims.

These are findings about bytes, not about people: the conductor that asked turns one into an error of the house
(`PeerError` peer.receipt for a peer's receipt, `SiteError` audit.inconsistent for our own log).
"""


class AuditError(ValueError):
    """Root of the findings: whoever catches it has caught all of them. The text is one short English phrase."""


class LeafError(AuditError):
    """The bytes are no canonical leaf, or the values cannot become one."""


class OpeningError(AuditError):
    """Salt and private part are not those of the leaf."""


class ProofError(AuditError):
    """A proof does not lead to the root."""


class NotCoveredError(AuditError):
    """A leaf is not in the tree of that size (yet)."""


class NoteError(AuditError):
    """A signed note, checkpoint or verifier key is malformed."""


class SignatureError(NoteError):
    """A key that we know is named, and the signature is not its."""


class UnverifiedError(NoteError):
    """The note is well-formed, and no key that we know has signed it."""
