"""Accounts, their passwords and tokens, over both transports."""

import os
import pathlib
import ssl
import unittest

from harness.forwarder import Forwarder
from harness.line import LineClient
from harness.people import GrpcPerson, LinePerson, bearer
from harness.rpc import Subscription, open_channel
from harness.server import ServerTestCase
from harness.tls import Certificates, TlsLineClient
from txtchat.v1 import chat_pb2, chat_pb2_grpc

CHEAP = "--password-memory-bytes=8388608"
PASSWORD = "a good password"


class AccountTestCase(ServerTestCase):
    server_flags = (CHEAP, "--store=memory")

    def setUp(self):
        super().setUp()
        self.channel = self.closing(open_channel(self.server.grpc_address))
        self.nobody = GrpcPerson(self.channel)

    def account(self, login, name, password=PASSWORD):
        return GrpcPerson.account(self.channel, login, name, password)

    def line(self, **who):
        return self.closing(LinePerson(self.server.line_address, **who))

    def with_token(self, token):
        return GrpcPerson(self.channel, token)

    def subscribe(self, token):
        """An open stream."""
        stub = chat_pb2_grpc.ChatServiceStub(self.channel)
        stream = Subscription(stub.Subscribe(chat_pb2.SubscribeRequest(), metadata=bearer(token)))
        self.addCleanup(stream.close)
        self.assertEqual("heartbeat", stream.next_event().WhichOneof("kind"))
        return stream

    def assert_code(self, code, answer):
        self.assertEqual(code, answer.code, answer)
        self.assertNotEqual("", answer.words)
        return answer.words


class OneUser(AccountTestCase):
    server_flags = (*AccountTestCase.server_flags, "--line-plain-login=true")

    def test_is_the_same_by_each_way_in(self):
        alice = self.account("alice@example.org", "Alice")
        logged_in = self.nobody.must("Login", login_name="alice@example.org", password=PASSWORD)
        self.assertEqual(alice.id, logged_in.user.id)
        self.assertNotEqual(alice.token, logged_in.token)
        me = self.with_token(logged_in.token).must("WhoAmI").user
        self.assertEqual((alice.id, "Alice"), (me.id, me.display_name))

        by_token = self.line(token=alice.token)
        by_password = self.line()
        by_password.line.send(f"login$alice@example.org${PASSWORD}")
        by_password.line.expect(f"$$registered: {alice.id} {alice.id}")
        classic = self.closing(LineClient(self.server.line_address))
        classic.send(f"auth${logged_in.token}")
        classic.expect(alice.id)
        for person in (by_token, by_password):
            self.assertEqual([f"$$whoami: {alice.id} Alice"], person.must("whoami"))

        # What one says, all of them see; whoever it was typed by.
        room = self.line(name="bob").must("create_chan$-$room")[0].split(" ")[1]
        alice.must("JoinChannel", channel_id=room)
        for person in (by_token, by_password):
            person.line.expect(f"$$joined: {room} 2 {alice.id} Alice")
        classic.expect(f"$$joined: {room}")
        by_password.line.send(f"send_msg$-${room}$hello")
        for person in (by_token, by_password):
            said = person.line.text_line()
            self.assertTrue(said.endswith(f" {alice.id} Alice: hello"), said)
        classic.expect("hello")

    def test_is_there_while_no_connection_is(self):
        alice = self.account("alice", "Alice")
        first = self.line(token=alice.token)
        first.must("create_chan$-$room")
        first.line.send("quit")
        first.line.rest()
        room = alice.must("ListChannels", joined_only=True).channels[-1].id
        bob = self.line(name="bob")
        bob.must(f"join$-${room}")
        self.assertTrue(any("Alice" in line for line in bob.must(f"members${room}")))
        again = self.line(token=alice.token)
        bob.must(f"send_msg$-${room}$welcome back")
        self.assertTrue(again.line.text_line().endswith("bob: welcome back"))

    def test_has_one_login_name_however_it_is_written(self):
        alice = self.account("Ålice", "Alice")
        for login in ("Ålice", "ÅLICE", "a\u030alice"):
            answer = self.nobody.must("Login", login_name=login, password=PASSWORD)
            self.assertEqual(alice.id, answer.user.id)
            person = self.line()
            self.assertIn(alice.id, person.must(f"login${login}${PASSWORD}")[0])
        taken = self.nobody.try_call(
            "CreateAccount", login_name="åLICE", display_name="Other", password=PASSWORD
        )
        self.assert_code("already_exists", taken)

    def test_a_password_may_have_dollars_in_it(self):
        alice = self.account("alice", "Alice", password="pa$$word$")
        self.assertIn(alice.id, self.line().must("login$alice$pa$$word$")[0])

    def test_nobody_learns_which_login_names_there_are(self):
        self.account("alice", "Alice")
        words = set()
        for login, password in (("alice", "not her password"), ("nobody", PASSWORD), ("", "")):
            tried = self.nobody.try_call("Login", login_name=login, password=password)
            words.add(self.assert_code("unauthenticated", tried))
            tried = self.line().try_line(f"login${login}${password}")
            words.add(self.assert_code("unauthenticated", tried))
        self.assertEqual(1, len(words), words)

    def test_is_refused_what_is_none(self):
        good = {"login_name": "alice", "display_name": "Alice", "password": PASSWORD}
        for bad in (
            {"password": "short"},
            {"password": "x" * 1_025},
            {"login_name": ""},
            {"login_name": "with space"},
            {"login_name": "x" * 65},
            {"display_name": ""},
            {"display_name": "a$b"},
            {"token_label": "x" * 65},
            {"token_lifetime": {"seconds": -1}},
            {"token_lifetime": {"seconds": 366 * 86_400}},
        ):
            with self.subTest(bad):
                answer = self.nobody.try_call("CreateAccount", **{**good, **bad})
                self.assert_code("invalid_argument", answer)
        self.nobody.must("CreateAccount", **good)

    def test_a_second_user_on_a_connection_is_refused(self):
        alice, bob = self.account("alice", "Alice"), self.account("bob", "Bob")
        for person in (self.line(name="guest"), self.line(token=alice.token)):
            refused = person.try_line(f"auth${bob.token}")
            self.assert_code("failed_precondition", refused)
            refused = person.try_line(f"login$bob${PASSWORD}")
            self.assert_code("failed_precondition", refused)
            self.assertIn(person.id, person.must("whoami")[0])


class Tokens(AccountTestCase):
    server_flags = (*AccountTestCase.server_flags, "--line-plain-login=true")

    def log_in(self, label="", **more):
        return self.nobody.must(
            "Login", login_name="alice", password=PASSWORD, token_label=label, **more
        )

    def test_are_listed_and_tell_no_secret(self):
        alice = self.account("alice", "Alice")
        self.log_in("telephone", token_lifetime={"seconds": 3600})
        tokens = alice.must("ListTokens").tokens
        self.assertEqual(["telephone", ""], [token.label for token in tokens])
        telephone = tokens[0]
        lifetime = telephone.expire_time.seconds - telephone.create_time.seconds
        self.assertEqual(3600, lifetime)
        self.assertNotIn(alice.token, str(tokens))
        as_token = self.with_token(telephone.id)
        self.assert_code("unauthenticated", as_token.try_call("WhoAmI"))

    def test_a_revoked_one_ends_what_was_opened_with_it(self):
        alice = self.account("alice", "Alice")
        lost = self.log_in("lost")
        kept_stream, lost_stream = self.subscribe(alice.token), self.subscribe(lost.token)
        kept_line, lost_line = self.line(token=alice.token), self.line(token=lost.token)
        lost_classic = self.closing(LineClient(self.server.line_address))
        lost_classic.send(f"auth${lost.token}")
        lost_classic.expect(alice.id)
        alice.must("RevokeToken", token_id=lost.token_info.id)
        code, words = lost_stream.end()
        self.assertEqual(("UNAUTHENTICATED", True), (code.name, "revoked" in words))
        lost_line.line.expect("$$bye: the token was revoked; log in again")
        self.assertIsNone(lost_line.line.read_line())
        lost_classic.expect_error("unauthenticated")
        self.assertIsNone(lost_classic.read_line())
        self.assert_code("unauthenticated", self.with_token(lost.token).try_call("WhoAmI"))
        self.assert_code("unauthenticated", self.line().try_line(f"auth${lost.token}"))
        # The others go on.
        alice.must("SendMessage", channel_id=alice.id, text="still here")
        self.assertEqual("still here", kept_stream.next_text())
        self.assertTrue(kept_line.line.text_line().endswith("Alice: still here"))
        self.assertEqual(1, len(alice.must("ListTokens").tokens))
        again = alice.try_call("RevokeToken", token_id=lost.token_info.id)
        self.assert_code("not_found", again)

    def test_those_of_others_cannot_be_revoked(self):
        self.account("alice", "Alice")
        bob = self.account("bob", "Bob")
        hers = self.log_in()
        refused = bob.try_call("RevokeToken", token_id=hers.token_info.id)
        self.assert_code("not_found", refused)
        self.with_token(hers.token).must("WhoAmI")

    def test_another_password_ends_all_others(self):
        alice = self.account("alice", "Alice")
        other = self.log_in()
        other_stream = self.subscribe(other.token)
        by_password = self.line()
        by_password.must(f"login$alice${PASSWORD}")
        wrong = alice.try_call("ChangePassword", former_password="no, no, no", password="x" * 10)
        self.assert_code("unauthenticated", wrong)
        short = alice.try_call("ChangePassword", former_password=PASSWORD, password="short")
        self.assert_code("invalid_argument", short)
        alice.must("ChangePassword", former_password=PASSWORD, password="another password")
        self.assertEqual("UNAUTHENTICATED", other_stream.end()[0].name)
        by_password.line.expect("$$bye: the password was changed; log in again")
        self.assertIsNone(by_password.line.read_line())
        alice.must("WhoAmI")
        self.assertEqual(1, len(alice.must("ListTokens").tokens))
        for password, code in ((PASSWORD, "unauthenticated"), ("another password", "ok")):
            tried = self.nobody.try_call("Login", login_name="alice", password=password)
            self.assertEqual(code, tried.code)
            self.assertEqual(code, self.line().try_line(f"login$alice${password}").code)


class Passwords(AccountTestCase):
    """Over lines, where nobody else can listen."""

    def setUp(self):
        self.certificates = Certificates("authority")
        self.addCleanup(self.certificates.close)
        certificate, key = self.certificates.issue("server")
        tls = ("--line-tls-listen=127.0.0.1:0", f"--tls-cert={certificate}", f"--tls-key={key}")
        self.server_flags = (*AccountTestCase.server_flags, *tls)
        super().setUp()

    def tls_line(self):
        address = self.server.wait_for_event("listening", transport="line-tls")["address"]
        host, port = address.rsplit(":", 1)
        context = ssl.create_default_context(cafile=self.certificates.ca)
        return self.closing(TlsLineClient((host, int(port)), context))

    def test_are_taken_with_tls_only(self):
        alice = self.account("alice", "Alice")
        plain = self.line()
        words = self.assert_code("permission_denied", plain.try_line(f"login$alice${PASSWORD}"))
        self.assertIn("TLS", words)
        # Right or wrong, before anybody looks.
        wrong = plain.try_line("login$alice$wrong password")
        self.assertEqual(words, self.assert_code("permission_denied", wrong))
        private = self.tls_line()
        private.send(f"login$alice${PASSWORD}")
        private.expect(alice.id)
        private.send("whoami")
        private.expect(f"$$whoami: {alice.id} Alice")

    def test_a_token_is_taken_without(self):
        alice = self.account("alice", "Alice")
        self.assertEqual(alice.id, self.line(token=alice.token).id)


class WhoIsAdmitted(AccountTestCase):
    server_flags = (CHEAP, "--store=memory", "--guests-admitted=false", "--line-plain-login=true")

    def test_guests_are_not(self):
        self.assert_code(
            "permission_denied", self.nobody.try_call("Register", display_name="guest")
        )
        line = self.line()
        self.assert_code("permission_denied", line.try_line("reg$guest"))
        self.assert_code("unauthenticated", line.try_line("create_chan$-$room"))
        # The same connection, once it is somebody.
        alice = self.account("alice", "Alice")
        self.assertIn(alice.id, line.must(f"auth${alice.token}")[0])
        line.must("create_chan$-$room")

    def test_nor_is_anybody_else_where_accounts_are_the_operators(self):
        server = self.start_server(CHEAP, "--accounts-open=false", "--guests-admitted=false")
        channel = self.closing(open_channel(server.grpc_address))
        made = GrpcPerson(channel).try_call(
            "CreateAccount", login_name="alice", display_name="Alice", password=PASSWORD
        )
        self.assert_code("permission_denied", made)


class Names(AccountTestCase):
    LIKE_ALICE = ("Alice", "alice", "AIice", "ALICE", "Αlice", "аlice", "Al\u0456ce", "Álice")

    def assert_taken(self, name):
        with self.subTest(name):
            taken = self.nobody.try_call("Register", display_name=name)
            self.assert_code("already_exists", taken)
            self.assert_code("already_exists", self.line().try_line(f"reg${name}"))
            guest = self.line(name="somebody")
            self.assert_code("already_exists", guest.try_line(f"reg${name}"))
            made = self.nobody.try_call(
                "CreateAccount", login_name="another", display_name=name, password=PASSWORD
            )
            self.assert_code("already_exists", made)
            other = GrpcPerson.guest(self.channel, "other")
            renamed = other.try_call("SetDisplayName", display_name=name)
            self.assert_code("already_exists", renamed)

    def test_that_look_like_an_accounts_are_refused(self):
        self.account("alice", "Alice")
        for name in self.LIKE_ALICE[:-1]:
            self.assert_taken(name)
        # One sees that it is another.
        self.line(name="Alicia")

    def test_of_guests_may_be_the_same_but_not_alike(self):
        self.line(name="Alice")
        self.line(name="Alice")
        self.assert_code("already_exists", self.line().try_line("reg$AIice"))

    def test_one_may_change_how_ones_own_is_written(self):
        alice = self.account("alice", "Alice")
        alice.must("SetDisplayName", display_name="ALICE")
        self.assertEqual("ALICE", alice.must("WhoAmI").user.display_name)


class Guessing(AccountTestCase):
    server_flags = (
        CHEAP, "--store=memory", "--line-plain-login=true", "--attempts-per-login=4",
    )  # fmt: skip

    def test_is_stopped_by_login_name_whoever_tries(self):
        alice = self.account("alice", "Alice")  # The first of four.
        self.account("bob", "Bob")
        line = self.line()
        for tried in (
            self.nobody.try_call("Login", login_name="alice", password="guess one"),
            line.try_line("login$alice$guess two"),
            self.nobody.try_call("Login", login_name="ALICE", password="guess three"),
        ):
            self.assert_code("unauthenticated", tried)
        for tried in (
            self.nobody.try_call("Login", login_name="alice", password=PASSWORD),
            self.line().try_line(f"login$alice${PASSWORD}"),
        ):
            self.assert_code("resource_exhausted", tried)
        # Neither others are held up, nor whoever has a token.
        self.nobody.must("Login", login_name="bob", password=PASSWORD)
        alice.must("WhoAmI")
        self.line(token=alice.token)

    def test_is_stopped_by_address(self):
        server = self.start_server(
            CHEAP,
            "--line-plain-login=true",
            "--shared-address-ranges=none",
            "--attempts-per-address=3",
        )
        connect = lambda: self.closing(LinePerson(server.line_address))
        for n in range(3):
            self.assert_code("unauthenticated", connect().try_line(f"auth$guess {n}"))
        self.assert_code("resource_exhausted", connect().try_line("auth$guess 4"))
        self.assert_code("resource_exhausted", connect().try_line("login$alice$guess 5"))
        nobody = GrpcPerson(self.closing(open_channel(server.grpc_address)))
        tried = nobody.try_call("Login", login_name="alice", password="guess 6")
        self.assert_code("resource_exhausted", tried)


class BehindNat(AccountTestCase):
    def test_a_connection_is_its_user_whatever_address_it_believes_to_have(self):
        nat = self.closing(Forwarder(self.server.line_address, source="127.0.0.2"))
        alice = self.account("alice", "Alice")
        inside = self.closing(LineClient(nat.address))
        inside.send(f"auth${alice.token}")
        inside.expect(alice.id)
        guest = self.line(name="guest")
        for uid in ("", "-", alice.id, inside.own_uid):
            with self.subTest(uid=uid):
                inside.send(f"send_msg${uid}${alice.id}$as {uid}")
                inside.expect(f"as {uid}")
        inside.send(f"send_msg${guest.id}${alice.id}$as somebody else")
        inside.expect_error("permission_denied")
        # Nor does anybody become an account by saying so.
        for line in (f"send_msg${alice.id}${guest.id}$x", f"create_chan${alice.id}$x"):
            self.assert_code("permission_denied", guest.try_line(line))


class Secrets(AccountTestCase):
    server_flags = (CHEAP, "--line-plain-login=true", "--log-level=debug")

    def test_are_neither_logged_nor_stored(self):
        alice = self.account("alice", "Alice", password="correct horse battery")
        other = self.nobody.must(
            "Login", login_name="alice", password="correct horse battery"
        ).token
        line = self.line()
        line.must("login$alice$correct horse battery")
        self.line().try_line("login$alice$wrong horse battery")
        self.line().try_line("auth$a-token-that-is-none-at-all")
        self.line(token=other)
        alice.must(
            "ChangePassword", former_password="correct horse battery", password="battery staple"
        )
        private = chat_pb2.CHANNEL_KIND_PRIVATE
        den = alice.must("CreateChannel", display_name="den", kind=private).channel.id
        code = alice.must("CreateInvite", channel_id=den).code
        by_line = self.line(token=alice.token)
        line_code = by_line.must(f"invite${den}")[0].split(" ")[2]
        GrpcPerson.guest(self.channel, "bob").must("JoinByInvite", code=code)
        secrets = [
            alice.token, other, code, line_code, "correct horse", "wrong horse",
            "battery staple", "a-token-that-is-none",
        ]  # fmt: skip
        directory = pathlib.Path(self.server.data_dir)
        self.assertGreater(len(line_code), 40)

        def assert_nowhere():
            for path in directory.rglob("*"):
                content = path.read_bytes() if path.is_file() else b""
                for secret in secrets:
                    self.assertNotIn(secret.encode(), content, f"{secret} is in {path.name}")
            for secret in secrets:
                self.assertNotIn(secret, self.server.log_text())

        assert_nowhere()
        # What is kept can be read by the server's user alone.
        for path in (directory / "txtchat.db", *directory.glob("txtchat.db-*")):
            self.assertEqual(0, os.stat(path).st_mode & 0o077, path)
        self.server.kill()
        assert_nowhere()


if __name__ == "__main__":
    unittest.main()
