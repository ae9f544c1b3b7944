"""A channel with somebody in every role, on one transport; and those who are of no channel."""

import itertools

from txtchat.v1 import chat_pb2

from . import jwt
from .attempts import OF_CHANNELS, Aim
from .people import GrpcPerson, LinePerson
from .rpc import open_channel

NOWHERE = "0123456789"  # No channel has this id.
KINDS = ("public", "private", "personal", "direct")
ROLES_OF = {
    "public": ("nobody", "stranger", "banned", "muted", "member", "moderator", "owner"),
    "private": ("nobody", "stranger", "banned", "muted", "member", "moderator", "owner"),
    "personal": ("nobody", "stranger", "banned", "muted", "member", "owner"),
    "direct": ("nobody", "stranger", "member"),
}
_numbers = itertools.count(1)


class People:
    """Makes people of every kind. The server must take tokens that `secret` has signed."""

    def __init__(self, server, secret):
        self._server, self._secret = server, secret
        self.channel = open_channel(server.grpc_address)
        self._lines = []

    def make(self, identity, transport, name="somebody"):
        n = next(_numbers)
        if identity == "nobody":
            return GrpcPerson(self.channel) if transport == "grpc" else self._line()
        if identity == "guest":
            if transport == "line":
                return self._line(name=name)
            return GrpcPerson.guest(self.channel, name)
        if identity == "account":
            person = GrpcPerson.account(self.channel, f"login{n}", f"account number {n}")
        else:
            signed = jwt.token(self._secret, f"subject {n}", name=f"vouched number {n}")
            person = GrpcPerson.vouched(self.channel, signed)
        return self._line(token=person.token) if transport == "line" else person

    def _line(self, **who):
        person = LinePerson(self._server.line_address, **who)
        self._lines.append(person)
        return person

    def close(self):
        for line in self._lines:
            line.close()
        self.channel.close()


def _behind(tag, lines):
    """The fields of the first line with this tag."""
    return next(each[len(tag) :] for each in lines if each.startswith(tag)).split(" ")


class World:
    """A channel of some kind. The owner and all others act on `transport`; the victim, a member,
    and the newcomer, who is none, are on gRPC."""

    def __init__(self, people, strangers, kind, transport):
        self._people, self.kind, self.transport = people, kind, transport
        make = lambda role: people.make("guest", transport, role)
        self.of_role = {"nobody": [people.make("nobody", transport)], "stranger": strangers}
        for role in ROLES_OF[kind]:
            self.of_role.setdefault(role, [make(role)])
        self.victim = people.make("guest", "grpc", "victim")
        self.newcomer = people.make("guest", "grpc", "newcomer")
        self._own = {}
        self.aim = Aim(victim=self.victim.id, newcomer=self.newcomer.id)
        self._create()
        if kind != "direct":
            self._settle()
        self._own[self.owner] = self._say(self.owner)
        self.aim.message = self._say(self.victim)

    def _do(self, person, call, fields, line):
        """By whichever transport the person is on."""
        if person.transport == "grpc":
            return person.must(call, **fields)
        return person.must(line)

    def _create(self):
        if self.kind == "direct":
            self.owner = self.of_role["member"][0]
            fields, line = {"user_id": self.victim.id}, f"direct${self.victim.id}"
            made = self._do(self.owner, "OpenDirectChannel", fields, line)
        else:
            self.owner = self.of_role["owner"][0]
            if self.kind == "personal":
                self.aim.channel = self.owner.id
                return
            kind = getattr(chat_pb2, f"CHANNEL_KIND_{self.kind.upper()}")
            line = "create_private$room" if self.kind == "private" else "create_chan$-$room"
            fields = {"display_name": "room", "kind": kind}
            made = self._do(self.owner, "CreateChannel", fields, line)
        if self.transport == "grpc":
            self.aim.channel = made.channel.id
        else:
            tag = "$$ok: direct " if self.kind == "direct" else "$$created: "
            self.aim.channel = _behind(tag, made)[0]

    def _settle(self):
        """Everybody gets the role."""
        for role in ROLES_OF[self.kind][2:-1]:
            person = self.of_role[role][0]
            self._enter(person)
            self._own[person] = self._say(person)
        self._enter(self.victim)
        channel = self.aim.channel
        self.aim.banned, self.aim.muted = (self.of_role[r][0].id for r in ("banned", "muted"))
        if "moderator" in self.of_role:
            user = self.of_role["moderator"][0].id
            fields = {"channel_id": channel, "user_id": user, "role": chat_pb2.ROLE_MODERATOR}
            self._do(self.owner, "SetRole", fields, f"role${channel}${user}$moderator")
        judge = self.of_role.get("moderator", [self.owner])[0]
        fields = {"channel_id": channel, "user_id": self.aim.muted}
        self._do(judge, "Mute", fields, f"mute${channel}${self.aim.muted}")
        fields = {"channel_id": channel, "subject": self.aim.banned}
        self._do(judge, "Ban", fields, f"ban${channel}${self.aim.banned}")
        fields = {"channel_id": channel, "subject": self.aim.banned_by_owner}
        self._do(self.owner, "Ban", fields, f"ban${channel}${self.aim.banned_by_owner}")
        if self.kind == "private":
            fields = {"channel_id": channel}
            made = self._do(self.owner, "CreateInvite", fields, f"invite${channel}")
            if self.transport == "grpc":
                self.aim.invite = made.invite.id
            else:  # CHAN CODE INVITE …
                self.aim.invite = _behind("$$code: ", made)[2]

    def _enter(self, person):
        channel = self.aim.channel
        if self.kind == "private":
            fields = {"channel_id": channel, "user_id": person.id}
            self._do(self.owner, "AddMember", fields, f"add${channel}${person.id}")
        else:
            self._do(person, "JoinChannel", {"channel_id": channel}, f"join$-${channel}")

    def _say(self, person):
        """Answers the message's number."""
        channel = self.aim.channel
        fields = {"channel_id": channel, "text": "a word"}
        said = self._do(person, "SendMessage", fields, f"send_msg$-${channel}$a word")
        if person.transport == "grpc":
            return said.message.sequence
        # Others may have spoken meanwhile. CHAN SEQ UNIX_MS UID …
        mine = [each for each in said if f" {person.id} " in each]
        return int(_behind(f"$$msg: {channel} ", mine)[0])

    def attempt(self, person, act, name, channel=None):
        """Tries an act in this channel, or in another one."""
        aim = Aim(**vars(self.aim))
        aim.channel = channel or aim.channel
        aim.own_message = self._own.get(person, aim.message)
        made = OF_CHANNELS[act, name](aim)
        if person.transport == "grpc":
            return person.try_call(name, **made)
        return person.try_line(made)
