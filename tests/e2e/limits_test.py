"""The bounds of the transports that operators choose: what a client is told, and what it gets beyond
them."""

import struct
import unittest

import grpc
from harness import http2
from harness.rpc import GrpcUser
from harness.server import ServerTestCase
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


if __name__ == "__main__":
    unittest.main()
