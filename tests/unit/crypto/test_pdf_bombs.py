"""Streams that are small and would be large: what a judge unpacks of a file of strangers is bounded, whoever packed it how."""

import tracemalloc

import pytest

from gateway.core import limits
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import FileVerdict
from gateway.crypto import JudgePool, judge_pdf
from tests.kit.certomancer.declared import bundle
from tests.kit.pdf_attacks import sealed
from tests.kit.pdf_bombs import BOMBS, UNPACKED
from tests.kit.pki import MOMENT

MEMORY_BYTES = 160 * limits.MIB
"""A seventh of what each of them would be; pyHanko lets an object stream become 64 MiB, and holds it twice."""


def unjudged(verdict: FileVerdict) -> bool:
    """Nobody says what such a file is: leaving out what is too large would let a stranger choose what is seen."""
    return (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little_memory(name: str) -> None:
    data, trust = BOMBS[name](sealed()), bundle().trust
    assert len(data) < limits.FILE_BYTES_MAX < UNPACKED
    tracemalloc.start()
    try:
        verdict = judge_pdf(data, trust=trust, moment=MOMENT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert unjudged(verdict), verdict.reason
    assert peak < MEMORY_BYTES


async def test_no_bomb_kills_a_judge() -> None:
    """Each is answered within a judge's processor time, memory and patience, and the same judge goes on."""
    pool = JudgePool(size=1, preload=("gateway.crypto.pades.verify",))
    await pool.start()
    (judge,) = pool.pids
    for name, change in BOMBS.items():
        verdict = await pool.run(judge_pdf, change(sealed()), trust=bundle().trust, moment=MOMENT)
        assert unjudged(verdict), name
    assert pool.pids == (judge,)
    await pool.close()
