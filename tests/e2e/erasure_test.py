"""What is deleted or erased is gone: for others, and from the disk."""

import pathlib
import tempfile
import unittest

from harness.people import GrpcPerson, LinePerson, bearer
from harness.rpc import Subscription, open_channel
from harness.server import ServerTestCase
from harness.wait import until
from txtchat.v1 import chat_pb2, chat_pb2_grpc

PRIVATE = chat_pb2.CHANNEL_KIND_PRIVATE
PASSWORD = "a good password"
# Longer than a page of the database, and shorter.
LONG = "a long secret of hers, " * 400
WORDS = [f"secret number {n} of hers" for n in range(40)] + [LONG]


class Erasure(ServerTestCase):
    def setUp(self):
        data = tempfile.TemporaryDirectory(prefix="txtchat-e2e-")
        self.addCleanup(data.cleanup)
        self.directory = pathlib.Path(data.name)
        self.server = self.start_server("--password-memory-bytes=8388608", data_dir=data.name)
        self.channel = self.closing(open_channel(self.server.grpc_address))
        self.bob = GrpcPerson.guest(self.channel, "bob")

    def alice(self, name="Alice Liddell"):
        return GrpcPerson.account(self.channel, "alice@example.org", name)

    def line(self, **who):
        return self.closing(LinePerson(self.server.line_address, **who))

    def say(self, person, channel, *texts):
        """Answers the numbers."""
        said = [person.must("SendMessage", channel_id=channel, text=text) for text in texts]
        return [each.message.sequence for each in said]

    def export(self, person):
        texts, token = [], ""
        while True:
            page = person.must("ExportMessages", page_token=token)
            texts += [(each.channel_id, each.text) for each in page.messages]
            token = page.next_page_token
            if not token:
                return texts

    def events(self, person, channel, until_sequence):
        """Everything that is kept of a channel, as a stream tells it."""
        position = chat_pb2.ChannelPosition(channel_id=channel, after_sequence=0)
        stub = chat_pb2_grpc.ChatServiceStub(self.channel)
        request = chat_pb2.SubscribeRequest(channel_ids=[channel], positions=[position])
        stream = Subscription(stub.Subscribe(request, metadata=bearer(person.token)))
        found = []
        while not found or found[-1].sequence < until_sequence:
            event = stream.next_event()
            if event.sequence:
                found.append(event)
        stream.close()
        return found

    def on_disk(self, *words):
        """Which of them are in some file of the data directory."""
        content = b"".join(p.read_bytes() for p in self.directory.rglob("*") if p.is_file())
        return [word[:40] for word in words if word.encode() in content]

    def await_gone(self, *words):
        until(lambda: not self.on_disk(*words), f"disk without {self.on_disk(*words)}")

    def assert_gone(self, *words):
        self.await_gone(*words)
        self.server.stop()
        self.assertEqual([], self.on_disk(*words))


class OfAUser(Erasure):
    def test_takes_what_it_said_from_others_and_from_the_disk(self):
        alice = self.alice()
        hall = self.bob.must("CreateChannel", display_name="hall").channel.id
        den = alice.must("CreateChannel", display_name="den", kind=PRIVATE).channel.id
        pair = alice.must("OpenDirectChannel", user_id=self.bob.id).channel.id
        alice.must("JoinChannel", channel_id=hall)
        alice.must("AddMember", channel_id=den, user_id=self.bob.id)
        said = {channel: self.say(alice, channel, *WORDS) for channel in (hall, den, pair)}
        kept = self.say(self.bob, hall, "what bob says stays")
        self.assertEqual(WORDS, [text for where, text in self.export(alice) if where == pair])
        self.assertEqual(3 * len(WORDS), len(self.export(alice)))
        self.assertEqual(["what bob says stays"], [text for _, text in self.export(self.bob)])
        self.assertEqual(
            ["Alice Liddell", "alice@example.org", WORDS[0]],
            self.on_disk("Alice Liddell", "alice@example.org", WORDS[0]),
        )

        line = self.line(name="listener")
        line.must(f"join$-${hall}")
        alice.must("EraseUser", password=PASSWORD)
        self.assertTrue(line.line.text_line().startswith(f"$$left: {hall} "))
        self.await_gone("Alice Liddell", "alice@example.org", *WORDS)
        for channel, sequences in said.items():
            head = self.bob.must("GetChannel", channel_id=channel).channel.head_sequence
            events = {event.sequence: event for event in self.events(self.bob, channel, head)}
            told = "".join(str(event) for event in events.values())
            self.assertNotIn("Alice", told)
            self.assertNotIn("of hers", told)
            self.assertEqual(list(range(1, head + 1)), sorted(events), "numbers stay")
            for sequence in sequences:
                removed = events[sequence].message_removed
                self.assertEqual(alice.id, removed.sender.id)
                self.assertEqual("(erased)", removed.sender.display_name)
            listed = self.bob.must("ListMessages", channel_id=channel).messages
            self.assertEqual([kept] if channel == hall else [], [[m.sequence] for m in listed])
        line.must(f"leave$-${hall}")
        resumed = line.must(f"resume${hall}$0")
        removed = [each for each in resumed if each.startswith("$$removed: ")]
        self.assertEqual(len(WORDS), len(removed))
        self.assertFalse([each for each in resumed if "Alice" in each or "of hers" in each])
        self.assert_gone("Alice Liddell", "alice@example.org", *WORDS)

    def test_reaches_those_who_have_read_meanwhile(self):
        alice = self.alice()
        hall = self.bob.must("CreateChannel", display_name="hall").channel.id
        for channel in (hall, alice.id):
            self.bob.must("JoinChannel", channel_id=channel)
        alice.must("JoinChannel", channel_id=hall)
        self.say(alice, hall, *WORDS)
        alice.must("EraseUser", password=PASSWORD)
        head = self.bob.must("GetChannel", channel_id=hall).channel.head_sequence
        self.events(self.bob, hall, head)  # Before the texts are gone.
        self.await_gone("Alice Liddell", *WORDS)
        told = "".join(str(event) for event in self.events(self.bob, hall, head))
        self.assertNotIn("Alice", told)
        self.assertNotIn("of hers", told)

    def test_ends_it_with_all_that_it_had(self):
        alice = self.alice()
        stub = chat_pb2_grpc.ChatServiceStub(self.channel)
        request = chat_pb2.SubscribeRequest()
        stream = Subscription(stub.Subscribe(request, metadata=bearer(alice.token)))
        stream.next_event()
        line = self.line(token=alice.token)
        for password in ("", "a wrong password"):
            refused = alice.try_call("EraseUser", password=password)
            self.assertEqual("unauthenticated", refused.code)
        alice.must("WhoAmI")
        alice.must("EraseUser", password=PASSWORD)
        self.assertEqual("UNAUTHENTICATED", stream.end()[0].name)
        line.line.expect(f"$$left: {alice.id} 2 {alice.id} Alice Liddell")
        line.line.expect("$$bye: the user was erased")
        self.assertEqual("unauthenticated", alice.try_call("WhoAmI").code)
        nobody = GrpcPerson(self.channel)
        tried = nobody.try_call("Login", login_name="alice@example.org", password=PASSWORD)
        self.assertEqual("unauthenticated", tried.code)
        # Both names are free, and whoever takes them is somebody else.
        again = self.alice()
        self.assertNotEqual(alice.id, again.id)
        self.assertEqual([], self.export(again))

    def test_is_for_guests_too(self):
        carol = GrpcPerson.guest(self.channel, "Carol Danvers")
        hall = self.bob.must("CreateChannel", display_name="hall").channel.id
        carol.must("JoinChannel", channel_id=hall)
        self.say(carol, hall, *WORDS)
        carol.must("EraseUser")
        self.assertEqual("unauthenticated", carol.try_call("WhoAmI").code)
        self.assert_gone("Carol Danvers", *WORDS)

    def test_goes_on_after_a_crash(self):
        alice = self.alice()
        hall = self.bob.must("CreateChannel", display_name="hall").channel.id
        alice.must("JoinChannel", channel_id=hall)
        self.say(alice, hall, *(f"{text} again {n}" for n in range(10) for text in WORDS))
        alice.must("EraseUser", password=PASSWORD)
        self.server.kill()
        self.server = self.start_server(data_dir=str(self.directory))
        self.assert_gone("Alice Liddell", "alice@example.org", *WORDS)


class OfAMessage(Erasure):
    def test_takes_it_from_the_disk(self):
        hall = self.bob.must("CreateChannel", display_name="hall").channel.id
        numbers = self.say(self.bob, hall, *WORDS)
        self.assertEqual([WORDS[3]], self.on_disk(WORDS[3]))
        line = self.line(name="moderator")
        line.must(f"join$-${hall}")
        role = chat_pb2.ROLE_MODERATOR
        self.bob.must("SetRole", channel_id=hall, user_id=line.id, role=role)
        self.bob.must("DeleteMessage", channel_id=hall, sequence=numbers[-1])
        line.must(f"delete_msg${hall}${numbers[3]}")
        listed = self.bob.must("ListMessages", channel_id=hall).messages
        self.assertEqual([t for t in WORDS if t not in (WORDS[3], LONG)], [m.text for m in listed])
        self.assert_gone(WORDS[3], LONG)


class OfAChannel(Erasure):
    def test_takes_what_was_said_there(self):
        hall = self.bob.must("CreateChannel", display_name="the hall of secrets").channel.id
        self.say(self.bob, hall, *WORDS)
        self.bob.must("SetTopic", channel_id=hall, topic="a secret topic")
        self.bob.must("DeleteChannel", channel_id=hall)
        answer = self.bob.try_call("GetChannel", channel_id=hall)
        self.assertEqual("not_found", answer.code)
        self.assertEqual([], self.export(self.bob))
        self.assert_gone("the hall of secrets", "a secret topic", *WORDS)


if __name__ == "__main__":
    unittest.main()
