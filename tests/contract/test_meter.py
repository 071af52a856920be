"""The promises of the port `Meter`, on the one that counts and on the one that forgets."""

from threading import Thread

import pytest

from gateway.api import PrometheusMeter
from gateway.core.metrics import CATALOGUE, MetricKind
from gateway.core.ports import Meter
from gateway.observe import Unmeasured


@pytest.fixture(params=[PrometheusMeter, Unmeasured])
def meter(request: pytest.FixtureRequest) -> Meter:
    made: Meter = request.param()
    return made


def test_every_metric_of_the_catalogue_is_taken(meter: Meter) -> None:
    for metric in CATALOGUE:
        labels = ["x"] * len(metric.labels)
        if metric.kind is MetricKind.COUNTER:
            meter.add(metric, *labels)
            meter.add(metric, *labels, by=0)
            meter.add(metric, *labels, by=3)
        elif metric.kind is MetricKind.HISTOGRAM:
            meter.observe(metric, 0.5, *labels)
            with meter.timed(metric, *labels):
                pass


def test_a_timed_block_may_raise(meter: Meter) -> None:
    timed = next(metric for metric in CATALOGUE if metric.kind is MetricKind.HISTOGRAM and not metric.labels)
    with pytest.raises(ZeroDivisionError), meter.timed(timed):
        1 / 0  # noqa: B018 - it is to raise


def test_it_may_be_used_from_any_thread(meter: Meter) -> None:
    counter = next(metric for metric in CATALOGUE if metric.kind is MetricKind.COUNTER and len(metric.labels) == 1)
    threads = [Thread(target=lambda: [meter.add(counter, "x") for _ in range(1_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if isinstance(meter, PrometheusMeter):
        assert f'{counter.name}{{{counter.labels[0]}="x"}} 4000.0' in meter.exposition([]).decode()
