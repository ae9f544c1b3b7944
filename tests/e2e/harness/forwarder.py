"""A TCP forwarder, standing in for a NAT or a published container port."""

import socket
import threading


class Forwarder:
    """Listens on 127.0.0.1 and forwards each connection to `target` from the address `source`, so
    that the server sees another address than the client has. Passes on half-closes."""

    def __init__(self, target, source="127.0.0.2"):
        self._target = target
        self._source = source
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._sockets = []  # Guarded by _lock.
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # Closed.
            server = socket.create_connection(self._target, source_address=(self._source, 0))
            with self._lock:
                self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # One side is gone; the other thread sees it too.

    def close(self):
        _end(self._listener)
        with self._lock:
            for each in self._sockets:
                _end(each)


def _end(sock):
    # Closing alone does not wake a thread that waits for the socket.
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # Not connected any more.
    sock.close()
