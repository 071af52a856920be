"""The journal: every state change writes its audit leaf here, inside the unit of work that makes the change."""

from gateway.audit import make_leaf
from gateway.core.events import AuditEvent, Leaf
from gateway.core.ids import Entropy
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
