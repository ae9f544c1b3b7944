"""5,000 connections at once."""

import resource
import selectors
import socket
import unittest

from harness.bystanders import Bystanders
from harness.line import WELCOME
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S, SANITIZED, Deadline

CROWD = 5_000
SANITIZED_CROWD = 1_000
RESERVED_FILES = 1_000  # Of each process, for everything but the crowd; the server keeps the most.


def crowd_size():
    """How many come. Where too few open files are allowed for 5,000 this fails, for a smaller crowd
    would show less than it says; only with sanitizers, which are about other things, it shrinks."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    allowed = CROWD if limit == resource.RLIM_INFINITY else limit - RESERVED_FILES
    if SANITIZED:
        return min(SANITIZED_CROWD, allowed)
    if allowed < CROWD:
        raise AssertionError(
            f"this test needs {CROWD + RESERVED_FILES} open files, the hard limit is {limit} "
            "(ulimit -Hn, docker run --ulimit nofile=…)"
        )
    return CROWD


class Member:
    """One connection of the crowd: waits for the welcome, then for the answer to its `reg`."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.connect_ex(address)
        self.received = b""
        self._greeted = False

    def advance(self, number):
        """Reads what is there; True once it is registered."""
        data = self.socket.recv(4096)
        if not data:
            raise AssertionError(f"connection {number} was closed after {self.received!r}")
        self.received += data
        lines = self.received.split(b"\n")
        if len(lines) > 1 and not self._greeted:
            if lines[0] != WELCOME.encode():
                raise AssertionError(f"connection {number} was greeted with {lines[0]!r}")
            self._greeted = True
            self.socket.send(f"reg$member {number}\n".encode())
        return len(lines) > 2


class Crowd(ServerTestCase):
    server_flags = ("--grpc-connections-max=100",)  # The files are for line clients.

    def come(self, count):
        """All connect at once, without waiting for each other."""
        members = [Member(self.server.line_address) for _ in range(count)]
        waiting = selectors.EpollSelector()
        self.addCleanup(waiting.close)
        for number, member in enumerate(members):
            self.closing(member.socket)
            waiting.register(member.socket, selectors.EVENT_READ, number)
        deadline = Deadline(2 * DEADLINE_S)
        while waiting.get_map():
            ready = waiting.select(deadline.left())
            if not ready:
                raise AssertionError(f"{len(waiting.get_map())} of {count} are still waiting")
            for key, _ in ready:
                if members[key.data].advance(key.data):
                    waiting.unregister(key.fileobj)
        return members

    def test_comes_chats_and_goes(self):
        bystanders = self.closing(Bystanders(self.server))
        bystanders.chat()
        count = crowd_size()
        members = self.come(count)
        bystanders.chat()
        ids = {member.received.split(b"\n")[1] for member in members}
        self.assertEqual(count, len(ids))
        print(f"{count} connections, {self.server.status_kib('VmRSS') // 1024} MiB resident")

        # All at once again, and half of them rudely.
        for member in members[::2]:
            member.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for member in members:
            member.socket.close()
        bystanders.chat()
        for member in self.come(100):
            self.assertNotIn(b"$$error", member.received)
        bystanders.chat()


if __name__ == "__main__":
    unittest.main()
