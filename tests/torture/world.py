"""What the clients of one life share: the run of the server that is on, the ledger, the end."""

import threading
import traceback

import grpc
from harness.rpc import GrpcUser, chat_pb2_grpc, open_channel, pb
from harness.wait import DEADLINE_S
from ledger import JOINED, LEFT, MESSAGE, Failure, Ledger

# What a call or a stream may end with when the server is killed.
LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN)


class NewUser(GrpcUser):
    """Registers, and does not wait for a server that has gone."""

    def __init__(self, address, name):
        self.channel = open_channel(address)
        self.stub = chat_pb2_grpc.ChatServiceStub(self.channel)
        request = pb.RegisterRequest(display_name=name)
        registered = self.stub.Register(request, timeout=DEADLINE_S)
        self.id = registered.user.id
        self.name = name
        self.token = registered.token
        self.metadata = (("authorization", f"Bearer {self.token}"),)


class Run:
    """From one start of the server to its end."""

    def __init__(self, number, line_address, grpc_address):
        self.number = number
        self.line_address = line_address
        self.grpc_address = grpc_address
        self.ending = threading.Event()  # Set before the kill: connections may be lost from now on.
        self.answered = threading.Event()  # Something was acknowledged.
        self.changing = threading.Event()  # A guest has begun to register, to join or to leave.


class World:
    def __init__(self, retention_events=0):
        self.retention_events = retention_events
        self.ledger = Ledger(retention_events)
        self.channels = []  # The ones that last, set before the first run.
        self.calm = threading.Event()  # Nothing new any more: what is under way is to end.
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._run = None
        self._stopping = False
        self._failure = None
        self._guests = {}  # User id of a line guest -> how often it was given.

    # --- Runs.

    def begin(self, run):
        with self._changed:
            self._run = run
            self._changed.notify_all()

    def next_run(self, after):
        """The first run with a higher number; None when all is over."""
        ready = lambda: self._stopping or (self._run is not None and self._run.number > after)
        with self._changed:
            self._changed.wait_for(ready)
            return None if self._stopping else self._run

    def acknowledged(self, run):
        if not run.answered.is_set():
            run.answered.set()

    def stop(self):
        with self._changed:
            self._stopping = True
            if self._run is not None:
                self._run.ending.set()
            self._changed.notify_all()

    @property
    def stopping(self):
        with self._changed:
            return self._stopping

    # --- Failures. The first one counts; others may only follow from it.

    def fail(self, who, error):
        with self._changed:
            if self._failure is None:
                text = str(error)
                if isinstance(error, grpc.RpcError):
                    text = f"an answer that is not expected, {error.code().name}: {error.details()}"
                if not isinstance(error, Failure):
                    text += "\n" + "".join(traceback.format_exception(error))
                self._failure = f"{who}: {text}"
            self._stopping = True
            if self._run is not None:
                self._run.answered.set()
                self._run.changing.set()
            self._changed.notify_all()

    def check(self):
        with self._changed:
            if self._failure is not None:
                raise Failure(self._failure)

    def wait_for_failure(self, seconds):
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None, seconds)
        self.check()

    # --- Ids of line guests, which a later guest may get again with its port.

    def note_guest(self, user_id):
        with self._changed:
            self._guests[user_id] = self._guests.get(user_id, 0) + 1

    def times_given(self, user_id):
        with self._changed:
            return self._guests.get(user_id, 0)


def event_of(event):
    """A channel's event of the gRPC API as the ledger has it; None for words of the stream."""
    kind = event.WhichOneof("kind")
    if kind == "message_posted":
        posted = event.message_posted
        return MESSAGE, posted.sender.id, posted.sender.display_name, posted.text
    if kind == "member_joined":
        user = event.member_joined.user
        return JOINED, user.id, user.display_name, ""
    if kind == "member_left":
        user = event.member_left.user
        return LEFT, user.id, user.display_name, ""
    return None


def event_of_message(message):
    """The same, of a Message."""
    return MESSAGE, message.sender.id, message.sender.display_name, message.text


def check_gap(world, user, channel, first, last):
    """A gap must be exact: nothing of it can be read any more, and it holds only what retention may
    have dropped."""
    if not world.retention_events:
        raise Failure(f"a gap from {first} to {last} of channel {channel}, where all is kept")
    info = user.call("GetChannel", pb.GetChannelRequest(channel_id=channel)).channel
    if last > info.head_sequence - world.retention_events:
        raise Failure(
            f"a gap from {first} to {last} of channel {channel}, whose head is "
            f"{info.head_sequence} and whose newest {world.retention_events} events are kept"
        )
    page = user.call(
        "ListMessages",
        pb.ListMessagesRequest(
            channel_id=channel, after_sequence=first - 1, before_sequence=last + 1
        ),
    )
    if page.messages:
        raise Failure(
            f"a gap from {first} to {last} of channel {channel}, but {page.messages[0].sequence} "
            "can be read"
        )


class Client:
    """One client: a thread that does its part in each run until the world stops. `live` does it,
    and may end by an error once the run is ending; any other error is a failure."""

    def __init__(self, world, name, rng):
        self.world = world
        self.name = name
        self.rng = rng
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def prepare(self, address):
        """Before the first run is open to all."""

    def start(self):
        self._thread.start()

    def join(self, seconds):
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def live(self, run):
        raise NotImplementedError

    def interrupt(self):
        """Ends a wait for the server; from another thread."""

    def settled(self):
        """Whether it has nothing under way any more, once the world is calm."""
        return True

    def _work(self):
        last = 0
        try:
            while (run := self.world.next_run(last)) is not None:
                last = run.number
                self._live_once(run)
        except Exception as error:  # Whatever it is: nobody else would tell.
            self.world.fail(f"{self.name} in run {last}", error)

    def _live_once(self, run):
        try:
            self.live(run)
        except grpc.RpcError as error:
            if not run.ending.is_set() or error.code() not in LOST:
                raise
        except (OSError, EOFError):
            if not run.ending.is_set():
                raise
