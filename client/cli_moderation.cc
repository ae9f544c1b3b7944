// The command line of `txtchat mod`.

#include "client/cli_impl.h"
#include "client/moderation_verbs.h"

namespace txtchat::client {

ModerationOptions Cli::Moderation() const {
  ModerationOptions options;
  options.script = Script();
  options.channel = flags_.channel;
  options.subject = flags_.subject;
  options.text = flags_.reason;
  options.role = flags_.role;
  options.seconds = flags_.seconds;
  options.uses = flags_.uses;
  options.sequence = flags_.sequence;
  return options;
}

CLI::App* Cli::Act(CLI::App* mod, const std::string& name, const std::string& what,
                   const std::string& examples, int (*run)(const ModerationOptions&)) {
  CLI::App* verb = SubVerb(mod, name, what, "  txtchat mod " + examples,
                           [this, run] { return run(Moderation()); });
  verb->add_option("CHANNEL", flags_.channel, "Id of the channel")->required();
  AddToken(verb, TokenUse::kRequired);
  AddJson(verb);
  return verb;
}

void Cli::AddInviteVerbs(CLI::App* mod) {
  CLI::App* invite = Act(mod, "invite", "Make an invite to a private channel and print its code",
                         "invite 1a2b3c4d5e --uses 10 --for 3600\n"
                         "Whoever has the code can join: `txtchat mod join-by CODE`.",
                         &RunInvite);
  invite->add_option("--uses", flags_.uses, "How often it can be used; otherwise once")
      ->check(CLI::Range(1, 1'000'000));
  invite->add_option("--for", flags_.seconds, "Seconds that it can be used; otherwise a day")
      ->check(CLI::Range(1.0, 1e9));

  Act(mod, "invites", "List the invites that still lead in", "invites 1a2b3c4d5e --json",
      &RunInvites);
  Act(mod, "revoke-invite", "End an invite",
      "revoke-invite 1a2b3c4d5e 0123456789abcdef\n"
      "Who has joined by it stays.",
      &RunRevokeInvite)
      ->add_option("INVITE", flags_.subject, "Its id, as `mod invites` lists it")
      ->required();

  CLI::App* join = SubVerb(mod, "join-by", "Join a private channel by an invite; print its id",
                           "  chan=$(txtchat mod join-by CODE)",
                           [this] { return RunJoinBy(Script(), flags_.subject); });
  join->add_option("CODE", flags_.subject, "What `mod invite` printed")->required();
  AddToken(join, TokenUse::kRequired);
  AddJson(join);
}

void Cli::AddMemberActs(CLI::App* mod) {
  const auto add_user = [this](CLI::App* verb) {
    verb->add_option("USER", flags_.subject, "Id of the user")->required();
  };
  const auto add_subject = [this](CLI::App* verb) {
    verb->add_option("USER", flags_.subject, "Id of the user, or an address range")->required();
  };
  const auto add_reason = [this](CLI::App* verb) {
    verb->add_option("--reason", flags_.reason, "Why; everybody in the channel reads it");
  };
  const auto add_duration = [this](CLI::App* verb) {
    verb->add_option("--for", flags_.seconds, "Seconds that it lasts; otherwise for good")
        ->check(CLI::Range(1.0, 1e12));
  };
  add_user(Act(mod, "add", "Make a user a member of a private channel, without an invite",
               "add 1a2b3c4d5e 0123456789abcdef", &RunAddMember));

  CLI::App* kick =
      Act(mod, "kick", "End a membership; the user can join again",
          "kick 1a2b3c4d5e 0123456789abcdef --reason 'this is no place for that'", &RunKick);
  add_user(kick);
  add_reason(kick);

  CLI::App* ban = Act(mod, "ban", "Keep a user, or guests of an address range, out",
                      "ban 1a2b3c4d5e 0123456789abcdef --for 86400 --reason spam\n"
                      "  txtchat mod ban 1a2b3c4d5e 192.0.2.0/24",
                      &RunBan);
  add_subject(ban);
  add_reason(ban);
  add_duration(ban);

  add_subject(Act(mod, "unban", "Take a ban back", "unban 1a2b3c4d5e 192.0.2.0/24", &RunUnban));

  CLI::App* mute = Act(mod, "mute", "Let a member read only",
                       "mute 1a2b3c4d5e 0123456789abcdef --for 600", &RunMute);
  add_user(mute);
  add_reason(mute);
  add_duration(mute);

  add_user(Act(mod, "unmute", "End a mute", "unmute 1a2b3c4d5e 0123456789abcdef", &RunUnmute));

  CLI::App* role = Act(mod, "role", "Give a member another role",
                       "role 1a2b3c4d5e 0123456789abcdef moderator", &RunRole);
  add_user(role);
  role->add_option("ROLE", flags_.role, "member, moderator or owner")
      ->required()
      ->check(CLI::IsMember({"member", "moderator", "owner"}));

  Act(mod, "bans", "List the bans and mutes that hold", "bans 1a2b3c4d5e --json", &RunBans);
}

void Cli::AddModerationVerbs() {
  CLI::App* mod =
      app_.add_subcommand("mod", "Moderate: invites, roles, bans and mutes, topics, deleting");
  mod->require_subcommand(1);
  mod->footer("`txtchat mod VERB --help` shows examples.");
  AddInviteVerbs(mod);
  AddMemberActs(mod);

  Act(mod, "topic", "Set what a channel is about", "topic 1a2b3c4d5e 'The plan for May'", &RunTopic)
      ->add_option("TOPIC", flags_.reason, "One line; '' for none")
      ->required();
  Act(mod, "rename", "Give a channel another name", "rename 1a2b3c4d5e lounge", &RunRename)
      ->add_option("NAME", flags_.reason, "The channel's name")
      ->required();
  Act(mod, "delete-message", "Delete a message; its text leaves the disk, too",
      "delete-message 1a2b3c4d5e 42", &RunDeleteMessage)
      ->add_option("SEQUENCE", flags_.sequence, "Its number in the channel, as --json shows it")
      ->required();
  Act(mod, "delete-channel", "End a channel, with everything that was said in it",
      "delete-channel 1a2b3c4d5e", &RunDeleteChannel);
}

}  // namespace txtchat::client
