"""Two clients who chat while somebody else misbehaves."""

import itertools

from .line import LineClient
from .rpc import GrpcUser


class Bystanders:
    """A line client and a gRPC client in one channel. Whatever happens to others, each message must
    reach both, once and in order."""

    def __init__(self, server):
        self._numbers = itertools.count(1)
        self._sent = []
        self.line = LineClient(server.line_address)
        self.line.register("bystander")
        self.channel = self.line.create_channel("bystanders")
        self.grpc = GrpcUser(server.grpc_address, "grpc bystander")
        self.grpc.join(self.channel)
        self.line.expect(f"$$joined: {self.channel}")
        self._stream = self.grpc.subscribe(self.channel)

    def chat(self):
        """One message in each direction, seen on both sides before anything else is."""
        for say in (self.line.say, self.grpc.say):
            text = f"bystander's message {next(self._numbers)}"
            self._sent.append(text)
            say(self.channel, text)
            self.line.expect(text)
            self._stream.expect_texts(text)

    def close(self):
        seen = [
            e.message_posted.text
            for e in self._stream.events()
            if e.WhichOneof("kind") == "message_posted"
        ]
        if seen != self._sent:
            raise AssertionError(f"sent {self._sent}, but the stream brought {seen}")
        self._stream.close()
        self.grpc.close()
        self.line.close()
