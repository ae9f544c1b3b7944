"""Clients of the line protocol: a bare one, and the original one, rebuilt."""

import re
import socket

from .wait import DEADLINE_S, Deadline

WELCOME = "------Welcome to Txt Chat------"
CHANNEL_ID = re.compile(r"[0-9a-f]{10}")


def as_bytes(line):
    return line.encode() if isinstance(line, str) else line


class LineClient:
    """A raw socket that knows what a line is. All waits have a deadline and fail with what had come
    until then."""

    def __init__(self, address, source=None, welcome=True, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source is not None:
            self.socket.bind((source, 0))
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = self.socket.getsockname()
        self.own_uid = f"{host}:{port}"  # The original client's idea of who it is.
        self.uid = None  # The server's, once registered.
        self.history = []  # Every line that was read.
        self._buffer = b""
        self._ended = False
        if welcome:
            self.expect(WELCOME)

    # --- Sending.

    def send(self, line):
        """One line."""
        self.send_raw(as_bytes(line) + b"\n")

    def send_raw(self, data):
        self.socket.settimeout(DEADLINE_S)
        self.socket.sendall(data)

    def finish_sending(self):
        """Shuts down its sending side only."""
        self.socket.shutdown(socket.SHUT_WR)

    # --- Receiving.

    def _fill(self, deadline):
        """Reads more; False at the end of the connection."""
        if self._ended:
            return False
        if deadline.over():
            raise AssertionError(f"nothing more came; before that {self.history[-5:]}")
        self.socket.settimeout(max(deadline.left(), 0.001))
        try:
            data = self.socket.recv(1 << 16)
        except socket.timeout:
            raise AssertionError(f"nothing more came; before that {self.history[-5:]}") from None
        if not data:
            self._ended = True
            return False
        self._buffer += data
        return True

    def read_line(self):
        """The next line as bytes; None at the end of the connection."""
        deadline = Deadline()
        scanned = 0
        while (end := self._buffer.find(b"\n", scanned)) < 0:
            scanned = len(self._buffer)
            if not self._fill(deadline):
                if self._buffer:
                    raise AssertionError(f"the connection ended within {self._buffer!r}")
                return None
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        self.history.append(line)
        return line

    def text_line(self):
        line = self.read_line()
        if line is None:
            raise AssertionError(f"the connection ended; before that {self.history[-5:]}")
        return line.decode()

    def expect(self, *lines):
        """The next lines, byte for byte."""
        for wanted in lines:
            got = self.read_line()
            if got != as_bytes(wanted):
                raise AssertionError(
                    f"expected {wanted!r}, got {got!r}; before that {self.history[-6:-1]}"
                )

    def expect_error(self, code):
        """The next line is this error; answers its explanation."""
        line = self.text_line()
        prefix = f"$$error: {code}: "
        if not line.startswith(prefix) or len(line) == len(prefix):
            raise AssertionError(f"expected {prefix!r} and an explanation, got {line!r}")
        return line[len(prefix) :]

    def rest(self):
        """All lines up to the end of the connection."""
        lines = []
        while (line := self.read_line()) is not None:
            lines.append(line)
        return lines

    def sync(self, marker="sync"):
        """Whatever comes up to the answer to a ping, without that."""
        self.send(f"ping${marker}")
        lines = []
        while (line := self.text_line()) != f"$$pong: {marker}":
            lines.append(line)
        return lines

    # --- Chatting.

    def register(self, name):
        """Answers the user id."""
        self.send(f"reg${name}")
        self.uid = self.text_line()
        return self.uid

    def create_channel(self, name):
        """Answers the channel's id."""
        self.send(f"create_chan${self.uid}${name}")
        channel = self.text_line()
        if not CHANNEL_ID.fullmatch(channel):
            raise AssertionError(f"{channel!r} is no channel id")
        return channel

    def join(self, channel):
        self.send(f"join${self.uid}${channel}")
        self.expect(f"$$joined: {channel}")

    def say(self, channel, text):
        self.send(as_bytes(f"send_msg${self.uid}${channel}$") + as_bytes(text))

    # --- Ending.

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        linger_nothing = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_nothing)
        self.socket.close()

    def close(self):
        self.socket.close()


class OriginalClient:
    """The original client, as its source has it: registers by itself, takes its user id from its
    own end of the socket and its first channel from the answer, and follows `$$joined: `."""

    def __init__(self, address, name):
        self._line = LineClient(address, welcome=False)
        self._uid = self._line.own_uid
        self.welcome = self._line.text_line()
        self._line.send(f"reg${name}")
        self.current = self._line.text_line()
        self.personal = self.current

    def type(self, line):
        """What its user types."""
        if not line.strip():
            return
        if line.startswith("$") and line.split(" ")[0] == "$join":
            parts = line.split(" ")
            if len(parts) >= 2:
                self._line.send(f"join${self._uid}${parts[1]}")
            return
        self._line.send(f"send_msg${self._uid}${self.current}${line}")

    def shows(self):
        """The next line that its user sees."""
        line = self._line.text_line()
        parts = line.split(": ")
        if len(parts) >= 2 and line.startswith("$$") and parts[0] == "$$joined":
            self.current = parts[1]
        return f">> {line}"

    def close(self):
        self._line.close()
