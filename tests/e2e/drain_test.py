"""The end of the server: what was accepted is delivered, everybody is told why in their own way,
all within a deadline, and the exit code is true."""

import signal
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import grpc
from harness.line import LineClient
from harness.rpc import GrpcUser, open_channel
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S, until
from txtchat.v1 import chat_pb2 as pb

TIMEOUT_S = 5  # A second of it is kept back for those who do read.
# Beyond it something is wrong: a drain takes its timeout, and what the store has to sync at last.
SLACK_S = DEADLINE_S / 2


class Talker(threading.Thread):
    """A gRPC guest who sends until it is refused, and remembers what was answered with OK."""

    def __init__(self, user, channel):
        super().__init__(daemon=True)
        self._user = user
        self._channel = channel
        self.accepted = []
        self.end = None

    def run(self):
        number = 0
        while self.end is None:
            text = f"{self._user.name} {number}"
            try:
                self._user.say(self._channel, text)
                self.accepted.append(text)
            except grpc.RpcError as error:
                self.end = error
            number += 1


class LineTalker(threading.Thread):
    """A line client who sends as fast as it gets its own messages back."""

    def __init__(self, client, channel, name):
        super().__init__(daemon=True)
        self._client = client
        self._channel = channel
        self._name = name
        self.received = []

    def run(self):
        number = 0
        for _ in range(10):
            number = self._say(number)
        while (line := self._client.read_line()) is not None:
            self.received.append(line.decode())
            if line.startswith(self._name.encode()):
                number = self._say(number)

    def _say(self, number):
        try:
            self._client.say(self._channel, f"{self._name} {number}")
        except OSError:
            pass  # The server has said its last word; what it said is still to be read.
        return number + 1


class UnderLoad(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.owner = self.closing(LineClient(self.server.line_address))
        self.owner.register("owner")
        self.channel = self.owner.create_channel("room")
        self.tagged = self.line_member("tagged")
        self.tagged.send("hello$2")
        self.tagged.expect("$$hello: 2")
        self.listener = self.closing(GrpcUser(self.server.grpc_address, "listener"))
        self.listener.join(self.channel)
        self.stream = self.listener.subscribe(self.channel)

    def line_member(self, name):
        client = self.closing(LineClient(self.server.line_address))
        client.register(name)
        client.join(self.channel)
        return client

    def start_talkers(self):
        guests = [self.closing(GrpcUser(self.server.grpc_address, f"grpc{n}")) for n in range(3)]
        for guest in guests:
            guest.join(self.channel)
        lines = [self.line_member(f"line{n}") for n in range(3)]
        talkers = [Talker(guest, self.channel) for guest in guests]
        line_talkers = [LineTalker(l, self.channel, f"line{n}") for n, l in enumerate(lines)]
        for talker in talkers + line_talkers:
            talker.start()
        return talkers, line_talkers

    def test_everything_accepted_is_delivered_to_everybody(self):
        talkers, line_talkers = self.start_talkers()
        # Somebody who did not read would rightly be cut off at the deadline.
        readers = ThreadPoolExecutor()
        self.addCleanup(readers.shutdown)
        classic_rest = readers.submit(self.owner.rest)
        tagged_rest = readers.submit(self.tagged.rest)
        until(lambda: all(len(t.accepted) > 50 for t in talkers), "load")
        self.server.terminate()
        self.assertEqual(0, self.server.wait_for_exit(), self.server.log_text())

        classic = [l.decode() for l in classic_rest.result() if not l.startswith(b"$$joined: ")]
        tagged = [l.decode() for l in tagged_rest.result()]
        self.assertRegex(tagged[-1], r"^\$\$bye: .")
        self.assertEqual([], [l for l in classic if l.startswith("$$")], "classic ones just end")
        code, details = self.stream.end()
        self.assertEqual(grpc.StatusCode.UNAVAILABLE, code)
        self.assertRegex(details, "drain")

        posted = [
            e for e in self.stream.events() if e.WhichOneof("kind") == "message_posted"
        ]
        texts = [e.message_posted.text for e in posted]
        self.assertEqual(texts, classic)
        messages = [l for l in tagged if l.startswith("$$msg: ")]
        self.assertEqual(texts, [l.split(": ", 2)[2] for l in messages])
        self.assertEqual([str(e.sequence) for e in posted], [l.split(" ")[2] for l in messages])
        self.assertEqual(len(texts), len(set(texts)))
        for talker in talkers:
            talker.join(DEADLINE_S)
            self.assertEqual(set(), set(talker.accepted) - set(texts))
            # gRPC itself breaks off a call that comes in the very moment of its shutdown.
            ends = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
            self.assertIn(talker.end.code(), ends)
        for talker in line_talkers:
            talker.join(DEADLINE_S)
            heard = [line for line in talker.received if not line.startswith("$$joined: ")]
            self.assertEqual(texts[len(texts) - len(heard) :], heard)

    def test_sigint_does_the_same(self):
        self.owner.say(self.channel, "last words")
        self.owner.expect(*[f"$$joined: {self.channel}"] * 2, "last words")
        self.server.process.send_signal(signal.SIGINT)
        self.assertEqual(0, self.server.wait_for_exit())
        self.assertEqual([], self.owner.rest())
        self.assertIn(b"$$bye: ", self.tagged.rest()[-1])
        self.assertEqual(grpc.StatusCode.UNAVAILABLE, self.stream.end()[0])


class Ends(ServerTestCase):
    server_flags = (f"--drain-timeout={TIMEOUT_S}",)

    def test_with_nobody_there(self):
        self.server.terminate()
        self.assertEqual(0, self.server.wait_for_exit())
        self.assertIs(True, self.server.wait_for_event("stopped")["all_delivered"])

    def test_with_clients_that_say_and_read_nothing(self):
        silent = self.closing(LineClient(self.server.line_address))
        registered = self.closing(LineClient(self.server.line_address))
        registered.register("idle")
        idle = self.closing(open_channel(self.server.grpc_address))
        grpc.channel_ready_future(idle).result(DEADLINE_S)
        self.server.terminate()
        self.assertEqual(0, self.server.wait_for_exit())
        self.assertEqual(([], []), (silent.rest(), registered.rest()))

    def test_new_connections_are_refused_afterwards(self):
        self.server.terminate()
        self.server.wait_for_exit()
        with self.assertRaises(ConnectionRefusedError):
            LineClient(self.server.line_address)

    def test_a_client_that_never_reads_is_cut_off_at_the_deadline(self):
        deaf = self.closing(LineClient(self.server.line_address, receive_buffer=4096))
        deaf.register("deaf")
        reader = self.closing(LineClient(self.server.line_address))
        reader.register("reader")
        reader.join(deaf.uid)
        reader.send("hello$2")
        reader.expect("$$hello: 2")
        for _ in range(400):  # 12 MB: more than the kernel takes.
            reader.say(deaf.uid, "x" * 30_000)
            self.assertIn(" reader: xxx", reader.text_line())
        began = time.monotonic()
        self.server.terminate()
        self.assertEqual(1, self.server.wait_for_exit(), "not everything was delivered")
        self.assertIs(False, self.server.wait_for_event("stopped")["all_delivered"])
        self.assertGreater(time.monotonic() - began, TIMEOUT_S - 1.5, "it did wait")
        self.assertLess(time.monotonic() - began, TIMEOUT_S + SLACK_S)
        self.assertRegex(reader.rest()[-1], rb"^\$\$bye: .")

    def test_a_stream_that_never_reads_is_cut_off_within_the_deadline(self):
        small = grpc.insecure_channel(  # Small windows, so that the server cannot get rid of much.
            self.server.grpc_address,
            options=[
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.http2.bdp_probe", 0),
                ("grpc.http2.lookahead_bytes", 65_536),
            ],
        )
        deaf = self.closing(GrpcUser(self.server.grpc_address, "deaf", channel=small))
        reader = self.closing(GrpcUser(self.server.grpc_address, "reader"))
        channel = reader.create_channel("room")
        deaf.join(channel)
        stalled = deaf.stub.Subscribe(
            pb.SubscribeRequest(channel_ids=[channel]), metadata=deaf.metadata
        )
        next(stalled)
        stream = self.closing(reader.subscribe(channel))
        for _ in range(400):  # 12 MB: more than gRPC and the kernel take.
            reader.say(channel, "x" * 30_000)
        began = time.monotonic()
        self.server.terminate()
        self.assertEqual(1, self.server.wait_for_exit(), "not everything was delivered")
        self.assertLess(time.monotonic() - began, TIMEOUT_S + SLACK_S)
        self.assertEqual(1, self.server.wait_for_event("drained")["grpc_calls_cut"])
        code, details = stream.end()
        self.assertEqual(grpc.StatusCode.UNAVAILABLE, code)
        self.assertRegex(details, "drain")
        self.assertEqual(400, len([e for e in stream.events() if e.HasField("message_posted")]))


if __name__ == "__main__":
    unittest.main()
