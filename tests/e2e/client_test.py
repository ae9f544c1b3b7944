"""`txtchat` against the real server: what each verb prints, how it ends, and what becomes of it when
the server restarts. The exit codes are those that `txtchat --help` documents."""

import json
import os
import random
import socket
import tempfile
import unittest

from harness.process import Process
from harness.rpc import GrpcUser
from harness.server import ServerTestCase
from harness.wait import until

TXTCHAT = os.environ["TXTCHAT"]
DONE, REFUSED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130


class ClientTestCase(ServerTestCase):
    def start(self, verb, *arguments, server=None):
        if server is None:
            grpc = self.server.grpc_address
            server = "{}:{}".format(*self.server.line_address) if verb == "line" else grpc
        return self.closing(Process(TXTCHAT, verb, "--server", server, *arguments))

    def run_verb(self, verb, *arguments, exit_code=DONE):
        """Runs it to its end; answers what it printed."""
        process = self.start(verb, *arguments)
        process.end_input()
        self.assertEqual(exit_code, process.exit_code(), process.err.all())
        return process.out.all()

    def create(self, name):
        (channel,) = self.run_verb("create", name)
        self.assertRegex(channel, r"^[0-9a-f]{10}$")
        return channel

    def chatting(self, name, *arguments):
        client = self.start("chat", name, *arguments)
        client.err.next_with("Connected to ")
        return client

    def create_in(self, client, name):
        """Has a `chat` create a channel; answers its id."""
        client.type(f"$create_chan {name}")
        return client.err.next_with("$join ").rpartition(" ")[2]

    def join_in(self, client, channel, name):
        client.type(f"$join {channel}")
        client.err.next_with(f"switched to #{name}")

    def ready_tail(self, channel, *arguments):
        """A tail that surely sees what is sent from now on. It says nothing when it is ready, so
        it is spoken to until it shows something."""
        tail = self.start("tail", *arguments, channel)
        prober = self.closing(GrpcUser(self.server.grpc_address, "prober"))
        prober.join(channel)

        def has_shown():
            prober.say(channel, "are you there?")
            return tail.out.all()

        until(has_shown, "message that tail shows")
        return tail

    def say_to(self, speaker, text, *listeners):
        speaker.type(text)
        return [listener.out.next_with(text) for listener in (speaker, *listeners)]


class ScriptVerbs(ClientTestCase):
    def test_tail_prints_what_send_sends(self):
        channel = self.create("general")
        tail = self.ready_tail(channel)
        self.assertEqual([], self.run_verb("send", "--name", "ci", channel, "deploy", "finished"))
        self.assertRegex(tail.out.next_with("deploy"), r" ci: deploy finished$")

    def test_json_says_the_same_to_programs(self):
        channel = self.create("general")
        tail = self.ready_tail(channel, "--json")
        (sent,) = self.run_verb("send", "--json", "--name", "ci", channel, "hello")
        message = json.loads(tail.out.next_with("hello"))
        self.assertEqual(json.loads(sent), message)
        self.assertEqual(("message", channel, "hello", "ci"), (
            message["type"], message["channel"], message["text"],
            message["sender"]["display_name"],
        ))  # fmt: skip

    def test_tail_ends_after_the_count_that_it_was_given(self):
        tail = self.ready_tail(self.create("general"), "--count", "1")
        self.assertEqual(DONE, tail.exit_code())
        self.assertEqual(1, len(tail.out.all()))

    def test_send_takes_the_lines_of_its_input(self):
        channel = self.create("general")
        tail = self.ready_tail(channel)
        send = self.start("send", channel)
        for text in ("one", "two"):
            send.type(text)
            tail.out.next_with(f": {text}")
        send.end_input()
        self.assertEqual(DONE, send.exit_code())

    def test_channels_lists_what_create_created(self):
        channel = self.create("general")
        (shown,) = [line for line in self.run_verb("channels") if line.startswith(channel)]
        self.assertTrue(shown.endswith("  general"), shown)
        listed = [json.loads(line) for line in self.run_verb("channels", "--json")]
        (general,) = [entry for entry in listed if entry["id"] == channel]
        self.assertEqual(("channel", "general"), (general["type"], general["display_name"]))

    def false_token(self):
        """A file that holds a token of no server."""
        file = tempfile.NamedTemporaryFile("w", prefix="txtchat-token-")
        self.addCleanup(file.close)
        file.write("false")
        file.flush()
        return file.name

    def test_what_the_server_refuses_is_1(self):
        self.run_verb("send", "0123456789", "x", exit_code=REFUSED)
        self.run_verb("tail", "0123456789", exit_code=REFUSED)
        self.run_verb("create", "--token-file", self.false_token(), "x", exit_code=REFUSED)
        self.run_verb("channels", "--token-file", self.false_token(), exit_code=REFUSED)
        line = self.start("line", "alice", "--exit-on-eof")
        line.type("$join 0123456789")
        line.end_input()
        self.assertEqual(REFUSED, line.exit_code())

    def test_a_wrong_command_line_is_2(self):
        self.run_verb("tail", exit_code=USAGE)
        self.run_verb("channels", "--nonsense", exit_code=USAGE)

    def test_a_server_that_is_not_there_or_goes_is_3(self):
        channel = self.create("general")
        tail = self.ready_tail(channel)
        line = self.start("line", "alice")
        line.out.wait_for_any()
        self.server.terminate()
        self.assertEqual((UNREACHABLE, UNREACHABLE), (tail.exit_code(), line.exit_code()))
        self.assertEqual(0, self.server.wait_for_exit())
        for arguments in (
            ("chat", "alice"), ("send", channel, "x"), ("tail", channel), ("create", "x"),
            ("channels",), ("line", "alice"),
        ):  # fmt: skip
            with self.subTest(arguments[0]):
                self.run_verb(*arguments, exit_code=UNREACHABLE)


class Chat(ClientTestCase):
    def test_two_people_talk(self):
        alice = self.chatting("alice")
        channel = self.create_in(alice, "den")
        bob = self.chatting("bob", "--join", channel)
        alice.out.next_with("* bob joined")
        for speaker, listener, text in ((alice, bob, "ni hao"), (bob, alice, "how do you do")):
            for shown in self.say_to(speaker, text, listener):
                name = "alice" if speaker is alice else "bob"
                self.assertRegex(shown, rf"^\[\d\d:\d\d(:\d\d)?\] #den {name}: {text}$")
        bob.type("$quit")
        self.assertEqual(DONE, bob.exit_code())

    def test_the_end_of_input_ends_it_when_all_was_sent(self):
        channel = self.create("den")
        chat = self.start("chat", "carol", "--exit-on-eof")
        chat.type(f"$join {channel}")
        chat.type("hello")
        chat.end_input()
        self.assertEqual(DONE, chat.exit_code(), chat.err.all())
        self.assertIn("carol: hello", chat.out.all()[-1])

    def test_what_was_not_sent_is_1(self):
        chat = self.start("chat", "carol", "--exit-on-eof")
        chat.type("x" * 40_000)
        chat.end_input()
        self.assertEqual(REFUSED, chat.exit_code())
        self.assertIn("not sent", "\n".join(chat.err.all()))


def free_port():
    """A port that is free now and that nobody gets by chance while nobody listens: it lies below
    those that the system gives to connections."""
    choices = list(range(20_000, 32_000))
    random.shuffle(choices)
    for port in choices:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("no port is free")


class Restart(ClientTestCase):
    def setUp(self):
        self.listen = f"--grpc-listen=127.0.0.1:{free_port()}"
        self.server = self.start_server(self.listen)

    def test_chat_connects_again_by_itself(self):
        alice, bob = self.chatting("alice"), self.chatting("bob")
        self.join_in(bob, self.create_in(alice, "before"), "before")
        self.say_to(alice, "before the restart", bob)

        self.server.terminate()
        self.assertEqual(0, self.server.wait_for_exit())
        for client in (alice, bob):
            client.err.next_with("Reconnecting")
        self.server = self.start_server(self.listen)

        for client in (alice, bob):
            client.err.next_with("-- Connected to ")
        self.join_in(bob, self.create_in(alice, "after"), "after")
        self.say_to(alice, "after the restart", bob)
        self.say_to(bob, "I am back, too", alice)
        for client in (alice, bob):
            client.type("$quit")
        self.assertEqual((DONE, DONE), (alice.exit_code(), bob.exit_code()))


class Interrupted(ClientTestCase):
    def assert_interruptible(self, process):
        process.interrupt()
        self.assertEqual(INTERRUPTED, process.exit_code(), process.err.all())

    def test_while_chatting(self):
        chat = self.chatting("alice")
        self.assert_interruptible(chat)
        line = self.start("line", "alice")
        line.out.wait_for_any()
        self.assert_interruptible(line)

    def test_while_following(self):
        channel = self.create("general")
        tail = self.ready_tail(channel)
        # `send` in the midst of its input.
        send = self.start("send", channel)
        send.type("one")
        tail.out.next_with(": one")
        self.assert_interruptible(send)
        self.assert_interruptible(tail)

    def test_while_waiting_for_a_server_that_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = "{}:{}".format(*silent.getsockname())
            for arguments in (
                ("line", "alice"), ("chat", "alice"), ("send", "x", "y"), ("tail", "x"),
                ("channels",), ("create", "x"), ("register", "alice"), ("health",),
            ):  # fmt: skip
                with self.subTest(arguments[0]):
                    process = self.start(*arguments, server=address)
                    connection, _ = silent.accept()
                    with connection:
                        self.assert_interruptible(process)


if __name__ == "__main__":
    unittest.main()
