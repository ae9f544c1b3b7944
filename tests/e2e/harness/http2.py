"""Bare HTTP/2, for what a gRPC library would not send."""

import socket
import struct

from .wait import DEADLINE_S

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Kinds of frames, and flags of HEADERS (RFC 9113).
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload):
    length = struct.pack(">I", len(payload))[1:]
    return length + bytes([kind, flags]) + struct.pack(">I", stream) + payload


BEGINNING = PREFACE + frame(SETTINGS, 0, 0, b"")


def connect(address):
    """A socket to HOST:PORT."""
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), DEADLINE_S)


def read_frame(connection):
    """The next frame: its kind and its payload."""
    header = _read(connection, 9)
    return header[3], _read(connection, int.from_bytes(header[:3], "big"))


def _read(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise AssertionError(f"the connection ended after {data!r}")
        data += more
    return data


def _field(name, value):
    """A header field as it is: no table, no compression. Up to 126 bytes each."""
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def send_call(address, headers):
    """A ListChannels on a connection of its own, with these headers beside the necessary ones.
    Returns when the server has answered it."""
    block = b"\x83\x86"  # :method POST, :scheme http.
    for name, value in {
        ":path": "/txtchat.v1.ChatService/ListChannels",
        ":authority": address,
        "content-type": "application/grpc",
        "te": "trailers",
        **headers,
    }.items():
        block += _field(name, value)
    empty_message = frame(DATA, END_STREAM, 1, b"\0\0\0\0\0")
    with connect(address) as connection:
        connection.sendall(BEGINNING + frame(HEADERS, END_HEADERS, 1, block) + empty_message)
        while read_frame(connection)[0] != HEADERS:
            pass
