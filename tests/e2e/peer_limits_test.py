"""What one peer may do: a flood is slowed or told to come again, a crowd from one address is refused,
and whoever is honest notices nothing."""

import socket
import struct
import time
import unittest

import grpc
from harness import http2
from harness.accounts import PASSWORD, AccountTestCase
from harness.bystanders import Bystanders
from harness.line import LineClient
from harness.rpc import GrpcUser
from harness.server import ServerTestCase
from harness.wait import until
from txtchat.v1 import chat_pb2 as pb

TOO_FAST = b"$$error: resource_exhausted: too much comes over this connection at once; slow down"


class FloodsOfLines(ServerTestCase):
    server_flags = ("--commands-per-connection=150", "--commands-per-connection-burst=100")

    def test_are_slowed_and_lose_nothing(self):
        bystanders = Bystanders(self.server)
        flooder = self.closing(LineClient(self.server.line_address))
        flooder.register("flooder")
        texts = [f"text {number}" for number in range(500)]
        flooder.send_raw("".join(f"send_msg$-${flooder.uid}${t}\n" for t in texts).encode())
        # Meanwhile others are served, and what they say comes in order.
        for _ in range(5):
            bystanders.chat()
        heard, told = [], []
        while len(heard) < len(texts):
            line = flooder.read_line()
            (told if line.startswith(b"$$error") else heard).append(line)
        self.assertEqual(texts, [line.decode() for line in heard])
        self.assertEqual([TOO_FAST], told)
        bystanders.chat()
        bystanders.close()
        flooder.close()
        self.server.stop()
        drained = self.server.wait_for_event("drained")
        self.assertGreater(drained["line_connections_slowed"], 0)

    def test_nobody_else_is_held_up_by_a_flood_that_goes_on(self):
        bystanders = self.closing(Bystanders(self.server))
        flooder = self.closing(LineClient(self.server.line_address))
        flooder.register("flooder")
        flooder.socket.setblocking(False)
        line = b"ping$" + b"x" * 1000 + b"\n"
        sent = 0
        for _ in range(20):
            try:
                while True:
                    sent += flooder.socket.send(line * 100)
            except BlockingIOError:
                pass  # The server reads no further for now.
            bystanders.chat()
        # What it sent beyond what was taken is in the kernel's buffers, not in the server.
        self.assertLess(self.server.status_kib("VmRSS"), 400 * 1024)
        self.assertGreater(sent, 0)


class FloodsOfCalls(ServerTestCase):
    server_flags = ("--commands-per-connection=1", "--commands-per-connection-burst=100")

    def refusal(self, user):
        """The first call that is refused, and how many were not."""
        for served in range(10_000):
            try:
                user.call("ListChannels", pb.ListChannelsRequest())
            except grpc.RpcError as error:
                return error, served
        raise AssertionError("no call was refused")

    def test_are_told_when_to_come_again(self):
        bystanders = Bystanders(self.server)
        flooder = self.closing(GrpcUser(self.server.grpc_address, "flooder"))
        error, served = self.refusal(flooder)
        self.assertEqual(grpc.StatusCode.RESOURCE_EXHAUSTED, error.code())
        self.assertGreaterEqual(served, 99)
        trailers = dict(error.trailing_metadata())
        after_ms = int(trailers["retry-after-ms"])
        self.assertIn(f"retry after {after_ms} ms", error.details())
        self.assertIn(b"google.rpc.RetryInfo", trailers["grpc-status-details-bin"])
        bystanders.chat()
        # Who comes again when it was told to is served, unless something else came first.
        for _ in range(20):
            time.sleep(after_ms / 1000)
            try:
                flooder.call("ListChannels", pb.ListChannelsRequest())
                break
            except grpc.RpcError as again:
                after_ms = int(dict(again.trailing_metadata())["retry-after-ms"])
        else:
            raise AssertionError("it was never served again")
        bystanders.close()
        flooder.close()
        self.server.stop()
        drained = self.server.wait_for_event("drained")
        self.assertGreater(drained["grpc_calls_too_fast"], 0)


class CrowdsOfOneAddress(ServerTestCase):
    """127.0.0.1 and 127.0.0.2 are two addresses; neither is one that many share."""

    server_flags = ("--shared-address-ranges=none", "--connections-per-address=4")

    def grpc_is_served(self):
        with http2.connect(self.server.grpc_address) as connection:
            try:
                connection.sendall(http2.BEGINNING)
                return http2.read_frame(connection)[0] == http2.SETTINGS
            except (OSError, AssertionError):
                return False

    def line_is_served(self):
        client = LineClient(self.server.line_address, welcome=False)
        try:
            return client.text_line().startswith("------Welcome")
        finally:
            client.close()

    def test_are_bounded_over_both_transports(self):
        bystanders = self.closing(Bystanders(self.server))  # One of each.
        line = self.closing(LineClient(self.server.line_address))
        raw = self.closing(http2.connect(self.server.grpc_address))
        raw.sendall(http2.BEGINNING)
        self.assertEqual(http2.SETTINGS, http2.read_frame(raw)[0])
        refused = self.closing(LineClient(self.server.line_address, welcome=False))
        self.assertIn("(4)", refused.expect_error("resource_exhausted"))
        self.assertFalse(self.grpc_is_served())
        # Another address, and those that are in, notice nothing.
        other = self.closing(LineClient(self.server.line_address, source="127.0.0.2"))
        self.assertEqual(other.own_uid, other.register("other"))
        bystanders.chat()
        # The place of a connection that has ended is free, for either transport.
        raw.close()
        until(self.line_is_served, "a line connection in place of one of gRPC")
        line.close()
        until(self.grpc_is_served, "a gRPC connection")
        bystanders.chat()


class WhatStays(AccountTestCase):
    """What one address makes in tables that all share, over both transports together."""

    server_flags = (
        *AccountTestCase.server_flags,
        "--shared-address-ranges=none",
        "--registrations-per-address=3",
        "--creations-per-address=1",
        "--creations-per-address-burst=2",
    )

    def assert_refused(self, error, what):
        self.assertEqual(grpc.StatusCode.RESOURCE_EXHAUSTED, error.code())
        after_ms = int(dict(error.trailing_metadata())["retry-after-ms"])
        self.assertIn(f"too many {what} from your address; retry after {after_ms} ms", error.details())

    def test_is_bounded_by_the_minute(self):
        line = self.closing(LineClient(self.server.line_address))
        line.register("line guest")
        guest = self.closing(GrpcUser(self.server.grpc_address, "guest"))
        self.account("alice", "Alice")
        users = "users are registered"
        with self.assertRaises(grpc.RpcError) as refused:
            GrpcUser(self.server.grpc_address, "late")
        self.assert_refused(refused.exception, users)
        with self.assertRaises(grpc.RpcError) as refused:
            self.nobody.call(
                "CreateAccount", login_name="bob", display_name="Bob", password=PASSWORD
            )
        self.assert_refused(refused.exception, users)
        late = self.closing(LineClient(self.server.line_address))
        late.send("reg$late")
        self.assertIn(f"too many {users} from your address", late.expect_error("resource_exhausted"))

        room = line.create_channel("room")
        line.send(f"ban${room}$192.0.2.1")
        line.sync()
        with self.assertRaises(grpc.RpcError) as refused:
            guest.create_channel("room")
        self.assert_refused(refused.exception, "channels, bans, mutes and invites are made")
        # Who is in can go on; another address notices nothing.
        guest.join(room)
        other = self.closing(LineClient(self.server.line_address, source="127.0.0.2"))
        other.register("other")
        other.create_channel("den")


class SharedAddresses(ServerTestCase):
    """What all clients behind one router, one published port or one load balancer look like."""

    server_flags = (
        "--connections-per-address=1",
        "--commands-per-address=1",
        "--commands-per-address-burst=1",
        "--registrations-per-address=1",
        "--creations-per-address=1",
        "--creations-per-address-burst=1",
    )

    def test_are_held_to_no_limit_of_one_address(self):
        bystanders = self.closing(Bystanders(self.server))
        for number in range(10):
            self.closing(LineClient(self.server.line_address)).register(f"member {number}")
            bystanders.chat()


class BehindAProxy(ServerTestCase):
    server_flags = ("--proxy-protocol-from=127.0.0.2", "--connections-per-address=1")

    @staticmethod
    def header(address, port):
        addresses = socket.inet_aton(address) + socket.inet_aton("127.0.0.1")
        return (
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11"
            + struct.pack(">H", 12)
            + addresses
            + struct.pack(">HH", port, 9090)
        )

    def through_proxy(self, address, port, welcome="------Welcome to Txt Chat------"):
        client = self.closing(
            LineClient(self.server.line_address, source="127.0.0.2", welcome=False)
        )
        client.send_raw(self.header(address, port))
        if welcome:
            client.expect(welcome)
        return client

    def test_users_and_limits_are_those_of_the_clients(self):
        bystanders = self.closing(Bystanders(self.server))
        alice = self.through_proxy("192.0.2.1", 1234)
        self.assertEqual("192.0.2.1:1234", alice.register("alice"))
        bob = self.through_proxy("192.0.2.2", 1234)
        self.assertEqual("192.0.2.2:1234", bob.register("bob"))
        bob.join(alice.uid)
        alice.expect(f"$$joined: {alice.uid}")
        second = self.through_proxy("192.0.2.1", 99, welcome=None)
        second.expect_error("resource_exhausted")
        bystanders.chat()

    def test_a_header_is_demanded_there_and_believed_nowhere_else(self):
        without = self.closing(
            LineClient(self.server.line_address, source="127.0.0.2", welcome=False)
        )
        without.send("reg$alice")
        self.assertEqual([], without.rest())
        liar = self.closing(LineClient(self.server.line_address))
        liar.send_raw(self.header("192.0.2.1", 1234) + b"\n")
        liar.sync()
        self.assertEqual(liar.own_uid, liar.register("liar"))


if __name__ == "__main__":
    unittest.main()
