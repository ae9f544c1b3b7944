#include "gateway/replies.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "core/policy.h"
#include "gateway/gateway_options.h"
#include "gateway/line_encoders.h"
#include "gateway/line_text.h"

namespace txtchat::gateway {
namespace {

constexpr std::size_t kExplanationBytesMax = 500;

// Abseil of 2022 has a string_view of its own.
absl::string_view View(std::string_view s) { return {s.data(), s.size()}; }

std::string EscapedName(std::string_view name) {
  std::string out;
  AppendEscapedName(name, out);
  return out;
}

std::string_view NameOf(CommandId command) {
  for (const CommandRow& row : CommandTable()) {
    if (row.id == command) return row.name;
  }
  return "";
}

const char* KindName(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kPublic:
      return "public";
    case ChannelKind::kPersonal:
      return "personal";
    case ChannelKind::kPrivate:
      return "private";
    case ChannelKind::kDirect:
      return "direct";
  }
  return "";
}

/// Answers of one command, by the type of its result.
struct Answer {
  CommandId command;
  bool tagged;
  std::string_view argument;

  std::string operator()(const std::monostate&) const {
    if (command != CommandId::kRevoke) return "";
    return absl::StrCat("$$ok: revoke ", View(argument), "\n");
  }
  std::string operator()(const Posted&) const { return ""; }
  std::string operator()(const SessionOpened& s) const { return Registration(s.user.id); }
  std::string operator()(const AccountOpened& a) const { return Registration(a.user.id); }
  std::string operator()(const LoginFound&) const { return ""; }
  std::string operator()(const TokenList&) const { return ""; }

  std::string operator()(const Registered& r) const {
    if (command == CommandId::kWhoAmI) {
      return absl::StrCat("$$whoami: ", r.user.id, " ", EscapedName(r.user.display_name), "\n");
    }
    return Registration(r.user.id);
  }

  /// The personal channel has the user's id.
  std::string Registration(const std::string& id) const {
    if (!tagged) return absl::StrCat(id, "\n");
    return absl::StrCat("$$registered: ", id, " ", id, "\n");
  }

  /// `$$ok: COMMAND CHAN SEQ`: the event itself comes before it.
  std::string operator()(const Acted& acted) const {
    return absl::StrCat("$$ok: ", View(NameOf(command)), " ", acted.event->channel_id, " ",
                        acted.event->sequence, "\n");
  }

  std::string operator()(const SanctionList& list) const {
    const absl::string_view channel = View(argument);
    std::string out;
    for (const SanctionRow& row : list.sanctions) {
      absl::StrAppend(&out, row.kind == SanctionKind::kBan ? "$$ban: " : "$$mute: ", channel, " ",
                      row.subject, " ", row.until_unix_ms, " ", row.by_user_id);
      if (!row.reason.empty()) out += ' ';
      AppendEscapedText(row.reason, out);
      out += '\n';
    }
    absl::StrAppend(&out, "$$ok: bans ", channel, " ", list.sanctions.size(), "\n");
    return out;
  }

  /// The code is the argument; the row names its channel by key only.
  std::string operator()(const InviteRow& invite) const {
    return absl::StrCat("$$code: ", View(argument), " ", invite.id, " ", invite.uses_left, " ",
                        invite.expire_time_unix_ms, "\n");
  }

  std::string operator()(const InviteList& list) const {
    std::string out;
    for (const InviteRow& row : list.invites) {
      absl::StrAppend(&out, "$$invite: ", View(argument), " ", row.id, " ", row.uses_left, " ",
                      row.expire_time_unix_ms, " ", row.by_user_id, "\n");
    }
    absl::StrAppend(&out, "$$ok: invites ", View(argument), " ", list.invites.size(), "\n");
    return out;
  }

  std::string operator()(const ChannelInfo& c) const {
    if (command == CommandId::kInfo) {
      std::string out = absl::StrCat("$$info: ", c.id, " ", KindName(c.kind), " ", c.member_count,
                                     " ", c.head_sequence, " ", EscapedName(c.display_name), ": ");
      AppendEscapedText(c.topic, out);
      return out + '\n';
    }
    if (command == CommandId::kDirect) return absl::StrCat("$$ok: direct ", c.id, "\n");
    if (!tagged) return absl::StrCat(c.id, "\n");
    return absl::StrCat("$$created: ", c.id, " ", EscapedName(c.display_name), "\n");
  }

  std::string operator()(const Joined& j) const {
    if (!j.already_member) return "";
    return absl::StrCat(tagged ? "$$ok: join " : "$$joined: ", j.channel.id, "\n");
  }

  std::string operator()(const Resumed& r) const {
    const std::string& id = r.channel.id;
    switch (r.recovery.state) {
      case Recovery::State::kGap:
        return absl::StrCat("$$ok: resume ", id, " gap\n",
                            GapLine(id, r.recovery.gap_from, r.recovery.gap_to));
      case Recovery::State::kEpochChanged:
        return absl::StrCat("$$ok: resume ", id, " epoch_changed\n");
      case Recovery::State::kRecovered:
      case Recovery::State::kNotMember:
        break;
    }
    return absl::StrCat("$$ok: resume ", id, " recovered\n");
  }

  std::string operator()(const HistoryOpened&) const { return ""; }

  std::string operator()(const ChannelPage& page) const {
    std::string out;
    for (const ChannelInfo& c : page.channels) {
      absl::StrAppend(&out, "$$channel: ", c.id, " ", c.member_count, " ", c.head_sequence, " ",
                      EscapedName(c.display_name), "\n");
    }
    absl::StrAppend(&out, "$$ok: channels ", page.channels.size());
    return End(std::move(out), page.next_page_token);
  }

  std::string operator()(const MemberPage& page) const {
    const absl::string_view channel = View(argument);
    std::string out;
    if (command == CommandId::kRoles) return Standings(page);
    for (const MemberInfo& m : page.members) {
      absl::StrAppend(&out, "$$member: ", channel, " ", m.user.id, " ",
                      EscapedName(m.user.display_name), "\n");
    }
    absl::StrAppend(&out, "$$ok: members ", channel, " ", page.members.size());
    return End(std::move(out), page.next_page_token);
  }

  std::string Standings(const MemberPage& page) const {
    std::string out;
    std::size_t count = 0;
    for (const MemberInfo& m : page.members) {
      if (m.role == Role::kMember && !m.muted) continue;
      ++count;
      absl::StrAppend(&out, "$$standing: ", View(argument), " ", m.user.id, " ", RoleName(m.role));
      if (m.muted) absl::StrAppend(&out, " muted ", m.muted_until_unix_ms);
      out += '\n';
    }
    absl::StrAppend(&out, "$$ok: roles ", View(argument), " ", count);
    return End(std::move(out), page.next_page_token);
  }

  static std::string End(std::string out, const std::string& more) {
    if (!more.empty()) absl::StrAppend(&out, " ", more);
    out += '\n';
    return out;
  }
};

}  // namespace

std::string_view CodeName(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return "ok";
    case absl::StatusCode::kCancelled:
      return "cancelled";
    case absl::StatusCode::kInvalidArgument:
      return "invalid_argument";
    case absl::StatusCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case absl::StatusCode::kNotFound:
      return "not_found";
    case absl::StatusCode::kAlreadyExists:
      return "already_exists";
    case absl::StatusCode::kPermissionDenied:
      return "permission_denied";
    case absl::StatusCode::kResourceExhausted:
      return "resource_exhausted";
    case absl::StatusCode::kFailedPrecondition:
      return "failed_precondition";
    case absl::StatusCode::kAborted:
      return "aborted";
    case absl::StatusCode::kOutOfRange:
      return "out_of_range";
    case absl::StatusCode::kUnimplemented:
      return "unimplemented";
    case absl::StatusCode::kInternal:
      return "internal";
    case absl::StatusCode::kUnavailable:
      return "unavailable";
    case absl::StatusCode::kDataLoss:
      return "data_loss";
    case absl::StatusCode::kUnauthenticated:
      return "unauthenticated";
    default:
      return "unknown";
  }
}

std::string ErrorLine(const absl::Status& status) {
  const absl::string_view message = status.message();
  return absl::StrCat("$$error: ", View(CodeName(status.code())), ": ",
                      OneLine({message.data(), message.size()}, kExplanationBytesMax), "\n");
}

std::string AnswerLines(CommandId command, WireFormat format, const Result& result,
                        std::string_view argument) {
  return std::visit(Answer{command, format == WireFormat::kTaggedLine, argument}, result);
}

std::string WelcomeLine() { return absl::StrCat(View(kWelcome), "\n"); }
std::string HelloLine() { return "$$hello: 2\n"; }

std::string PongLine(std::string_view argument) {
  std::string out = "$$pong: ";
  AppendOneLine(argument, out);
  out += '\n';
  return out;
}

std::string ByeLine(std::string_view reason) {
  return absl::StrCat("$$bye: ", OneLine(reason, kExplanationBytesMax), "\n");
}

std::string EpochLine(std::string_view epoch) {
  return absl::StrCat("$$epoch: ", View(epoch), "\n");
}

std::string HistoryLines(std::string_view channel_id, std::uint64_t after,
                         const EventPage& newest_first) {
  std::string out;
  for (auto it = newest_first.rbegin(); it != newest_first.rend(); ++it) {
    AppendTaggedMessage("$$history: ", **it, out);
  }
  absl::StrAppend(&out, "$$ok: history ", View(channel_id), " ", newest_first.size());
  // A page may be shorter than asked for, as its bytes are bounded too: whoever wants to know asks.
  const std::uint64_t oldest = newest_first.empty() ? after + 1 : newest_first.back()->sequence;
  if (oldest > 1) absl::StrAppend(&out, " ", oldest);
  out += '\n';
  return out;
}

std::string HelpLines() {
  std::string out;
  for (const CommandRow& row : CommandTable()) {
    absl::StrAppend(&out, "$$help: ", View(row.usage), " - ", View(row.help), "\n");
  }
  return out;
}

std::string GapLine(std::string_view channel_id, std::uint64_t from, std::uint64_t to) {
  return absl::StrCat("$$gap: ", View(channel_id), " ", from, " ", to, "\n");
}

}  // namespace txtchat::gateway
