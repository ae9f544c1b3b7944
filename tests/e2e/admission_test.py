"""Who is let in, and by what name: guests or not, names that look alike, guesses, addresses that
are not what they seem, secrets that stay secrets."""

import os
import pathlib
import unittest

import grpc
from harness.accounts import CHEAP, PASSWORD, AccountTestCase
from harness.forwarder import Forwarder
from harness.line import LineClient
from harness.people import GrpcPerson, LinePerson
from harness.rpc import open_channel
from txtchat.v1 import chat_pb2


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

    def test_that_look_like_one_in_another_script_are_refused(self):
        maksim = self.account("maksim", "Максим")
        for name in ("Максим", "Mаксим", "максим", "МАКСИМ"):
            self.assert_taken(name)
        for own in ("МАКСИМ", "Mаксим", "Maksim"):
            maksim.must("SetDisplayName", display_name=own)
        # All of them are free again.
        self.account("other", "Максим")

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
        with self.assertRaises(grpc.RpcError) as refused:
            nobody.call("Login", login_name="alice", password="guess 6")
        error = refused.exception
        self.assertEqual(grpc.StatusCode.RESOURCE_EXHAUSTED, error.code())
        trailers = dict(error.trailing_metadata())
        self.assertIn(f"; retry after {trailers['retry-after-ms']} ms", error.details())
        self.assertIn(b"google.rpc.RetryInfo", trailers["grpc-status-details-bin"])

    def test_is_what_counts_and_not_coming_back_by_a_right_one(self):
        server = self.start_server(
            CHEAP,
            "--line-plain-login=true",
            "--shared-address-ranges=none",
            "--attempts-per-address=4",
            "--attempts-per-login=4",
        )
        connect = lambda: self.closing(LinePerson(server.line_address))
        nobody = GrpcPerson(self.closing(open_channel(server.grpc_address)))
        made = nobody.must(
            "CreateAccount", display_name="Alice", login_name="alice", password=PASSWORD
        )
        # One of four is taken, and comes back in 15 seconds: more of these than would be left.
        for _ in range(6):
            connect().must(f"auth${made.token}")
            connect().must(f"login$alice${PASSWORD}")
            nobody.must("Login", login_name="alice", password=PASSWORD)
        tries = [connect().try_line(f"auth$guess {n}").code for n in range(6)]
        self.assertEqual("unauthenticated", tries[0])
        self.assertEqual("resource_exhausted", tries[-1])
        self.assert_code("resource_exhausted", connect().try_line(f"auth${made.token}"))


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
