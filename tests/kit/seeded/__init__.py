"""Seeded worlds: two to five whole gateways in one process, one virtual clock, one seed for everything that is chance.

What is real: conductors, work engine, signer of checkpoints, store (on `:memory:`), signatures, receipts, the wire form
of the slip, the client's conclusions. What is made up, each behind its real port:

    materials   keys, certificates, editions of the registry: made once
    disk        what survives a power cut, and the points at which the power may go
    gateway     one gateway: its disk, its clock, and the process that runs on them until it is cut
    network     loss, delay, duplicates, lost answers, partitions, liars (port `Transport`)
    offices     those who hand in, ask again, accept, refuse, answer; and the ledger of what they were told
    plan        from a seed to a story: how many gateways, which letters, which faults and when
    world       all of it together: run, mend, come to rest
    kept        what every gateway has kept, read out when all is still
    invariants  what must hold of it (reliability.md B2.1, B4), one function each, pure
    small_log   a second verifier of logs and receipts that shares no code with the gateway
    mutants     planted bugs that the seeds must find

`python -m tests.kit.seeds --help` runs them; docs/TESTING.md says how to read a failure.
"""
