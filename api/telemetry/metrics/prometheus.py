"""The aggregates as Prometheus reads them, named as OpenTelemetry's exporter names them."""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from api.telemetry.metrics.aggregates import Aggregates, Attributes, Counts, Histogram
from api.telemetry.metrics.names import SERVICE_NAME

_UNITS: Final = {"s": "_seconds", "By": "_bytes"}


def page(aggregates: Aggregates) -> tuple[bytes, str]:
    """The page and its content type."""
    registry = CollectorRegistry()
    registry.register(_Told(aggregates))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Told(Collector):
    def __init__(self, aggregates: Aggregates) -> None:
        self._aggregates = aggregates

    def collect(self) -> Iterator[Metric]:
        target = GaugeMetricFamily("target_info", "Target metadata", labels=["service_name"])
        target.add_metric([SERVICE_NAME], 1)
        yield target
        yield from (_histogram(histogram) for histogram in self._aggregates.histograms if histogram.told())
        yield from (_count(counts) for counts in self._aggregates.counts if counts.told())


def _histogram(histogram: Histogram) -> Metric:
    told = histogram.told()
    names = _names(attributes for attributes, _ in told)
    family = HistogramMetricFamily(_name(histogram.name, histogram.unit), histogram.name, labels=_labels(names))
    bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
    for attributes, point in told:
        buckets = list(zip(bounds, accumulate(point.counts), strict=True))
        family.add_metric(_values(names, attributes), buckets, point.total)
    return family


def _count(counts: Counts) -> Metric:
    told = counts.told()
    names = _names(attributes for attributes, _ in told)
    kind = CounterMetricFamily if counts.grows else GaugeMetricFamily
    family = kind(_name(counts.name, counts.unit), counts.name, labels=_labels(names))
    for attributes, number in told:
        family.add_metric(_values(names, attributes), number)
    return family


def _name(name: str, unit: str) -> str:
    return name.replace(".", "_") + _UNITS.get(unit, "")


def _names(all_attributes: Iterable[Attributes]) -> list[str]:
    """Of all attributes that any of them has: in Prometheus every series of a metric has the same."""
    return sorted({name for attributes in all_attributes for name, _ in attributes})


def _labels(names: list[str]) -> list[str]:
    return [name.replace(".", "_") for name in names]


def _values(names: list[str], attributes: Attributes) -> list[str]:
    has = dict(attributes)
    return [str(has.get(name, "")) for name in names]
