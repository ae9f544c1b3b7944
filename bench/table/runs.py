"""Runs the rows in turns, and keeps what every run said. A record, one line of --json, is

    {"table": {…}}                                         the machine, the versions, the options
    {"row": …, "contender": …, "at": …, "round": 1, "command": …, "report": {…}}
    the same with "failed": "what the tool said" instead of the report
"""

import json
import subprocess
from dataclasses import dataclass

from . import fdatasync
from .figures import FIGURES, Spread
from .rows import COLUMNS
from .servers import ServerFailed, pinned
from .targets import NotMeasured, judge

RUN_SECONDS_MAX = 180
QUICK_DIVISOR = 20


class Results:
    """Every record there is, and the figures in them."""

    def __init__(self, records=()):
        self.about = {}
        self.runs = []
        for record in records:
            self.add(record)

    def add(self, record):
        if "table" in record:
            self.about = record["table"]
        else:
            self.runs.append(record)
            if machine := record.get("report", {}).get("machine"):
                self.about.setdefault("machine", machine)

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            return Results(json.loads(line) for line in file)

    def of(self, row, contender=None, at=None):
        return [
            run
            for run in self.runs
            if run["row"] == row.name
            and contender in (None, run["contender"])
            and at in (None, run["at"])
        ]

    def failures(self):
        return [run for run in self.runs if "failed" in run]

    def spread(self, row, figure, contender, at=""):
        """Of all rounds; None where nothing was measured, or a round of it failed."""
        runs = self.of(row, contender, at)
        if any("failed" in run for run in runs):
            return None
        values = (FIGURES[figure].of(run["report"]) for run in runs)
        return Spread.of([value for value in values if value is not None])

    def verdicts(self, row):
        def look(figure, contender, at=""):
            spread = self.spread(row, figure, contender, at)
            if spread is None:
                raise NotMeasured
            return spread.median

        return [judge(target, look) for target in row.targets]

    def contenders(self, rows):
        """Who was measured in these rows, as the columns stand."""
        seen = {run["contender"] for row in rows for run in self.of(row) if "report" in run}
        return [name for name in COLUMNS if name in seen]

    def columns(self, rows):
        """Who would be measured in these rows, whether installed or not."""
        store = self.about.get("store", "full")
        wanted = {name for row in rows for name in row.resolved(store)}
        return [name for name in COLUMNS if name in wanted]


@dataclass(frozen=True)
class Turn:
    """One run that is due."""

    row: object
    contender: str
    at: str
    round: int

    def __str__(self):
        at = f" at {self.at}" if self.at else ""
        return f"{self.row.name}: {self.contender}{at}, round {self.round}"

    def record(self, **what):
        return {
            "row": self.row.name,
            "contender": self.contender,
            "at": self.at,
            "round": self.round,
            **what,
        }


def turns(row, about):
    """Every contender at every size, round after round, so that a machine's mood hits all alike."""
    contenders = [name for name in row.resolved(about["store"]) if name not in about["missing"]]
    return [
        Turn(row, contender, at, number)
        for number in range(1, about["rounds"] + 1)
        for at in row.sizes
        for contender in contenders
    ]


class Runner:
    def __init__(self, servers, load_core, quick):
        self.servers = servers
        self.load_core = load_core
        self.quick = quick

    def run(self, turn):
        """Answers the turn's record, also of a run that failed."""
        if turn.contender == "fsync":
            return turn.record(report=fdatasync.measure(self.servers.data_dir))
        words = load_words(turn.row, turn.contender, turn.at, self.quick)
        command = " ".join(["txtchat-bench", *words])
        try:
            with self.servers.running(turn.contender, turn.row.server_flags) as server:
                return turn.record(command=command, **self.load(turn, words, server))
        except ServerFailed as failure:
            return turn.record(command=command, failed=str(failure))

    def load(self, turn, words, server):
        addresses = server.addresses
        where = [f"--server={addresses['line' if turn.row.transport == 'line' else 'grpc']}"]
        if turn.row.transport == "mixed":
            where.append(f"--line-server={addresses['line']}")
        where.append(f"--server-pid={server.pid}")
        command = [self.servers.bench, *words, *where, "--json", "--quiet"]
        try:
            done = subprocess.run(
                pinned(self.load_core, command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=RUN_SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"txtchat-bench was not done in {RUN_SECONDS_MAX} s"}
        if done.returncode != 0:
            return {"failed": failure_of(done)}
        return {"report": json.loads(done.stdout)}


def failure_of(done):
    """What the tool said: its last words, and the first wrong delivery."""
    parts = [f"exit code {done.returncode}", *done.stderr.splitlines()[-3:]]
    try:
        parts.append(json.loads(done.stdout)["faults"]["example"])
    except (ValueError, KeyError):
        pass
    return "; ".join(part for part in parts if part)


def load_words(row, contender, at, quick=False):
    """What txtchat-bench is told, the addresses apart."""
    verb = {"nats": "nats", "redis": "redis"}.get(contender, "line")
    if row.transport != "line":
        verb = "grpc"
    options = row.options(contender, at)
    if quick:
        lessened = options.keys() & {"messages", "warmup"}
        options = options | {name: few(options, name) for name in lessened}
    return [verb, *(f"--{name.replace('_', '-')}={value}" for name, value in options.items())]


def few(options, name):
    """A twentieth, for trying the table out; never so few that publishers have nothing to say."""
    value = options[name]
    least = max(options.get("publishers", 1), options.get("burst", 1))
    return min(value, max(value // QUICK_DIVISOR, least))
