"""How each act of docs/security.md is tried on either transport: by which request, by which line.
`w` is what it is about (see Aim): the channel, messages, users."""

from dataclasses import dataclass

from txtchat.v1 import chat_pb2


@dataclass
class Aim:
    """What an attempt is about. Empty and 0 where it is about nothing of the kind."""

    channel: str = ""
    message: int = 0  # Of the victim.
    own_message: int = 0  # Of whoever tries.
    invite: str = "no such invite"
    victim: str = ""  # A member.
    newcomer: str = ""  # No member.
    banned: str = ""
    banned_by_owner: str = "192.0.2.0/24"
    muted: str = ""


def _of_channel(**fields):
    """A request with the channel's id and these fields; those that can be called are asked."""

    def make(w):
        given = {name: value(w) if callable(value) else value for name, value in fields.items()}
        return {"channel_id": w.channel, **given}

    return make


_victim = lambda w: w.victim

# Acts in a channel: for each call or command what is sent.
OF_CHANNELS = {
    ("see that it is there, its name and topic", "GetChannel"): _of_channel(),
    ("see that it is there, its name and topic", "info"): lambda w: f"info${w.channel}",
    ("join", "JoinChannel"): _of_channel(),
    ("join", "join"): lambda w: f"join$-${w.channel}",
    ("join after a position", "resume"): lambda w: f"resume${w.channel}$0",
    ("read what was said", "ListMessages"): _of_channel(),
    ("read what was said", "history"): lambda w: f"history${w.channel}",
    ("follow what is said", "Subscribe"): lambda w: {"channel_ids": [w.channel]},
    ("list its members", "ListMembers"): _of_channel(),
    ("list its members", "members"): lambda w: f"members${w.channel}",
    ("list its members", "roles"): lambda w: f"roles${w.channel}",
    ("leave", "LeaveChannel"): _of_channel(),
    ("leave", "leave"): lambda w: f"leave$-${w.channel}",
    ("speak", "SendMessage"): _of_channel(text="hello"),
    ("speak", "send_msg"): lambda w: f"send_msg$-${w.channel}$hello",
    ("delete a message of its own", "DeleteMessage"): _of_channel(sequence=lambda w: w.own_message),
    ("delete a message of its own", "delete_msg"): (
        lambda w: f"delete_msg${w.channel}${w.own_message}"
    ),
    ("delete a message of another", "DeleteMessage"): _of_channel(sequence=lambda w: w.message),
    ("delete a message of another", "delete_msg"): lambda w: f"delete_msg${w.channel}${w.message}",
    ("set the topic", "SetTopic"): _of_channel(topic="tea"),
    ("set the topic", "topic"): lambda w: f"topic${w.channel}$tea",
    ("make an invite", "CreateInvite"): _of_channel(),
    ("make an invite", "invite"): lambda w: f"invite${w.channel}",
    ("list invites", "ListInvites"): _of_channel(),
    ("list invites", "invites"): lambda w: f"invites${w.channel}",
    ("end an invite", "RevokeInvite"): _of_channel(invite_id=lambda w: w.invite),
    ("end an invite", "revoke"): lambda w: f"revoke${w.channel}${w.invite}",
    ("add a member", "AddMember"): _of_channel(user_id=lambda w: w.newcomer),
    ("add a member", "add"): lambda w: f"add${w.channel}${w.newcomer}",
    ("kick", "KickMember"): _of_channel(user_id=_victim),
    ("kick", "kick"): lambda w: f"kick${w.channel}${w.victim}",
    ("ban", "Ban"): _of_channel(subject=_victim),
    ("ban", "ban"): lambda w: f"ban${w.channel}${w.victim}",
    ("unban", "Unban"): _of_channel(subject=lambda w: w.banned),
    ("unban", "unban"): lambda w: f"unban${w.channel}${w.banned}",
    ("unban what an owner has banned", "Unban"): _of_channel(subject=lambda w: w.banned_by_owner),
    ("unban what an owner has banned", "unban"): (
        lambda w: f"unban${w.channel}${w.banned_by_owner}"
    ),
    ("mute", "Mute"): _of_channel(user_id=_victim),
    ("mute", "mute"): lambda w: f"mute${w.channel}${w.victim}",
    ("unmute", "Unmute"): _of_channel(user_id=lambda w: w.muted),
    ("unmute", "unmute"): lambda w: f"unmute${w.channel}${w.muted}",
    ("list bans and mutes", "ListSanctions"): _of_channel(),
    ("list bans and mutes", "bans"): lambda w: f"bans${w.channel}",
    ("give a role", "SetRole"): _of_channel(user_id=_victim, role=chat_pb2.ROLE_MODERATOR),
    ("give a role", "role"): lambda w: f"role${w.channel}${w.victim}$moderator",
    ("rename it", "RenameChannel"): _of_channel(display_name="den"),
    ("rename it", "rename"): lambda w: f"rename${w.channel}$den",
    ("delete it", "DeleteChannel"): _of_channel(),
    ("delete it", "delete_chan"): lambda w: f"delete_chan${w.channel}",
}

# After these, a channel is as it was.
READING = {
    "GetChannel", "info", "ListMessages", "history", "Subscribe", "ListMembers", "members", "roles",
    "ListInvites", "invites", "ListSanctions", "bans",
}  # fmt: skip

_wrong = "a wrong password"

# Acts of oneself. `{n}` is a number that no other attempt has.
OF_ONESELF = {
    ("become a guest", "Register"): {"display_name": "guest of many"},
    ("become a guest, or take another name", "reg"): "reg$renamed {n}",
    ("make an account", "CreateAccount"): {
        "login_name": "login-{n}",
        "display_name": "made {n}",
        "password": "a good password",
    },
    ("log in with a wrong password", "Login"): {"login_name": "nobody-{n}", "password": _wrong},
    ("log in with a wrong password", "login"): "login$nobody-{n}$" + _wrong,
    ("show a false token", "auth"): "auth$false{n}",
    ("ask who one is", "WhoAmI"): {},
    ("ask who one is", "whoami"): "whoami",
    ("take another name", "SetDisplayName"): {"display_name": "another name {n}"},
    ("change a password, with a wrong one", "ChangePassword"): {
        "former_password": _wrong,
        "password": "a better password",
    },
    ("list one's tokens", "ListTokens"): {},
    ("end a token that is not one's own", "RevokeToken"): {"token_id": "{token_of_another}"},
    ("read what one has posted", "ExportMessages"): {},
    ("erase oneself, with a wrong password", "EraseUser"): {"password": _wrong},
    ("make a channel", "CreateChannel"): {"display_name": "made"},
    ("make a channel", "create_chan"): "create_chan$-$made",
    ("make a channel", "create_private"): "create_private$made",
    ("open a direct conversation", "OpenDirectChannel"): {"user_id": "{another}"},
    ("open a direct conversation", "direct"): "direct${another}",
    ("join by an invite that is none", "JoinByInvite"): {"code": "false{n}"},
    ("join by an invite that is none", "accept"): "accept$false{n}",
    ("list channels", "ListChannels"): {},
    ("list channels", "channels"): "channels",
    ("ask what the server is", "hello"): "hello$2",
    ("ask what the server is", "ping"): "ping$x",
    ("ask what the server is", "epoch"): "epoch",
    ("ask what the server is", "help"): "help",
    ("ask what the server is", "quit"): "quit",
}
