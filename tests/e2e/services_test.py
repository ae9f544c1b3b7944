"""The standard services beside the chat: health and reflection. Spoken in raw bytes, so that the
test needs no further packages."""

import unittest

import grpc
from harness.rpc import open_channel
from harness.server import ServerTestCase
from harness.wait import DEADLINE_S

HEALTH = "/grpc.health.v1.Health/"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
SERVING = b"\x08\x01"
NOT_SERVING = b"\x08\x02"


def text_field(number, text):
    """One short string field of a message."""
    return bytes([number << 3 | 2, len(text)]) + text.encode()


class Services(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.channel = self.closing(open_channel(self.server.grpc_address))

    def check(self, service):
        call = self.channel.unary_unary(HEALTH + "Check")
        return call(text_field(1, service), timeout=DEADLINE_S, wait_for_ready=True)

    def test_health_is_serving_as_a_whole_and_for_the_chat(self):
        self.assertEqual(SERVING, self.check(""))
        self.assertEqual(SERVING, self.check("txtchat.v1.ChatService"))

    def test_health_knows_no_other_service(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.check("txtchat.v1.Other")
        self.assertEqual(grpc.StatusCode.NOT_FOUND, caught.exception.code())

    def test_a_health_watcher_sees_the_drain(self):
        watch = self.channel.unary_stream(HEALTH + "Watch")(
            text_field(1, "txtchat.v1.ChatService"), timeout=DEADLINE_S, wait_for_ready=True
        )
        self.assertEqual(SERVING, next(watch))
        self.server.terminate()
        seen = []
        try:
            seen.extend(watch)
        except grpc.RpcError:
            pass  # The server has gone.
        self.assertEqual([NOT_SERVING], seen)
        self.assertEqual(0, self.server.wait_for_exit())

    def reflect(self, request):
        call = self.channel.stream_stream(REFLECTION)
        return next(call(iter([request]), timeout=DEADLINE_S, wait_for_ready=True))

    def test_reflection_lists_the_services(self):
        answer = self.reflect(text_field(7, "*"))
        for service in (b"txtchat.v1.ChatService", b"grpc.health.v1.Health"):
            self.assertIn(service, answer)

    def test_reflection_describes_the_chat(self):
        answer = self.reflect(text_field(4, "txtchat.v1.ChatService"))
        for name in (b"txtchat/v1/chat.proto", b"SubscribeResponse", b"client_message_id"):
            self.assertIn(name, answer)

    def test_an_unknown_method_is_unimplemented(self):
        call = self.channel.unary_unary("/txtchat.v1.ChatService/NoSuchMethod")
        with self.assertRaises(grpc.RpcError) as caught:
            call(b"", timeout=DEADLINE_S)
        self.assertEqual(grpc.StatusCode.UNIMPLEMENTED, caught.exception.code())


if __name__ == "__main__":
    unittest.main()
