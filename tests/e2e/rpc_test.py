"""Every RPC from Python's generated stubs: what it answers, and each error that the .proto
documents."""

import unittest

import grpc
from harness.rpc import GrpcUser, open_channel
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S
from txtchat.v1 import chat_pb2 as pb

Code = grpc.StatusCode

REFUSED_NAMES = {
    "empty": "",
    "129 bytes": "x" * 129,
    "300 characters": "é" * 300,
    "a dollar": "a$b",
    "a line feed": "a\nb",
    "a carriage return": "a\rb",
    "a NUL": "a\0b",
    "an escape": "\x1b[2J",
    "a C1 control": "a\u0085b",
}
NOWHERE = "0123456789"


class RpcTestCase(ServerTestCase):
    def guest(self, name):
        return self.closing(GrpcUser(self.server.grpc_address, name))

    def setUp(self):
        super().setUp()
        self.alice = self.guest("alice")

    def assert_fails(self, code, call, *arguments, **named):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*arguments, **named)
        self.assertEqual(code, caught.exception.code(), caught.exception.details())
        self.assertNotEqual("", caught.exception.details(), "an error says what happened")
        return caught.exception.details()


class Register(RpcTestCase):
    def test_answers_a_user_and_a_token(self):
        bob = self.guest("bob")
        self.assertRegex(self.alice.id, "^[0-9a-f]{16}$")
        self.assertEqual("alice", self.alice.name)
        self.assertNotEqual(self.alice.id, bob.id)
        self.assertNotEqual(self.alice.token, bob.token)
        self.assertGreaterEqual(len(bob.token), 32)
        personal = bob.call("GetChannel", pb.GetChannelRequest(channel_id=bob.id)).channel
        shown = (personal.id, personal.display_name, personal.member_count)
        self.assertEqual((bob.id, "bob", 1), shown)

    def test_takes_a_name_of_128_bytes(self):
        self.assertEqual("é" * 64, self.guest("é" * 64).name)

    def test_refuses_bad_names(self):
        for why, name in REFUSED_NAMES.items():
            with self.subTest(why):
                request = pb.RegisterRequest(display_name=name)
                self.assert_fails(
                    Code.INVALID_ARGUMENT, self.alice.stub.Register, request, timeout=DEADLINE_S
                )


class Channels(RpcTestCase):
    def get(self, user, channel_id):
        return user.call("GetChannel", pb.GetChannelRequest(channel_id=channel_id)).channel

    def test_created_joined_and_left(self):
        request = pb.CreateChannelRequest(display_name="rôom")
        created = self.alice.call("CreateChannel", request).channel
        self.assertRegex(created.id, "^[0-9a-f]{10}$")
        shown = (created.display_name, created.member_count, created.head_sequence)
        self.assertEqual(("rôom", 1, 1), shown)
        self.assertGreater(created.create_time.seconds, 1_600_000_000)
        bob = self.guest("bob")
        self.assertEqual(created, self.get(bob, created.id), "reading needs no membership")
        joined = bob.join(created.id)
        self.assertEqual((2, 2), (joined.member_count, joined.head_sequence))
        self.assertEqual(joined, bob.join(created.id), "joining again changes nothing")
        bob.leave(created.id)
        left = self.get(bob, created.id)
        self.assertEqual((1, 3), (left.member_count, left.head_sequence))

    def test_refuses_bad_names(self):
        for why, name in REFUSED_NAMES.items():
            with self.subTest(why):
                request = pb.CreateChannelRequest(display_name=name)
                self.assert_fails(Code.INVALID_ARGUMENT, self.alice.call, "CreateChannel", request)

    def test_an_unknown_channel_is_not_found(self):
        for unknown in (NOWHERE, "", "x" * 1000, "$$", "\0"):
            with self.subTest(unknown):
                for method, request in (
                    ("GetChannel", pb.GetChannelRequest(channel_id=unknown)),
                    ("ListMembers", pb.ListMembersRequest(channel_id=unknown)),
                    ("JoinChannel", pb.JoinChannelRequest(channel_id=unknown)),
                    ("LeaveChannel", pb.LeaveChannelRequest(channel_id=unknown)),
                    ("SendMessage", pb.SendMessageRequest(channel_id=unknown, text="x")),
                ):
                    self.assert_fails(Code.NOT_FOUND, self.alice.call, method, request)

    def test_leaving_without_being_a_member(self):
        channel = self.alice.create_channel("room")
        self.assert_fails(Code.FAILED_PRECONDITION, self.guest("bob").leave, channel)


class Lists(RpcTestCase):
    def all_pages(self, user, method, request, field):
        found, pages = [], 0
        while True:
            response = user.call(method, request)
            found += [entry.id for entry in getattr(response, field)]
            pages += 1
            if not response.next_page_token:
                return found, pages
            request.page_token = response.next_page_token

    def test_channels_come_in_pages_in_the_order_of_creation(self):
        created = [self.alice.create_channel(f"room {n}") for n in range(7)]
        bob = self.guest("bob")
        bob.join(created[3])
        request = pb.ListChannelsRequest(page_size=3)
        self.assertEqual((created, 3), self.all_pages(bob, "ListChannels", request, "channels"))
        request = pb.ListChannelsRequest(joined_only=True)
        own, _ = self.all_pages(bob, "ListChannels", request, "channels")
        self.assertCountEqual([bob.id, created[3]], own)
        request = pb.ListChannelsRequest(page_size=2_000_000_000)
        self.assertEqual((created, 1), self.all_pages(bob, "ListChannels", request, "channels"))

    def test_members_come_in_pages_in_the_order_of_registration(self):
        others = [self.guest(f"guest {n}") for n in range(4)]
        channel = self.alice.create_channel("room")
        for other in reversed(others):
            other.join(channel)
        request = pb.ListMembersRequest(channel_id=channel, page_size=2)
        members = [self.alice.id] + [other.id for other in others]
        listed = self.all_pages(self.alice, "ListMembers", request, "members")
        self.assertEqual((members, 3), listed)

    def test_only_members_may_list_members(self):
        channel = self.alice.create_channel("room")
        request = pb.ListMembersRequest(channel_id=channel)
        self.assert_fails(Code.PERMISSION_DENIED, self.guest("bob").call, "ListMembers", request)

    def test_refuses_bad_pages(self):
        channel = self.alice.create_channel("room")
        for page in ({"page_size": -1}, {"page_token": "no token"}, {"page_token": "\n" * 5000}):
            with self.subTest(page):
                request = pb.ListChannelsRequest(**page)
                self.assert_fails(Code.INVALID_ARGUMENT, self.alice.call, "ListChannels", request)
                request = pb.ListMembersRequest(channel_id=channel, **page)
                self.assert_fails(Code.INVALID_ARGUMENT, self.alice.call, "ListMembers", request)


class SendMessage(RpcTestCase):
    def setUp(self):
        super().setUp()
        self.channel = self.alice.create_channel("room")

    def test_answers_the_stored_message(self):
        message = self.alice.say(self.channel, "a\nb", b"\0" * 64)
        stored = (message.channel_id, message.sequence, message.text)
        self.assertEqual((self.channel, 2, "a\nb"), stored)
        self.assertEqual((self.alice.id, "alice"), (message.sender.id, message.sender.display_name))
        self.assertEqual(b"\0" * 64, message.client_message_id)
        self.assertGreater(message.create_time.seconds, 1_600_000_000)

    def test_takes_32_kib_and_no_more(self):
        self.assertEqual(2, self.alice.say(self.channel, "x" * 32768).sequence)
        self.assert_fails(Code.INVALID_ARGUMENT, self.alice.say, self.channel, "x" * 32769)

    def test_refuses_bad_messages(self):
        for text, message_id in (("", b""), ("a\0b", b""), ("x", b"x" * 65)):
            with self.subTest(text=text):
                self.assert_fails(
                    Code.INVALID_ARGUMENT, self.alice.say, self.channel, text, message_id
                )
        self.assertEqual(2, self.alice.say(self.channel, "nothing came between").sequence)

    def test_only_members_may_send(self):
        self.assert_fails(Code.PERMISSION_DENIED, self.guest("bob").say, self.channel, "x")


class ListMessages(RpcTestCase):
    def test_pages_from_both_ends_and_within_bounds(self):
        channel = self.alice.create_channel("general")
        for i in range(2, 9):
            self.alice.say(channel, str(i))

        def texts(**fields):
            request = pb.ListMessagesRequest(channel_id=channel, **fields)
            page = self.alice.call("ListMessages", request)
            return [message.text for message in page.messages], page.next_page_token

        first, token = texts(page_size=4)
        self.assertEqual(["2", "3", "4", "5"], first)
        self.assertEqual((["6", "7", "8"], ""), texts(page_size=4, page_token=token))
        self.assertEqual(["8", "7"], texts(page_size=2, order_by="sequence desc")[0])
        self.assertEqual((["4", "5"], ""), texts(after_sequence=3, before_sequence=6))

    def test_only_members_may_read(self):
        bob = self.closing(GrpcUser(self.server.grpc_address, "bob"))
        request = pb.ListMessagesRequest(channel_id=bob.create_channel("his own"))
        with self.assertRaises(grpc.RpcError) as caught:
            self.alice.call("ListMessages", request)
        self.assertEqual(Code.PERMISSION_DENIED, caught.exception.code())


class Subscribe(RpcTestCase):
    def test_the_first_response_tells_the_heads(self):
        channel = self.alice.create_channel("room")
        head = self.alice.say(channel, "before").sequence
        stream = self.closing(self.alice.subscribe_only())
        heartbeat = stream.next_event()
        self.assertEqual(("", 0), (heartbeat.channel_id, heartbeat.sequence))
        heads = {h.channel_id: h.head_sequence for h in heartbeat.heartbeat.heads}
        self.assertEqual({channel: head, self.alice.id: 1}, heads)
        self.alice.say(channel, "after")
        self.assertEqual((head + 1, "message_posted"), _place(stream.next_event()))

    def test_follows_later_joins_and_leaves(self):
        bob = self.guest("bob")
        stream = self.closing(self.alice.subscribe())
        channel = bob.create_channel("room")
        self.alice.join(channel)
        bob.say(channel, "welcome")
        self.alice.leave(channel)
        bob.say(channel, "gone?")
        self.alice.join(channel)
        bob.say(channel, "again")
        seen = [_place(stream.next_event()) for _ in range(5)]
        self.assertEqual(
            [
                (2, "member_joined"),
                (3, "message_posted"),
                (4, "member_left"),
                (6, "member_joined"),
                (7, "message_posted"),
            ],
            seen,
        )

    def test_a_chosen_set_is_all_it_gets(self):
        chosen, other = (self.alice.create_channel(name) for name in ("chosen", "other"))
        stream = self.closing(self.alice.subscribe(chosen))
        self.alice.say(other, "not this")
        self.alice.say(chosen, "this")
        self.alice.say(other, "nor this")
        self.alice.say(chosen, "and this")
        stream.expect_texts("this", "and this")

    def test_choosing_what_is_not_ones_own(self):
        channel = self.alice.create_channel("room")
        bob = self.guest("bob")
        for wanted, code in ((NOWHERE, Code.NOT_FOUND), (channel, Code.PERMISSION_DENIED)):
            end = bob.subscribe_only(bob.id, wanted).end()
            self.assertEqual(code, end[0], end)

    def test_two_streams_of_a_user_get_the_same(self):
        channel = self.alice.create_channel("room")
        streams = [self.closing(self.alice.subscribe()) for _ in range(2)]
        texts = [str(n) for n in range(20)]
        for text in texts:
            self.alice.say(channel, text)
        for stream in streams:
            stream.expect_texts(*texts)

    def test_a_17th_stream_of_a_user_is_refused(self):
        streams = [self.closing(self.alice.subscribe()) for _ in range(16)]
        end = self.alice.subscribe_only().end()
        self.assertEqual(Code.RESOURCE_EXHAUSTED, end[0], end)
        streams[0].close()
        self.closing(self.alice.subscribe_when_possible())


def _place(event):
    return event.sequence, event.WhichOneof("kind")


class Heartbeats(RpcTestCase):
    server_flags = ("--heartbeat-interval=1",)

    def test_a_quiet_stream_gets_them(self):
        channel = self.alice.create_channel("room")
        stream = self.closing(self.alice.subscribe(channel))
        for _ in range(2):
            heads = stream.next_of("heartbeat").heartbeat.heads
            self.assertEqual([(channel, 1)], [(h.channel_id, h.head_sequence) for h in heads])


class Limits(ServerTestCase):
    server_flags = ("--users-max=2", "--channels-max=1", "--grpc-streams-max=1")

    def test_each_is_told_by_name(self):
        alice, bob = (self.closing(GrpcUser(self.server.grpc_address, n)) for n in ("alice", "bob"))
        alice.create_channel("the only one")
        self.closing(alice.subscribe())
        refused = bob.subscribe_only().end()
        self.assertEqual(Code.RESOURCE_EXHAUSTED, refused[0])
        connection = self.closing(open_channel(self.server.grpc_address))
        for call in (
            lambda: GrpcUser(self.server.grpc_address, "carol", connection),
            lambda: bob.create_channel("the second"),
        ):
            with self.assertRaises(grpc.RpcError) as caught:
                call()
            self.assertEqual(Code.RESOURCE_EXHAUSTED, caught.exception.code())
            self.assertRegex(caught.exception.details(), r"[12]")


if __name__ == "__main__":
    unittest.main()
