"""Accounts, their passwords and tokens, over both transports."""

import contextlib
import pathlib
import sqlite3
import ssl
import tempfile
import unittest

from harness.accounts import PASSWORD, AccountTestCase
from harness.line import LineClient
from harness.people import GrpcPerson
from harness.rpc import open_channel
from harness.tls import Certificates, TlsLineClient


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
        room = alice.must("CreateChannel", display_name="room").channel.id
        for person in (by_token, by_password):
            person.line.expect(f"$$joined: {room} 1 {alice.id} Alice")
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


class OtherCosts(AccountTestCase):
    """A server that hashes passwords otherwise than when they were set."""

    def test_a_login_hashes_anew(self):
        directory = tempfile.TemporaryDirectory(prefix="txtchat-e2e-")
        self.addCleanup(directory.cleanup)
        data = pathlib.Path(directory.name)

        def served(mib, act):
            """What `act` does with a stub; answers the costs that are kept then."""
            server = self.start_server(f"--password-memory-bytes={mib}MiB", data_dir=str(data))
            act(self.closing(open_channel(server.grpc_address)))
            server.stop()
            with contextlib.closing(sqlite3.connect(data / "txtchat.db")) as database:
                ((kept,),) = database.execute("SELECT password_hash FROM users WHERE login = 'ann'")
            return bytes(kept).split(b"$")[3].split(b",")[0]

        def log_in(channel):
            GrpcPerson(channel).must("Login", login_name="ann", password=PASSWORD)

        def log_in_wrong(channel):
            answer = GrpcPerson(channel).try_call("Login", login_name="ann", password="wrong one")
            self.assert_code("unauthenticated", answer)

        made = served(8, lambda channel: GrpcPerson.account(channel, "ann", "Ann", PASSWORD))
        self.assertEqual(b"m=8192", made)
        self.assertEqual(b"m=8192", served(16, log_in_wrong))
        self.assertEqual(b"m=16384", served(16, log_in))
        self.assertEqual(b"m=16384", served(16, log_in))


if __name__ == "__main__":
    unittest.main()
