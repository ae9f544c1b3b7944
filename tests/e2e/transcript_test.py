"""The session that the original was published with, replayed: with raw sockets, with the original
client (rebuilt), with two `txtchat line` and with nc.

In it Bob's terminal still held the text 127.0.0.1:54104 (his own id) when he typed `how do you do`,
so that this is what he sent. The published client showed no echo for `Hello` and `Alice`, because
it had not yet taken its first channel as the current one; its source, given beside, does, and so do
the clients here. The raw replay has only what went over the wire then.
"""

import os
import subprocess
import unittest

from harness.line import WELCOME, LineClient, OriginalClient
from harness.process import Process
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S


class Transcript(ServerTestCase):
    def play_on_wire(self, alice, bob, alice_uid, bob_uid):
        """What both said and saw, once registered. Each has `say`-like `send` and `expect`."""
        alice.send(f"join${alice_uid}${bob_uid}")
        alice.expect(f"$$joined: {bob_uid}")
        bob.expect(f"$$joined: {bob_uid}")
        for speaker, uid, text in (
            (alice, alice_uid, "ni hao"),
            (alice, alice_uid, "hello friend"),
            (bob, bob_uid, f"{bob_uid}how do you do"),
            (alice, alice_uid, "so far so good"),
            (bob, bob_uid, "nice!"),
        ):
            speaker.send(f"send_msg${uid}${bob_uid}${text}")
            alice.expect(text)
            bob.expect(text)

    def test_replays_with_raw_sockets(self):
        bob = self.closing(LineClient(self.server.line_address, welcome=False))
        bob.expect(WELCOME)
        bob.send("reg$bob")
        bob.expect(bob.own_uid)
        alice = self.closing(LineClient(self.server.line_address, welcome=False))
        alice.expect(WELCOME)
        alice.send("reg$alice")
        alice.expect(alice.own_uid)
        self.play_on_wire(alice, bob, alice.own_uid, bob.own_uid)
        # Nothing else was said to anybody: the drain sends all that is owed, then the end.
        self.server.terminate()
        self.assertEqual(([], []), (alice.rest(), bob.rest()))
        self.assertEqual(0, self.server.wait_for_exit())

    def play_at_keyboards(self, alice, bob):
        """What Alice and Bob typed, and what their clients showed."""
        bob_uid = bob.shows().removeprefix(">> ")
        alice_uid = alice.shows().removeprefix(">> ")
        self.assertRegex(bob_uid, r"^127\.0\.0\.1:\d+$")
        self.assertRegex(alice_uid, r"^127\.0\.0\.1:\d+$")
        alice.type("Hello")
        self.assertEqual(">> Hello", alice.shows())
        alice.type("Alice")
        self.assertEqual(">> Alice", alice.shows())
        alice.type(f"$join {bob_uid}")
        for client in (alice, bob):
            self.assertEqual(f">> $$joined: {bob_uid}", client.shows())
        for speaker, text in (
            (alice, "ni hao"),
            (alice, "hello friend"),
            (bob, f"{bob_uid}how do you do"),
            (alice, "so far so good"),
            (bob, "nice!"),
        ):
            speaker.type(text)
            for client in (alice, bob):
                self.assertEqual(f">> {text}", client.shows())

    def test_replays_with_two_txtchat_line(self):
        server = "{}:{}".format(*self.server.line_address)
        bob = self.closing(_Line("bob", "--server", server))
        bob.out.wait_for_any()  # Registered before Alice, as then.
        alice = self.closing(_Line("alice", "--server", server))
        self.play_at_keyboards(alice, bob)
        # The end of input ends the sending only, as in the original; what comes is still shown.
        bob.end_input()
        alice.type("are you still there?")
        self.assertEqual(">> are you still there?", bob.shows())
        self.assertEqual(">> are you still there?", alice.shows())
        self.server.terminate()
        self.assertEqual(0, bob.exit_code())
        self.assertEqual(3, alice.exit_code(), "it lost a server that it still wanted")
        self.assertEqual(0, self.server.wait_for_exit())
        self.assertEqual(8, len(bob.out.all()), bob.out.all())
        self.assertEqual(10, len(alice.out.all()), alice.out.all())

    def test_replays_with_the_original_client(self):
        bob = self.closing(OriginalClient(self.server.line_address, "bob"))
        alice = self.closing(OriginalClient(self.server.line_address, "alice"))
        self.assertEqual(WELCOME, alice.welcome)
        self.play_at_keyboards(_Showing(alice), _Showing(bob))
        self.assertEqual(bob.personal, alice.current)

    def test_replays_with_nc(self):
        host, port = self.server.line_address
        bob = self.closing(_Nc(host, port))
        bob.send("reg$bob")
        bob_uid = bob.shows()
        alice = self.closing(_Nc(host, port))
        alice.send("reg$alice")
        alice_uid = alice.shows()
        self.play_on_wire(alice, bob, alice_uid, bob_uid)
        # nc -N: the end of its input shuts down its sending side, and it still receives.
        bob.end_input()
        alice.send(f"send_msg${alice_uid}${bob_uid}$after your end of input")
        for client in (alice, bob):
            client.expect("after your end of input")
        alice.end_input()
        self.server.terminate()
        self.assertEqual((0, 0), (alice.exit_code(), bob.exit_code()))
        self.assertEqual(0, self.server.wait_for_exit())

    def test_a_pipe_into_nc_gets_its_answers(self):
        host, port = self.server.line_address
        # The last line has no end: the end of the input is its end.
        chat = "printf 'reg$eve\\ncreate_chan$-$den\\nping$done\\nquit' | nc -N \"$0\" \"$1\""
        done = subprocess.run(
            ["/bin/sh", "-c", chat, host, str(port)],
            stdout=subprocess.PIPE,
            timeout=DEADLINE_S,
            check=True,
        )
        lines = done.stdout.decode().splitlines()
        self.assertEqual(5, len(lines), lines)
        self.assertEqual(WELCOME, lines[0])
        self.assertRegex(lines[1], r"^127\.0\.0\.1:\d+$")
        self.assertRegex(lines[2], r"^[0-9a-f]{10}$")
        self.assertEqual("$$pong: done", lines[3])
        self.assertRegex(lines[4], r"^\$\$bye: .")


class _Showing:
    """The rebuilt original with its first line, which the published session shows too."""

    def __init__(self, client):
        self._client = client
        self._first = f">> {client.personal}"

    def type(self, line):
        self._client.type(line)

    def shows(self):
        first, self._first = self._first, None
        return first or self._client.shows()


class _Line(Process):
    """`txtchat line` on pipes."""

    def __init__(self, *arguments):
        super().__init__(os.environ["TXTCHAT"], "line", *arguments)

    def shows(self):
        return self.out.next()


class _Nc(Process):
    """nc on pipes, spoken to in the line protocol."""

    def __init__(self, host, port):
        super().__init__("nc", "-N", host, str(port))
        self.expect(WELCOME)

    def send(self, line):
        self.type(line)

    def shows(self):
        return self.out.next()

    def expect(self, *lines):
        for wanted in lines:
            if (got := self.shows()) != wanted:
                raise AssertionError(f"nc was to show {wanted!r} and showed {got!r}")


if __name__ == "__main__":
    unittest.main()
