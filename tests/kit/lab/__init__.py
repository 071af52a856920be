"""The fault lab: two real gateways, a fault, and the count of what was acknowledged, kept outside both.

    ledger      what offices were told, appended and synced before anybody goes on
    proxy       TCP between the gateways that delays, cuts, resets, trickles, and swallows answers
    site        the two gateways of one fault, in a folder of their own, each reached through a proxy
    traffic     the offices: they hand in until somebody says yes, read their inboxes by cursor, accept
    killer      kill -9, again and again
    books       what the databases say, straight from the tables, read-only
    check       ALL0 of reliability.md B4, as a process of its own: `python -m tests.kit.lab.check FOLDER`
    faults      the table of faults: id, what it does, how many documents it needs
    results     what came out, for the eye and as JSON; `page`: of the long set, for readers, and kept from run to run
    servers     PostgreSQL for a fault, until its check has read it
    leftover    whoever ends the lab ends all that it has started

and the faults: `crashes`, `roads` and `replay`, `disks`, `calls`, `outsiders`, `poison`, `machine` (Hypothesis, on real
databases), `mutants` (planted bugs that the seeded worlds must find), `rot`, `restores`, `overload`, `worlds`, `soak`.

`python -m tests.kit.lab --help` runs them (`make fault`, `make fault-long`); docs/TESTING.md says how to read a failure.
"""
