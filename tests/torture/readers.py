"""Those who read: each keeps its place in every channel over all restarts, on both transports."""

from harness.rpc import pb
from ledger import Cursor, Failure
from line_feed import LineFeed
from world import Client, NewUser, check_gap, event_of

_RECOVERED, _GAP = pb.Recovery.STATE_RECOVERED, pb.Recovery.STATE_GAP


def check_head(witness, channel, known, head):
    if head < known:
        raise Failure(
            f"event {known} of channel {channel} was seen, but {witness} is told that the newest "
            f"is {head}"
        )


class GrpcStream:
    """A Subscribe that goes on from the cursors. Events move them and go to the ledger."""

    def __init__(self, client, run, user, cursors):
        self._world = client.world
        self._witness = f"{client.name} in run {run.number}"
        self._user = user
        self._cursors = cursors
        self._is_greeted = False
        # What is known before the stream is opened, the stream must know.
        self._known = self._world.ledger.heads(cursors)
        self._asked = {channel: cursor.after for channel, cursor in cursors.items()}
        epoch = self._world.ledger.epoch
        positions = [
            pb.ChannelPosition(channel_id=channel, after_sequence=after, epoch=epoch)
            for channel, after in self._asked.items()
        ]
        request = pb.SubscribeRequest(channel_ids=list(cursors), positions=positions)
        self._stream = user.stub.Subscribe(request, metadata=user.metadata)

    def cancel(self):
        self._stream.cancel()

    def responses(self):
        """Takes one response after the other; yields after each, with how many events it had."""
        for response in self._stream:
            sightings = []
            try:
                for event in response.events:
                    seen = event_of(event)
                    if seen is None:
                        self._take_word(event)
                    else:
                        self._cursors[event.channel_id].step(event.sequence, seen)
                        sightings.append((event.channel_id, event.sequence, seen))
            finally:
                self._world.ledger.see(self._witness, sightings)
            yield len(sightings)

    def _take_word(self, event):
        kind = event.WhichOneof("kind")
        if kind == "heartbeat":
            self._take_heartbeat(event.heartbeat)
            return
        channel = event.channel_id
        if kind == "gap":
            self._gap(channel, event.gap)
        elif channel not in self._asked:
            raise Failure(f"{self._witness} gets {event}, which was not asked for")
        elif event.recovery.state == _GAP:
            self._gap(channel, event.recovery)
        elif event.recovery.state != _RECOVERED:
            raise Failure(
                f"{self._witness} goes on after {self._asked[channel]} of channel {channel}, and "
                f"is told {pb.Recovery.State.Name(event.recovery.state)}"
            )

    def _take_heartbeat(self, heartbeat):
        """The first one says where each channel begins; later ones how far it is, where all of it
        was sent."""
        self._world.ledger.see_epoch(self._witness, heartbeat.epoch)
        is_first, self._is_greeted = not self._is_greeted, True
        heads = {head.channel_id: head.head_sequence for head in heartbeat.heads}
        for channel, known in self._known.items():
            after = self._cursors[channel].after
            if is_first and heads.get(channel) != after:
                raise Failure(
                    f"{self._witness} goes on after {after} of channel {channel}, and is told that "
                    f"it begins after {heads.get(channel)}"
                )
            if not is_first and channel in heads:
                check_head(self._witness, channel, known, heads[channel])
                if self._cursors[channel].after < heads[channel]:
                    raise Failure(
                        f"{self._witness} has been sent everything up to {heads[channel]} of channel "
                        f"{channel}, and has {self._cursors[channel].after}"
                    )

    def _gap(self, channel, gap):
        first, last = gap.from_sequence, gap.to_sequence
        self._cursors[channel].gap(first, last)
        check_gap(self._world, self._user, channel, first, last)


class Reader(Client):
    """What both kinds have in common: cursors, which are at the heads in the end."""

    def __init__(self, world, name, rng):
        super().__init__(world, name, rng)
        self.cursors = {}

    def _begin_at_the_first_event(self):
        self.cursors = {c: Cursor(self.name, c) for c in self.world.channels}

    def settled(self):
        """Only when nobody sends any more."""
        heads = self.world.ledger.heads(self.world.channels)
        return all(self.cursors[channel].after >= head for channel, head in heads.items())


class GrpcReader(Reader):
    """`restless`: breaks off now and then, stays away for some runs, and sometimes forgets its
    place and begins with the first event again."""

    def __init__(self, world, name, rng, restless=False):
        super().__init__(world, name, rng)
        self._restless = restless
        self._away_until = 0  # Number of the run.
        self._stream = None

    def prepare(self, address):
        self._user = NewUser(address, self.name)
        for channel in self.world.channels:
            self._user.join(channel)
        self._user.close()
        self._begin_at_the_first_event()

    def interrupt(self):
        if self._stream is not None:
            self._stream.cancel()

    def live(self, run):
        user = self._user.again(run.grpc_address)
        try:
            while not run.ending.is_set():
                if run.number < self._away_until and not self.world.calm.is_set():
                    run.ending.wait(0.05)
                    continue
                self._read(run, user)
        finally:
            user.close()

    def _read(self, run, user):
        self._stream = GrpcStream(self, run, user, self.cursors)
        count = 0
        enough = self.rng.randrange(10_000) if self._restless else None
        for events in self._stream.responses():
            count += events
            if self.world.stopping:
                break
            if enough is not None and count > enough and not self.world.calm.is_set():
                self._stay_away(run)
                break
        self._stream.cancel()

    def _stay_away(self, run):
        chance = self.rng.random()
        if chance < 0.5:
            self._away_until = run.number + self.rng.randint(1, 4)
        elif chance < 0.7:
            self._begin_at_the_first_event()


class Auditor(Reader):
    """Reads again, after each restart, what had been seen before it: from the store, for this
    stream begins where the last audit ended."""

    def prepare(self, address):
        self.user = NewUser(address, self.name)
        for channel in self.world.channels:
            self.user.join(channel)
        self.user.close()
        self._audited = {channel: 0 for channel in self.world.channels}

    def settled(self):
        return True

    def live(self, run):
        known = self.world.ledger.heads(self.world.channels)
        cursors = {c: Cursor(self.name, c, after) for c, after in self._audited.items()}
        user = self.user.again(run.grpc_address)
        try:
            for channel, head in known.items():
                info = user.call("GetChannel", pb.GetChannelRequest(channel_id=channel)).channel
                check_head(f"{self.name} in run {run.number}", channel, head, info.head_sequence)
            stream = GrpcStream(self, run, user, cursors)
            for _ in stream.responses():
                done = all(cursors[channel].after >= head for channel, head in known.items())
                if done or self.world.stopping:
                    break
            stream.cancel()
        finally:
            user.close()
        self._audited = {c: min(cursor.after, known[c]) for c, cursor in cursors.items()}


class LineReader(Reader):
    """Resumes every channel. `restless`: leaves one now and then and resumes it, or does not read
    for a while. A gRPC user of its own checks its gaps."""

    def __init__(self, world, name, rng, restless=False):
        super().__init__(world, name, rng)
        self._restless = restless
        self._feed = None
        self._leaving = None  # The channel.
        self._resuming = set()

    def prepare(self, address):
        self._user = NewUser(address, f"{self.name}-gaps")
        for channel in self.world.channels:
            self._user.join(channel)
        self._user.close()
        self._begin_at_the_first_event()

    def interrupt(self):
        if self._feed is not None:
            self._feed.interrupt()

    def live(self, run):
        feed = self._feed = LineFeed(self.world, run, self.name, self.cursors)
        user = self._user.again(run.grpc_address)
        try:
            self._leaving = None
            self._resuming = set()
            for channel in self.cursors:
                self._resume(feed, channel)
            while not self.world.stopping:
                for line in feed.pump():
                    self._take(user, line)
                self._go_on_leaving(feed)
                if self._restless and not self.world.calm.is_set() and not self._leaving:
                    self._fidget(run, feed)
        finally:
            user.close()
            feed.close()

    def settled(self):
        return not self._leaving and not self._resuming and super().settled()

    def _resume(self, feed, channel):
        self._resuming.add(channel)
        after, epoch = self.cursors[channel].after, self.world.ledger.epoch
        feed.send(f"resume${channel}${after}${epoch}")

    def _take(self, user, line):
        words = line.split(" ")
        if words[0] == "$$gap:":
            channel, first, last = words[1], int(words[2]), int(words[3])
            check_gap(self.world, user, channel, first, last)
            return
        allowed = ("recovered", "gap") if self.world.retention_events else ("recovered",)
        if words[:2] != ["$$ok:", "resume"] or words[3] not in allowed:
            raise Failure(f"{self.name} resumes after its position, and is told {line!r}")
        self._resuming.discard(words[2])

    def _fidget(self, run, feed):
        chance = self.rng.random()
        if chance < 0.02:
            run.ending.wait(self.rng.random() * 0.3)
        elif chance < 0.06 and not self._resuming:
            self._leaving = self.rng.choice(list(self.cursors))
            feed.send(f"leave$-${self._leaving}")

    def _go_on_leaving(self, feed):
        """Resumes once the leaving was told: nothing comes after that."""
        if self._leaving in feed.left:
            channel, self._leaving = self._leaving, None
            feed.left.discard(channel)
            self._resume(feed, channel)
