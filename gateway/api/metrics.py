"""The port `Meter` for Prometheus: one registry of its own, nothing global; gauges are read when somebody asks."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from gateway.core.metrics import CATALOGUE, Metric, MetricKind, Reading

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class PrometheusMeter:
    """Implements `gateway.core.ports.Meter`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        self._counters = {
            metric.name: Counter(metric.name, metric.help, metric.labels, registry=self._registry)
            for metric in CATALOGUE
            if metric.kind is MetricKind.COUNTER
        }
        self._histograms = {
            metric.name: Histogram(
                metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self._registry
            )
            for metric in CATALOGUE
            if metric.kind is MetricKind.HISTOGRAM
        }

    def add(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """See `Meter.add`."""
        counter = self._counters[metric.name]
        (counter.labels(*labels) if labels else counter).inc(by)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """See `Meter.observe`."""
        self._histogram(metric, labels).observe(value)

    def timed(self, metric: Metric, *labels: str) -> AbstractContextManager[object]:
        """See `Meter.timed`."""
        timer: AbstractContextManager[object] = self._histogram(metric, labels).time()
        return timer

    def exposition(self, readings: Sequence[Reading]) -> bytes:
        """Everything in Prometheus' text format, with these gauges."""
        gauges = CollectorRegistry(auto_describe=False)
        gauges.register(_Gauges(readings))
        return generate_latest(self._registry) + generate_latest(gauges)

    def _histogram(self, metric: Metric, labels: tuple[str, ...]) -> Histogram:
        histogram = self._histograms[metric.name]
        return histogram.labels(*labels) if labels else histogram


class _Gauges(Collector):
    """Readings as Prometheus collects them."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings

    def describe(self) -> Iterable[Family]:
        """Nothing: the names are the catalogue's, and unique by its test."""
        return ()

    def collect(self) -> Iterator[Family]:
        """One family for each gauge that was read."""
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self._readings:
            metric = reading.metric
            family = families.setdefault(metric.name, GaugeMetricFamily(metric.name, metric.help, labels=metric.labels))
            family.add_metric(reading.labels, reading.value)
        yield from families.values()
