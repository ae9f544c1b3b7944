"""Users of the operator's own backend, which vouches for them with signed tokens (JWT)."""

import pathlib
import signal
import tempfile
import unittest

from harness import jwt
from harness.people import GrpcPerson, LinePerson, bearer
from harness.rpc import Subscription, open_channel
from harness.server import ServerTestCase
from harness.wait import until
from txtchat.v1 import chat_pb2, chat_pb2_grpc

SECRET = b"a secret of the backend, 32 bytes and more"
OTHER = b"the next secret of it, 32 bytes and more"
CLAIMS = {"iss": "backend", "aud": "chat"}


class SignedTokens(ServerTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="txtchat-keys-")
        self.addCleanup(directory.cleanup)
        self.keys = pathlib.Path(directory.name) / "keys.json"
        self.keys.write_text(jwt.key_set(SECRET), encoding="ascii")
        self.server_flags = (
            f"--jwt-keys={self.keys}",
            "--jwt-issuer=backend",
            "--jwt-audience=chat",
            "--guests-admitted=false",
            "--password-memory-bytes=8388608",
            "--log-level=debug",
        )
        super().setUp()
        self.channel = self.closing(open_channel(self.server.grpc_address))

    def token(self, sub="alice", *, secret=SECRET, **more):
        return jwt.token(secret, sub, **{**CLAIMS, **more})

    def who_am_i(self, token):
        return GrpcPerson(self.channel, token).try_call("WhoAmI")

    def line(self, token=None):
        return self.closing(LinePerson(self.server.line_address, token=token))

    def reload(self, content, event):
        """Has the server read other keys; answers what it logs of them."""
        logged = lambda: [entry for entry in self.server.events() if entry["event"] == event]
        before = len(logged())
        # Whole at once, since the server also looks by itself.
        fresh = self.keys.with_suffix(".new")
        fresh.write_text(content, encoding="ascii")
        fresh.replace(self.keys)
        self.server.process.send_signal(signal.SIGHUP)
        return until(lambda: logged()[before:], event)[0]


class Users(SignedTokens):
    def test_are_the_same_over_both_transports_and_with_each_token(self):
        first = self.who_am_i(self.token(name="Alice")).result.user
        self.assertEqual("Alice", first.display_name)
        self.assertRegex(first.id, "^[0-9a-f]{16}$")
        again = self.who_am_i(self.token(lifetime_s=1200)).result.user
        self.assertEqual((first.id, "Alice"), (again.id, again.display_name))
        line = self.line(self.token())
        self.assertEqual(first.id, line.id)
        self.assertEqual([f"$$whoami: {first.id} Alice"], line.must("whoami"))
        self.assertNotEqual(first.id, self.who_am_i(self.token("bob")).result.user.id)

    def test_have_the_name_that_the_backend_says(self):
        line = self.line(self.token(name="Alice"))
        self.who_am_i(self.token(name="Alice Smith"))
        self.assertEqual([f"$$whoami: {line.id} Alice Smith"], line.must("whoami"))
        self.assertEqual("failed_precondition", line.try_line("reg$another").code)
        person = GrpcPerson(self.channel, self.token())
        renamed = person.try_call("SetDisplayName", display_name="another")
        self.assertEqual("failed_precondition", renamed.code)
        changed = person.try_call("ChangePassword", former_password="x", password="x" * 10)
        self.assertEqual("failed_precondition", changed.code)
        self.assertEqual([], list(person.must("ListTokens").tokens))

    def test_chat_with_each_other(self):
        alice = self.line(self.token("alice"))
        bob = GrpcPerson(self.channel, self.token("bob"))
        room = alice.must("create_chan$-$room")[0].split(" ")[1]
        bob.must("JoinChannel", channel_id=room)
        bob.must("SendMessage", channel_id=room, text="hello")
        self.assertTrue(any(line.endswith(": hello") for line in alice.line.sync()))

    def test_may_join_the_private_channels_that_the_backend_names(self):
        owner = GrpcPerson(self.channel, self.token("owner"))
        private = chat_pb2.CHANNEL_KIND_PRIVATE
        den = owner.must("CreateChannel", display_name="den", kind=private).channel.id
        self.assertEqual("not_found", self.line(self.token("bob")).try_line(f"join$-${den}").code)
        line = self.line(self.token("bob", channels=[den]))
        joined = line.must(f"join$-${den}")
        self.assertTrue(any(each.startswith(f"$$joined: {den} ") for each in joined))
        GrpcPerson(self.channel, self.token("carol", channels=[den])).must(
            "JoinChannel", channel_id=den
        )

    def test_are_there_after_a_restart(self):
        person = GrpcPerson(self.channel, self.token(name="Alice"))
        room = person.must("CreateChannel", display_name="room").channel.id
        data = tempfile.TemporaryDirectory(prefix="txtchat-e2e-")
        self.addCleanup(data.cleanup)
        first = self.start_server(*self.server_flags, data_dir=data.name)
        channel = self.closing(open_channel(first.grpc_address))
        before = GrpcPerson(channel, self.token(name="Alice"))
        room = before.must("CreateChannel", display_name="room").channel.id
        user = before.must("WhoAmI").user
        first.kill()
        second = self.start_server(*self.server_flags, data_dir=data.name)
        after = GrpcPerson(self.closing(open_channel(second.grpc_address)), self.token())
        self.assertEqual(user, after.must("WhoAmI").user)
        after.must("SendMessage", channel_id=room, text="back")


class FalseOnes(SignedTokens):
    def test_tokens_are_nobodys(self):
        good = self.token()
        header, claims, signature = good.split(".")
        for why, token in {
            "signed by another": self.token(secret=OTHER),
            "not signed": f"{header}.{claims}.",
            "another algorithm": self.token(algorithm="none"),
            "an algorithm of other keys": self.token(algorithm="RS256"),
            "changed": f"{header}.{claims[:-2]}{'AA' if claims[-2:] != 'AA' else 'BB'}.{signature}",
            "of another issuer": self.token(iss="others"),
            "of no issuer": self.token(iss=None),
            "for others": self.token(aud=["others"]),
            "for nobody": self.token(aud=None),
            "expired": self.token(lifetime_s=-60),
            "without an end": self.token(exp=None),
            "not valid yet": self.token(nbf=2**32),
            "of nobody": self.token(sub=""),
            "too long": self.token(name="x" * 9000),
        }.items():
            with self.subTest(why):
                answer = self.who_am_i(token)
                self.assertEqual("unauthenticated", answer.code, answer)
                self.assertNotIn(token, answer.words)
                line = self.line().try_line(f"auth${token}")
                self.assertEqual("unauthenticated", line.code, line)
                if why != "too long":  # gRPC takes no header as long.
                    self.assertEqual(answer.words, line.words)
        self.assertEqual("ok", self.who_am_i(good).code)
        self.assertNotIn(claims, self.server.log_text())

    def test_tokens_end_nothing_that_is_open(self):
        line = self.line(self.token())
        self.who_am_i(self.token(secret=OTHER))
        self.assertEqual("ok", line.try_line("whoami").code)


class Ends(SignedTokens):
    def test_what_a_token_opened_ends_with_it(self):
        # 30 s are allowed for clocks that are apart: it ends in ten.
        brief = self.token(lifetime_s=-20)
        line = self.line(brief)
        stub = chat_pb2_grpc.ChatServiceStub(self.channel)
        stream = Subscription(stub.Subscribe(chat_pb2.SubscribeRequest(), metadata=bearer(brief)))
        code, words = stream.end()
        self.assertEqual(("UNAUTHENTICATED", True), (code.name, "expired" in words))
        line.line.expect("$$bye: the token has expired; get another one")
        self.assertIsNone(line.line.read_line())
        self.assertEqual("unauthenticated", self.who_am_i(brief).code)
        self.assertEqual("ok", self.who_am_i(self.token()).code)


class Keys(SignedTokens):
    def test_are_changed_without_a_restart(self):
        self.assertEqual("ok", self.who_am_i(self.token()).code)
        self.assertEqual("unauthenticated", self.who_am_i(self.token(secret=OTHER)).code)
        self.reload(jwt.key_set(OTHER, SECRET), "keys of tokens reloaded")
        for secret in (SECRET, OTHER):
            self.assertEqual("ok", self.who_am_i(self.token(secret=secret)).code)
            self.line(self.token(secret=secret))

    def test_that_are_withdrawn_count_no_more(self):
        former = self.token()
        self.assertEqual("ok", self.who_am_i(former).code)
        self.reload(jwt.key_set(OTHER), "keys of tokens reloaded")
        # It had been found good before.
        self.assertEqual("unauthenticated", self.who_am_i(former).code)
        self.assertEqual("unauthenticated", self.line().try_line(f"auth${former}").code)

    def test_that_cannot_be_read_change_nothing(self):
        for content in ("", "{", jwt.key_set(b"too short")):
            with self.subTest(content):
                said = self.reload(content, "keys of tokens refused, the former are kept")
                self.assertIn(str(self.keys), said["reason"])
                self.assertEqual("ok", self.who_am_i(self.token()).code)
        self.assertNotIn("too short", self.server.log_text().replace("is too short", ""))


if __name__ == "__main__":
    unittest.main()
