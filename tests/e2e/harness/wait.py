"""How long to wait. Every wait of these tests ends by what it waits for; a deadline only tells that
this will not come, and is generous, because machines and sanitizers differ."""

import os
import time

SANITIZED = os.environ.get("TXTCHAT_E2E_SANITIZED") == "1"
DEADLINE_S = 120 if SANITIZED else 60


class Deadline:
    """Counts down from its creation."""

    def __init__(self, seconds=DEADLINE_S):
        self._end = time.monotonic() + seconds

    def left(self):
        """Seconds, never below zero."""
        return max(0.0, self._end - time.monotonic())

    def over(self):
        return self.left() == 0.0


def until(condition, what, seconds=DEADLINE_S, interval_s=0.01):
    """Polls something that cannot be waited for; answers its first true value."""
    deadline = Deadline(seconds)
    while True:
        value = condition()
        if value:
            return value
        if deadline.over():
            raise AssertionError(f"after {seconds} s there is still no {what}")
        time.sleep(interval_s)
