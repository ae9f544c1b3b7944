"""What has been seen: one account for all clients of a life, which finds what contradicts it."""

import threading

MESSAGE, JOINED, LEFT = "message", "joined", "left"


class Failure(AssertionError):
    """The server has broken a promise: what was expected, and what was seen."""


def brief(event):
    """An event for people: texts are long."""
    kind, user_id, user_name, text = event
    what = f"{kind} of {user_name} ({user_id})"
    return what if kind != MESSAGE else f"{what}: {text[:60]!r} ({len(text)} characters)"


class Cursor:
    """A reader's place in one channel. Each event comes once, in order, without a gap, over all
    connections and restarts; only a gap that the server tells may be left out."""

    def __init__(self, reader, channel, after=0):
        self.reader = reader
        self.channel = channel
        self.after = after  # None: it begins with whatever comes first.
        self.gap_to = 0  # The end of the last gap that was told.

    def step(self, sequence, event):
        if self.after is not None and sequence != self.after + 1:
            raise Failure(
                f"{self.reader} expects event {self.after + 1} of channel {self.channel}, "
                f"but gets {sequence}, {brief(event)}"
            )
        self.after = sequence

    def gap(self, first, last):
        if first != self.after + 1 or last < first:
            raise Failure(
                f"{self.reader} expects event {self.after + 1} of channel {self.channel}, "
                f"but is told a gap from {first} to {last}"
            )
        self.after = self.gap_to = last


class Ledger:
    """Every event that anybody was shown or had acknowledged. An event is a tuple (kind, user id,
    user name, text). Thread-safe.

    `retention_events`: a message may be posted again by a repeated send once the first one is no
    longer kept, that is, so many events later; 0 where everything is kept."""

    def __init__(self, retention_events=0):
        self._retention_events = retention_events
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._events = {}  # Channel -> sequence -> (event, who saw it first).
        self._places = {}  # Text -> (channel, sequence).
        self._sent = set()  # Texts that somebody has sent.
        self._epoch = None
        self.acknowledged = 0
        self.deliveries = 0

    def will_send(self, texts):
        with self._lock:
            self._sent.update(texts)

    def see(self, witness, sightings):
        """`sightings`: (channel, sequence, event) each."""
        with self._lock:
            self.deliveries += len(sightings)
            for channel, sequence, event in sightings:
                self._see(witness, channel, sequence, event)

    def acknowledge(self, witness, channel, sequence, event):
        with self._lock:
            self.acknowledged += 1
            self._see(f"the answer to {witness}", channel, sequence, event)

    def count_acknowledged(self, count):
        """Acknowledged by delivery: they are among the sightings."""
        with self._lock:
            self.acknowledged += count

    def _see(self, witness, channel, sequence, event):
        events = self._events.setdefault(channel, {})
        known = events.get(sequence)
        if known is not None:
            if known[0] != event:
                raise Failure(
                    f"event {sequence} of channel {channel}: {known[1]} saw {brief(known[0])}, "
                    f"but {witness} sees {brief(event)}"
                )
            return
        events[sequence] = (event, witness)
        if event[0] == MESSAGE:
            self._see_message(witness, channel, sequence, event)

    def _see_message(self, witness, channel, sequence, event):
        text = event[3]
        if text not in self._sent:
            raise Failure(
                f"event {sequence} of channel {channel}: {witness} sees {brief(event)}, "
                "which nobody has sent"
            )
        place = self._places.setdefault(text, (channel, sequence))
        if place == (channel, sequence):
            return
        forgotten = self._retention_events and place[0] == channel
        if forgotten and abs(sequence - place[1]) >= self._retention_events:
            return
        raise Failure(
            f"posted twice: {brief(event)} is event {place[1]} of channel {place[0]}, "
            f"and {witness} sees it as event {sequence} of channel {channel}"
        )

    def see_epoch(self, witness, epoch):
        with self._lock:
            if len(epoch) != 16:
                raise Failure(f"{witness} is told the epoch {epoch!r}")
            if self._epoch is None:
                self._epoch = epoch
            if self._epoch != epoch:
                raise Failure(f"the epoch was {self._epoch}, but {witness} is told {epoch}")

    @property
    def epoch(self):
        with self._lock:
            return self._epoch or ""

    def heads(self, channels):
        """The newest event of each channel that anybody knows of: the log reaches to there at
        least."""
        with self._lock:
            return {channel: max(self._events.get(channel, {0: 0})) for channel in channels}

    def posted(self, text):
        with self._lock:
            return text in self._places

    def events(self, channel):
        """Sequence -> (event, who saw it first)."""
        with self._lock:
            return dict(self._events.get(channel, {}))
