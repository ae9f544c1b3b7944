"""What bad input gets at the gRPC port: a status that says what was wrong, or a closed connection,
and an unharmed server. Two bystanders chat after each, and lose nothing."""

import errno
import random
import socket
import time
import unittest

import grpc
from harness import http2
from harness.bystanders import Bystanders
from harness.http2 import BEGINNING, PREFACE, frame
from harness.rpc import GrpcUser, open_channel
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S, until
from txtchat.v1 import chat_pb2 as pb

SEED = int(time.time())
SERVICE = "/txtchat.v1.ChatService/"
Code = grpc.StatusCode


class BadInputTestCase(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.bystanders = self.closing(Bystanders(self.server))
        self.bystanders.chat()

    def tearDown(self):
        self.bystanders.chat()
        self.assertTrue(self.server.alive())
        super().tearDown()

    def connect(self):
        return self.closing(http2.connect(self.server.grpc_address))

    def send(self, connection, data, and_end=False):
        """Sends; the server may have had enough, and reset the connection, before it has all."""
        try:
            connection.sendall(data)
            if and_end:
                connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
                raise

    def assert_closes(self, connection):
        """Reads what the server still says; it must end the connection by itself."""
        said = b""
        try:
            while data := connection.recv(1 << 16):
                said += data
        except ConnectionResetError:
            pass
        return said


class Garbage(BadInputTestCase):
    def test_that_is_no_http2(self):
        noise = random.Random(SEED)
        for opening in (
            b"reg$alice\nsend_msg$-$-$x\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 500,
            b"\0" * 1000,
            noise.randbytes(10_000),
        ):
            with self.subTest(opening=opening[:12], seed=SEED):
                connection = self.connect()
                self.send(connection, opening)
                self.assert_closes(connection)

    def test_after_a_good_beginning(self):
        noise = random.Random(SEED)
        for why, frames in {
            "a frame on a stream that it cannot be on": frame(0, 0, 0, b"data"),
            "a frame longer than allowed": b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
            "headers that no table knows": frame(1, 4, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            "a continuation of nothing": frame(9, 4, 1, b""),
            "a window update of zero": frame(8, 0, 0, b"\0\0\0\0"),
            "settings of a wrong length": frame(4, 0, 0, b"\0\0\0"),
            "a ping of a wrong length": frame(6, 0, 0, b"\0"),
            "noise": noise.randbytes(10_000),
        }.items():
            with self.subTest(why, seed=SEED):
                connection = self.connect()
                # Some of it HTTP/2 lets a server ignore; it must close at our end at the latest.
                self.send(connection, BEGINNING + frames, and_end=True)
                self.assert_closes(connection)

    def test_beginnings_that_break_off(self):
        whole = BEGINNING + frame(1, 4, 1, b"\x83\x86")
        for length in range(0, len(whole), 5):
            connection = self.connect()
            connection.sendall(whole[:length])
            connection.close()


class Messages(BadInputTestCase):
    def setUp(self):
        super().setUp()
        self.mallory = self.closing(GrpcUser(self.server.grpc_address, "mallory"))
        self.channel = self.mallory.create_channel("room")

    def assert_raw_fails(self, method, message, code):
        call = self.mallory.channel.unary_unary(SERVICE + method)
        with self.assertRaises(grpc.RpcError) as caught:
            call(message, metadata=self.mallory.metadata, timeout=DEADLINE_S)
        self.assertEqual(code, caught.exception.code(), caught.exception.details())

    def test_that_are_no_messages(self):
        for noise in (b"\xff", b"\x0a\xff", b"\x0a\x05ab", b"\x0f" * 100):
            with self.subTest(noise=noise):
                self.assert_raw_fails("SendMessage", noise, Code.INVALID_ARGUMENT)

    def test_invalid_utf8(self):
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"a\x80"):
            field = bytes([0x0A, len(bad)]) + bad
            with self.subTest(bad=bad):
                self.assert_raw_fails("Register", field, Code.INVALID_ARGUMENT)
                self.assert_raw_fails("CreateChannel", field, Code.INVALID_ARGUMENT)
                channel = self.channel.encode()
                message = bytes([0x0A, len(channel)]) + channel + bytes([0x12, len(bad)]) + bad
                self.assert_raw_fails("SendMessage", message, Code.INVALID_ARGUMENT)

    def test_a_text_of_10_mb(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.mallory.say(self.channel, "x" * 10_000_000)
        self.assertEqual(Code.RESOURCE_EXHAUSTED, caught.exception.code())
        self.assertEqual("fits", self.mallory.say(self.channel, "fits").text)

    def test_metadata_of_a_megabyte(self):
        with self.assertRaises(grpc.RpcError) as caught:
            metadata = self.mallory.metadata + (("x-noise", "x" * 1_000_000),)
            self.mallory.call("ListChannels", pb.ListChannelsRequest(), metadata=metadata)
        self.assertEqual(Code.RESOURCE_EXHAUSTED, caught.exception.code())

    def test_more_chosen_channels_than_allowed(self):
        end = self.mallory.subscribe_only(*([self.channel] * 1001)).end()
        self.assertEqual(Code.INVALID_ARGUMENT, end[0], end[1])

    def test_calls_that_are_cancelled_at_once(self):
        for number in range(200):
            request = pb.SendMessageRequest(channel_id=self.channel, text=str(number))
            call = self.mallory.stub.SendMessage.future(
                request, metadata=self.mallory.metadata, timeout=DEADLINE_S
            )
            call.cancel()
            self.mallory.subscribe_only(self.channel).cancel()
        self.closing(self.mallory.subscribe_when_possible(self.channel))


class NeverReads(BadInputTestCase):
    # A guest without a stream soon ends: so the test can see that the stream was cut off.
    server_flags = ("--write-stall-timeout=3", "--guest-grace-ms=5000")

    def test_is_cut_off_and_others_lose_nothing(self):
        # Small windows, so that the server cannot get rid of much.
        small = grpc.insecure_channel(
            self.server.grpc_address,
            options=[
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.http2.bdp_probe", 0),
                ("grpc.http2.lookahead_bytes", 65_536),
            ],
        )
        deaf = self.closing(GrpcUser(self.server.grpc_address, "deaf", channel=small))
        loud = self.closing(GrpcUser(self.server.grpc_address, "loud"))
        channel = loud.create_channel("room")
        deaf.join(channel)
        request = pb.SubscribeRequest(channel_ids=[channel])
        stalled = deaf.stub.Subscribe(request, metadata=deaf.metadata)
        next(stalled)
        stream = self.closing(loud.subscribe(channel))
        for number in range(400):  # 12 MB
            loud.say(channel, f"{number} " + "x" * 30_000)
        for number in range(400):
            self.assertTrue(stream.next_text().startswith(f"{number} "))
        left = lambda: deaf.id in [e.member_left.user.id for e in stream.events()]
        until(left, "end of the guest")
        self.bystanders.chat()
        # What it gets when it reads at last is without holes up to where it was cut off.
        expected = None
        with self.assertRaises(grpc.RpcError) as caught:
            for response in stalled:
                for event in response.events:
                    if event.sequence == 0:
                        continue
                    self.assertEqual(expected or event.sequence, event.sequence)
                    expected = event.sequence + 1
        self.assertEqual(Code.CANCELLED, caught.exception.code())


class ManySilentConnections(BadInputTestCase):
    def test_harm_nobody(self):
        connections = [self.connect() for _ in range(500)]
        for connection in connections[::2]:
            connection.sendall(PREFACE[:10])
        self.bystanders.chat()
        newcomer = self.closing(open_channel(self.server.grpc_address))
        grpc.channel_ready_future(newcomer).result(DEADLINE_S)


if __name__ == "__main__":
    print(f"seed {SEED}", flush=True)
    unittest.main()
