"""The bounds of the transports that operators choose: what a client is told, and what it gets beyond
them."""

import struct
import unittest

import grpc
from harness import http2
from harness.bystanders import Bystanders
from harness.line import LineClient
from harness.rpc import GrpcUser
from harness.server import ServerTestCase
from harness.wait import until
from txtchat.v1 import chat_pb2 as pb

# Of SETTINGS (RFC 9113, 6.5.2).
MAX_CONCURRENT_STREAMS = 3
MAX_HEADER_LIST_SIZE = 6


class OfOneConnection(ServerTestCase):
    server_flags = ("--grpc-calls-per-connection-max=7", "--grpc-metadata-bytes-max=2KiB")

    def settings(self):
        """What the server says first on a connection, by number."""
        with http2.connect(self.server.grpc_address) as connection:
            connection.sendall(http2.BEGINNING)
            kind, payload = http2.read_frame(connection)
        self.assertEqual(http2.SETTINGS, kind)
        return dict(struct.iter_unpack(">HI", payload))

    def test_are_told(self):
        settings = self.settings()
        self.assertEqual(7, settings[MAX_CONCURRENT_STREAMS])
        self.assertEqual(2048, settings[MAX_HEADER_LIST_SIZE])

    def test_larger_metadata_is_refused(self):
        alice = self.closing(GrpcUser(self.server.grpc_address, "alice"))
        alice.call("ListChannels", pb.ListChannelsRequest())
        with self.assertRaises(grpc.RpcError) as caught:
            metadata = alice.metadata + (("x-noise", "x" * 2048),)
            alice.call("ListChannels", pb.ListChannelsRequest(), metadata=metadata)
        self.assertEqual(grpc.StatusCode.RESOURCE_EXHAUSTED, caught.exception.code())


class OfConnections(ServerTestCase):
    """A crowd of idle gRPC connections."""

    MAX = 50
    CROWD = 300

    def setUp(self):
        self.server = self.start_server(*self.flags(), **self.limits())
        self.bystanders = self.closing(Bystanders(self.server))
        self.bystanders.chat()

    def flags(self):
        return (f"--grpc-connections-max={self.MAX}",)

    def limits(self):
        return {}

    def come(self):
        """All at once, each with the first words of HTTP/2; those that are refused are closed."""
        crowd = []
        for _ in range(self.CROWD):
            crowd.append(self.closing(http2.connect(self.server.grpc_address)))
        return [connection for connection in crowd if self.is_served(connection)]

    @staticmethod
    def is_served(connection):
        try:
            connection.sendall(http2.BEGINNING)
            return http2.read_frame(connection)[0] == http2.SETTINGS
        except (OSError, AssertionError):
            return False

    def test_one_more_than_allowed_is_closed_and_others_are_served(self):
        files_before = self.server.open_files()
        served = self.come()
        self.assertEqual(self.MAX - 1, len(served))  # And the bystander's.
        self.assertLess(self.server.open_files(), files_before + self.MAX + 20)
        self.bystanders.chat()
        self.closing(LineClient(self.server.line_address)).register("newcomer")
        # When they have gone, there is room for others.
        for connection in served:
            connection.close()
        until(self.somebody_is_served, "room for another connection")
        self.bystanders.chat()

    def somebody_is_served(self):
        with http2.connect(self.server.grpc_address) as connection:
            return self.is_served(connection)


class OfFiles(OfConnections):
    """The same where the bound is what the system allows: 400 files, of which 100 are reserved and
    three quarters of the others belong to line clients."""

    MAX = 75

    def flags(self):
        return ("--reserved-files=100",)

    def limits(self):
        return {"files_max": 400}

    def test_line_clients_have_theirs(self):
        self.come()
        for number in range(224):  # And the bystander's.
            self.closing(LineClient(self.server.line_address)).register(f"member {number}")
        refused = self.closing(LineClient(self.server.line_address, welcome=False))
        refused.expect_error("resource_exhausted")
        self.bystanders.chat()


if __name__ == "__main__":
    unittest.main()
