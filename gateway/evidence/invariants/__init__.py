"""Invariants: what must hold of every row at every moment, looked at on a live database in bounded time.

`gateway audit verify` reads everything; this reads the newest rows and walks on through the others from one run to the next
(`walk`), so that every row is looked at again and again and no run takes longer than the one before. What is asked is the
same: the rules are those of `gateway.evidence.reconcile` and its neighbours, put in the order of the ten invariants.
"""

from gateway.evidence.invariants.breach import Breach, Invariant
from gateway.evidence.invariants.look import ReceiptCheck
from gateway.evidence.invariants.probe import InvariantsProbe

__all__ = ["Breach", "Invariant", "InvariantsProbe", "ReceiptCheck"]
