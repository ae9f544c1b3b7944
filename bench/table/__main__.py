"""Measures the table of performance targets, in turns with the floor and with what others offer.

Without ROW all rows; with ROW… those whose name contains one of them. --replot shows the runs of an
earlier --json again, and makes page and plots of them."""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import resource
import shlex
import signal
import sys

from . import page, plots
from .rows import chosen
from .runs import Results, Runner, turns
from .servers import Servers
from .terminal import Terminal

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"
PLOTS = "performance"  # Beside the page.
FILES = 16_500  # That 15,000 connections need.


def parsed(words):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each run [3]")
    parser.add_argument(
        "--store", choices=("full", "normal", "memory"), default="full",
        help="of the rows of senders; the other rows say theirs [full]",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=pathlib.Path, metavar="FILE", help="write every run's JSON, one a line"
    )
    parser.add_argument(
        "--page", action="store_true", help="write docs/performance.md and its plots"
    )
    parser.add_argument(
        "--replot", type=pathlib.Path, metavar="FILE",
        help="measure nothing; page and plots of these runs",
    )  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="a twentieth of the messages, to try the table out"
    )
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    parser.add_argument(
        "--data-dir", type=pathlib.Path, default=ROOT / "build" / "bench-data", metavar="DIR",
        help="where the durable stores are [build/bench-data]",
    )  # fmt: skip
    parser.add_argument("--txtchatd", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--txtchat-bench", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_intermixed_args(words)
    if not chosen(options.rows):
        parser.error("no row's name contains that; --list says which there are")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if (options.page or options.replot) and not plots.available():
        parser.error("plots need matplotlib: apt-get install python3-matplotlib")
    if not (options.replot or options.list) and not (options.txtchatd and options.txtchat_bench):
        parser.error("run it through ./dev bench, which builds what is measured")
    return options


def cores():
    """The server's and the load's; None where there is one only."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def about(options, servers):
    """What the page says of where and how it was measured."""
    server_core, load_core = cores()
    pinning = f"server on core {server_core}, load on core {load_core}"
    return {
        "command": command_of(options),
        "date": datetime.date.today().isoformat(),
        "versions": servers.versions(),
        "missing": servers.missing(),
        "rounds": options.rounds,
        "store": options.store,
        "quick": options.quick,
        "pinning": pinning if server_core is not None else "not pinned, for there is one core",
        "load_average": os.getloadavg()[0],
    }


def command_of(options):
    """What measures the same again; without the files of this machine."""
    chosen_options = ["--rounds", str(options.rounds), "--store", options.store]
    return shlex.join(
        ["./dev", "bench", *options.rows, *chosen_options, *["--quick"] * options.quick]
    )


def allow_files():
    """Of the processes that are started here, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else max(soft, FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def measure(options, rows, terminal):
    """Answers the results, also of a table that Ctrl-C ended early, and whether it was."""
    server_core, load_core = cores()
    servers = Servers(
        options.txtchatd.resolve(), options.txtchat_bench.resolve(), server_core, options.data_dir
    )
    runner = Runner(servers, load_core, options.quick)
    results = Results()
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(options.json.open("w", encoding="utf-8")) if options.json else None

        def keep(record):
            results.add(record)
            if log:
                log.write(json.dumps(record) + "\n")
                log.flush()

        keep({"table": about(options, servers)})
        introduce(results, terminal)
        terminal.heading(results.columns(rows))
        try:
            take_turns(runner, rows, results, keep, terminal)
        except KeyboardInterrupt:
            terminal.say("interrupted")
            return results, True
    return results, False


def take_turns(runner, rows, results, keep, terminal):
    due = [turns(row, results.about) for row in rows]
    total = sum(map(len, due))
    done = 0
    for row, row_turns in zip(rows, due):
        failed = set()
        for turn in row_turns:
            if (turn.contender, turn.at) not in failed:
                terminal.progress(done, total, str(turn))
                record = runner.run(turn)
                keep(record)
                if "failed" in record:  # It would fail again, and may take minutes for it.
                    failed.add((turn.contender, turn.at))
            done += 1
        terminal.row(row, results, results.columns(rows))


def introduce(results, terminal):
    told = results.about
    versions = ", ".join(f"{name} {said}" for name, said in told["versions"].items())
    terminal.say(
        f"{versions}\n{told['pinning']}; {told['rounds']} round(s); store of the senders: "
        f"{told['store']}; load average before: {told['load_average']:.1f}"
    )
    if told["missing"]:
        terminal.say(f"not installed, so not compared: {', '.join(told['missing'])}")
    if (files := allow_files()) < FILES:
        terminal.say(f"only {files} files may be open (ulimit -Hn): rows of thousands may fail")


def main(words):
    options = parsed(words)
    rows = chosen(options.rows)
    terminal = Terminal()
    if options.list:
        print("\n".join(row.name for row in rows))
        return 0
    interrupted = False
    if options.replot:
        results = Results.read(options.replot)
        rows = [row for row in rows if results.of(row)]
        terminal.heading(results.columns(rows))
        for row in rows:
            terminal.row(row, results, results.columns(rows))
    else:
        results, interrupted = measure(options, rows, terminal)
    terminal.summary(rows, results)
    if (options.page or options.replot) and not interrupted:
        drawn = plots.draw(PAGE.parent / PLOTS, rows, results)
        page.write(PAGE, rows, results, drawn, PLOTS)
        terminal.say("written: docs/performance.md and docs/performance/*.svg")
    if interrupted:
        return 130
    return 1 if results.failures() else 0


def end_in_order(*_):
    """SIGTERM, too, stops the servers first."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_in_order)
    sys.exit(main(sys.argv[1:]))
