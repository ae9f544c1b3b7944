"""A connection of the line protocol that keeps pace with a load."""

import socket

from harness.wait import DEADLINE_S
from ledger import JOINED, LEFT, MESSAGE, Failure

_ESCAPES = {b"\\\\": b"\\", b"\\n": b"\n", b"\\r": b"\r"}


def unescaped(text):
    if b"\\" not in text:
        return text
    parts = []
    rest = text
    while (at := rest.find(b"\\")) >= 0:
        parts += [rest[:at], _ESCAPES[rest[at : at + 2]]]
        rest = rest[at + 2 :]
    return b"".join(parts) + rest


class LineFeed:
    """Events and gaps of the tagged dialect move the cursors of their channels, and events go to
    the ledger; what is no event is answered to the caller. The end of the connection is an
    EOFError."""

    def __init__(self, world, run, name, cursors, tagged=True):
        self._world = world
        self._run = run
        self._cursors = cursors  # Channel -> Cursor.
        self._witness = f"{name} in run {run.number}"
        self._buffer = b""
        self._others = []
        self.own = []  # Texts of own messages, as delivered.
        self.left = set()  # Channels whose leaving was told.
        self.user_id = None
        self._socket = socket.create_connection(run.line_address, DEADLINE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._expect("------Welcome")
        if tagged:
            self.send("hello$2")
            self._expect("$$hello: 2")
        self.send(f"epoch\nreg${name}.r{run.number}")
        world.ledger.see_epoch(self._witness, self._expect("$$epoch: ").split(" ")[1])
        self.user_id = self._expect("$$registered: " if tagged else "").split(" ")[-1]
        world.note_guest(self.user_id)

    def send(self, lines):
        self._socket.sendall(lines.encode() + b"\n")

    def interrupt(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It is closed already.

    def close(self):
        self._socket.close()

    def pump(self):
        """Takes what has come, or waits for it; answers the lines that are no events."""
        data = self._socket.recv(1 << 18)
        if not data:
            raise EOFError
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        sightings = []
        try:
            for line in lines:
                self._take(line, sightings)
        finally:
            self._world.ledger.see(self._witness, sightings)
        others, self._others = self._others, []
        return others

    def _expect(self, beginning):
        """The next line that is no event begins so; before anything is joined."""
        while not self._others:
            self._others = self.pump()
        line = self._others.pop(0)
        if not line.startswith(beginning):
            raise Failure(f"{self._witness} expects {beginning!r}, but gets {line[:200]!r}")
        return line

    def _take(self, line, sightings):
        tag, _, fields = line.partition(b" ")
        if tag == b"$$msg:":
            channel, sequence, _, user_id, rest = fields.split(b" ", 4)
            name, _, text = rest.partition(b": ")
            event = (MESSAGE, user_id.decode(), name.decode(), unescaped(text).decode())
        elif tag in (b"$$joined:", b"$$left:") and fields.count(b" ") == 3:
            channel, sequence, user_id, name = fields.split(b" ")
            kind = JOINED if tag == b"$$joined:" else LEFT
            event = (kind, user_id.decode(), name.decode(), "")
        else:
            self._take_other(line.decode())
            return
        channel, sequence = channel.decode(), int(sequence)
        cursor = self._cursors.get(channel)
        if cursor is None:
            if channel == self.user_id:
                return
            raise Failure(f"{self._witness} gets {line[:200]!r} of a channel it is not in")
        cursor.step(sequence, event)
        sightings.append((channel, sequence, event))
        if event[1] == self.user_id and event[0] == MESSAGE:
            self.own.append(event[3])
        elif event[1] == self.user_id and event[0] == LEFT:
            self.left.add(channel)

    def _take_other(self, line):
        if line.startswith("$$bye: "):
            raise EOFError
        if line.startswith("$$error: "):
            # A stop refuses what comes late.
            if line.startswith("$$error: unavailable: ") and self._run.ending.is_set():
                raise EOFError
            raise Failure(f"{self._witness} gets {line!r}")
        if line.startswith("$$gap: "):
            _, channel, first, last = line.split(" ")
            self._cursors[channel].gap(int(first), int(last))
        self._others.append(line)
