"""The sequencer: the unit of work that gives pending leaves their index and moves the head of the tree.

It takes pending leaves *out* of the pending table in the transaction that places them. Reading "everything up to id n"
and deleting it later loses the leaf that commits late with a smaller id; taking out cannot.
"""

from gateway.audit.leaf import leaf_hash
from gateway.audit.tree import extend, root_of
from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import SEQUENCE_LEAVES_MAX


def sequence(uow: UnitOfWork) -> TreeHead | None:
    """Sequence at most `SEQUENCE_LEAVES_MAX` pending leaves; the new head, or None when there were none.

    Raises:
        SiteError: `audit.inconsistent` when the stored head contradicts itself: nothing is built on it.
        StaleStateError: another sequencer was faster; run it again.
    """
    leaves = uow.log.pending(SEQUENCE_LEAVES_MAX)
    if not leaves:
        return None
    old = uow.log.head()
    if len(old.frontier) != old.size.bit_count() or root_of(old.frontier) != old.root:
        raise SiteError("audit.inconsistent", reason="the stored head does not fit its frontier", size=old.size)
    head, nodes = extend(old, [leaf_hash(leaf) for leaf in leaves])
    uow.log.extend(old.size, head, leaves, nodes)
    return head
