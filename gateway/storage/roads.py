"""Due work, looked for in order; and road by road where a closed or full one stands in the way.

Usually the first rows of the order are those that are claimed. But a peer that has been away all night leaves 20,000 rows in
front of everybody else's, and each claim would walk through them. So whoever finds a page of rows that it may not take asks for
the first rows of every *other* road: `ROADS` hops from one destination to the next in the index (a loose index scan, by a
recursive query, as neither database does it by itself), and takes the head of each. One statement, and its cost is that of the
roads, not of the rows.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    ScalarSelect,
    Select,
    TextClause,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType

from gateway.storage.work_tables import URGENT, work

CANDIDATES: Final = 16
"""How many times what is wanted is looked at road by road: of one road as many as its window takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order in which due work is claimed, as two statements."""

    first: Select[Any]
    """The first rows, whosever they are."""
    by_road: Select[Any]
    """The first rows of each road that is not among the `closed`."""


class _Among(FunctionElement[bool]):
    """Whether a row number is among those of a query with a limit, which is asked anew for each road."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> Self:  # noqa: ARG002 - SQLAlchemy's signature
        """A condition as it stands, as that of `rows.among`."""
        return self


@compiles(_Among)
def _one_of(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    row, rows = element.clauses
    return f"{compiler.process(row, **options)} IN {compiler.process(rows, **options)}"


@compiles(_Among, "postgresql")
def _any_of(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    """PostgreSQL asks an IN that depends on the road for every row; an array it looks up by the key."""
    row, rows = element.clauses
    return f"{compiler.process(row, **options)} = ANY (ARRAY{compiler.process(rows, **options)})"


def _roads() -> CTE:
    """Every destination that has items, and a NULL behind the last."""
    first = select(func.min(work.c.destination).label("name")).cte("road", recursive=True)
    further = work.alias("further")
    following = select(func.min(further.c.destination)).where(further.c.destination > first.c.name).scalar_subquery()
    return first.union_all(select(following).where(first.c.name.is_not(None)))


ROADS: Final = _roads()


def _earliest() -> ScalarSelect[int]:
    """When the first unleased item of a road is due."""
    one = work.alias("one")
    found = select(one.c.due_at).where(one.c.destination == ROADS.c.name, one.c.lease_until.is_(None))
    return found.order_by(one.c.due_at, one.c.row).limit(1).correlate(ROADS).scalar_subquery()


EARLIEST: Final = _earliest()


def _ordered(*which: TextClause, by_urgency: bool) -> Order:
    def of(table: Any) -> tuple[ColumnElement[Any], ...]:
        return ((table.c.urgency.desc(),) if by_urgency else ()) + (table.c.due_at, table.c.row)

    def due(table: Any) -> tuple[ColumnElement[bool] | TextClause, ...]:
        free = or_(table.c.lease_until.is_(None), table.c.lease_until <= bindparam("now"))
        return (*which, table.c.due_at <= bindparam("now"), free)

    first = select(work).where(*due(work)).order_by(*of(work)).limit(bindparam("rows"))
    head = work.alias("head")
    heads = (
        select(head.c.row)
        .where(head.c.destination == ROADS.c.name, *due(head))
        .order_by(*of(head))
        .limit(bindparam("each"))
        .correlate(ROADS)
        .scalar_subquery()
    )
    by_road = (
        select(work)
        .select_from(ROADS.join(work, _Among(work.c.row, heads)))
        .where(ROADS.c.name.is_not(None), ROADS.c.name.not_in(bindparam("closed", expanding=True)))
        .order_by(*of(work))
        .limit(bindparam("candidates"))
    )
    return Order(
        first=first.with_for_update(skip_locked=True), by_road=by_road.with_for_update(skip_locked=True, of=work)
    )


OLDEST_FIRST: Final = _ordered(by_urgency=False)
URGENT_FIRST: Final = _ordered(URGENT, by_urgency=True)
