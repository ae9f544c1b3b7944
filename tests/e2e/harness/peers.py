"""Peers that txtchat-bench can load: nats-server and redis-server on free ports, and a NATS server of
a few lines that does what the real one does at times of its own choosing."""

import contextlib
import os
import re
import shutil
import socket
import socketserver
import subprocess
import threading

# Debian puts servers where a user's PATH may not lead.
_PATH = os.environ.get("PATH", "") + ":/usr/sbin"
NATS = shutil.which("nats-server", path=_PATH)
REDIS = shutil.which("redis-server", path=_PATH)


class Peer:
    """A running server; `stop` ends it."""

    def __init__(self, command, ready):
        """`ready`: a pattern of the line that says that it listens; its group, if any, is the port."""
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = []
        self.found = None
        for line in self.process.stdout:
            self.said.append(line)
            self.found = re.search(ready, line)
            if self.found:
                break
        # What comes later is nobody's concern, but must not fill the pipe.
        self._drain = threading.Thread(target=self.process.stdout.read, daemon=True)
        self._drain.start()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._drain.join()
        self.process.stdout.close()


def start_nats():
    """Answers the server and where it listens."""
    peer = Peer([NATS, "-a", "127.0.0.1", "-p", "-1"], r"client connections on 127.0.0.1:(\d+)$")
    if not peer.found:
        peer.stop()
        raise AssertionError("nats-server did not start: " + "".join(peer.said))
    return peer, f"127.0.0.1:{peer.found[1]}"


def start_redis(*, buffer_limit="0 0 0"):
    """The same. `buffer_limit`: of what waits for a subscriber, as redis writes it."""
    for _ in range(5):  # It does not choose a port itself, and a free one may be taken meanwhile.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [REDIS, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly"]
        command += ["no", "--client-output-buffer-limit", "pubsub", *buffer_limit.split()]
        peer = Peer(command, "Ready to accept connections")
        if peer.found:
            return peer, f"127.0.0.1:{port}"
        peer.stop()
    raise AssertionError("redis-server did not start: " + "".join(peer.said))


class _AskingNats(socketserver.StreamRequestHandler):
    """Asks PING, and does not go on before it is answered."""

    def handle(self):
        with contextlib.suppress(ConnectionError):  # The load breaks its connections off.
            self._serve()

    def _serve(self):
        self.wfile.write(b'INFO {"max_payload":1048576}\r\n')
        for line in self.rfile:
            verb, *fields = line.split()
            if verb == b"PING":
                self._ask()
                self.wfile.write(b"PONG\r\n")
            elif verb == b"PUB":
                subject, size = fields
                text = self.rfile.read(int(size) + 2)
                self._ask()
                self.wfile.write(b"MSG %s 1 %s\r\n%s" % (subject, size, text))

    def _ask(self):
        self.wfile.write(b"PING\r\n")
        while self.rfile.readline() not in (b"PONG\r\n", b""):
            pass


class AskingNats(socketserver.ThreadingTCPServer):
    """For one publisher that sends one message at a time, and nobody else."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _AskingNats)
        self.address = "{}:{}".format(*self.server_address)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()
