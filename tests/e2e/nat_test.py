"""Clients whose own address is not the one that the server sees: behind a NAT, or at a published
container port. Identity is the connection; the UID field is only checked."""

import unittest

from harness.forwarder import Forwarder
from harness.line import LineClient, OriginalClient
from harness.server import ServerTestCase


class BehindNat(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.nat = Forwarder(self.server.line_address, source="127.0.0.2")
        self.addCleanup(self.nat.close)

    def test_two_original_clients_behind_it_chat(self):
        alice = self.closing(OriginalClient(self.nat.address, "alice"))
        bob = self.closing(OriginalClient(self.nat.address, "bob"))
        self.assertTrue(bob.personal.startswith("127.0.0.2:"), bob.personal)
        alice.type(f"$join {bob.personal}")
        for client in (alice, bob):
            self.assertEqual(f">> $$joined: {bob.personal}", client.shows())
        for speaker, text in ((alice, "hello from behind"), (bob, "hello to you")):
            speaker.type(text)
            for client in (alice, bob):
                self.assertEqual(f">> {text}", client.shows())

    def test_every_command_works_with_the_clients_own_address(self):
        inside = self.closing(LineClient(self.nat.address))
        outside = self.closing(LineClient(self.server.line_address))
        outside.register("outside")
        seen_uid = inside.register("inside")
        self.assertNotEqual(inside.own_uid, seen_uid)
        inside.uid = inside.own_uid  # As the original client does.

        channel = inside.create_channel("room")
        outside.join(channel)
        inside.expect(f"$$joined: {channel}")
        inside.say(channel, "from inside")
        outside.say(channel, "from outside")
        for client in (inside, outside):
            self.assertCountEqual(
                ["from inside", "from outside"], [client.text_line(), client.text_line()]
            )
        inside.join(outside.uid)
        outside.expect(f"$$joined: {outside.uid}")
        inside.send(f"leave${inside.uid}${outside.uid}")
        self.assertEqual([], inside.sync())
        outside.say(outside.uid, "to myself")
        outside.expect("to myself")
        inside.send(f"send_msg${inside.uid}${outside.uid}$not a member any more")
        inside.expect_error("permission_denied")

    def test_the_id_of_somebody_present_is_refused(self):
        victim = self.closing(LineClient(self.server.line_address))
        victim.register("victim")
        channel = victim.create_channel("room")
        for address in (self.nat.address, self.server.line_address):
            thief = self.closing(LineClient(address))
            thief.register("thief")
            for command in (
                f"send_msg${victim.uid}${victim.uid}$I am the victim",
                f"create_chan${victim.uid}$stolen",
                f"join${victim.uid}${channel}",
                f"leave${victim.uid}${channel}",
            ):
                with self.subTest(command=command, address=address):
                    thief.send(command)
                    thief.expect_error("permission_denied")
        victim.say(channel, "nobody was harmed")
        victim.expect("nobody was harmed")

    def test_an_address_that_is_free_again_is_nobodys(self):
        gone = LineClient(self.server.line_address)
        gone.register("gone")
        other = self.closing(LineClient(self.nat.address))
        other.register("other")
        other.send(f"send_msg${gone.uid}${other.uid}$x")
        other.expect_error("permission_denied")
        other.join(gone.uid)  # A member there sees it leave.
        gone.expect(f"$$joined: {gone.uid}")
        other.send("hello$2")
        other.expect("$$hello: 2")
        gone.close()
        # To TCP this might be the end of its sending only: the next line to it finds out.
        other.say(gone.uid, "is anybody there?")
        self.assertTrue(other.text_line().endswith(": is anybody there?"))
        self.assertTrue(other.text_line().startswith(f"$$left: {gone.uid} "))
        other.send(f"send_msg${gone.uid}${other.uid}$mine now")
        self.assertTrue(other.text_line().endswith("other: mine now"))

    def test_what_is_no_id_at_all_is_refused(self):
        client = self.closing(LineClient(self.nat.address))
        client.register("client")
        client.send(f"send_msg$somebody${client.uid}$text")
        client.expect_error("invalid_argument")
        for field in ("", "-", client.uid, client.own_uid):
            with self.subTest(field=field):
                client.send(f"send_msg${field}${client.uid}$as {field}")
                client.expect(f"as {field}")


if __name__ == "__main__":
    unittest.main()
