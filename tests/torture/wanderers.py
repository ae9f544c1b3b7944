"""Those who come and go: guests who join and leave, channels that are made and end."""

import grpc
from harness.rpc import pb
from harness.wait import until
from ledger import LEFT, Cursor, Failure
from senders import text_of
from world import Client, NewUser, event_of, event_of_message

GUESTS_MAX = 12
CHANNELS_MAX = 6
MESSAGES_MAX = 12


class Guests(Client):
    """gRPC guests who register, join and leave while the server is killed. What was acknowledged
    must hold afterwards: the token, the personal channel, each membership and each end of one."""

    def __init__(self, world, name, rng):
        super().__init__(world, name, rng)
        self._memberships = []  # (user, channel -> member: True, False, None for not known).
        self._settled = False

    def settled(self):
        return self._settled

    def live(self, run):
        guests = [(user.again(run.grpc_address), known) for user, known in self._memberships]
        try:
            for user, known in guests:
                self._check(run, user, known)
            while not self.world.calm.is_set():
                run.changing.set()
                if len(guests) < GUESTS_MAX and self.rng.random() < 0.1:
                    guests.append(self._register(run))
                elif guests:
                    self._join_or_leave(*self.rng.choice(guests))
                run.ending.wait(0.004)  # Most of the load is to be messages.
            self._settled = True
        finally:
            for user, _ in guests:
                user.close()

    def _register(self, run):
        user = NewUser(run.grpc_address, f"{self.name}-{len(self._memberships)}")
        known = {channel: False for channel in self.world.channels} | {user.id: True}
        self._memberships.append((user, known))
        return user, known

    def _join_or_leave(self, user, known):
        channel = self.rng.choice(self.world.channels)
        was_member, known[channel] = known[channel], None
        if was_member:
            user.leave(channel)
        else:
            user.join(channel)
        known[channel] = not was_member

    def _check(self, run, user, known):
        request = pb.ListChannelsRequest(page_size=1000, joined_only=True)
        joined = {channel.id for channel in user.call("ListChannels", request).channels}
        for channel, member in known.items():
            if member is None:
                known[channel] = channel in joined
            elif member != (channel in joined):
                raise Failure(
                    f"{user.name} in run {run.number} {'is' if member else 'is no'} member of "
                    f"channel {channel}, but is told that its channels are {sorted(joined)}"
                )


class Ended(Exception):
    """A channel is no longer ours to look at."""


class Place:
    """A channel that comes and goes, and what its only speaker knows of it."""

    def __init__(self, channel, run, times_given=None):
        self.channel = channel
        self.run = run  # The number of the one in which it was found.
        self.times_given = times_given  # Of a line guest's id, whose personal channel it is.
        self.answered = {}  # client_message_id -> message.
        self.pending = {}  # client_message_id -> text.
        self.member = True  # None: not known.


class Founder(Client):
    """Makes channels, joins the personal ones of line guests, speaks there and leaves them. While
    it is a member, a channel and what was acknowledged in it must be there; once it has ended it
    must never be there again."""

    def __init__(self, world, name, rng, line_senders):
        super().__init__(world, name, rng)
        self._line_senders = line_senders
        self._places = []
        self._gone = []
        self._count = 0
        self._settled = False

    def prepare(self, address):
        self._user = NewUser(address, self.name)
        self._user.close()

    def settled(self):
        return self._settled

    def live(self, run):
        self._run = run
        user = self._user.again(run.grpc_address)
        try:
            for place in self._gone:
                self._check_gone(user, place)
            for place in list(self._places):
                self._visit(user, place)
            while not self.world.calm.is_set():
                self._act(user)
                run.ending.wait(0.005)
            for place in list(self._places):
                self._leave(user, place)
            until(lambda: self._all_gone(user) or run.ending.is_set(), "end of all channels left")
            self._settled = True
        finally:
            user.close()

    def _all_gone(self, user):
        """Those of line guests may last as long as these do."""
        for place in list(self._places):
            self._look(user, place)
        return all(place.times_given is not None for place in self._places)

    def _act(self, user):
        chance = self.rng.random()
        if chance < 0.1 and len(self._places) < CHANNELS_MAX:
            self._found(user)
        elif chance < 0.2 and len(self._places) < CHANNELS_MAX:
            self._join_a_guest(user)
        elif chance < 0.25 and self._places:
            self._leave(user, self.rng.choice(self._places))
        elif self._places:
            place = self.rng.choice(self._places)
            if place.member and len(place.answered) < MESSAGES_MAX:
                self._say(user, place)
            else:
                self._look(user, place)

    def _found(self, user):
        self._count += 1
        channel = user.create_channel(f"{self.name}-{self._count}")
        self._places.append(Place(channel, self._run.number))

    def _join_a_guest(self, user):
        guest = self.rng.choice(self._line_senders).user_id
        if guest is None or any(place.channel == guest for place in self._places):
            return
        place = Place(guest, self._run.number, self.world.times_given(guest))
        place.member = None
        self._places.append(place)
        try:
            user.join(guest)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:  # It has just gone.
                self._places.remove(place)
                return
            raise
        place.member = True

    def _say(self, user, place):
        self._count += 1
        text = text_of(self.rng, f"{self.name}#{self._count}")
        self.world.ledger.will_send([text])
        self._send(user, place, f"{self.name}#{self._count}".encode(), text)

    def _send(self, user, place, message_id, text):
        place.pending[message_id] = text
        message = self._call(place, lambda: user.say(place.channel, text, message_id))
        if message.text != text or message.channel_id != place.channel:
            raise Failure(f"{self.name} sends {text!r} to {place.channel}, is answered {message}")
        del place.pending[message_id]
        place.answered[message_id] = message
        self.world.ledger.count_acknowledged(1)
        self.world.acknowledged(self._run)

    def _leave(self, user, place):
        if not place.member:
            return
        try:
            self._call(place, lambda: user.leave(place.channel))
            place.member = False
        except Ended:
            pass
        except grpc.RpcError:
            place.member = None
            raise

    def _call(self, place, call):
        """What goes wrong must be for the reason that we have left, or that the id of a line guest
        was given to another, who has a channel of its own."""
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED):
                if self._is_given_anew(place):
                    self._places.remove(place)
                    raise Ended from error
            if error.code() == grpc.StatusCode.NOT_FOUND and not place.member:
                self._note_gone(place)
                raise Ended from error
            raise

    def _is_given_anew(self, place):
        return (
            place.times_given is not None
            and self.world.times_given(place.channel) != place.times_given
        )

    def _look(self, user, place):
        """Whether a channel that was left is gone by now."""
        if place.member is False:
            request = pb.GetChannelRequest(channel_id=place.channel)
            try:
                self._call(place, lambda: user.call("GetChannel", request))
            except Ended:
                pass

    def _note_gone(self, place):
        self._places.remove(place)
        if place.times_given is None:
            self._gone.append(place)

    def _check_gone(self, user, place):
        try:
            answer = user.call("GetChannel", pb.GetChannelRequest(channel_id=place.channel))
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.NOT_FOUND:
                raise
            return
        raise Failure(f"channel {place.channel} had ended, and is there again: {answer}")

    def _visit(self, user, place):
        """After a restart."""
        try:
            if place.member is None:
                self._find_out_membership(user, place)
            if not place.member:
                self._look(user, place)
                return
            for message_id, text in list(place.pending.items()):
                self._send(user, place, message_id, text)
            self._check_messages(user, place)
        except Ended:
            pass

    def _find_out_membership(self, user, place):
        request = pb.ListChannelsRequest(page_size=1000, joined_only=True)
        joined = {channel.id for channel in user.call("ListChannels", request).channels}
        place.member = place.channel in joined

    def _check_messages(self, user, place):
        request = pb.ListMessagesRequest(channel_id=place.channel, page_size=1000)
        page = self._call(place, lambda: user.call("ListMessages", request))
        listed = {m.client_message_id: m for m in page.messages if m.sender.id == user.id}
        if listed != place.answered or len(listed) != len(page.messages):
            raise Failure(
                f"{self.name} in run {self._run.number} had these acknowledged in channel "
                f"{place.channel}: {place.answered}, but finds {page.messages}"
            )
        sightings = [(m.channel_id, m.sequence, event_of_message(m)) for m in page.messages]
        if place.times_given is None:
            self.world.ledger.see(self.name, sightings)
        elif place.run != self._run.number:
            self._check_that_the_guest_left(user, place)

    def _check_that_the_guest_left(self, user, place):
        """The guest of a personal channel has ended with the server."""
        request = pb.GetChannelRequest(channel_id=place.channel)
        head = self._call(place, lambda: user.call("GetChannel", request)).channel.head_sequence
        position = pb.ChannelPosition(channel_id=place.channel)
        request = pb.SubscribeRequest(channel_ids=[place.channel], positions=[position])
        stream = user.stub.Subscribe(request, metadata=user.metadata)
        log = []
        cursor = Cursor(self.name, place.channel)
        for response in stream:
            for event in response.events:
                if (seen := event_of(event)) is not None:
                    cursor.step(event.sequence, seen)
                    log.append(seen)
            if cursor.after >= head:
                break
        stream.cancel()
        last = next((event for event in reversed(log) if event[1] == place.channel), None)
        if last is None or last[0] != LEFT:
            raise Failure(
                f"{self.name} in run {self._run.number} is in the personal channel {place.channel} "
                f"of a guest of run {place.run}, whose end is not told: {log}"
            )
