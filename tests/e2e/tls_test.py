"""TLS on both transports: the real server, Python's ssl, grpcio, txtchat."""

import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
import warnings

import grpc
from harness.line import LineClient
from harness.rpc import GrpcUser
from harness.server import Server, ServerTestCase
from harness.tls import Certificates, TlsLineClient
from harness.wait import DEADLINE_S, until


class Tls(ServerTestCase):
    client_certificates = False

    def setUp(self):
        self.certificates = Certificates("authority")
        self.addCleanup(self.certificates.close)
        self.certificate, self.key = self.certificates.issue("server")
        self.server_flags = [
            "--line-tls-listen=127.0.0.1:0",
            "--grpc-tls-listen=127.0.0.1:0",
            f"--tls-cert={self.certificate}",
            f"--tls-key={self.key}",
        ]
        if self.client_certificates:
            self.server_flags.append(f"--tls-client-ca={self.certificates.ca}")
        super().setUp()
        host, port = self._listening("line-tls").rsplit(":", 1)
        self.line_tls = (host, int(port))
        self.grpc_tls = self._listening("grpc-tls")

    def _listening(self, transport):
        return self.server.wait_for_event("listening", transport=transport)["address"]

    def context(self, identity=None):
        context = ssl.create_default_context(cafile=self.certificates.ca)
        if identity:
            context.load_cert_chain(*identity)
        return context

    def line(self, **how):
        return self.closing(TlsLineClient(self.line_tls, self.context(**how)))

    def grpc_user(self, name, identity=None):
        read = lambda path: pathlib.Path(path).read_bytes()
        certificate, key = (read(path) for path in identity) if identity else (None, None)
        credentials = grpc.ssl_channel_credentials(read(self.certificates.ca), key, certificate)
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.secure_channel(self.grpc_tls, credentials, options)
        return self.closing(GrpcUser(self.grpc_tls, name, channel=channel))

    def txtchat(self, *arguments):
        return subprocess.run(
            [os.environ["TXTCHAT"], *arguments],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )


class ServerCertificateOnly(Tls):
    def test_all_transports_share_a_channel(self):
        alice = self.line()
        self.assertEqual(alice.own_uid, alice.register("alice"))
        channel = alice.create_channel("room")
        bob = self.grpc_user("bob")
        bob.join(channel)
        alice.expect(f"$$joined: {channel}")
        stream = bob.subscribe(channel)
        self.addCleanup(stream.close)
        carol = self.closing(LineClient(self.server.line_address))
        carol.register("carol")
        carol.join(channel)
        alice.expect(f"$$joined: {channel}")
        alice.say(channel, "over TLS")
        bob.say(channel, "over gRPC and TLS")
        carol.say(channel, "in plain text")
        heard = ["over TLS", "over gRPC and TLS", "in plain text"]
        self.assertCountEqual(heard, [stream.next_text() for _ in heard])
        for client in (alice, carol):
            self.assertCountEqual(heard, [client.text_line() for _ in heard])

    def test_an_older_version_is_refused(self):
        context = self.context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # That is the point.
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        grpc_host, grpc_port = self.grpc_tls.rsplit(":", 1)
        for address in (self.line_tls, (grpc_host, int(grpc_port))):
            with socket.create_connection(address, DEADLINE_S) as plain:
                with self.assertRaises((ssl.SSLError, ConnectionError)) as refused:
                    context.wrap_socket(plain, server_hostname="localhost")
            if address == self.line_tls:  # gRPC just closes.
                self.assertIn("PROTOCOL_VERSION", str(refused.exception))

    def test_a_new_certificate_is_used_without_a_restart(self):
        before = self.line()
        before.register("before")
        old = before.server_serial()
        self.certificates.issue("server")
        self.server.process.send_signal(signal.SIGHUP)
        self.server.wait_for_event("certificate reloaded")
        after = self.line()
        self.assertNotEqual(old, after.server_serial())
        self.grpc_user("gail")
        before.send("ping$still here")
        before.expect("$$pong: still here")

    def test_a_certificate_that_does_not_fit_is_not_used(self):
        old = self.line().server_serial()
        pathlib.Path(self.key).write_bytes(
            pathlib.Path(self.certificates.issue("other")[1]).read_bytes()
        )
        self.server.process.send_signal(signal.SIGHUP)
        said = self.server.wait_for_event("certificate not reloaded, the former is used")
        self.assertIn("the key does not belong to the certificate", said["reason"])
        self.assertNotIn("PRIVATE KEY", self.server.log_text())
        self.assertEqual(old, self.line().server_serial())
        self.grpc_user("gail")

    def test_txtchat_speaks_it(self):
        trust = ("--tls", "--tls-ca", self.certificates.ca, "--server", self.grpc_tls)
        made = self.txtchat("create", *trust, "general")
        self.assertEqual(0, made.returncode, made.stderr)
        listed = self.txtchat("channels", *trust, "--json")
        self.assertIn(made.stdout.strip(), listed.stdout)
        untrusted = self.txtchat("channels", "--tls", "--server", self.grpc_tls)
        self.assertEqual(3, untrusted.returncode)
        self.assertIn("--tls-ca", untrusted.stderr)
        self.assertEqual(2, self.txtchat("channels", "--tls-ca", self.certificates.ca).returncode)
        self.assertEqual(2, self.txtchat("channels", "--tls", "--tls-ca", "/nowhere").returncode)

    def test_a_drain_ends_tls_in_good_order(self):
        alice = self.line()
        alice.send("hello$2")
        alice.expect("$$hello: 2")
        self.server.terminate()
        rest = alice.rest()  # Python reads an end that TLS does not say as an error.
        self.assertEqual([b"$$bye: the server is stopping; reconnect"], rest)
        alice.close()
        self.assertEqual(0, self.server.wait_for_exit(), self.server.log_text())

    def test_connections_take_their_files_with_them(self):
        before = self.server.open_files()
        clients = [TlsLineClient(self.line_tls, self.context()) for _ in range(20)]
        self.assertEqual(before + 60, self.server.open_files())
        for client in clients:
            client.close()
        until(lambda: self.server.open_files() <= before, "end of the connections")


class ClientCertificates(Tls):
    client_certificates = True

    def test_who_has_one_is_served(self):
        identity = self.certificates.issue("alice")
        self.line(identity=identity).register("alice")
        self.grpc_user("alice", identity=identity)
        cert, key = identity
        trust = ("--tls-ca", self.certificates.ca, "--tls-cert", cert, "--tls-key", key)
        done = self.txtchat("health", "--tls", *trust, "--server", self.grpc_tls)
        self.assertEqual((0, "SERVING\n"), (done.returncode, done.stdout), done.stderr)

    def test_who_has_none_or_a_strangers_is_not(self):
        strangers = Certificates("strangers")
        self.addCleanup(strangers.close)
        for identity in (None, strangers.issue("mallory")):
            # In TLS 1.3 the client learns of it when it reads.
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.line(identity=identity)
        none = self.txtchat(
            "health", "--tls", "--tls-ca", self.certificates.ca, "--server", self.grpc_tls
        )
        self.assertEqual(3, none.returncode)


class Start(unittest.TestCase):
    """What the server says when it cannot start, and where it listens when it can."""

    def setUp(self):
        self.certificates = Certificates("authority")
        self.addCleanup(self.certificates.close)
        self.certificate, self.key = self.certificates.issue("server")

    def refusal(self, *flags):
        with tempfile.TemporaryDirectory(prefix="txtchat-e2e-") as data:
            where = ("--line-listen=127.0.0.1:0", "--grpc-listen=127.0.0.1:0", f"--data-dir={data}")
            done = subprocess.run(
                [os.environ["TXTCHATD"], *where, *flags],
                capture_output=True,
                text=True,
                timeout=DEADLINE_S,
                check=False,
            )
        self.assertEqual(1, done.returncode, done.stderr)
        return done.stderr

    def test_says_what_is_missing(self):
        tls = "--line-tls-listen=127.0.0.1:0"
        cert, key = f"--tls-cert={self.certificate}", f"--tls-key={self.key}"
        other = self.certificates.issue("other")[1]
        self.assertIn("give --tls-cert FILE and --tls-key FILE", self.refusal(tls))
        self.assertIn("give --tls-cert FILE and --tls-key FILE", self.refusal(tls, cert))
        self.assertIn("give --line-tls-listen", self.refusal(cert, key))
        self.assertIn("--tls-key /nowhere cannot be read", self.refusal(tls, cert, "--tls-key=/nowhere"))
        wrong = self.refusal("--grpc-tls-listen=127.0.0.1:0", cert, f"--tls-key={other}")
        self.assertIn("the key does not belong to the certificate", wrong)
        self.assertNotIn("PRIVATE KEY", wrong)
        self.assertIn("nothing is listened on", self.refusal("--line-listen=off", "--grpc-listen=off"))

    def test_plain_listeners_can_be_off(self):
        files = (f"--tls-cert={self.certificate}", f"--tls-key={self.key}")
        for plain, encrypted in (("line", "grpc"), ("grpc", "line")):
            with self.subTest(off=plain):
                server = Server(
                    f"--{plain}-listen=off",
                    f"--{encrypted}-listen=off",
                    f"--{encrypted}-tls-listen=127.0.0.1:0",
                    *files,
                    transports=[f"{encrypted}-tls"],
                )
                self.addCleanup(server.stop)
                listening = [e["transport"] for e in server.events() if e["event"] == "listening"]
                self.assertEqual([f"{encrypted}-tls"], listening)
                server.stop()


if __name__ == "__main__":
    unittest.main()
