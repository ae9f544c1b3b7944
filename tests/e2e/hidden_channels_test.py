"""A private channel and a direct conversation are to strangers as if they had never been: whatever
they try, in whatever order, with whatever they have kept. adversary_test.py tries each call and
command in its plain form; these are the others."""

import re
import unittest

from harness.people import GrpcPerson, LinePerson
from harness.rpc import open_channel
from harness.server import ServerTestCase
from harness.world import NOWHERE
from txtchat.v1 import chat_pb2 as pb

PRIVATE = pb.CHANNEL_KIND_PRIVATE


def _told(answer):
    """What was answered, as text; the heads of a heartbeat are in no particular order."""
    if isinstance(answer.result, list):
        return answer.result
    events = answer.result.events
    return [repr(e) for e in events if e.WhichOneof("kind") != "heartbeat"] + sorted(
        repr(head) for e in events for head in e.heartbeat.heads
    )


class Hidden(ServerTestCase):
    server_flags = ("--store=memory", "--history-scan-events-max=2")

    def setUp(self):
        super().setUp()
        self.channel = self.closing(open_channel(self.server.grpc_address))
        self.owner = self.guest("owner")
        self.stranger = self.guest("stranger")
        # Was a member, spoke, and is none any more.
        self.former = self.guest("former")
        self.outcast = self.guest("outcast")
        made = self.owner.must("CreateChannel", display_name="den", kind=PRIVATE)
        self.den = made.channel.id
        for person in (self.former, self.outcast):
            self.owner.must("AddMember", channel_id=self.den, user_id=person.id)
            said = person.must(
                "SendMessage", channel_id=self.den, text="mine", client_message_id=b"once"
            )
            self.sequence_said = said.message.sequence
        self.page_token = self.former.must("ListMessages", channel_id=self.den, page_size=1)
        self.page_token = self.page_token.next_page_token
        self.former.must("LeaveChannel", channel_id=self.den)
        self.owner.must("Ban", channel_id=self.den, subject=self.outcast.id)
        pair = self.owner.must("OpenDirectChannel", user_id=self.guest("other").id)
        self.pair = pair.channel.id
        self.outsiders = (self.stranger, self.former, self.outcast)

    def guest(self, name):
        return GrpcPerson.guest(self.channel, name)

    def line(self, name):
        return self.closing(LinePerson(self.server.line_address, name=name))

    def assert_as_if_never(self, person, attempt):
        """`attempt(person, id)` answers the same for what is hidden as for what never was."""
        never = attempt(person, NOWHERE)
        for hidden in (self.den, self.pair):
            answer = attempt(person, hidden)
            shown = (answer.code, answer.words.replace(hidden, NOWHERE))
            self.assertEqual((never.code, never.words), shown)
            if answer.result is not None:
                shown = [told.replace(hidden, NOWHERE) for told in _told(answer)]
                self.assertEqual(_told(never), shown)
        return never


class OverGrpc(Hidden):
    def each(self, name, **requests):
        """Tries a call with each request, which is made of an id, as each outsider."""
        for why, make in requests.items():
            for person in self.outsiders:
                attempt = lambda p, id, make=make: p.try_call(name, **make(id))
                with self.subTest(call=name, why=why, who=person.id):
                    yield self.assert_as_if_never(person, attempt)

    def codes(self, name, **requests):
        return {answer.code for answer in self.each(name, **requests)}

    def test_subscribing(self):
        public = self.owner.must("CreateChannel", display_name="hall").channel.id
        for person in self.outsiders:
            person.must("JoinChannel", channel_id=public)
        position = lambda id, **where: [pb.ChannelPosition(channel_id=id, **where)]
        refused = self.codes(
            "Subscribe",
            chosen=lambda id: {"channel_ids": [id]},
            among_others=lambda id: {"channel_ids": [public, id]},
            chosen_and_beyond=lambda id: {
                "channel_ids": [id],
                "positions": position(id, after_sequence=10_000),
            },
        )
        self.assertEqual({"not_found"}, refused)
        # A position alone is answered, not refused: the caller may have left since.
        answered = self.codes(
            "Subscribe",
            a_position=lambda id: {"positions": position(id, after_sequence=1)},
            beyond_its_head=lambda id: {"positions": position(id, after_sequence=10_000)},
            of_another_history=lambda id: {"positions": position(id, epoch="another history!")},
            in_the_name_of_the_personal_one=lambda id: {
                "positions": position(id) + position(public)
            },
        )
        self.assertEqual({"ok"}, answered)
        twice = self.codes("Subscribe", twice=lambda id: {"positions": 2 * position(id)})
        self.assertEqual({"invalid_argument"}, twice)
        not_chosen = self.codes(
            "Subscribe",
            not_chosen=lambda id: {"channel_ids": [public], "positions": position(id)},
        )
        self.assertEqual({"invalid_argument"}, not_chosen)

    def test_a_position_in_it_says_no_more_than_that_nothing_follows(self):
        position = pb.ChannelPosition(channel_id=self.den, after_sequence=1)
        first = self.former.must("Subscribe", positions=[position]).events[0]
        self.assertEqual(pb.Recovery.STATE_NOT_MEMBER, first.recovery.state)

    def test_history(self):
        codes = self.codes(
            "ListMessages",
            plain=lambda id: {"channel_id": id},
            # A page token that the channel itself has answered to somebody.
            a_page_of_it=lambda id: {"channel_id": id, "page_token": self.page_token},
            a_page_of_none=lambda id: {"channel_id": id, "page_token": "o" + "0" * 32},
            no_page=lambda id: {"channel_id": id, "page_token": "x"},
            backward=lambda id: {"channel_id": id, "order_by": "sequence desc"},
            beyond=lambda id: {"channel_id": id, "after_sequence": 2**63},
            nothing=lambda id: {"channel_id": id, "after_sequence": 5, "before_sequence": 1},
        )
        self.assertEqual({"not_found"}, codes)
        bad = self.codes(
            "ListMessages",
            no_order=lambda id: {"channel_id": id, "order_by": "text"},
            no_size=lambda id: {"channel_id": id, "page_size": -1},
        )
        self.assertEqual({"invalid_argument"}, bad)

    def test_members_with_a_page_token(self):
        made = self.owner.must("ListMembers", channel_id=self.den, page_size=1)
        for token in (made.next_page_token, "m" + "0" * 16, "x"):
            request = lambda id, token=token: {"channel_id": id, "page_token": token}
            self.assertEqual({"not_found"}, self.codes("ListMembers", page=request))

    def test_sending(self):
        codes = self.codes(
            "SendMessage",
            plain=lambda id: {"channel_id": id, "text": "x"},
            no_text=lambda id: {"channel_id": id, "text": ""},
            too_long=lambda id: {"channel_id": id, "text": "x" * 40_000},
            # Before a message has this id, so that each is asked of the channel.
            named=lambda id: {"channel_id": id, "text": "x", "client_message_id": b"new"},
        )
        self.assertEqual({"not_found"}, codes)

    def test_sending_again_what_was_sent_elsewhere(self):
        hall = self.owner.must("CreateChannel", display_name="hall").channel.id
        self.stranger.must("JoinChannel", channel_id=hall)
        sent = {"text": "x", "client_message_id": b"elsewhere"}
        self.stranger.must("SendMessage", channel_id=hall, **sent)
        again = lambda person, id: person.try_call("SendMessage", channel_id=id, **sent)
        self.assertEqual("already_exists", self.assert_as_if_never(self.stranger, again).code)

    def test_what_was_sent_before_one_left_is_still_ones_own(self):
        again = {"channel_id": self.den, "text": "mine", "client_message_id": b"once"}
        for person in (self.former, self.outcast):
            answer = person.must("SendMessage", **again)
            self.assertEqual(person.id, answer.message.sender.id)
        self.assertEqual("not_found", self.stranger.try_call("SendMessage", **again).code)

    def test_acts_with_arguments_that_are_none(self):
        for name, made in {
            "SetTopic": {"topic": "x" * 5_000},
            "RenameChannel": {"display_name": ""},
            "DeleteMessage": {"sequence": self.sequence_said},
            "KickMember": {"user_id": "nobody", "reason": "x" * 5_000},
            "Ban": {"subject": "127.0.0.0/8"},
            "Unban": {"subject": self.outcast.id},
            "Mute": {"user_id": self.owner.id},
            "Unmute": {"user_id": "nobody"},
            "SetRole": {"user_id": self.stranger.id, "role": pb.ROLE_OWNER},
            "AddMember": {"user_id": self.stranger.id},
            "CreateInvite": {"uses_max": 2_000_000},
            "RevokeInvite": {"invite_id": "nothing"},
        }.items():
            request = lambda id, made=made: {"channel_id": id, **made}
            self.assertEqual({"not_found"}, self.codes(name, bad=request), name)

    def test_is_in_no_list_of_others(self):
        for person in self.outsiders:
            for joined_only in (False, True):
                page = person.must("ListChannels", joined_only=joined_only)
                ids = {channel.id for channel in page.channels}
                self.assertFalse(ids & {self.den, self.pair}, page)

    def test_an_invite_that_does_not_let_in_says_nothing_of_it(self):
        made = self.owner.must("CreateInvite", channel_id=self.den, uses_max=2)
        false = self.outcast.try_call("JoinByInvite", code="no such code")
        barred = self.outcast.try_call("JoinByInvite", code=made.code)
        self.assertEqual(("not_found", false.words), (barred.code, barred.words))
        self.owner.must("RevokeInvite", channel_id=self.den, invite_id=made.invite.id)
        revoked = self.stranger.try_call("JoinByInvite", code=made.code)
        self.assertEqual(("not_found", false.words), (revoked.code, revoked.words))

    def test_an_export_of_ones_own_does_not_tell_where_others_speak(self):
        # Many events of others lie between; each page looks at two.
        tokens, token = [], ""
        while True:
            page = self.stranger.must("ExportMessages", page_token=token)
            self.assertEqual([], list(page.messages))
            token = page.next_page_token
            if not token:
                break
            tokens.append(token)
        self.assertGreater(len(tokens), 2)
        heads = {f"{n:016x}" for n in range(64)}
        for token in tokens:
            parts = set(re.findall("[0-9a-f]{16}", token.removeprefix("x")))
            self.assertFalse(parts & heads, f"{token} has numbers of channels and events")
        # Nor can it be asked to look at a place of the caller's choosing.
        for channel in range(1, 8):
            for forged in (f"x{channel:016x}{0:016x}", tokens[0][:-1] + f"{channel}"):
                if forged in tokens:
                    continue
                answer = self.stranger.try_call("ExportMessages", page_token=forged)
                self.assertEqual("invalid_argument", answer.code, forged)


class OverLines(Hidden):
    def test_each_form_of_each_command(self):
        stranger = self.line("line stranger")
        for line in (
            "resume${id}$0",
            "resume${id}$100000",
            "resume${id}$1$another history!",
            "history${id}$5$1",
            "history${id}$$100",
            "members${id}$m0000000000000000",
            "members${id}$x",
            "roles${id}$x",
            "send_msg$${id}$",
            "delete_msg${id}$2",
            "delete_msg${id}$",
            "kick${id}$nobody$" + "x" * 5_000,
            "ban${id}$127.0.0.0/8$60$because",
            "mute${id}$nobody$60$because",
            "topic${id}$" + "x" * 5_000,
            "role${id}$" + stranger.id + "$owner",
            "invite${id}$2000000$1",
            "revoke${id}$nothing",
            "add${id}$" + stranger.id,
        ):
            with self.subTest(line):
                attempt = lambda p, id, line=line: p.try_line(line.replace("{id}", id))
                self.assertEqual("not_found", self.assert_as_if_never(stranger, attempt).code)

    def test_the_classic_dialect(self):
        stranger = self.closing(LinePerson(self.server.line_address))
        classic = self.closing(type(stranger.line)(self.server.line_address))
        classic.register("classic")
        for line in ("join$-${id}", "send_msg$-${id}$hello", "leave$-${id}"):
            told = []
            for channel in (NOWHERE, self.den, self.pair):
                classic.send(line.replace("{id}", channel))
                told.append([each.replace(channel, NOWHERE) for each in classic.sync()])
            self.assertTrue(told[0][0].startswith("$$error: not_found: "), told)
            self.assertEqual([told[0]] * 3, told)

    def test_a_code_leads_in_as_often_as_it_says_whichever_way_it_is_shown(self):
        code = self.owner.must("CreateInvite", channel_id=self.den, uses_max=2).code
        first, third = self.line("first"), self.line("third")
        joined = first.must(f"accept${code}")
        self.assertTrue(any(each.startswith(f"$$joined: {self.den} ") for each in joined))
        self.assertEqual([f"$$ok: join {self.den}"], first.must(f"accept${code}"))
        self.assertEqual(self.den, self.stranger.must("JoinByInvite", code=code).channel.id)
        false = third.try_line("accept$no such code")
        used_up = third.try_line(f"accept${code}")
        self.assertEqual(("not_found", false.words), (used_up.code, used_up.words))

    def test_is_in_no_list_of_others(self):
        stranger = self.line("line stranger")
        self.assertEqual(["$$ok: channels 0"], stranger.must("channels"))


if __name__ == "__main__":
    unittest.main()
