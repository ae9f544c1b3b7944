"""`txtchat account` and `txtchat mod` against the real server: accounts on a command line."""

import json
import os
import pathlib
import pty
import re
import stat
import subprocess
import tempfile
import unittest

from harness import jwt
from harness.process import Process
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S, until

TXTCHAT = os.environ["TXTCHAT"]
DONE, REFUSED, USAGE = 0, 1, 2
PASSWORD = "a good password"


class AccountClientTestCase(ServerTestCase):
    server_flags = ("--password-memory-bytes=8MiB",)

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="txtchat-client-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def token_of(self, login):
        """The file of a login's token."""
        return str(self.directory / login)

    def start(self, verb, *arguments):
        server = ("--server", self.server.grpc_address)
        return self.closing(Process(TXTCHAT, *verb.split(" "), *server, *arguments))

    def run_verb(self, verb, *arguments, as_=None, typed=(), exit_code=DONE):
        """Runs it to its end, as a login if one is given; answers what it printed."""
        if as_:
            arguments = (*arguments, "--token-file", self.token_of(as_))
        process = self.start(verb, *arguments)
        for line in typed:
            process.type(line)
        process.end_input()
        self.assertEqual(exit_code, process.exit_code(), process.err.all())
        self.said = process.err.all()
        return process.out.all()

    def account(self, login, name):
        """Makes an account; answers its user's id."""
        self.run_verb("account create", login, name, as_=login, typed=[PASSWORD])
        (line,) = self.run_verb("account whoami", "--json", as_=login)
        user = json.loads(line)
        self.assertEqual(name, user["display_name"])
        return user["id"]

    def on_terminal(self, verb, *arguments, typed):
        """Runs it on a terminal of its own, typing each of `typed`, which are pairs, when it has
        shown the first of the pair. Answers its exit code and everything that the terminal showed."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        command = [TXTCHAT, *verb.split(" "), "--server", self.server.grpc_address, *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TXTCHAT")}
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        self.addCleanup(process.kill)
        shown = ""
        for prompt, line in typed:
            while not shown.rstrip(" ").endswith(prompt):
                shown += os.read(ours, 4096).decode()
            os.write(ours, line.encode() + b"\n")
            shown += "|"
        try:
            while more := os.read(ours, 4096):
                shown += more.decode()
        except OSError:  # how a terminal says that nobody has it any more
            pass
        return process.wait(DEADLINE_S), shown


class Accounts(AccountClientTestCase):
    def test_log_in_and_out(self):
        alice = self.account("alice", "Alice")
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.token_of("alice")).st_mode))
        (token,) = self.run_verb("account login", "alice", "--label", "ci", typed=[PASSWORD])
        pathlib.Path(self.token_of("second")).write_text(token)
        self.assertEqual([f"{alice}  Alice"], self.run_verb("account whoami", as_="second"))
        tokens = [json.loads(each) for each in self.run_verb("account tokens", "--json", as_="alice")]
        (second,) = [each for each in tokens if each["label"] == "ci"]
        self.run_verb("account revoke", second["id"], as_="alice")
        self.run_verb("account whoami", as_="second", exit_code=REFUSED)
        self.run_verb("account login", "alice", typed=["not the password"], exit_code=REFUSED)

    def test_change_the_password(self):
        self.account("alice", "Alice")
        self.run_verb("account login", "alice", as_="second", typed=[PASSWORD])
        self.run_verb("account password", as_="alice", typed=[PASSWORD, "another password"])
        self.run_verb("account whoami", as_="alice")
        self.run_verb("account whoami", as_="second", exit_code=REFUSED)
        self.run_verb("account login", "alice", typed=["another password"])

    def test_export_and_erase(self):
        alice = self.account("alice", "Alice")
        (channel,) = self.run_verb("create", "general", as_="alice")
        self.run_verb("send", channel, "one", as_="alice")
        self.run_verb("send", channel, "two", as_="alice")
        exported = [json.loads(line) for line in self.run_verb("account export", as_="alice")]
        self.assertEqual(["one", "two"], [each["text"] for each in exported])
        self.assertEqual({alice}, {each["sender"]["id"] for each in exported})
        self.run_verb("account erase", as_="alice", typed=[PASSWORD], exit_code=USAGE)
        self.run_verb("account erase", "--yes", as_="alice", typed=["wrong one"], exit_code=REFUSED)
        self.run_verb("account erase", "--yes", as_="alice", typed=[PASSWORD])
        self.run_verb("account whoami", as_="alice", exit_code=REFUSED)
        self.run_verb("account login", "alice", typed=[PASSWORD], exit_code=REFUSED)

    def test_a_terminal_shows_no_password(self):
        code, shown = self.on_terminal(
            "account create", "alice", "Alice", "--token-file", self.token_of("alice"),
            typed=[("Password:", PASSWORD), ("Password, again:", PASSWORD)],
        )  # fmt: skip
        self.assertEqual(DONE, code, shown)
        self.assertNotIn(PASSWORD, shown)
        code, shown = self.on_terminal(
            "account create", "bob", "Bob",
            typed=[("Password:", PASSWORD), ("Password, again:", "something else")],
        )  # fmt: skip
        self.assertEqual(USAGE, code, shown)
        self.assertIn("not the same", shown)

    def test_a_terminal_is_asked_before_the_end(self):
        alice = self.account("alice", "Alice")
        erase = ("account erase", "--token-file", self.token_of("alice"))
        code, shown = self.on_terminal(*erase, typed=[("to go on:", "yes")])
        self.assertEqual(REFUSED, code, shown)
        self.assertIn("Nothing was erased", shown)
        code, shown = self.on_terminal(
            *erase, typed=[("to go on:", alice), ("Password:", PASSWORD)]
        )
        self.assertEqual(DONE, code, shown)
        self.run_verb("account whoami", as_="alice", exit_code=REFUSED)


class SignedTokens(AccountClientTestCase):
    SECRET = b"a secret of the backend, 32 bytes and more"

    def setUp(self):
        keys = tempfile.NamedTemporaryFile("w", prefix="txtchat-keys-", encoding="ascii")
        self.addCleanup(keys.close)
        keys.write(jwt.key_set(self.SECRET))
        keys.flush()
        self.server_flags = (
            *AccountClientTestCase.server_flags,
            f"--jwt-keys={keys.name}",
            "--jwt-issuer=backend",
            "--jwt-audience=chat",
            "--guests-admitted=false",
        )
        super().setUp()

    def test_act_and_erase_like_any_other(self):
        token = jwt.token(self.SECRET, "alice", iss="backend", aud="chat", name="Alice")
        pathlib.Path(self.token_of("alice")).write_text(token)
        (channel,) = self.run_verb("create", "general", as_="alice")
        (line,) = self.run_verb("send", "--json", channel, "hello", as_="alice")
        self.assertEqual("Alice", json.loads(line)["sender"]["display_name"])
        self.assertEqual(1, len(self.run_verb("account export", as_="alice")))
        # Nobody asks for a password that there is not.
        self.run_verb("account erase", "--yes", as_="alice")
        self.assertEqual([], self.run_verb("account export", as_="alice"))
        self.run_verb("create", "as a guest", exit_code=REFUSED)


class Moderation(AccountClientTestCase):
    def setUp(self):
        super().setUp()
        self.alice = self.account("alice", "Alice")
        self.bob = self.account("bob", "Bob")

    def test_a_private_channel_is_joined_by_an_invite(self):
        (channel,) = self.run_verb("create", "--private", "plan", as_="alice")
        self.run_verb("send", channel, "hello", as_="bob", exit_code=REFUSED)
        (code,) = self.run_verb("mod invite", channel, "--uses", "1", "--for", "60", as_="alice")
        self.assertEqual([channel], self.run_verb("mod join-by", code, as_="bob"))
        self.run_verb("send", channel, "hello", as_="bob")
        self.run_verb("mod invite", channel, as_="bob", exit_code=REFUSED)

    def test_chat_tells_who_did_what_to_whom(self):
        (channel,) = self.run_verb("create", "general", as_="alice")
        chat = self.start("chat", "carol", "--join", channel)
        chat.err.next_with("Connected to ")

        def act(verb, *arguments):
            (line,) = self.run_verb(f"mod {verb}", channel, *arguments, "--json", as_="alice")
            self.assertEqual("act", json.loads(line)["type"])

        (line,) = self.run_verb("send", "--json", channel, "rude", as_="bob")
        chat.out.next_with("Bob: rude")
        act("delete-message", str(json.loads(line)["sequence"]))
        chat.out.next_with("* Alice removed a message of Bob, posted at ")
        act("mute", self.bob, "--for", "600", "--reason", "noise")
        self.assertRegex(
            chat.out.next_with("* Alice muted Bob"), r"until \d{4}-\d\d-\d\d \d\d:\d\d: noise$"
        )
        self.run_verb("send", channel, "more", as_="bob", exit_code=REFUSED)
        (mute,) = self.run_verb("mod bans", channel, as_="alice")
        self.assertRegex(mute, rf"^mute  {re.escape(self.bob)}  until .*  Bob  \(noise\)$")
        act("unmute", self.bob)
        chat.out.next_with("* Alice let Bob speak again")
        act("role", self.bob, "moderator")
        chat.out.next_with("* Alice gave Bob the role moderator")
        act("topic", "the plan")
        chat.out.next_with("* Alice set the topic: the plan")
        act("rename", "lounge")
        chat.out.next_with("* Alice renamed the channel: lounge")
        act("kick", self.bob)
        chat.out.next_with("#lounge * Alice kicked Bob")
        chat.out.next_with("* Bob left")
        act("ban", self.bob, "--reason", "enough")
        chat.out.next_with("* Alice banned Bob: enough")
        self.run_verb("send", channel, "more", as_="bob", exit_code=REFUSED)
        act("unban", self.bob)
        chat.out.next_with("* Alice took back the ban of Bob")
        act("delete-channel")
        chat.out.next_with("* Alice deleted the channel")

    def test_tail_reads_removed_messages_as_such(self):
        (channel,) = self.run_verb("create", "general", as_="alice")
        tail = self.start("tail", "--json", "--events", channel, "--token-file", self.token_of("bob"))

        def shown():
            self.run_verb("send", channel, "there?", as_="alice")
            return tail.out.all()

        until(shown, "message that tail shows")
        message = json.loads(tail.out.next_with("there?"))
        self.run_verb("mod delete-message", channel, str(message["sequence"]), as_="alice")
        deleted = json.loads(tail.out.next_with('"deleted"'))
        self.assertEqual(message["sequence"], deleted["deleted_sequence"])
        self.assertEqual(self.alice, deleted["by"]["id"])


if __name__ == "__main__":
    unittest.main()
