"""The measure of growth: it lets linear work pass, and would not let quadratic work pass."""

import gc

from tests.kit.growth import LINEAR_MAX, cost_ratio, growth


def one_walk(size: int) -> int:
    return sum(range(size))


def a_walk_for_each(size: int) -> int:
    return sum(sum(range(size)) for _ in range(size))


def test_one_walk_is_linear() -> None:
    assert growth(one_walk, 50_000, times=8) < LINEAR_MAX


def test_a_walk_for_each_is_not() -> None:
    assert growth(a_walk_for_each, 150, times=8) > LINEAR_MAX


def test_work_that_is_done_ten_times_costs_more() -> None:
    assert cost_ratio(lambda: [one_walk(50_000) for _ in range(10)], lambda: one_walk(50_000)) > LINEAR_MAX


def test_the_garbage_collector_works_on_afterwards_and_not_meanwhile() -> None:
    seen = []
    cost_ratio(lambda: seen.append(gc.isenabled()), lambda: sum(range(1_000)))
    assert seen == [False] * 3
    assert gc.isenabled()
