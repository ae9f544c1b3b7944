#!/usr/bin/env python3
"""What `./dev bench` runs: a short standard table, a fresh server on one core and the load on another.

    table.py TXTCHATD TXTCHAT_BENCH [--store full|normal|memory] [--rounds N] [--json FILE] [ROW…]

Each row is one command of txtchat-bench; where it is of the line protocol, the floor
(`txtchat-bench floor`) does the same work in turns with the server. With --rounds 3 the figures are
medians. --store says where the server keeps messages, and how durably. --json appends each run's whole JSON, one a line. ROW: only rows whose name contains it.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile

# Name -> arguments of txtchat-bench. Sized so that a run takes a few seconds.
ROWS = {
    "line 100 subscribers, window 200": "line --subscribers 100 --window 200 --messages 100000",
    "line 1000 subscribers, window 200": "line --subscribers 1000 --window 200 --messages 20000",
    "line 100 subscribers, one at a time": "line --subscribers 100 --window 1 --messages 3000",
    "line 1000 in 100 channels, window 50": "line --subscribers 1000 --channels 100 --publishers 100 "
    "--window 50 --messages 200000",
    "line 100 subscribers, 200 a second": "line --subscribers 100 --rate 200 --messages 1000",
    "grpc 100 streams, window 200, bursts": "grpc --subscribers 100 --window 200 --burst 50 "
    "--messages 30000",
    "grpc 1000 streams, window 200, bursts": "grpc --subscribers 1000 --window 200 --burst 50 "
    "--messages 10000",
    "grpc 100 streams, one at a time": "grpc --subscribers 100 --window 1 --messages 2000",
    "grpc 100 streams, 200 a second": "grpc --subscribers 100 --rate 200 --messages 1000",
    "line, 1 sender": "line --subscribers 0 --publishers 1 --window 1 --messages 20000",
    "line, 10 senders": "line --subscribers 0 --publishers 10 --channels 10 --window 1 "
    "--messages 50000",
    "line, 100 senders": "line --subscribers 0 --publishers 100 --channels 100 --window 1 "
    "--messages 100000",
    "grpc, 1 sender": "grpc --subscribers 0 --publishers 1 --window 1 --messages 10000",
    "grpc, 10 senders": "grpc --subscribers 0 --publishers 10 --channels 10 --window 1 "
    "--messages 20000",
    "grpc, 100 senders": "grpc --subscribers 0 --publishers 100 --channels 100 --window 1 "
    "--messages 40000",
    "line, 9000 idle": "line --subscribers 0 --publishers 0 --messages 0 --idle 9000",
    "grpc, 2000 idle streams": "grpc --subscribers 0 --publishers 0 --messages 0 --idle 2000",
}
RUN_SECONDS_MAX = 300


def pinned(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


@contextlib.contextmanager
def stopping(process):
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def txtchatd(program, core, store):
    """A fresh server; yields its pid and where it listens, by transport."""
    command = [program, "--line-listen=127.0.0.1:0", "--grpc-listen=127.0.0.1:0", "--log-format=json"]
    with tempfile.TemporaryDirectory(prefix="txtchat-bench-") as data_dir, stopping(
        subprocess.Popen(
            pinned(core, [*command, *store_flags(store, data_dir)]),
            stderr=subprocess.PIPE,
            text=True,
        )
    ) as process:
        addresses = {}
        while len(addresses) < 2:
            line = process.stderr.readline()
            if not line:
                sys.exit("table.py: the server did not start")
            entry = json.loads(line)
            if entry.get("event") == "listening":
                addresses[entry["transport"]] = entry["address"]
        yield process.pid, addresses


def store_flags(store, data_dir):
    if store == "memory":
        return ["--store=memory"]
    return [f"--data-dir={data_dir}", f"--durability={store}"]


@contextlib.contextmanager
def floor(program, core):
    """The same of the floor, which speaks lines only."""
    command = pinned(core, [program, "floor"])
    with stopping(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
        yield process.pid, {"line": process.stdout.readline().split()[-1]}


def run(bench, core, row, pid, addresses):
    """One run; answers its report. Ends the program if deliveries were wrong."""
    words = row.split()
    command = [bench, *words, f"--server={addresses[words[0]]}", f"--server-pid={pid}"]
    done = subprocess.run(
        pinned(core, [*command, "--json", "--quiet"]),
        stdout=subprocess.PIPE,
        timeout=RUN_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"table.py: exit code {done.returncode} of {' '.join(command)}")
    return json.loads(done.stdout)


def median(reports, *path):
    """The median of one figure; None where there is none."""
    values = []
    for report in reports:
        for key in path:
            report = report[key]
        values.append(report)
    return statistics.median(values) if values else None


def cell(value, digits, width):
    return f"{value:{width},.{digits}f}" if value else " " * (width - 1) + "-"


def figures(name, reports, floors):
    """A row of the table."""
    per = "cpu_us_per_message" if "sender" in name else "cpu_us_per_delivery"
    cpu = median(reports, "server", per)
    floor_cpu = median(floors, "server", per)
    memory = median(reports, "server", "resident_bytes_per_user") / 1024 if "idle" in name else None
    return "".join(
        (
            f"{name:38}",
            cell(cpu, 3, 9),
            cell(floor_cpu, 3, 8),
            cell(cpu / floor_cpu if floor_cpu else None, 1, 7),
            cell(median(reports, "sent", "acknowledged_per_s"), 0, 11),
            cell(median(reports, "sent", "latency_us", "p50"), 0, 9),
            cell(median(reports, "sent", "latency_us", "p99"), 0, 9),
            cell(median(reports, "delivered", "latency_us", "p50"), 0, 9),
            cell(median(reports, "delivered", "latency_us", "p99"), 0, 9),
            cell(memory, 1, 8),
        )
    )


HEAD = (
    f"{'':38}{'server CPU, µs a delivery':>24}{'messages':>11}{'acknowledged, µs':>18}"
    f"{'delivered, µs':>18}{'KiB':>8}\n"
    f"{'':38}{'server':>9}{'floor':>8}{'ratio':>7}{'a second':>11}{'p50':>9}{'p99':>9}{'p50':>9}"
    f"{'p99':>9}{'each':>8}"
)


def main():
    parser = argparse.ArgumentParser(description="A short standard table of measurements.")
    parser.add_argument("txtchatd")
    parser.add_argument("bench")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--store", choices=("full", "normal", "memory"), default="full")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_intermixed_args()
    chosen = {
        name: row
        for name, row in ROWS.items()
        if not options.rows or any(part in name for part in options.rows)
    }
    if not chosen or options.rounds < 1:
        parser.error("there is nothing to run")

    cores = sorted(os.sched_getaffinity(0))
    server_core, load_core = (cores[0], cores[-1]) if len(cores) > 1 else (None, None)
    pinning = "not pinned: there is one core" if server_core is None else (
        f"server on core {server_core}, load on core {load_core}"
    )
    print(
        f"store: {options.store}; {pinning}; {options.rounds} round(s), a fresh server for each run; "
        f"load average before: {os.getloadavg()[0]:.1f}\n{HEAD}",
        flush=True,
    )
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(options.json, "a", encoding="utf-8")) if options.json else None
        for name, row in chosen.items():
            reports, floors = [], []
            for _ in range(options.rounds):
                if row.startswith("line") and "idle" not in name:
                    with floor(options.bench, server_core) as (pid, addresses):
                        arguments = f"{row} --label floor"
                        floors.append(run(options.bench, load_core, arguments, pid, addresses))
                server = txtchatd(options.txtchatd, server_core, options.store)
                with server as (pid, addresses):
                    reports.append(run(options.bench, load_core, row, pid, addresses))
            for report in reports + floors if log else ():
                log.write(json.dumps(report) + "\n")
            print(figures(name, reports, floors), flush=True)
    machine = reports[0]["machine"]
    print(
        "Server CPU of the rows with senders is for each message; those have no other readers.\n"
        f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}"
    )


if __name__ == "__main__":
    main()
