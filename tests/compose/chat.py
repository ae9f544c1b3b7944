#!/usr/bin/env python3
"""Line clients and a gRPC client chat through the published ports of a container.

    chat.py HOST LINE_PORT GRPC_PORT MARKER

A published port is address translation: the server sees other addresses than the clients have. The
line clients name themselves by their own end of the socket, as the original client does, and
are to be understood all the same. When everybody has heard everybody, the file MARKER is made; the
clients then stay, and expect to be told why the server leaves.
"""

import pathlib
import queue
import socket
import sys
import threading

import grpc
from txtchat.v1 import chat_pb2, chat_pb2_grpc

PATIENCE_S = 30  # How long anything may take before it counts as failed.


class LineClient:
    """A connection of the line protocol."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, timeout=PATIENCE_S)
        self._input = self._socket.makefile("r", encoding="utf-8", newline="\n")
        # The original client's idea of who it is: its own end of the socket.
        self.own_uid = "{}:{}".format(*self._socket.getsockname())
        self.expect("------Welcome to Txt Chat------")

    def send(self, line):
        self._socket.sendall(line.encode() + b"\n")

    def line(self):
        return self._input.readline().rstrip("\n")

    def expect(self, wanted):
        got = self.line()
        if got != wanted:
            raise AssertionError(f"a line client expected {wanted!r} and got {got!r}")

    def rest(self):
        """Everything until the server closes the connection."""
        return self._input.read().splitlines()


class GrpcClient:
    """A gRPC guest with an open Subscribe."""

    def __init__(self, address, name):
        self._channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self._channel).result(timeout=PATIENCE_S)
        self.stub = chat_pb2_grpc.ChatServiceStub(self._channel)
        answer = self.stub.Register(
            chat_pb2.RegisterRequest(display_name=name), timeout=PATIENCE_S
        )
        self.metadata = [("authorization", f"Bearer {answer.token}")]
        self._stream = self.stub.Subscribe(chat_pb2.SubscribeRequest(), metadata=self.metadata)
        self._texts = queue.Queue()
        self.end = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, method, request):
        return getattr(self.stub, method)(request, metadata=self.metadata, timeout=PATIENCE_S)

    def expect(self, sender, text):
        got = self._texts.get(timeout=PATIENCE_S)
        if got != (sender, text):
            raise AssertionError(f"the gRPC client expected {(sender, text)!r} and got {got!r}")

    def _read(self):
        try:
            for response in self._stream:
                for event in response.events:
                    if event.WhichOneof("kind") == "message_posted":
                        posted = event.message_posted
                        self._texts.put((posted.sender.display_name, posted.text))
            self.end.put(None)
        except grpc.RpcError as error:
            self.end.put(error)


def main():
    host, line_port, grpc_port, marker = sys.argv[1:]
    alice = LineClient((host, int(line_port)))
    bob = LineClient((host, int(line_port)))

    alice.send("reg$alice")
    seen_uid = alice.line()
    if seen_uid == alice.own_uid:
        raise AssertionError(f"no address translation: the server sees {seen_uid} too")
    print(f"alice is {alice.own_uid} to herself and {seen_uid} to the server")
    bob.send("reg$bob")
    bob.line()

    alice.send(f"create_chan${alice.own_uid}$room")
    room = alice.line()
    if len(room) != 10:
        raise AssertionError(f"not a channel id: {room!r}")
    bob.send(f"join${bob.own_uid}${room}")
    bob.expect(f"$$joined: {room}")
    alice.expect(f"$$joined: {room}")

    carol = GrpcClient(f"{host}:{grpc_port}", "carol")
    carol.call("JoinChannel", chat_pb2.JoinChannelRequest(channel_id=room))
    alice.expect(f"$$joined: {room}")
    bob.expect(f"$$joined: {room}")

    alice.send(f"send_msg${alice.own_uid}${room}$hello from alice, for $5")
    for client in (alice, bob):
        client.expect("hello from alice, for $5")
    carol.expect("alice", "hello from alice, for $5")

    bob.send(f"send_msg${bob.own_uid}${room}$hello from bob: žluťoučký 🐎")
    for client in (alice, bob):
        client.expect("hello from bob: žluťoučký 🐎")
    carol.expect("bob", "hello from bob: žluťoučký 🐎")

    carol.call(
        "SendMessage",
        chat_pb2.SendMessageRequest(channel_id=room, text="hello from carol\n$$joined: x"),
    )
    for client in (alice, bob):
        client.expect("hello from carol")
        client.expect(" $$joined: x")
    carol.expect("carol", "hello from carol\n$$joined: x")
    print("everybody heard everybody")

    bob.send("hello$2")
    bob.expect("$$hello: 2")
    pathlib.Path(marker).touch()

    # The server is stopped now.
    last = bob.rest()
    if not last or not last[-1].startswith("$$bye: "):
        raise AssertionError(f"a client of the tagged dialect was not told why: {last!r}")
    if alice.rest():
        raise AssertionError("a classic client was told something that it cannot understand")
    end = carol.end.get(timeout=PATIENCE_S)
    if end is None or end.code() != grpc.StatusCode.UNAVAILABLE or not end.details():
        raise AssertionError(f"the gRPC stream did not end with UNAVAILABLE and a reason: {end!r}")
    print(f"everybody was told: {last[-1]!r}, {end.details()!r}")


if __name__ == "__main__":
    main()
