"""What the operator is told, and whether there is room for more."""

from contextlib import AbstractContextManager
from typing import Protocol

from gateway.core.health import Check, Finding
from gateway.core.ids import OrganId
from gateway.core.metrics import Metric


class Probe(Protocol):
    """One room's answer to the question whether it is well: for `/readyz`, and for `gateway doctor`."""

    @property
    def check(self) -> Check:
        """What it looks at."""
        ...

    async def look(self) -> tuple[Finding, ...]:
        """What it finds now: at least one finding, all of its own check, the worst of them first.

        * MUST report what it looks at as a finding and MUST NOT raise for it; MUST NOT ask a peer, unless it is a probe of
          peers, which nobody's readiness may depend on.
        * MUST NOT change anything that lasts. MAY be asked again and again, and by two at once.
        * Findings MUST NOT hold content or secrets: paths, counts, dates, ids of keys.
        """
        ...


class Meter(Protocol):
    """Counts and measures what `gateway.core.metrics` lists."""

    def add(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """Count. MAY be called from any thread; MUST return at once and MUST NOT raise for a metric of the catalogue.

        Labels MUST come from closed vocabularies: never an id, never the code of a body.
        """
        ...

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """One measurement; with the same promises."""
        ...

    def timed(self, metric: Metric, *labels: str) -> AbstractContextManager[object]:
        """Measure the seconds of a block, also when it raises."""
        ...


class Intake(Protocol):
    """Whether there is room for more, on the disk and in the store's queue: asked by the doors before they read a body."""

    def admit(self, *, document: bool, organs: frozenset[OrganId] = frozenset()) -> None:
        """Say yes, or raise; `document`: a new document is to be taken in, and not only an answer to one that is here.

        MUST NOT wait. Refuses new documents first, everything that writes last (reliability.md B2.5). `organs`: for which
        bodies the caller may act; refused when all of them have too much waiting already.

        Raises:
            SiteError: `store.full`; `store.busy`, `store.failing`, as `Store.transact` would; `queue.full`.
            SenderError: `queue.share`.
        """
        ...
