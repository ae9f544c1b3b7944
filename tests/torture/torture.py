"""The crash test: lives of data directories whose server is killed at random moments under load.

    torture.py [--seed=N] [--keep=DIRECTORY] MODE:ROUNDS…
    torture.py [--seed=N] [--keep=DIRECTORY] --seconds=N

The first runs the given lives; the second all modes in turn, each with a seed of its own, until the
time is over. See README.md.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness.wait import SANITIZED, Deadline  # noqa: E402
from ledger import Failure  # noqa: E402
from life import MODES, Life  # noqa: E402

ROUNDS = 25  # Of a life, where only the time is given.
PROGRESS_S = 5


class Totals:
    def __init__(self):
        self.lives = self.rounds = self.kills = self.acknowledged = self.deliveries = 0

    def add(self, life):
        self.lives += 1
        self.rounds += life.round
        self.kills += life.kills
        self.acknowledged += life.acknowledged
        self.deliveries += life.deliveries

    def __str__(self):
        return (
            f"{self.lives} lives, {self.rounds} rounds, {self.kills} kills, "
            f"{self.acknowledged:,} acknowledged, {self.deliveries:,} deliveries"
        )


def say(text):
    print(f"torture: {text}", flush=True)


class Progress:
    """Says every few seconds how far a life is."""

    def __init__(self, name, life):
        self._name = name
        self._life = life
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(PROGRESS_S):
            life = self._life
            say(
                f"{self._name}: round {life.round}, {life.kills} kills, "
                f"{life.acknowledged:,} acknowledged, {life.deliveries:,} deliveries"
            )


def live(mode, rounds, seed, keep, totals, deadline=None):
    """Answers whether all was well."""
    name = f"{mode} seed {seed}"
    directory = os.path.join(keep, f"{mode}-{seed}")
    shutil.rmtree(directory, ignore_errors=True)
    life = Life(mode, seed, directory)
    began = time.monotonic()
    try:
        with Progress(name, life):
            life.run(rounds, deadline)
    except Failure as failure:
        say(f"FAILED: {name}, round {life.round}, after {life.kills} kills:\n{failure}")
        say(f"the data and the server's logs are in {directory}")
        say(f"the same plan again: --seed={seed} {mode}:{rounds}")
        return False
    finally:
        totals.add(life)
    say(
        f"{name}: {life.round} rounds, {life.kills} kills, {life.acknowledged:,} acknowledged, "
        f"{life.deliveries:,} deliveries, {time.monotonic() - began:.1f} s: all there"
    )
    shutil.rmtree(directory)
    return True


def plan(arguments):
    """The lives, one after the other: (mode, rounds, seed)."""
    if arguments.seconds is None:
        for each in arguments.lives:
            mode, _, rounds = each.partition(":")
            # Sanitizers make everything several times as slow.
            yield mode, max(2, int(rounds) // (4 if SANITIZED else 1)), arguments.seed
        return
    seed = arguments.seed
    while True:
        for mode in MODES:
            yield mode, ROUNDS, seed
        seed += 1


def parse():
    parser = argparse.ArgumentParser(description="Kills the server under load, again and again.")
    parser.add_argument("lives", nargs="*", metavar="MODE:ROUNDS", help=", ".join(MODES))
    parser.add_argument("--seconds", type=float, help="all modes in turn, for so long")
    parser.add_argument("--seed", type=int, help="of the plan; drawn if not given")
    parser.add_argument("--keep", help="where the data of a life is, and stays if it fails")
    arguments = parser.parse_args()
    if bool(arguments.lives) == (arguments.seconds is not None):
        parser.error("either lives or --seconds")
    for each in arguments.lives:
        mode, _, rounds = each.partition(":")
        if mode not in MODES or not rounds.isdecimal():
            parser.error(f"{each}: one of {', '.join(MODES)}, a colon, a number of rounds")
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1, 1_000_000)
    return arguments


def main():
    arguments = parse()
    keep = arguments.keep or tempfile.mkdtemp(prefix="txtchat-torture-")
    deadline = None if arguments.seconds is None else Deadline(arguments.seconds)
    say(f"seed {arguments.seed}")
    totals = Totals()
    for mode, rounds, seed in plan(arguments):
        if not live(mode, rounds, seed, keep, totals, deadline):
            say(f"failed after {totals}")
            # Threads of a broken life may still wait for their server.
            sys.stdout.flush()
            os._exit(1)
        if deadline is not None and deadline.over():
            break
    say(f"passed: {totals}")
    if arguments.keep is None:
        os.rmdir(keep)


if __name__ == "__main__":
    main()
