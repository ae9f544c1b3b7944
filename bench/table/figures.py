"""What a run's report says: where in it each figure stands, and how it is written."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    text: str
    path: tuple[str, ...]  # Of keys, in the JSON of txtchat-bench.
    scale: float = 1
    digits: int = 0

    def of(self, report):
        """The figure of one report; None where the report has none."""
        for key in self.path:
            report = (report or {}).get(key)
        return None if report is None else report * self.scale

    def written(self, value):
        return f"{value:,.{self.digits}f}"


FIGURES = {
    "cpu": Figure("server CPU, µs a delivery", ("server", "cpu_us_per_delivery"), digits=3),
    "cpu_message": Figure("server CPU, µs a message", ("server", "cpu_us_per_message"), digits=1),
    "rate": Figure("acknowledged messages a second", ("sent", "acknowledged_per_s")),
    "ack_p50": Figure("send to acknowledgement, p50 µs", ("sent", "latency_us", "p50")),
    "ack_p99": Figure("send to acknowledgement, p99 µs", ("sent", "latency_us", "p99")),
    "p50": Figure("send to delivery, p50 µs", ("delivered", "latency_us", "p50")),
    "p90": Figure("send to delivery, p90 µs", ("delivered", "latency_us", "p90")),
    "p99": Figure("send to delivery, p99 µs", ("delivered", "latency_us", "p99")),
    "p99_9": Figure("send to delivery, p99.9 µs", ("delivered", "latency_us", "p99_9")),
    "memory": Figure("memory of each, KiB", ("server", "resident_bytes_per_user"), 1 / 1024, 2),
    "peak": Figure("memory at the peak, MiB", ("server", "resident_bytes_peak"), 1 / 2**20, 1),
    "connect": Figure("until all were there, s", ("connect", "seconds"), digits=2),
}


@dataclass(frozen=True)
class Spread:
    """What the rounds brought."""

    median: float
    low: float
    high: float
    rounds: int

    @staticmethod
    def of(values):
        """None where there are no values."""
        if not values:
            return None
        return Spread(statistics.median(values), min(values), max(values), len(values))

    def percent(self):
        """How far the farthest round is from the median."""
        if self.median == 0:
            return 0.0
        farthest = max(self.high - self.median, self.median - self.low)
        return 100 * farthest / abs(self.median)
