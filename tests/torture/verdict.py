"""What is checked at the end of a life: the whole log, by every way to read it."""

import contextlib
import os
import re
import shutil
import sqlite3
import tempfile

from harness.rpc import pb
from harness.wait import Deadline, until
from ledger import JOINED, LEFT, MESSAGE, Cursor, Failure, brief
from readers import GrpcStream
from world import event_of_message

_KINDS = (MESSAGE, JOINED, LEFT)  # As the database numbers them.
_RUN_OF_GUEST = re.compile(r"\.r(\d+)$")  # Line guests have the number of their run in their name.


def _expect(condition, text):
    if not condition:
        raise Failure(text)


# --- Over gRPC.


class _Judge:
    """Reads every channel from its first event, as one who is a member of them all already: nothing
    happens any more."""

    def __init__(self, world, run, member):
        self.name = "judge"
        self.world = world
        self.run = run
        self.user = member.again(run.grpc_address)

    def head(self, channel):
        request = pb.GetChannelRequest(channel_id=channel)
        return self.user.call("GetChannel", request).channel.head_sequence

    def read_all(self):
        """Answers the first event that each channel still has."""
        heads = {channel: self.head(channel) for channel in self.world.channels}
        cursors = {channel: Cursor(self.name, channel) for channel in heads}
        stream = GrpcStream(self, self.run, self.user, cursors)
        first = {}
        deadline = Deadline()
        for _ in stream.responses():  # There is a heartbeat every second.
            if deadline.over():
                raise Failure(f"not all of {heads} came: {[c.after for c in cursors.values()]}")
            for channel, cursor in cursors.items():
                first.setdefault(channel, cursor.gap_to + 1)
            if all(cursors[channel].after >= head for channel, head in heads.items()):
                break
        stream.cancel()
        return first

    def listed(self, channel, order_by):
        messages, token = [], ""
        while True:
            request = pb.ListMessagesRequest(
                channel_id=channel, page_size=1000, page_token=token, order_by=order_by
            )
            page = self.user.call("ListMessages", request)
            messages += [(m.sequence, event_of_message(m)) for m in page.messages]
            token = page.next_page_token
            if not token:
                return messages

    def members(self, channel):
        request = pb.ListMembersRequest(channel_id=channel, page_size=1000)
        return {user.id for user in self.user.call("ListMembers", request).members}


def judge_by_calls(world, run, member, clients):
    judge = _Judge(world, run, member)
    if world.retention_events:
        _judge_retention(world, judge)
    first = judge.read_all()
    for channel in world.channels:
        events = {s: event for s, (event, _) in world.ledger.events(channel).items()}
        head = judge.head(channel)
        _expect(
            max(events) == head,
            f"event {max(events)} of channel {channel} was seen, but its head is {head}",
        )
        kept = {s: event for s, event in sorted(events.items()) if s >= first[channel]}
        _expect(
            list(kept) == list(range(first[channel], head + 1)),
            f"events of channel {channel} from {first[channel]} to {head} are missing",
        )
        _judge_lists(judge, channel, kept)
        if not world.retention_events:
            _judge_members(judge, channel, kept)
    for client in clients:
        for text in getattr(client, "delivered", ()):
            _expect(world.ledger.posted(text), f"{client.name} was shown {text!r}, which is lost")
    judge.user.close()


def _judge_lists(judge, channel, kept):
    messages = [(s, event) for s, event in kept.items() if event[0] == MESSAGE]
    for order_by, expected in (("sequence", messages), ("sequence desc", messages[::-1])):
        listed = judge.listed(channel, order_by)
        if listed != expected:
            other = next((pair for pair in zip(expected, listed) if pair[0] != pair[1]), "its end")
            raise Failure(
                f"ListMessages of channel {channel} by {order_by}: {len(expected)} messages are "
                f"expected, {len(listed)} are listed; they differ at {other}"
            )


def _judge_members(judge, channel, log):
    """Replays the log: who joins is no member, who leaves or speaks is one, and line guests of one
    run have left before those of the next join."""
    members = {}  # User id -> the run that it ends with, or None.
    for sequence, event in log.items():
        kind, user_id, user_name, _ = event
        what = f"event {sequence} of channel {channel}, {brief(event)}"
        _expect((kind == JOINED) == (user_id not in members), f"{what}: that cannot be")
        if kind == LEFT:
            del members[user_id]
        elif kind == JOINED:
            match = _RUN_OF_GUEST.search(user_name)
            run = int(match[1]) if match else None
            stale = [m for m, its_run in members.items() if run and its_run and its_run < run]
            _expect(not stale, f"{what}: that {stale} of an earlier run have left was not told")
            members[user_id] = run
    left_over = [user_id for user_id, run in members.items() if run is not None]
    _expect(not left_over, f"channel {channel}: that {left_over} have left was not told")
    listed = judge.members(channel)
    _expect(listed == set(members), f"channel {channel}: {listed} are listed, {members} joined")


def _judge_retention(world, judge):
    """Exactly the newest events are kept: all that is too much is removed soon (and no more, as the
    reading finds)."""

    def surplus():
        first = judge.read_all()
        kept = {channel: judge.head(channel) + 1 - first[channel] for channel in first}
        return any(count > world.retention_events for count in kept.values())

    until(lambda: not surplus(), "end of what retention drops", interval_s=0.2)


# --- The file.


def check_a_copy(data):
    """Of a server that was killed: the copy is recovered, and must be whole."""
    with tempfile.TemporaryDirectory(prefix="txtchat-torture-") as directory:
        for name in os.listdir(data):
            if not name.endswith((".lock", "-shm")):
                shutil.copy(os.path.join(data, name), directory)
        with _open(directory) as database:
            _check_integrity(database)


def judge_database(world, data):
    """Of a server that was stopped in good order."""
    with _open(data) as database:
        _check_integrity(database)
        for what, query in _NOTHING_LEFT_OVER.items():
            (count,) = database.execute(query).fetchone()
            _expect(count == 0, f"the database has {count} {what}")
        for channel in world.channels:
            rows = database.execute(
                "SELECT sequence, events.kind, user_id, user_name, text FROM events JOIN channels "
                "ON channels.key = events.channel WHERE channels.id = ? ORDER BY sequence",
                (channel,),
            )
            _compare(channel, world.ledger.events(channel), rows, world.retention_events)


_NOTHING_LEFT_OVER = {
    "events without a channel": "SELECT count(*) FROM events WHERE channel NOT IN "
    "(SELECT key FROM channels UNION ALL SELECT key FROM ended_channels)",
    "memberships without a channel or a user": "SELECT count(*) FROM memberships WHERE "
    "channel NOT IN (SELECT key FROM channels) OR user NOT IN (SELECT key FROM users)",
    "client message ids without their message": "SELECT count(*) FROM sends LEFT JOIN events "
    "USING (channel, sequence) WHERE events.client_message_id IS NOT sends.client_message_id "
    "AND sends.sender NOT IN (SELECT key FROM ended_users)",
    "channels that begin elsewhere than they say": "SELECT count(*) FROM channels WHERE "
    "first_kept <> (SELECT min(sequence) FROM events WHERE channel = key)",
    "guests whose connection has ended": "SELECT count(*) FROM users WHERE credential IS NULL",
}


@contextlib.contextmanager
def _open(directory):
    database = sqlite3.connect(os.path.join(directory, "txtchat.db"))
    try:
        yield database
    finally:
        database.close()


def _check_integrity(database):
    verdict = [row[0] for row in database.execute("PRAGMA integrity_check")]
    _expect(verdict == ["ok"], f"PRAGMA integrity_check: {verdict[:10]}")


def _compare(channel, seen, rows, retention_events):
    next_sequence = None if retention_events else 1
    for sequence, kind, *rest in rows:
        _expect(
            next_sequence in (None, sequence),
            f"the database has event {sequence} of channel {channel} where {next_sequence} belongs",
        )
        event, witness = seen[sequence]
        stored = (_KINDS[kind], *rest)
        _expect(
            event == stored,
            f"event {sequence} of channel {channel}: {witness} saw {brief(event)}, but the "
            f"database has {brief(stored)}",
        )
        next_sequence = sequence + 1
    _expect(
        next_sequence == max(seen) + 1,
        f"event {max(seen)} of channel {channel} was seen, but the database ends before "
        f"{next_sequence}",
    )
