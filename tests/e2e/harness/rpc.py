"""A gRPC client from stubs that protoc generated for Python."""

import threading
import time

import grpc
from txtchat.v1 import chat_pb2 as pb
from txtchat.v1 import chat_pb2_grpc

from .wait import DEADLINE_S, Deadline


def open_channel(address):
    # Each its own connection: gRPC would share one among all channels of a process.
    return grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


class Subscription:
    """An open Subscribe. A thread keeps reading; events are looked at in order."""

    def __init__(self, stream):
        self._stream = stream
        self._changed = threading.Condition()
        self._events = []  # Guarded by _changed, as are the next two.
        self._next = 0
        self._end = None  # The grpc.RpcError, or True.
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        end = True
        try:
            for response in self._stream:
                with self._changed:
                    self._events.extend(response.events)
                    self._changed.notify_all()
        except grpc.RpcError as error:
            end = error
        with self._changed:
            self._end = end
            self._changed.notify_all()

    def _wait(self, condition, what):
        with self._changed:
            if not self._changed.wait_for(condition, DEADLINE_S):
                raise AssertionError(f"no {what} came; the events are {self._events}")

    def next_event(self):
        """The next event, heartbeats included."""
        self._wait(lambda: self._next < len(self._events) or self._end is not None, "event")
        with self._changed:
            if self._next == len(self._events):
                raise AssertionError(f"the stream ended: {self._end}")
            self._next += 1
            return self._events[self._next - 1]

    def opened(self):
        """Whether the stream begins with an event, which is taken, and not with its end."""
        self._wait(lambda: self._events or self._end is not None, "beginning of the stream")
        with self._changed:
            self._next = min(1, len(self._events))
            return self._next == 1

    def next_of(self, *kinds):
        """The next event of these kinds; others are skipped."""
        deadline = Deadline()
        while not deadline.over():
            event = self.next_event()
            if event.WhichOneof("kind") in kinds:
                return event
        raise AssertionError(f"no event of {kinds} came")

    def next_text(self):
        return self.next_of("message_posted").message_posted.text

    def expect_texts(self, *texts):
        for wanted in texts:
            got = self.next_text()
            if got != wanted:
                raise AssertionError(f"expected {wanted!r}, got {got!r}")

    def end(self):
        """Waits for the end of the stream; answers (StatusCode, details)."""
        self._wait(lambda: self._end is not None, "end of the stream")
        if self._end is True:
            return grpc.StatusCode.OK, ""
        return self._end.code(), self._end.details()

    def events(self):
        """All events that came until now."""
        with self._changed:
            return list(self._events)

    def cancel(self):
        self._stream.cancel()

    def close(self):
        self.cancel()
        self.end()


class GrpcUser:
    """A registered guest on a connection of its own."""

    def __init__(self, address, name, channel=None):
        self.channel = channel or open_channel(address)
        self.stub = chat_pb2_grpc.ChatServiceStub(self.channel)
        registered = self.stub.Register(
            pb.RegisterRequest(display_name=name), timeout=DEADLINE_S, wait_for_ready=True
        )
        self.id = registered.user.id
        self.name = registered.user.display_name
        self.token = registered.token
        self.metadata = (("authorization", f"Bearer {self.token}"),)

    def again(self, address):
        """The same user on a new connection."""
        same = object.__new__(GrpcUser)
        same.channel = open_channel(address)
        same.stub = chat_pb2_grpc.ChatServiceStub(same.channel)
        same.id, same.name, same.token = self.id, self.name, self.token
        same.metadata = self.metadata
        return same

    def resume(self, *positions):
        """A stream of all channels that goes on from these positions."""
        request = pb.SubscribeRequest(positions=positions)
        return Subscription(self.stub.Subscribe(request, metadata=self.metadata))

    def call(self, method, request, metadata=None):
        return getattr(self.stub, method)(
            request, timeout=DEADLINE_S, metadata=self.metadata if metadata is None else metadata
        )

    def create_channel(self, name):
        """Answers the channel's id."""
        return self.call("CreateChannel", pb.CreateChannelRequest(display_name=name)).channel.id

    def join(self, channel_id):
        return self.call("JoinChannel", pb.JoinChannelRequest(channel_id=channel_id)).channel

    def leave(self, channel_id):
        self.call("LeaveChannel", pb.LeaveChannelRequest(channel_id=channel_id))

    def say(self, channel_id, text, client_message_id=b""):
        """Answers the message as it is stored."""
        request = pb.SendMessageRequest(
            channel_id=channel_id, text=text, client_message_id=client_message_id
        )
        return self.call("SendMessage", request).message

    def subscribe(self, *channel_ids):
        """An open stream: its first heartbeat has come, so nothing from now on is missed."""
        subscription = self.subscribe_only(*channel_ids)
        first = subscription.next_event()
        if first.WhichOneof("kind") != "heartbeat":
            raise AssertionError(f"the first event is no heartbeat: {first}")
        return subscription

    def subscribe_when_possible(self, *channel_ids):
        """The same, trying again while the user has too many streams: the server learns of a
        cancellation a moment later."""
        deadline = Deadline()
        while True:
            subscription = self.subscribe_only(*channel_ids)
            if subscription.opened():
                return subscription
            code, details = subscription.end()
            if code != grpc.StatusCode.RESOURCE_EXHAUSTED or deadline.over():
                raise AssertionError(f"the stream was refused: {code}, {details}")
            time.sleep(0.01)

    def subscribe_only(self, *channel_ids):
        """The same, without waiting for anything."""
        request = pb.SubscribeRequest(channel_ids=channel_ids)
        return Subscription(self.stub.Subscribe(request, metadata=self.metadata))

    def close(self):
        self.channel.close()
