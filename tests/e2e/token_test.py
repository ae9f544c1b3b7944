"""Who a gRPC caller is: tokens that are missing, false or ended; and the life of a guest."""

import unittest

import grpc
from harness.http2 import send_call
from harness.line import LineClient
from harness.rpc import GrpcUser
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S, until
from txtchat.v1 import chat_pb2 as pb

CALLS = {
    "CreateChannel": pb.CreateChannelRequest(display_name="x"),
    "GetChannel": pb.GetChannelRequest(channel_id="x"),
    "ListChannels": pb.ListChannelsRequest(),
    "ListMembers": pb.ListMembersRequest(channel_id="x"),
    "JoinChannel": pb.JoinChannelRequest(channel_id="x"),
    "LeaveChannel": pb.LeaveChannelRequest(channel_id="x"),
    "SendMessage": pb.SendMessageRequest(channel_id="x", text="x"),
}


class FalseTokens(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.alice = self.closing(GrpcUser(self.server.grpc_address, "alice"))

    def assert_nobody(self, metadata):
        for method, request in CALLS.items():
            with self.assertRaises(grpc.RpcError) as caught:
                self.alice.call(method, request, metadata=metadata)
            self.assertEqual(grpc.StatusCode.UNAUTHENTICATED, caught.exception.code(), method)
            self.assertNotEqual("", caught.exception.details())
        stream = self.alice.stub.Subscribe(
            pb.SubscribeRequest(), metadata=metadata, timeout=DEADLINE_S
        )
        with self.assertRaises(grpc.RpcError) as caught:
            next(stream)
        self.assertEqual(grpc.StatusCode.UNAUTHENTICATED, caught.exception.code(), "Subscribe")

    def test_are_nobody(self):
        token = self.alice.token
        for why, value in {
            "empty": "",
            "no scheme": token,
            "no token": "Bearer ",
            "another scheme": f"Basic {token}",
            "too short": f"Bearer {token[:-1]}",
            "too long": f"Bearer {token}A",
            "another letter": "Bearer " + ("B" if token[0] == "A" else "A") + token[1:],
            "the user's id": f"Bearer {self.alice.id}",
            "long noise": "Bearer " + "~" * 4000,
        }.items():
            with self.subTest(why):
                self.assert_nobody((("authorization", value),))

    def test_a_missing_token_is_nobody(self):
        self.assert_nobody(())

    def test_the_scheme_may_be_written_small(self):
        metadata = (("authorization", f"bearer {self.alice.token}"),)
        self.alice.call("ListChannels", pb.ListChannelsRequest(), metadata=metadata)

    def test_a_line_user_has_no_token_but_its_id(self):
        line = self.closing(LineClient(self.server.line_address))
        line.register("bob")
        self.assert_nobody((("authorization", f"Bearer {line.uid}"),))

    def test_tokens_are_not_logged(self):
        self.alice.create_channel("a secret name")
        self.assert_nobody((("authorization", "Bearer falsefalsefalse"),))
        for secret in (self.alice.token, "falsefalsefalse", "a secret name"):
            self.assertNotIn(secret, self.server.log_text())

    def test_headers_that_grpc_cannot_read_are_not_logged(self):
        # By mistake, or to flood the log: gRPC's own error quotes such a header.
        for _ in range(20):
            send_call(self.server.grpc_address, {"grpc-timeout": f"Bearer {self.alice.token}"})
        self.server.wait_for_event("grpc", level="warning")
        self.alice.create_channel("later")
        self.assertNotIn(self.alice.token, self.server.log_text())
        warnings = [entry for entry in self.server.events() if entry["event"] == "grpc"]
        self.assertEqual(1, len(warnings), warnings)


class EndOfAGuest(ServerTestCase):
    # Time enough for whatever a guest does before its stream is open, on any machine.
    server_flags = ("--guest-grace-ms=3000",)

    def setUp(self):
        super().setUp()
        # Somebody to watch with, who stays because of an open stream.
        self.watcher = self.closing(GrpcUser(self.server.grpc_address, "watcher"))
        self.channel = self.watcher.create_channel("room")
        self.stream = self.closing(self.watcher.subscribe())

    def test_without_stream_or_call_it_ends_with_its_token(self):
        guest = self.closing(GrpcUser(self.server.grpc_address, "guest"))
        guest.join(self.channel)
        self.assertEqual(guest.id, self.stream.next_of("member_joined").member_joined.user.id)
        self.assertEqual(guest.id, self.stream.next_of("member_left").member_left.user.id)
        for method, request in CALLS.items():
            with self.assertRaises(grpc.RpcError) as caught:
                guest.call(method, request)
            self.assertEqual(grpc.StatusCode.UNAUTHENTICATED, caught.exception.code(), method)
        end = guest.subscribe_only().end()
        self.assertEqual(grpc.StatusCode.UNAUTHENTICATED, end[0])
        until(lambda: self.personal_channel_has_ended(guest), "end of the personal channel")

    def personal_channel_has_ended(self, guest):
        try:
            self.watcher.call("GetChannel", pb.GetChannelRequest(channel_id=guest.id))
            return False
        except grpc.RpcError as error:
            return error.code() == grpc.StatusCode.NOT_FOUND

    def test_an_open_stream_keeps_it(self):
        kept = self.closing(GrpcUser(self.server.grpc_address, "kept"))
        stream = self.closing(kept.subscribe())
        kept.join(self.channel)
        ended = self.closing(GrpcUser(self.server.grpc_address, "ended"))
        ended.join(self.channel)  # Later than anything `kept` did, so it would have ended before.
        left = self.stream.next_of("member_left")
        self.assertEqual(ended.id, left.member_left.user.id)
        kept.say(self.channel, "still here")
        stream.expect_texts("still here")
        stream.close()
        self.assertEqual(kept.id, self.stream.next_of("member_left").member_left.user.id)


if __name__ == "__main__":
    unittest.main()
