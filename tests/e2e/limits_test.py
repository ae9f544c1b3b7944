"""The bounds of the transports that operators choose: what a client is told, and what it gets beyond
them."""

import socket
import struct
import unittest

import grpc
from harness.rpc import GrpcUser
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S
from txtchat.v1 import chat_pb2 as pb

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
# Of RFC 9113, 6.5.2.
FRAME_SETTINGS = 4
MAX_CONCURRENT_STREAMS = 3
MAX_HEADER_LIST_SIZE = 6


def read_whole(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise AssertionError(f"the connection ended after {data!r}")
        data += more
    return data


class OfOneConnection(ServerTestCase):
    server_flags = ("--grpc-calls-per-connection-max=7", "--grpc-metadata-bytes-max=2KiB")

    def settings(self):
        """What the server says first on a connection, by number."""
        host, port = self.server.grpc_address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), DEADLINE_S) as connection:
            connection.sendall(PREFACE + EMPTY_SETTINGS)
            header = read_whole(connection, 9)
            self.assertEqual(FRAME_SETTINGS, header[3])
            payload = read_whole(connection, int.from_bytes(header[:3], "big"))
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
