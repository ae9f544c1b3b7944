"""What bad input gets on the line protocol: a clear error and an unharmed server. Two bystanders
chat after each, and lose nothing."""

import contextlib
import random
import time
import unittest

from harness.bystanders import Bystanders
from harness.line import WELCOME, LineClient
from harness.server import ServerTestCase
from harness.wait import SANITIZED, until

SEED = int(time.time())
NOWHERE = "0123456789"


class BadInputTestCase(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.bystanders = self.closing(Bystanders(self.server))
        self.bystanders.chat()

    def tearDown(self):
        self.bystanders.chat()
        self.assertTrue(self.server.alive())
        super().tearDown()

    def client(self, **how):
        return self.closing(LineClient(self.server.line_address, **how))

    def registered(self, name="mallory"):
        client = self.client()
        client.register(name)
        return client

    def assert_answers(self, client, line, code):
        client.send(line)
        explanation = client.expect_error(code)
        self.assertLess(len(explanation), 600)
        return explanation


class Commands(BadInputTestCase):
    def test_unknown_ones(self):
        client = self.registered()
        for line in ("foo", "foo$bar", "REG$x", " reg$x", "$", "$$$$", "reg x", "GET / HTTP/1.1"):
            with self.subTest(line):
                self.assertIn("help", self.assert_answers(client, line, "unimplemented"))
        self.assert_answers(client, "", "invalid_argument")
        explanation = self.assert_answers(client, "x" * 5000 + "$y", "unimplemented")
        self.assertLess(len(explanation), 200)

    def test_half_ones(self):
        client = self.registered()
        for line in (
            "reg", "reg$", "create_chan", "create_chan$-", "create_chan$-$", "join", "join$-",
            "leave", "leave$-", "send_msg", "send_msg$-", f"send_msg$-${NOWHERE}", "hello",
            "hello$3", "members",
        ):  # fmt: skip
            with self.subTest(line):
                self.assert_answers(client, line, "invalid_argument")

    def test_before_registering(self):
        client = self.client()
        for line in (
            "create_chan$-$x", f"join$-${NOWHERE}", f"leave$-${NOWHERE}", f"send_msg$-${NOWHERE}$x",
            "channels", f"members${NOWHERE}", "whoami",
        ):  # fmt: skip
            with self.subTest(line):
                self.assert_answers(client, line, "unauthenticated")
        client.register("late, but here")

    def test_unknown_channels(self):
        client = self.registered()
        for channel in (NOWHERE, "", " ", "x" * 1000, "127.0.0.1:1", "žluťoučký"):
            for line in (f"join$-${channel}", f"leave$-${channel}", f"send_msg$-${channel}$x"):
                with self.subTest(line=line[:40]):
                    self.assert_answers(client, line, "not_found")

    def test_what_only_members_may(self):
        client = self.registered()
        channel = self.bystanders.channel
        self.assert_answers(client, f"send_msg$-${channel}$intruding", "permission_denied")
        self.assert_answers(client, f"members${channel}", "permission_denied")
        self.assert_answers(client, f"leave$-${channel}", "failed_precondition")

    def test_names_of_0_and_of_300_characters(self):
        client = self.client()
        for name in ("", "x" * 300, "é" * 300, "x" * 129):
            with self.subTest(name=name[:3]):
                self.assert_answers(client, f"reg${name}", "invalid_argument")
        client.register("x" * 128)
        for name in ("", "x" * 300, "é" * 300, "x" * 129):
            with self.subTest(name=name[:3]):
                self.assert_answers(client, f"create_chan$-${name}", "invalid_argument")
        client.create_channel("é" * 64)


class Bytes(BadInputTestCase):
    def test_invalid_utf8_is_refused_and_the_connection_goes_on(self):
        client = self.registered()
        for bad in (b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x80b"):
            with self.subTest(bad=bad):
                client.say(client.uid, bad)
                client.expect_error("invalid_argument")
                client.send(b"reg$" + bad)
                client.expect_error("invalid_argument")
        client.say(client.uid, "still heard")
        client.expect("still heard")

    def test_a_nul_is_refused(self):
        client = self.registered()
        for line in (f"send_msg$-${client.uid}$a\0b", "reg$a\0b", "create_chan$-$\0"):
            with self.subTest(line=line):
                self.assert_answers(client, line, "invalid_argument")
        self.assert_answers(client, "\0", "unimplemented")
        self.assert_answers(client, f"join$-$\0{client.uid}", "not_found")

    def test_a_text_that_is_too_long(self):
        client = self.registered()
        client.say(client.uid, "x" * 32768)
        client.expect("x" * 32768)
        client.say(client.uid, "x" * 32769)
        self.assertIn("32768", client.expect_error("invalid_argument"))

    def test_a_line_of_10_mb_is_skipped_with_one_error(self):
        client = self.registered()
        peak_before = self.server.forget_peak()
        client.send(f"send_msg$-${client.uid}$" + "x" * 10_000_000)
        client.expect_error("invalid_argument")
        self.bystanders.chat()
        client.say(client.uid, "after it")
        client.expect("after it")
        if not SANITIZED:  # They keep what was freed, and more.
            grown = self.server.status_kib("VmHWM") - peak_before
            self.assertLess(grown, 4 << 10, "KiB, at the highest: the line was not skipped but kept")

    def test_10_mb_without_a_line_end(self):
        client = self.registered()
        client.send_raw(b"x" * 10_000_000)
        self.bystanders.chat()
        client.finish_sending()
        client.expect_error("invalid_argument")

    def test_binary_noise(self):
        noise = random.Random(SEED)
        for _ in range(10):
            client = self.registered()
            client.send_raw(noise.randbytes(20_000))
            client.send("")
            with self.subTest(seed=SEED):
                for line in client.sync("still there"):
                    self.assertRegex(line, r"^\$\$error: [a-z_]+: .")
            client.close()

    def test_what_other_protocols_say_first(self):
        for opening in (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 500 + b"\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
        ):
            client = self.client()
            client.send_raw(opening)
            client.expect_error("invalid_argument" if opening[0] == 0x16 else "unimplemented")
            client.sync()


class Behaviour(BadInputTestCase):
    # More lines come at once than others may send.
    server_flags = ("--commands-per-connection=0", "--commands-per-user=0")

    def test_a_reset_in_the_middle_of_a_line(self):
        watcher = self.registered("watcher")
        watcher.send("hello$2")
        watcher.expect("$$hello: 2")
        channel = watcher.uid
        for _ in range(20):
            client = self.registered()
            client.join(channel)
            watcher.text_line()
            client.send_raw(f"send_msg$-${channel}$half a".encode())
            client.reset()
            line = watcher.text_line()
            self.assertTrue(line.startswith(f"$$left: {channel} "), line)

    def test_resets_at_any_moment(self):
        moments = random.Random(SEED)
        session = f"reg$x\ncreate_chan$-$y\njoin$-${NOWHERE}\nquit\n".encode()
        for _ in range(100):
            client = LineClient(self.server.line_address, welcome=moments.random() < 0.5)
            client.send_raw(session[: moments.randrange(len(session))])
            client.reset()

    def test_pipelining_far_ahead_of_reading(self):
        client = self.registered()
        texts = [str(n) for n in range(20_000)]
        client.send_raw(b"".join(f"send_msg$-${client.uid}${t}\n".encode() for t in texts))
        client.finish_sending()
        client.expect(*texts)


class SaysNothing(BadInputTestCase):
    # Time enough for the bystander to register in, on any machine.
    server_flags = ("--line-register-timeout=3",)

    def test_is_told_and_closed(self):
        silent = self.client()
        talking = self.client()  # Not registering is what counts.
        talking.send("ping$x")
        talking.expect("$$pong: x")
        for client in (silent, talking):
            client.expect_error("deadline_exceeded")
            self.assertEqual([], client.rest())


class NeverReads(BadInputTestCase):
    server_flags = ("--write-stall-timeout=1",)

    def test_is_cut_off_and_gone(self):
        client = self.client(receive_buffer=4096)
        client.register("deaf")
        watcher = self.registered("watcher")
        watcher.send("hello$2")
        watcher.expect("$$hello: 2")
        watcher.send(f"join$-${client.uid}")
        self.assertTrue(watcher.text_line().startswith("$$joined: "))
        cut_off = False
        for _ in range(400):  # 12 MB: more than the kernel takes for it.
            watcher.say(client.uid, "x" * 30_000)
            while " watcher: xxx" not in (line := watcher.text_line()):
                self.assertTrue(line.startswith(f"$$left: {client.uid} "), line[:100])
                cut_off = True  # Already: this took a while.
        self.bystanders.chat()
        if not cut_off:
            self.assertTrue(watcher.text_line().startswith(f"$$left: {client.uid} "))


class ConnectionLimit(BadInputTestCase):
    server_flags = ("--line-connections-max=5",)

    def test_one_more_is_refused_clearly_and_harms_nobody(self):
        clients = [self.registered() for _ in range(4)]  # The fifth is the bystander.
        for _ in range(20):
            refused = self.client(welcome=False)
            refused.expect_error("resource_exhausted")
            self.assertEqual([], refused.rest())
        for client in clients:
            client.sync()
        clients[0].send("quit")
        clients[0].rest()
        clients[0].close()
        until(self.admits_somebody, "place for somebody else")  # The server sees the end later.

    def admits_somebody(self):
        with contextlib.closing(LineClient(self.server.line_address, welcome=False)) as client:
            return client.text_line() == WELCOME


class SilentErrors(BadInputTestCase):
    server_flags = ("--line-errors=false",)

    def test_are_not_told(self):
        client = self.registered()
        for line in ("foo", "reg$", f"join$-${NOWHERE}", b"\xff", f"leave$-${client.uid}x"):
            client.send(line)
        self.assertEqual([], client.sync())


if __name__ == "__main__":
    print(f"seed {SEED}", flush=True)
    unittest.main()
