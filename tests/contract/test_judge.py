"""The promises of the port `Judge`, on every implementation."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.core.errors import Conflict
from gateway.core.ports import Judge
from gateway.core.validation import Indication
from gateway.crypto import InlineJudge, JudgePool
from tests.kit import tasks


@pytest.fixture(params=["inline", "processes"])
async def judge(request: pytest.FixtureRequest) -> AsyncIterator[Judge]:
    if request.param == "inline":
        yield InlineJudge()
        return
    pool = JudgePool(size=2, preload=())
    await pool.start()
    yield pool
    await pool.close()


async def test_it_returns_what_the_task_returns(judge: Judge) -> None:
    assert await judge.run(tasks.add, 2, right=3) == 5


async def test_values_of_the_project_come_back_as_they_are(judge: Judge) -> None:
    verdict = await judge.run(tasks.say_verdict)
    assert verdict == tasks.say_verdict()
    assert verdict.indication is Indication.INDETERMINATE


async def test_a_gateway_error_comes_back_with_its_code_and_params(judge: Judge) -> None:
    with pytest.raises(Conflict) as caught:
        await judge.run(tasks.refuse, "conflict.state", 7)
    assert caught.value.code == "conflict.state"
    assert dict(caught.value.params) == {"limit": 7}


async def test_an_error_of_python_comes_back(judge: Judge) -> None:
    with pytest.raises(ValueError, match="a value"):
        await judge.run(tasks.fail_by_value)


async def test_many_at_once(judge: Judge) -> None:
    sums = await asyncio.gather(*(judge.run(tasks.add, n, right=n) for n in range(20)))
    assert sums == [2 * n for n in range(20)]


async def test_on_somebody_s_behalf_it_does_the_same(judge: Judge) -> None:
    for_ward = judge.on_behalf("ward")
    assert await for_ward.run(tasks.add, 1, right=1) == 2
    assert await for_ward.on_behalf("office").run(tasks.add, 2, right=1) == 3
