"""A server with accounts, and those who try to come in."""

from txtchat.v1 import chat_pb2, chat_pb2_grpc

from .people import GrpcPerson, LinePerson, bearer
from .rpc import Subscription, open_channel
from .server import ServerTestCase

CHEAP = "--password-memory-bytes=8388608"  # So that a password takes a moment only.
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
