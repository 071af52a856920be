"""Routing: which gateway each recipient's copy goes to, decided from one edition of the registry and nothing else.

`plan` is a pure function of (recipients, snapshot, moment). The same question to the same edition gets the same answer,
so a plan can be explained years later: it carries the edition's epoch, and each route and refusal says its reason.

Rules:

* A recipient is served where the registry says its body is hosted, be that this gateway or another.
* A code nobody has, a closed one and a locked one are refused, each by its own error code. A refusal is an answer, not
  an exception: the other recipients get their copies.
* A closed code names its successor: who took over, and over again after that, up to the first body that is active. The
  plan never reroutes by itself: whether the successor may read the document is for the sender to say.

When it fails: it does not. A successor chain that is too long, broken or circular ends in "no successor known".
"""

from gateway.routing.plan import Plan, Refusal, Route, plan
from gateway.routing.successor import active_successor

__all__ = ["Plan", "Refusal", "Route", "active_successor", "plan"]
