"""People on either transport who try things, and what they are answered."""

import grpc
from txtchat.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    chat_pb2,
    chat_pb2_grpc,
    moderation_pb2,
    moderation_pb2_grpc,
)

from .line import LineClient
from .wait import DEADLINE_S

SERVICES = {
    chat_pb2.DESCRIPTOR.services_by_name["ChatService"]: chat_pb2_grpc.ChatServiceStub,
    moderation_pb2.DESCRIPTOR.services_by_name[
        "ModerationService"
    ]: moderation_pb2_grpc.ModerationServiceStub,
    accounts_pb2.DESCRIPTOR.services_by_name[
        "AccountService"
    ]: accounts_pb2_grpc.AccountServiceStub,
}
METHODS = {
    method.name: (method, stub)
    for service, stub in SERVICES.items()
    for method in service.methods
}


def bearer(token):
    return (("authorization", f"Bearer {token}"),)


class Answer:
    """The code, as the line protocol writes it (`ok` if it was done), and its explanation."""

    def __init__(self, code, words="", result=None):
        self.code, self.words, self.result = code, words, result

    def __repr__(self):
        return f"{self.code}: {self.words}" if self.words else self.code


class GrpcPerson:
    """A caller with a token, or without: then it is nobody."""

    transport = "grpc"

    def __init__(self, channel, token=None):
        self._stubs = {stub: stub(channel) for stub in SERVICES.values()}
        self.metadata = bearer(token) if token else ()
        self.id = None

    @classmethod
    def guest(cls, channel, name):
        nobody = cls(channel)
        registered = nobody.must("Register", display_name=name)
        return cls._of(channel, registered.token, registered.user.id)

    @classmethod
    def account(cls, channel, login, name, password="a good password"):
        nobody = cls(channel)
        made = nobody.must("CreateAccount", login_name=login, display_name=name, password=password)
        return cls._of(channel, made.token, made.user.id)

    @classmethod
    def vouched(cls, channel, token):
        return cls._of(channel, token, cls(channel, token).must("WhoAmI").user.id)

    @classmethod
    def _of(cls, channel, token, user_id):
        person = cls(channel, token)
        person.id, person.token = user_id, token
        return person

    def call(self, name, **fields):
        """Raises grpc.RpcError."""
        method, stub = METHODS[name]
        request = method.input_type._concrete_class(**fields)
        return getattr(self._stubs[stub], name)(
            request, metadata=self.metadata, timeout=DEADLINE_S, wait_for_ready=True
        )

    def try_call(self, name, **fields):
        try:
            answer = self.call(name, **fields)
            if name != "Subscribe":
                return Answer("ok", result=answer)
            first = next(answer)
            answer.cancel()
            return Answer("ok", result=first)
        except grpc.RpcError as error:
            return Answer(error.code().name.lower(), error.details())

    def must(self, name, **fields):
        answer = self.try_call(name, **fields)
        if answer.code != "ok":
            raise AssertionError(f"{name} {fields} was answered {answer}")
        return answer.result

    def close(self):
        pass  # The connection is shared.


class LinePerson:
    """A connection of the line protocol, which has registered, or shown a token, or neither."""

    transport = "line"

    def __init__(self, address, *, name=None, token=None):
        self.line = LineClient(address)
        self.line.send("hello$2")
        self.line.expect("$$hello: 2")
        self.id = None
        if name or token:
            self.line.send(f"auth${token}" if token else f"reg${name}")
            answer = self.line.text_line()
            if not answer.startswith("$$registered: "):
                raise AssertionError(f"{answer} to {name or 'a token'}")
            self.id = answer.split(" ")[1]

    def try_line(self, line):
        """What is told of others meanwhile is no answer, and errors are never about others."""
        self.line.send(line)
        lines = self.line.sync()
        for told in lines:
            if told.startswith("$$error: "):
                code, words = told[len("$$error: ") :].split(": ", 1)
                return Answer(code, words)
        return Answer("ok", result=lines)

    def must(self, line):
        answer = self.try_line(line)
        if answer.code != "ok":
            raise AssertionError(f"{line} was answered {answer}")
        return answer.result

    def close(self):
        self.line.close()
