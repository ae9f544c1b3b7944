"""What ./dev bench makes of its runs: medians, verdicts, page, plots. Nothing is measured."""

import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from table import __main__ as command
from table import fdatasync, page, plots, rows, runs, servers
from table.figures import FIGURES, Spread
from table.targets import NotMeasured, absolute, durable_latency, flat, judge, times
from table.terminal import Terminal, cell, ratio

ABOUT = {
    "store": "full",
    "rounds": 3,
    "missing": [],
    "versions": {"txtchatd": "1.2"},
    "pinning": "pinned",
}


def row_named(name):
    return next(row for row in rows.ROWS if row.name == name)


LINE = row_named("line 100 subscribers, window 200")
SUBSCRIBERS = row_named("growth: subscribers of a channel")
LATENCY = row_named("line 100 subscribers, 200 a second")
SENDER = row_named("line, 1 sender")


def reported(cpu):
    latency = {"p50": 100, "p90": 200, "p99": 300, "p99_9": 400}
    return {
        "machine": {"cpu": "Abacus", "cores": 2, "memory_bytes": 2**30, "kernel": "Linux 6"},
        "server": {"cpu_us_per_delivery": cpu, "cpu_us_per_message": 10 * cpu},
        "sent": {"acknowledged_per_s": 1000, "latency_us": latency},
        "delivered": {"latency_us": latency},
    }


def record(row, contender, number, cpu, at=""):
    turn = runs.Turn(row, contender, at, number)
    return turn.record(command="txtchat-bench", report=reported(cpu))


def failed(row, contender, number, said, at=""):
    return runs.Turn(row, contender, at, number).record(command="txtchat-bench", failed=said)


def three_rounds():
    """Of one row: 0.1 for txtchatd, 0.05 for the floor, 0.2 for nats; redis failed."""
    records = [{"table": dict(ABOUT)}]
    for number, off in ((1, 0.0), (2, 0.03), (3, -0.01)):
        records += [
            record(LINE, "txtchatd", number, 0.1 + off),
            record(LINE, "full", number, 0.12 + off),
            record(LINE, "floor", number, 0.05 + off),
            record(LINE, "nats", number, 0.2 + off),
        ]
    return records + [failed(LINE, "redis", 1, "exit code 3; one was lost")]


def every_row():
    """One round of everything."""
    about = ABOUT | {"rounds": 1}
    records = [{"table": about}]
    for row in rows.ROWS:
        records += [record(row, t.contender, 1, 0.1, t.at) for t in runs.turns(row, about)]
    return records


class Spreads(unittest.TestCase):
    def test_has_the_median_and_the_ends_of_all_rounds(self):
        self.assertEqual(Spread(2, 1, 9, 3), Spread.of([9, 1, 2]))
        self.assertEqual(Spread(2.5, 1, 4, 4), Spread.of([4, 1, 3, 2]))
        self.assertIsNone(Spread.of([]))

    def test_percent_is_that_of_the_farthest_round(self):
        self.assertEqual(50, Spread.of([1, 2, 2.5]).percent())
        self.assertEqual(0, Spread.of([0, 0]).percent())

    def test_a_report_without_the_figure_has_none(self):
        self.assertEqual(0.5, FIGURES["cpu"].of(reported(0.5)))
        self.assertIsNone(FIGURES["cpu"].of({"server": None}))
        self.assertEqual(2.0, FIGURES["memory"].of({"server": {"resident_bytes_per_user": 2048}}))

    def test_fdatasync_is_reported_as_deliveries_are(self):
        report = fdatasync.report(list(range(100, 0, -1)))
        self.assertEqual(51, FIGURES["p50"].of(report))
        self.assertEqual(100, FIGURES["p99"].of(report))


class Judging(unittest.TestCase):
    def word(self, target, **medians):
        """The verdict, if the contenders had these medians; `name_at` is a contender at a size."""

        def look(figure, contender, at=""):
            key = f"{contender}_{at}" if at else contender
            if key not in medians:
                raise NotMeasured
            return medians[key]

        return judge(target, look).word

    def test_as_much_as_the_bound_is_met_and_more_is_missed(self):
        target = times("txtchatd", 2, "floor", "the floor")
        self.assertEqual("met", self.word(target, txtchatd=2, floor=1))
        self.assertEqual("missed", self.word(target, txtchatd=2.01, floor=1))

    def test_less_than_a_peer_is_not_as_much(self):
        target = times("txtchatd", 1, "nats", "nats-server", less=True)
        self.assertEqual("missed", self.word(target, txtchatd=3, nats=3))
        self.assertEqual("met", self.word(target, txtchatd=2.9, nats=3))

    def test_without_the_other_side_nothing_is_met(self):
        target = times("txtchatd", 1 / 3, "nats", "nats-server")
        self.assertEqual("at most 1/3 of nats-server", target.text)
        self.assertEqual("not measured", self.word(target, txtchatd=1))
        self.assertEqual("not measured", self.word(target, txtchatd=1, nats=0))

    def test_absolute_bounds(self):
        target = absolute("at most 1.5 KiB", "memory", "txtchatd", 1.5)
        self.assertEqual("met", self.word(target, txtchatd=1.5))
        self.assertEqual("missed", self.word(target, txtchatd=1.6))

    def test_growth_is_the_worst_size_over_the_first(self):
        target = flat(["1", "2", "3"], 1.3, "flat")
        self.assertEqual("met", self.word(target, txtchatd_1=1, txtchatd_2=1.25, txtchatd_3=0.5))
        self.assertEqual("missed", self.word(target, txtchatd_1=1, txtchatd_2=1.5, txtchatd_3=1))
        self.assertEqual("not measured", self.word(target, txtchatd_1=1, txtchatd_2=1))

    def test_growth_over_the_floor_forgives_what_the_floor_grows(self):
        target = flat(["1", "2"], 1.3, "over the floor", over="floor")
        self.assertEqual("met", self.word(target, txtchatd_1=1, floor_1=1, txtchatd_2=3, floor_2=3))
        self.assertEqual(
            "missed", self.word(target, txtchatd_1=1, floor_1=2, txtchatd_2=1, floor_2=1)
        )

    def test_durable_latency_may_be_memory_and_one_sync(self):
        target = durable_latency("p99", 1.25)
        self.assertEqual("met", self.word(target, full=1000, txtchatd=600, fsync=200))
        self.assertEqual("missed", self.word(target, full=1001, txtchatd=600, fsync=200))
        self.assertEqual("not measured", self.word(target, full=1000, txtchatd=600))


class Rows(unittest.TestCase):
    def test_names_are_unique_and_parts_of_them_choose(self):
        names = [row.name for row in rows.ROWS]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(list(rows.ROWS), rows.chosen([]))
        self.assertEqual([LINE], rows.chosen(["line 100 subscribers, window"]))
        self.assertEqual([], rows.chosen(["no such row"]))

    def test_targets_ask_only_for_what_their_row_measures(self):
        for row in rows.ROWS:
            asked = []

            def look(figure, contender, at="", asked=asked):
                asked.append((figure, contender, at))
                return 1

            with self.subTest(row=row.name):
                words = [judge(target, look).word for target in row.targets]
                self.assertNotIn("not measured", words)
                for figure, contender, at in asked:
                    self.assertIn(figure, row.figures)
                    self.assertIn(contender, row.resolved("full"))
                    self.assertIn(at, row.sizes)

    def test_contenders_take_turns_round_after_round(self):
        about = ABOUT | {"rounds": 2, "missing": ["nats", "redis"]}
        taken = [(turn.contender, turn.round) for turn in runs.turns(LINE, about)]
        names = ["txtchatd", "full", "floor"]
        self.assertEqual([(name, number) for number in (1, 2) for name in names], taken)
        sizes = [turn.at for turn in runs.turns(SUBSCRIBERS, about | {"rounds": 1})]
        self.assertEqual(["10", "10", "100", "100", "1000", "1000", "9900", "9900"], sizes)

    def test_senders_have_the_store_that_is_asked_for(self):
        for store, contender in (("memory", "txtchatd"), ("normal", "normal"), ("full", "full")):
            self.assertEqual((contender,), SENDER.resolved(store))

    def test_the_load_is_told_what_row_size_and_contender_ask_for(self):
        self.assertEqual(
            ["line", "--subscribers=100", "--window=200", "--messages=200000"],
            runs.load_words(LINE, "txtchatd", ""),
        )
        self.assertEqual("nats", runs.load_words(LINE, "nats", "")[0])
        self.assertIn("--subscribers=9900", runs.load_words(SUBSCRIBERS, "floor", "9900"))
        streams = row_named("grpc 1000 streams, window 200, bursts")
        few, many = (runs.load_words(streams, name, "") for name in ("naive", "txtchatd"))
        self.assertEqual("grpc", many[0])
        self.assertIn("--messages=400", few)
        self.assertIn("--messages=10000", many)

    def test_quick_asks_for_less_but_for_one_of_each_publisher(self):
        self.assertIn("--messages=10000", runs.load_words(LINE, "floor", "", quick=True))
        self.assertEqual(100, runs.few({"messages": 1000, "publishers": 100}, "messages"))
        self.assertEqual(0, runs.few({"messages": 0, "publishers": 0}, "messages"))


class Records(unittest.TestCase):
    def test_medians_are_of_the_rounds_of_one_contender(self):
        results = runs.Results(three_rounds())
        spread = results.spread(LINE, "cpu", "txtchatd")
        self.assertEqual((0.1, 3), (spread.median, spread.rounds))
        self.assertAlmostEqual(0.09, spread.low)
        self.assertAlmostEqual(0.13, spread.high)
        self.assertEqual("Abacus", results.about["machine"]["cpu"])
        self.assertEqual(["txtchatd", "full", "floor", "nats"], results.contenders([LINE]))

    def test_a_failed_round_leaves_no_figure(self):
        results = runs.Results([*three_rounds(), failed(LINE, "floor", 4, "it broke")])
        self.assertIsNone(results.spread(LINE, "cpu", "floor"))
        self.assertEqual(2, len(results.failures()))

    def test_what_a_failed_tool_said_is_kept(self):
        report = '{"faults": {"example": "reader 1"}}'
        done = subprocess.CompletedProcess([], 3, report, "a\nb\nc\nd\n")
        self.assertEqual("exit code 3; b; c; d; reader 1", runs.failure_of(done))
        done = subprocess.CompletedProcess([], 2, "", "wrong usage\n")
        self.assertEqual("exit code 2; wrong usage", runs.failure_of(done))

    def test_verdicts_of_a_row(self):
        words = [verdict.word for verdict in runs.Results(three_rounds()).verdicts(LINE)]
        self.assertEqual(["met", "missed", "met"], words)


class Turning(unittest.TestCase):
    def test_what_fails_is_not_run_again_and_the_others_go_on(self):
        ran = []

        class Runner:
            def run(self, turn):
                ran.append((turn.contender, turn.round))
                if turn.contender == "floor":
                    return failed(turn.row, "floor", turn.round, "it broke")
                return record(turn.row, turn.contender, turn.round, 0.1)

        results = runs.Results([{"table": ABOUT | {"rounds": 2}}])
        out, err = io.StringIO(), io.StringIO()
        terminal = Terminal(out, err, lambda: 0)
        command.take_turns(Runner(), [LINE, SENDER], results, results.add, terminal)
        one_round = [("txtchatd", 1), ("full", 1), ("floor", 1), ("nats", 1), ("redis", 1)]
        others = [("txtchatd", 2), ("full", 2), ("nats", 2), ("redis", 2)]
        self.assertEqual(one_round + others + [("full", 1), ("full", 2)], ran)
        self.assertIn("floor, round 1: it broke", out.getvalue())
        self.assertIn(f"[12/12] {SENDER.name}: full, round 2", err.getvalue())


class Server(unittest.TestCase):
    def test_addresses_are_read_from_what_each_server_says(self):
        line = '{"event": "listening", "transport": "line", "address": "127.0.0.1:1"}\n'
        grpc = '{"event": "listening", "transport": "grpc", "address": "127.0.0.1:2"}\n'
        both = {"line": "127.0.0.1:1", "grpc": "127.0.0.1:2"}
        self.assertIsNone(servers.txtchatd_ready(line + grpc[:20]))
        self.assertEqual(both, servers.txtchatd_ready(line + grpc))
        self.assertFalse(servers.floor_ready("listening on 127.0.0"))
        self.assertEqual({"line": "127.0.0.1:1"}, servers.floor_ready("listening on 127.0.0.1:1\n"))
        self.assertFalse(servers.naive_ready("listening on 127.0.0.1:2\n"))
        said = "listening on 127.0.0.1:2\nlines on 127.0.0.1:1\n"
        self.assertEqual(both, servers.naive_ready(said))

    def test_a_server_that_does_not_start_is_told_with_its_last_words(self):
        with tempfile.TemporaryDirectory() as directory:
            says = [sys.executable, "-c", "print('no luck'); raise SystemExit(3)"]
            with self.assertRaisesRegex(servers.ServerFailed, "ended with 3: no luck"):
                with servers.started(says, pathlib.Path(directory, "log"), servers.floor_ready):
                    self.fail("it was taken for ready")

    def test_a_server_is_stopped_when_its_turn_is_over(self):
        script = "import time; print('listening on here:1', flush=True); time.sleep(1000)"
        with tempfile.TemporaryDirectory() as directory:
            log = pathlib.Path(directory, "log")
            with servers.started([sys.executable, "-c", script], log, servers.floor_ready) as server:
                self.assertEqual({"line": "here:1"}, server.addresses)
                os.kill(server.pid, 0)
            with self.assertRaises(ProcessLookupError):
                os.kill(server.pid, 0)


class Terminals(unittest.TestCase):
    def test_shows_figures_verdicts_and_failures_without_colour(self):
        out = io.StringIO()
        results = runs.Results(three_rounds())
        terminal = Terminal(out, io.StringIO())
        terminal.row(LINE, results, results.columns([LINE]))
        terminal.summary([LINE], results)
        text = out.getvalue()
        self.assertIn("0.100 ±30%", text)
        self.assertIn("met           at most 2 × the floor: 2.00", text)
        self.assertIn("missed        at most 1/3 of nats-server: 0.50", text)
        self.assertIn("redis, round 1: exit code 3; one was lost", text)
        self.assertIn("targets: 2 met, 1 missed, 0 not measured; 1 runs FAILED", text)
        self.assertNotIn("\033", text)

    def test_small_ratios_are_parts(self):
        self.assertEqual(["1.30", "0.10", "1/50", "0.00"], [ratio(r) for r in (1.3, 0.1, 0.02, 0)])

    def test_one_round_has_no_spread(self):
        self.assertEqual("0.500", cell("cpu", Spread.of([0.5])))
        self.assertEqual("-", cell("cpu", None))


class Page(unittest.TestCase):
    def test_what_stands_around_the_marks_stays(self):
        text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
        once = page.replaced(text, "new")
        self.assertEqual(f"before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter\n", once)
        self.assertEqual(once, page.replaced(once, "new"))

    def test_a_page_without_its_marks_is_left_alone(self):
        for text in ("nothing", page.BEGIN, page.END, f"{page.END}{page.BEGIN}"):
            with self.subTest(text=text), self.assertRaises(ValueError):
                page.replaced(text, "new")

    def test_the_page_of_this_tree_has_its_marks(self):
        text = command.PAGE.read_text(encoding="utf-8")
        self.assertIn("\ngenerated\n", page.replaced(text, "generated"))

    def test_tells_figures_with_spread_verdicts_failures_and_commands(self):
        text = page.generated(list(rows.ROWS), runs.Results(three_rounds()), {}, "plots")
        self.assertIn("2 met, 1 missed.", text)
        self.assertIn("| at most 2 × the floor | 2.00 | met |", text)
        self.assertIn("| 0.100 (0.090–0.130) |", text)
        self.assertIn(f"- {LINE.name}: redis, round 1: exit code 3; one was lost", text)
        self.assertIn("txtchat-bench line --subscribers=100 --window=200 --messages=200000", text)
        self.assertIn("Abacus, 2 cores, 1 GiB, Linux 6. txtchatd 1.2.", text)
        self.assertNotIn(SENDER.name, text)

    def test_says_who_is_not_installed(self):
        about = ABOUT | {"missing": ["redis"]}
        results = runs.Results([{"table": about}, record(LINE, "floor", 1, 1)])
        text = page.generated([LINE], results, {}, "plots")
        self.assertIn("Not installed on this machine, so not compared: redis.", text)
        self.assertIn("not measured", text)

    def test_sizes_are_columns(self):
        records = [record(SUBSCRIBERS, "floor", 1, int(at), at) for at in SUBSCRIBERS.sizes]
        text = page.sizes_table(SUBSCRIBERS, runs.Results(records))
        self.assertIn("| floor | 10.000 | 100.000 | 1,000.000 | 9,900.000 |", text)


class Replot(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.runs = pathlib.Path(directory.name, "runs.json")
        self.runs.write_text("".join(json.dumps(r) + "\n" for r in every_row()), encoding="utf-8")
        self.page = pathlib.Path(directory.name, "performance.md")
        self.page.write_text(f"mine\n{page.BEGIN}\n{page.END}\nmine, too\n", encoding="utf-8")

    def test_the_page_comes_from_kept_runs(self):
        drawn = {LINE.section: [("Title", "lines-cpu.svg")]}
        page.write(self.page, list(rows.ROWS), runs.Results.read(self.runs), drawn, "plots")
        text = self.page.read_text(encoding="utf-8")
        self.assertIn("![Title](plots/lines-cpu.svg)", text)
        self.assertTrue(text.startswith("mine\n") and text.endswith("mine, too\n"))
        for row in rows.ROWS:
            self.assertIn(row.name, text)

    @unittest.skipUnless(plots.available(), "matplotlib is not installed")
    def test_the_same_runs_make_the_same_page_and_plots(self):
        def made():
            silent = mock.patch("sys.stdout", io.StringIO())
            with mock.patch.object(command, "PAGE", self.page), silent:
                self.assertEqual(0, command.main(["--replot", str(self.runs)]))
            return {path.name: path.read_bytes() for path in self.page.parent.rglob("*.*")}

        first = made()
        self.assertEqual(first, made())
        drawn = {name for name in first if name.endswith(".svg")}
        for name in drawn:
            self.assertIn(b"</svg>", first[name])
            self.assertIn(f"performance/{name}".encode(), first["performance.md"])
        self.assertIn("lines-cpu.svg", drawn)
        self.assertIn("line-100-subscribers-200-a-second.svg", drawn)
        self.assertIn("growth-subscribers-of-a-channel.svg", drawn)


if __name__ == "__main__":
    unittest.main()
