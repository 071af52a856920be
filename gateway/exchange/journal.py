"""The journal: every state change writes its audit leaf here, inside the unit of work that makes the change."""

from datetime import datetime

from gateway.audit import make_leaf
from gateway.core.events import AuditEvent, EventKind, Leaf
from gateway.core.ids import Entropy, OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import SALT_BYTES


class Journal:
    """Salts events into leaves. Randomness is handed in, so that a seeded world makes the same leaves again."""

    def __init__(self, *, entropy: Entropy) -> None:
        self._entropy = entropy

    def leaf(self, event: AuditEvent) -> Leaf:
        """The salted leaf of an event, not yet in any log."""
        return make_leaf(event, salt=self._entropy(SALT_BYTES))

    def record(self, uow: UnitOfWork, event: AuditEvent) -> str:
        """Append the event's leaf in this unit of work; the leaf hash (hex), for the next event of the same subject."""
        leaf = self.leaf(event)
        uow.log.append(leaf)
        return leaf.hash.hex()

    def note(  # noqa: PLR0913 - the fields of one line of history, all by name
        self,
        uow: UnitOfWork,
        kind: EventKind,
        *,
        at: datetime,
        subject: str,
        document: str,
        previous: str = "",
        stream: bytes = b"",
        sequence: int = 0,
        recipient: OrganId | None = None,
        **private: str | int,
    ) -> str:
        """`record` for the common case: the private part given as keywords."""
        event = AuditEvent(
            kind=kind,
            at=at,
            subject=subject,
            document=document,
            previous=previous,
            stream=stream,
            sequence=sequence,
            recipient=recipient,
            private=private,
        )
        return self.record(uow, event)
