"""Line clients of both dialects and a gRPC client in one channel: what each says, byte for byte as
each other one gets it. Nothing that a user writes may look like the server speaking."""

import unittest

from harness.line import LineClient
from harness.rpc import GrpcUser
from harness.server import ServerTestCase

# What a line client says: (text, what classic clients get, or None for the same). A line cannot
# hold a line feed, and a carriage return only where it is not the last character.
FROM_LINE = [
    ("plain", None),
    ("", None),
    ("price: $5, $", None),
    ("$join abc", None),
    ("a$$b$$", None),
    (" leading and trailing ", None),
    ("tab\there", None),
    ("žluťoučký kůň 🐎 \u2028 שלום", None),
    ("$$joined: x", [" $$joined: x"]),
    ("$$error: not_found: spoof", [" $$error: not_found: spoof"]),
    ("$$", [" $$"]),
    (" $$already spaced", None),
    ("\x01$$joined: x", [" $$joined: x"]),
    ("$\x02$joined: x", [" $$joined: x"]),
    ("\x1b[2Jclear\x07bell\x7f", ["[2Jclearbell"]),
    ("c1 \u0085next\u009b31m", ["c1 next31m"]),
    ("one\rtwo", ["one", "two"]),
    ("one\r$$two", ["one", " $$two"]),
]

# What a gRPC client says.
FROM_GRPC = [case for case in FROM_LINE if case[0]] + [
    ("one\ntwo", ["one", "two"]),
    ("one\r\ntwo", ["one", "two"]),
    ("hello\n$$joined: x", ["hello", " $$joined: x"]),
    ("\n$$error: internal: x\r$$bye: x", ["", " $$error: internal: x", " $$bye: x"]),
    ("\x01\n\x02$$joined: x\n", ["", " $$joined: x", ""]),
    ("\n", ["", ""]),
    ("back\\slash \\n", None),
]


def escaped(text):
    """A text in a tagged line."""
    out = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return "".join(c for c in out if c == "\t" or not (ord(c) < 32 or 127 <= ord(c) < 160))


class SharedChannel(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.alice = self.closing(LineClient(self.server.line_address))
        self.alice.register("alice")
        self.channel = self.alice.create_channel("room")
        self.tess = self.closing(LineClient(self.server.line_address))
        self.tess.register("tess")
        self.tess.join(self.channel)
        self.alice.expect(f"$$joined: {self.channel}")
        self.tess.send("hello$2")
        self.tess.expect("$$hello: 2")
        self.grace = self.closing(GrpcUser(self.server.grpc_address, "grace"))
        head = self.grace.join(self.channel).head_sequence
        self.alice.expect(f"$$joined: {self.channel}")
        self.tess.expect(f"$$joined: {self.channel} {head} {self.grace.id} grace")
        self.stream = self.closing(self.grace.subscribe())

    def expect_everywhere(self, sender_id, sender_name, text, classic):
        event = self.stream.next_of("message_posted")
        posted = event.message_posted
        self.assertEqual(
            (self.channel, sender_id, sender_name, text),
            (event.channel_id, posted.sender.id, posted.sender.display_name, posted.text),
        )
        unix_ms = event.create_time.ToMilliseconds()
        self.alice.expect(*([text] if classic is None else classic))
        self.tess.expect(
            f"$$msg: {self.channel} {event.sequence} {unix_ms} {sender_id} {sender_name}: "
            + escaped(text)
        )
        return event

    def test_what_a_line_client_says(self):
        for text, classic in FROM_LINE:
            with self.subTest(text=text):
                self.alice.say(self.channel, text)
                self.expect_everywhere(self.alice.uid, "alice", text, classic)

    def test_what_a_grpc_client_says(self):
        for number, (text, classic) in enumerate(FROM_GRPC):
            with self.subTest(text=text):
                message_id = b"\x00\xffid%d" % number
                stored = self.grace.say(self.channel, text, message_id)
                event = self.expect_everywhere(self.grace.id, "grace", text, classic)
                self.assertEqual(message_id, event.message_posted.client_message_id)
                self.assertEqual(
                    (stored.sequence, stored.create_time, stored.text),
                    (event.sequence, event.create_time, text),
                )

    def test_a_text_as_long_as_allowed(self):
        text = "é" * (16 * 1024)
        self.alice.say(self.channel, text)
        self.expect_everywhere(self.alice.uid, "alice", text, None)
        self.grace.say(self.channel, text)
        self.expect_everywhere(self.grace.id, "grace", text, None)

    def test_sequence_numbers_have_no_holes_and_are_the_same_everywhere(self):
        first = self.grace.say(self.channel, "first").sequence
        self.alice.expect("first")
        for number in range(50):
            speaker = (self.alice, self.grace)[number % 2]
            speaker.say(self.channel, str(number))
            self.alice.expect(str(number))
        sequences = [self.stream.next_of("message_posted").sequence for _ in range(51)]
        self.assertEqual(list(range(first, first + 51)), sequences)
        tagged = [int(self.tess.text_line().split(" ")[2]) for _ in range(51)]
        self.assertEqual(sequences, tagged)

    def test_joins_and_leaves_are_seen_on_both_sides(self):
        self.alice.send(f"leave${self.alice.uid}${self.channel}")
        left = self.stream.next_of("member_left")
        self.assertEqual(self.channel, left.channel_id)
        self.assertEqual(self.alice.uid, left.member_left.user.id)
        self.tess.expect(f"$$left: {self.channel} {left.sequence} {self.alice.uid} alice")
        self.alice.join(self.channel)
        joined = self.stream.next_of("member_joined")
        self.assertEqual("alice", joined.member_joined.user.display_name)
        self.grace.leave(self.channel)
        self.assertEqual(self.grace.id, self.stream.next_of("member_left").member_left.user.id)
        # A classic client is told nothing of a leave: the next thing it sees is a message.
        self.tess.say(self.channel, "who is left?")
        self.alice.expect("who is left?")

    def test_a_line_client_reaches_a_grpc_guest_in_its_personal_channel(self):
        self.alice.join(self.grace.id)
        self.assertEqual(self.grace.id, self.stream.next_of("member_joined").channel_id)
        self.alice.say(self.grace.id, "psst")
        self.alice.expect("psst")
        event = self.stream.next_of("message_posted")
        self.assertEqual((self.grace.id, "psst"), (event.channel_id, event.message_posted.text))

    def test_the_end_of_a_line_connection_is_a_leave(self):
        self.alice.send("quit")
        left = self.stream.next_of("member_left")
        self.assertEqual(self.channel, left.channel_id)
        self.assertEqual(self.alice.uid, left.member_left.user.id)


if __name__ == "__main__":
    unittest.main()
