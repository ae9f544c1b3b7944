"""txtchat-bench against a real server: every transport, every kind of reader, the floor and the naive
server, and the peers that are installed. What it says of deliveries is checked, never how fast they were."""

import json
import os
import signal
import subprocess
import unittest

import grpc
from harness import peers
from harness.rpc import GrpcUser
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S

BENCH = os.environ["TXTCHAT_BENCH"]


# A load is more than what one peer may send at once.
UNLIMITED = ("--commands-per-connection=0", "--bytes-per-connection=0", "--commands-per-user=0",
             "--bytes-per-user=0", "--creations-per-user=0")


def run_bench(*arguments, patience_s=DEADLINE_S):
    """Runs it to its end; answers its exit code and its JSON."""
    done = subprocess.run(
        [BENCH, *arguments, "--json", "--quiet", f"--patience={patience_s}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=3 * DEADLINE_S,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


class Checks(unittest.TestCase):
    """What is looked for in every report."""

    def load_server(self, server, transport, *arguments):
        """A good run. `server`: its pid, and addresses by transport.
        `mixed` has its publishers on lines."""
        pid, addresses = server
        verb = "grpc" if transport == "mixed" else transport
        if transport == "mixed":
            arguments = (f"--line-server={addresses['line']}", *arguments)
        return self.good_run(
            verb, f"--server={addresses[verb]}", f"--server-pid={pid}", *arguments
        )

    def good_run(self, verb, *arguments):
        """A run that must be good; answers its JSON."""
        code, report = run_bench(verb, *arguments)
        self.assertEqual(("ok", 0), (report["status"], code), report)
        self.assertEqual(verb, report["parameters"]["transport"])
        self.assertEqual("", report["faults"]["example"])
        for fault in ("lost", "twice", "out_of_order", "unknown"):
            self.assertEqual(0, report["faults"][fault], report["faults"])
        self.assertEqual("", report["incidents"]["first"])
        return report

    def check_deliveries(self, report, messages, deliveries):
        self.assertEqual(messages, report["sent"]["acknowledged"])
        self.assertEqual(deliveries, report["delivered"]["deliveries"])
        self.assertEqual(messages, report["sent"]["latency_us"]["count"])
        self.assertGreater(report["sent"]["acknowledged_per_s"], 0)
        self.assertGreater(report["server"]["cpu_us_per_delivery"], 0)
        self.assertGreater(report["server"]["resident_bytes_connected"], 0)


class Bench(ServerTestCase, Checks):
    server_flags = UNLIMITED

    def load(self, transport, *arguments):
        host, port = self.server.line_address
        addresses = {"line": f"{host}:{port}", "grpc": self.server.grpc_address}
        return self.load_server((self.server.process.pid, addresses), transport, *arguments)

    def test_line_with_several_channels_in_both_dialects(self):
        for dialect in ((), ("--tagged",)):
            with self.subTest(dialect=dialect):
                report = self.load(
                    "line", "--subscribers=20", "--channels=4", "--channels-each=2",
                    "--publishers=8", "--messages=2000", "--window=50", *dialect,
                )  # fmt: skip
                # Of each channel: 10 subscribers, and 2 publishers who hear themselves.
                self.check_deliveries(report, 2000, 2000 * 12)

    def test_grpc_with_several_channels(self):
        report = self.load(
            "grpc", "--connections=3", "--subscribers=20", "--channels=4", "--channels-each=2",
            "--publishers=8", "--messages=1000", "--window=20", "--burst=10",
        )  # fmt: skip
        self.check_deliveries(report, 1000, 1000 * 10)

    def test_streams_with_publishers_on_lines(self):
        report = self.load(
            "mixed", "--connections=3", "--subscribers=20", "--channels=4", "--channels-each=2",
            "--publishers=8", "--messages=2000", "--window=50", "--burst=10",
        )  # fmt: skip
        # Of each channel: 10 subscribers, and 2 publishers who hear themselves.
        self.check_deliveries(report, 2000, 2000 * 12)
        self.assertTrue(report["parameters"]["publishers_on_lines"])
        self.assertEqual(3 + 8, report["connect"]["connections"])

    def test_open_loop(self):
        for transport in ("line", "grpc", "mixed"):
            with self.subTest(transport=transport):
                report = self.load(
                    transport, "--subscribers=5", "--rate=2000", "--messages=500", "--warmup=10"
                )
                own = 0 if transport == "grpc" else 1
                self.check_deliveries(report, 500, 500 * (5 + own))
                self.assertEqual(2000, report["parameters"]["rate_per_s"])
                self.assertIsNone(report["parameters"]["window"])

    def test_slow_stalled_and_idle_readers_and_storms(self):
        for transport in ("line", "grpc", "mixed"):
            with self.subTest(transport=transport):
                report = self.load(
                    transport, "--subscribers=10", "--slow=2", "--slow-rate=2000", "--stalled=2",
                    "--idle=10", "--idle-members=3", "--storms=2", "--messages=1000",
                )  # fmt: skip
                self.assertEqual([10, 10], [s["back_us"]["count"] for s in report["storms"]])
                self.assertEqual(25, report["connect"]["users"])

    def test_time_limit_ends_the_sending_and_nothing_is_lost(self):
        report = self.load("line", "--messages=1000000000", "--seconds=0.2", "--subscribers=2")
        self.assertLess(report["sent"]["acknowledged"], 1_000_000_000)
        self.assertEqual(report["sent"]["messages"], report["sent"]["acknowledged"])

    def test_abuse_measures_the_honest_with_and_without_it(self):
        host, port = self.server.line_address
        code, report = run_bench(
            "abuse",
            f"--server={host}:{port}",
            f"--grpc-server={self.server.grpc_address}",
            f"--server-pid={self.server.process.pid}",
            *("--users=4", "--streams=2", "--channels=2", "--rate-each=10"),
            *("--flooding=11", "--silent=4", "--unreading=5", "--reconnecting=3"),
            *("--seconds=1", "--settle=0.2", "--many-addresses"),
        )
        self.assertEqual(("ok", 0), (report["status"], code), report)
        self.assertEqual("", report["faults"]["example"])
        self.assertGreater(report["p99_ratio"], 0)
        for phase in ("unloaded", "abused"):
            # 40 lines a second and one to begin with, each to two talkers and a stream.
            self.assertEqual(41, report[phase]["sent"])
            self.assertEqual(41 * 3, report[phase]["deliveries"])
        abuse = report["abused"]["abuse"]
        self.assertEqual([11, 4, 5], [abuse[k]["open"] for k in ("flooding", "silent", "unreading")])
        self.assertGreater(abuse["flooding"]["lines_sent"], 0)
        self.assertGreater(abuse["flooding"]["lines_received"], 0)
        self.assertEqual(0, abuse["unreading"]["bytes_received"])
        self.assertGreater(abuse["reconnecting"]["connected"], 0)

    def test_interrupt_reports_what_was_sent_until_then(self):
        host, port = self.server.line_address
        bench = subprocess.Popen(
            [BENCH, "line", f"--server={host}:{port}", "--json", "--quiet", "--rate=100",
             "--messages=1000000", "--subscribers=2"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self.addCleanup(bench.stdout.close)
        bench.send_signal(signal.SIGINT)
        output, _ = bench.communicate(timeout=DEADLINE_S)
        self.assertIn(bench.returncode, (130, -signal.SIGINT))  # The latter: it had hardly begun.
        if bench.returncode == 130:
            self.assertTrue(json.loads(output)["interrupted"])

    def test_nobody_listening_is_one(self):
        for transport in ("line", "grpc", "nats", "redis"):
            with self.subTest(transport=transport):
                code, report = run_bench(transport, "--server=127.0.0.1:1")
                self.assertEqual(1, code)
                self.assertIn("refused", report["status"])

    def test_a_server_of_another_kind_is_one(self):
        host, port = self.server.line_address
        for transport in ("nats", "redis"):
            with self.subTest(transport=transport):
                code, report = run_bench(transport, f"--server={host}:{port}")
                self.assertEqual(1, code)
                self.assertIn("server: it says", report["status"])


class PeerCases:
    """What every peer is given. `start` starts the one that `transport` is for."""

    @classmethod
    def setUpClass(cls):
        cls.peer, cls.address = cls.start()
        cls.addClassCleanup(cls.peer.stop)

    def load(self, *arguments):
        addresses = {self.transport: self.address}
        return self.load_server((self.peer.process.pid, addresses), self.transport, *arguments)

    def test_several_channels(self):
        report = self.load(
            "--subscribers=20", "--channels=4", "--channels-each=2", "--publishers=8",
            "--messages=2000", "--window=50",
        )  # fmt: skip
        # Of each channel: 10 subscribers, and 2 publishers who hear themselves.
        self.check_deliveries(report, 2000, 2000 * 12)

    def test_long_texts(self):
        report = self.load("--subscribers=3", "--size=32768", "--messages=300", "--window=20")
        self.check_deliveries(report, 300, 300 * 4)

    def test_open_loop(self):
        report = self.load("--subscribers=5", "--rate=2000", "--messages=500", "--warmup=10")
        self.check_deliveries(report, 500, 500 * 6)

    def test_slow_stalled_and_idle_readers_and_storms(self):
        report = self.load(
            "--subscribers=10", "--slow=2", "--slow-rate=2000", "--stalled=2", "--idle=10",
            "--idle-members=3", "--storms=2", "--messages=1000", "--burst=10",
        )  # fmt: skip
        self.assertEqual([10, 10], [s["back_us"]["count"] for s in report["storms"]])
        self.assertEqual(25, report["connect"]["users"])
        self.assertGreater(report["slow"]["deliveries"], 0)


@unittest.skipUnless(peers.NATS, "nats-server is not installed (apt-get install nats-server)")
class Nats(PeerCases, Checks):
    transport = "nats"
    start = staticmethod(peers.start_nats)


@unittest.skipUnless(peers.REDIS, "redis-server is not installed (apt-get install redis-server)")
class Redis(PeerCases, Checks):
    transport = "redis"
    start = staticmethod(peers.start_redis)

    def test_a_reader_that_redis_drops_is_told_and_is_three(self):
        peer, address = peers.start_redis(buffer_limit="64kb 0 0")
        self.addCleanup(peer.stop)
        code, report = run_bench(
            "redis", f"--server={address}", "--subscribers=0", "--slow=1", "--slow-rate=50",
            "--messages=20000", "--size=1000", "--window=50", patience_s=5,
        )  # fmt: skip
        self.assertEqual(3, code, report)
        self.assertGreater(report["faults"]["lost"], 0)
        self.assertEqual(1, report["incidents"]["disconnects"])


class Questions(Checks):
    def test_a_nats_server_that_asks_is_answered(self):
        nats = peers.AskingNats()
        self.addCleanup(nats.stop)
        report = self.good_run(
            "nats", f"--server={nats.address}", "--subscribers=0", "--window=1", "--messages=20"
        )
        self.assertEqual(20, report["sent"]["acknowledged"])


class LosingServer(ServerTestCase):
    server_flags = ("--store=memory", "--store-bytes-max=20KiB", "--queue-events-max=10", *UNLIMITED)

    def test_lost_deliveries_are_told_and_are_three(self):
        """A store that keeps next to nothing, and a reader that reads next to nothing."""
        host, port = self.server.line_address
        code, report = run_bench(
            "line", f"--server={host}:{port}", "--subscribers=0", "--slow=1", "--slow-rate=50",
            "--messages=20000", "--size=1000", "--window=50", patience_s=5,
        )  # fmt: skip
        self.assertEqual(3, code, report)
        self.assertGreater(report["faults"]["lost"], 0)
        self.assertGreater(report["incidents"]["gaps"], 0)


class Reference(Checks):
    """The servers that txtchat-bench brings along, to compare with."""

    def start(self, *command, says):
        """Answers the process, and the addresses that it says, in that order."""
        server = subprocess.Popen([BENCH, *command], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.kill)
        addresses = []
        for expected in says:
            said = server.stdout.readline()
            self.assertTrue(said.startswith(f"{expected} on 127.0.0.1:"), said)
            addresses.append(said.split()[-1])
        return server, addresses

    def check_end(self, server):
        server.terminate()
        self.assertEqual(0, server.wait(DEADLINE_S))

    def test_floor_takes_the_same_load(self):
        floor, (line,) = self.start("floor", says=("listening",))
        report = self.load_server(
            (floor.pid, {"line": line}), "line", "--subscribers=20", "--channels=2",
            "--publishers=4", "--messages=2000",
        )  # fmt: skip
        self.check_deliveries(report, 2000, 2000 * 12)
        self.check_end(floor)

    def test_naive_server_takes_the_same_load(self):
        naive, (grpc,) = self.start("naive", says=("listening",))
        report = self.load_server(
            (naive.pid, {"grpc": grpc}), "grpc", "--connections=3", "--subscribers=20",
            "--channels=4", "--channels-each=2", "--publishers=8", "--messages=1000",
            "--window=20", "--burst=10", "--storms=1", "--idle=5",
        )  # fmt: skip
        self.check_deliveries(report, 1000, 1000 * 10)
        self.check_end(naive)

    def test_naive_server_takes_texts_over_lines(self):
        naive, (grpc, line) = self.start(
            "naive", "--publish-listen=127.0.0.1:0", says=("listening", "lines")
        )
        server = (naive.pid, {"grpc": grpc, "line": line})
        crowd = ("--subscribers=20", "--channels=2", "--publishers=4", "--messages=1000")
        for transport, readers in (("mixed", 12), ("grpc", 10), ("line", 12)):
            with self.subTest(transport=transport):
                report = self.load_server(server, transport, *crowd)
                self.check_deliveries(report, 1000, 1000 * readers)
        self.check_end(naive)

    def test_naive_server_tells_streams_each_message_and_ends_them(self):
        naive, (address,) = self.start("naive", says=("listening",))
        alice = GrpcUser(address, "alice")
        self.addCleanup(alice.close)
        channel_id = alice.create_channel("room")
        stream = alice.subscribe(channel_id)
        for sequence, text in enumerate(("hello", "again"), 1):
            message = alice.say(channel_id, text)
            event = stream.next_event()
            self.assertEqual((channel_id, sequence), (event.channel_id, event.sequence))
            self.assertEqual((text, alice.id), (event.message_posted.text, message.sender.id))
            self.assertEqual(event.message_posted.sender, message.sender)
            self.assertEqual(event.create_time, message.create_time)
        self.check_end(naive)
        ends = (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
        self.assertIn(stream.end()[0], ends)

    def test_naive_server_refuses_strangers_and_unknown_channels(self):
        naive, (address,) = self.start("naive", says=("listening",))
        alice = GrpcUser(address, "alice")
        self.addCleanup(alice.close)
        self.assertEqual(grpc.StatusCode.NOT_FOUND, alice.subscribe_only("nowhere").end()[0])
        with self.assertRaises(grpc.RpcError) as refused:
            alice.say("nowhere", "hello")
        self.assertEqual(grpc.StatusCode.NOT_FOUND, refused.exception.code())
        alice.metadata = (("authorization", "Bearer nobody"),)
        with self.assertRaises(grpc.RpcError) as refused:
            alice.create_channel("room")
        self.assertEqual(grpc.StatusCode.UNAUTHENTICATED, refused.exception.code())
        self.check_end(naive)


if __name__ == "__main__":
    unittest.main()
