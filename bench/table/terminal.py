"""What the terminal shows: what runs now, each row when it is done, and a summary."""

import sys
import time

from .figures import FIGURES

LABEL = 42
CELL = 13
COLORS = {"met": "32", "missed": "31", "not measured": "33", "failed": "31", "bold": "1", "dim": "2"}


class Terminal:
    """Rows go to standard output, progress to standard error. Colour only where a person looks."""

    def __init__(self, out=None, err=None, clock=time.monotonic):
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.clock = clock
        self.began = clock()
        self.drawn = False

    def paint(self, text, color):
        return f"\033[{COLORS[color]}m{text}\033[0m" if self.out.isatty() else text

    def say(self, text=""):
        self.clear()
        print(text, file=self.out, flush=True)

    def progress(self, done, total, what):
        gone = self.clock() - self.began
        text = f"[{done + 1}/{total}] {what}; {minutes(gone)} gone"
        if done:
            text += f", about {minutes(gone * (total - done) / done)} left"
        if self.err.isatty():
            self.clear()
            self.err.write(text[:118])
            self.drawn = True
        else:
            self.err.write(text + "\n")
        self.err.flush()

    def clear(self):
        if self.drawn:
            self.err.write("\r\033[K")
            self.err.flush()
            self.drawn = False

    def heading(self, columns):
        self.say(self.paint(" " * LABEL + "".join(f"{name:>{CELL}}" for name in columns), "bold"))

    def row(self, row, results, columns):
        self.say(self.paint(row.name, "bold"))
        for figure in row.figures:
            for at in row.sizes:
                label = f"  {FIGURES[figure].text}" + (f", {at}" if at else "")
                spreads = (results.spread(row, figure, name, at) for name in columns)
                self.say(f"{label:{LABEL}}" + "".join(f"{cell(figure, s):>{CELL}}" for s in spreads))
        for run in results.of(row):
            if "failed" in run:
                who = f"{run['contender']} {run['at']}".strip() + f", round {run['round']}"
                self.say(f"  {self.paint('failed', 'failed')}  {who}: {run['failed']}")
        for verdict in results.verdicts(row):
            word = self.paint(f"{verdict.word:13}", verdict.word)
            self.say(f"  {word} {verdict.target.text}{reached(verdict)}")

    def summary(self, rows, results):
        counts = {"met": 0, "missed": 0, "not measured": 0}
        for row in rows:
            for verdict in results.verdicts(row):
                counts[verdict.word] += 1
        failed = len(results.failures())
        text = ", ".join(f"{count} {word}" for word, count in counts.items())
        self.say(f"\ntargets: {text}" + (f"; {failed} runs FAILED" if failed else ""))


def reached(verdict):
    return "" if verdict.value is None else f": {ratio(verdict.value)}"


def ratio(value):
    """Small ones are easier to read as one part of many."""
    return f"1/{1 / value:.0f}" if 0 < value < 0.1 else f"{value:.2f}"


def cell(figure, spread):
    """0.080 ±4%"""
    if spread is None:
        return "-"
    text = FIGURES[figure].written(spread.median)
    return text if spread.rounds == 1 else f"{text} ±{spread.percent():.0f}%"


def minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
