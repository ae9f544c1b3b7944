"""What a target is, and how it is judged: by medians, of runs that took turns."""

from collections.abc import Callable
from dataclasses import dataclass


class NotMeasured(Exception):
    """A figure that a target needs is not there: no such server, or its run failed."""


# look(figure, contender, at) -> the median; raises NotMeasured.
Look = Callable[..., float]


@dataclass(frozen=True)
class Target:
    text: str
    reached: Callable[[Look], float]
    most: float
    less: bool = False  # Less than `most`, not as much.


@dataclass(frozen=True)
class Verdict:
    target: Target
    value: float | None  # None: not measured.

    @property
    def word(self):
        if self.value is None:
            return "not measured"
        most = self.target.most
        met = self.value < most if self.target.less else self.value <= most
        return "met" if met else "missed"


def judge(target, look):
    try:
        return Verdict(target, target.reached(look))
    except NotMeasured:
        return Verdict(target, None)


def quotient(a, b):
    if b <= 0:
        raise NotMeasured
    return a / b


def times(contender, most, other, what, figure="cpu", less=False):
    """At most `most` times what another contender takes."""
    bound = f"less than {what}" if less else f"at most {most:g} × {what}"
    if most < 1:
        bound = f"at most 1/{1 / most:g} of {what}"
    return Target(
        bound,
        lambda look: quotient(look(figure, contender), look(figure, other)),
        most,
        less,
    )


def absolute(text, figure, contender, most):
    return Target(text, lambda look: look(figure, contender), most)


def flat(sizes, most, text, figure="cpu", contender="txtchatd", over=None):
    """No size takes more than `most` times what the first one takes. With `over`, both are ratios
    to what that contender takes at the same size."""

    def at(look, size):
        value = look(figure, contender, size)
        return quotient(value, look(figure, over, size)) if over else value

    def reached(look):
        first, *others = (at(look, size) for size in sizes)
        return max(quotient(other, first) for other in others)

    return Target(text, reached, most)


def durable_latency(figure, most):
    """Durable sending costs no more than `most` times memory and one fdatasync."""

    def reached(look):
        return quotient(look(figure, "full"), look(figure, "txtchatd") + look(figure, "fsync"))

    return Target(f"durable: {figure} at most {most:g} × (memory + one fdatasync)", reached, most)
