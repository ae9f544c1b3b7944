"""Certificates for a test, and the line protocol over TLS."""

import pathlib
import socket
import subprocess
import tempfile

from .line import WELCOME, LineClient
from .wait import DEADLINE_S


class Certificates:
    """An authority, and certificates that it has signed, in a directory of their own."""

    def __init__(self, name):
        self._directory = tempfile.TemporaryDirectory(prefix="txtchat-tls-")
        self.path = pathlib.Path(self._directory.name)
        self._run("req", "-x509", *self._new_key("ca"), "-out", self.file("ca.pem"), "-days", "2")
        self.ca = self.file("ca.pem")

    def file(self, name):
        return str(self.path / name)

    @staticmethod
    def _run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def _new_key(self, name):
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        return (*curve, "-keyout", self.file(f"{name}.key"), "-subj", f"/CN={name}")

    def issue(self, name):
        """Answers the paths of a certificate and its key; the same ones for the same name."""
        request, names = self.file(f"{name}.csr"), self.file(f"{name}.ext")
        pathlib.Path(names).write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._run("req", "-new", *self._new_key(name), "-out", request)
        signer = ("-CA", self.ca, "-CAkey", self.file("ca.key"), "-CAcreateserial", "-days", "2")
        certificate = self.file(f"{name}.pem")
        self._run("x509", "-req", "-in", request, *signer, "-extfile", names, "-out", certificate)
        return certificate, self.file(f"{name}.key")

    def close(self):
        self._directory.cleanup()


class TlsLineClient(LineClient):
    """The line protocol over TLS."""

    def __init__(self, address, context):
        plain = socket.create_connection(address, DEADLINE_S)
        try:
            self.socket = context.wrap_socket(plain, server_hostname="localhost")
        except OSError:
            plain.close()
            raise
        self.uid = None
        self.own_uid = "%s:%d" % self.socket.getsockname()
        self.history = []
        self._buffer = b""
        self._ended = False
        try:
            self.expect(WELCOME)
        except (OSError, AssertionError):
            self.socket.close()
            raise

    def server_serial(self):
        return self.socket.getpeercert()["serialNumber"]
