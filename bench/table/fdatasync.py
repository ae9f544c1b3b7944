"""What one fdatasync costs in a directory: the least that a durable message can wait."""

import os
import tempfile
import time

APPEND_BYTES = 4096


def measure(directory, appends=400, rate=200):
    """Appends 4 KiB and syncs, `rate` times a second, as messages of the latency rows come. Answers
    a report in the shape of txtchat-bench's, with the times as its deliveries'."""
    block = os.urandom(APPEND_BYTES)
    took_us = []
    with tempfile.TemporaryFile(dir=directory) as file:
        due = time.monotonic()
        for _ in range(appends):
            due += 1 / rate
            time.sleep(max(0, due - time.monotonic()))
            began = time.perf_counter()
            os.write(file.fileno(), block)
            os.fdatasync(file.fileno())
            took_us.append(1e6 * (time.perf_counter() - began))
    return report(took_us)


def report(took_us):
    ordered = sorted(took_us)

    def percentile(share):
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    percents = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999}
    latency = {name: percentile(share) for name, share in percents.items()}
    return {"delivered": {"latency_us": {"count": len(ordered), **latency}}}
