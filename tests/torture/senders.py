"""Those who send: over gRPC with sends that can be repeated, over lines with bursts."""

import collections
import itertools

import grpc
from harness.rpc import pb
from harness.wait import DEADLINE_S
from ledger import Cursor, Failure
from line_feed import LineFeed
from world import LOST, Client, NewUser, event_of_message

REPEATED = 16  # Sends that were acknowledged and are repeated after each restart.
_FILLINGS = ("text ", "$$left: ", "two\nlines ", "a\\n\\ ", "ß€😀")


def text_of(rng, head, one_line=False):
    """A text that nobody else sends; most are short, and few are as long as a text may be."""
    size = rng.choice((0, 20, 60, 200))
    chance = rng.random()
    if chance < 0.02:
        size = rng.randrange(2_000, 8_000)
    elif chance < 0.022:
        size = 30_000
    filling = "text " if one_line else rng.choice(_FILLINGS)
    return f"{head} {filling * (size // len(filling.encode()))}"


class GrpcSender(Client):
    """Keeps some sends in flight. What was not answered when the server went is sent again, with
    the same client_message_id, until it is; what was answered is repeated now and then, and must be
    answered alike."""

    def __init__(self, world, name, rng, in_flight_max):
        super().__init__(world, name, rng)
        self._in_flight_max = in_flight_max
        self._numbers = itertools.count(1)
        self._pending = {}  # Number -> request, of those whose outcome is not known.
        self._answered = collections.deque(maxlen=REPEATED)  # (request, message)
        self._settled = False

    def prepare(self, address):
        self._user = NewUser(address, self.name)
        for channel in self.world.channels:
            self._user.join(channel)
        self._user.close()

    def settled(self):
        return self._settled

    def live(self, run):
        user = self._user.again(run.grpc_address)
        in_flight = collections.deque()
        self._witness = f"{self.name} in run {run.number}"
        try:
            for request, message in list(self._answered):
                in_flight.append((None, request, self._send(user, request), message))
            for number, request in list(self._pending.items()):
                in_flight.append((number, request, self._send(user, request), None))
            self._refuses_another_text(user)
            while True:
                while len(in_flight) < self._in_flight_max and not self.world.calm.is_set():
                    number, request = self._new_request()
                    in_flight.append((number, request, self._send(user, request), None))
                if not in_flight:
                    break
                self._harvest(run, in_flight.popleft())
            self._settled = True
        except grpc.RpcError:
            # The answers that came before the end are the ones that matter most.
            for each in in_flight:
                try:
                    self._harvest(run, each)
                except grpc.RpcError as error:
                    if error.code() not in LOST:
                        raise
            raise
        finally:
            user.close()

    def _new_request(self):
        number = next(self._numbers)
        text = text_of(self.rng, f"{self.name}#{number}")
        self.world.ledger.will_send([text])
        request = pb.SendMessageRequest(
            channel_id=self.rng.choice(self.world.channels),
            text=text,
            client_message_id=f"{self.name}#{number}".encode(),
        )
        self._pending[number] = request
        return number, request

    def _send(self, user, request):
        return user.stub.SendMessage.future(request, metadata=user.metadata, timeout=DEADLINE_S)

    def _harvest(self, run, sent):
        number, request, future, former = sent
        message = future.result().message
        if former is not None:
            # With retention it may be a new message: the first one is no longer kept.
            if message != former and not self.world.retention_events:
                raise Failure(
                    f"{self._witness} repeats what was answered with {former}, "
                    f"and is answered {message}"
                )
            return
        wrong = (
            message.channel_id != request.channel_id
            or message.text != request.text
            or message.client_message_id != request.client_message_id
        )
        if wrong:
            raise Failure(f"{self._witness} sends {request}, and is answered {message}")
        self.world.ledger.acknowledge(
            self._witness, message.channel_id, message.sequence, event_of_message(message)
        )
        self.world.acknowledged(run)
        del self._pending[number]
        self._answered.append((request, message))

    def _refuses_another_text(self, user):
        if not self._answered or self.world.retention_events:
            return
        request = pb.SendMessageRequest()
        request.CopyFrom(self._answered[-1][0])
        request.text = "another text"
        try:
            answer = self._send(user, request).result()
        except grpc.RpcError as error:
            if error.code() in LOST:
                raise
            if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                raise Failure(f"{self._witness}: the id of another text gets {error}") from error
            return
        raise Failure(f"{self._witness}: the id of another text is answered {answer}")


class LineSender(Client):
    """Sends bursts of lines into one channel. A message is acknowledged by its own delivery; what
    was not delivered when the server went is there at most once, for a line has no id."""

    def __init__(self, world, name, rng, burst_max):
        super().__init__(world, name, rng)
        self._burst_max = burst_max
        self._numbers = itertools.count(1)
        self._feed = None
        self._settled = False
        self.user_id = None  # Of now; for those who want to join the personal channel.

    def settled(self):
        return self._settled

    def interrupt(self):
        if self._feed is not None:
            self._feed.interrupt()

    def live(self, run):
        channel = self.rng.choice(self.world.channels)
        feed = self._feed = self._open(run, channel)
        try:
            feed.send(f"join$-${channel}")
            self.user_id = feed.user_id
            while not self.world.calm.is_set():
                self._burst(run, feed, channel)
            self._settled = True
            while not self.world.stopping:
                feed.pump()
        finally:
            self.user_id = None
            feed.close()

    def _open(self, run, channel):
        cursor = Cursor(self.name, channel, after=None)
        return LineFeed(self.world, run, self.name, {channel: cursor})

    def _delivered(self, feed):
        """Own texts, as they come next."""
        feed.pump()
        own, feed.own = feed.own, []
        return own

    def _burst(self, run, feed, channel):
        texts = [
            text_of(self.rng, f"{self.name}#{next(self._numbers)}", one_line=True)
            for _ in range(self.rng.randint(1, self._burst_max))
        ]
        self.world.ledger.will_send(texts)
        feed.send("\n".join(f"send_msg$-${channel}${text}" for text in texts))
        count = 0
        while count < len(texts):
            own = self._delivered(feed)
            if own != texts[count : count + len(own)]:
                raise Failure(
                    f"{self.name} in run {run.number} waits for {texts[count : count + len(own)]} "
                    f"of its own, but gets {own}"
                )
            if own:
                count += len(own)
                self.world.ledger.count_acknowledged(len(own))
                self.world.acknowledged(run)


class ClassicSender(LineSender):
    """The same in the classic dialect, which shows texts and no numbers: that the texts are in the
    log is seen when others have read it."""

    def __init__(self, world, name, rng, burst_max):
        super().__init__(world, name, rng, burst_max)
        self.delivered = []  # Must be in the log at the end.

    def _open(self, run, channel):
        return LineFeed(self.world, run, self.name, {}, tagged=False)

    def _delivered(self, feed):
        own = [line for line in feed.pump() if line.startswith(f"{self.name}#")]
        self.delivered += own
        return own
