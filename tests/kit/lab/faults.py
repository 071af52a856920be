"""The table of faults (reliability.md B4), in the order in which they run."""

from tests.kit.lab.calls import failing_calls
from tests.kit.lab.crashes import database_crash, kill_nine
from tests.kit.lab.disks import disk_full
from tests.kit.lab.fault import Done, Fault, Order
from tests.kit.lab.machines import state_machine
from tests.kit.lab.mutants import find_mutants
from tests.kit.lab.outsiders import outsiders_down
from tests.kit.lab.overload import overload
from tests.kit.lab.poison import poison
from tests.kit.lab.restores import restored, restored_on_postgres
from tests.kit.lab.roads import bad_roads, lost_answers, partitions, replays
from tests.kit.lab.rot import bit_rot
from tests.kit.lab.soak import everything
from tests.kit.lab.worlds import simulated_worlds


async def planted_bugs(order: Order) -> Done:
    """F-28: the worlds of `tests/kit/seeded` with each mutant; and the checks of this lab with books that were spoilt."""
    caught, notes = await find_mutants()
    return Done(mutants=(sum(caught.values()), len(caught)), checked=False, notes=notes)


FAULTS: dict[str, Fault] = {
    fault.id: fault
    for fault in (
        Fault("F-01", "kill -9 of both gateways", kill_nine, 2_000, 10_000, long=True),
        Fault("F-03", "crashes of the database server", database_crash, 250, 3_000),
        Fault("F-06", "partitions", partitions, 300, 10_000, quick=False, long=True),
        Fault("F-07", "roads that lose, wait and trickle", bad_roads, 100, 2_000, quick=False, long=True),
        Fault("F-08", "answers cut after delivery", lost_answers, 400, 5_000),
        Fault("F-09", "duplicates, reordering, replays", replays, 400, 5_000),
        Fault("F-11", "disks that are full", disk_full, 250, 2_000),
        Fault("F-12", "system calls that fail", failing_calls, 46, 460),
        Fault("F-15", "bits that flip on the disk", bit_rot, 40, 400, quick=False, long=True),
        Fault("F-17", "restore to an earlier moment", restored, 200, 2_000, quick=False, long=True),
        Fault("F-17P", "... on PostgreSQL", restored_on_postgres, 200, 1_000, quick=False, long=True),
        Fault("F-20", "timestamp authority, source of lists and scanner away", outsiders_down, 120, 1_000),
        Fault("F-22", "poison among documents", poison, 160, 2_000),
        Fault("F-23", "five times more than it can take", overload, 120, 2_400, quick=False, long=True),
        Fault("F-26", "a state machine on SQLite and PostgreSQL", state_machine, 40, 300, long=True),
        Fault("F-27", "simulated worlds of five gateways", simulated_worlds, 200, 10_000, quick=False, long=True),
        Fault("F-28", "planted bugs", planted_bugs, 0),
        Fault("F-30", "everything together, for hours", everything, 1, 1, quick=False, long=True),
    )
}
