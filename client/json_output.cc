#include "client/json_output.h"

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return EscapeJsonForTerminal(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Json UserJson(const v1::User& user) {
  return {{"id", user.id()}, {"display_name", user.display_name()}};
}

const char* KindName(v1::ChannelKind kind) {
  switch (kind) {
    case v1::CHANNEL_KIND_PERSONAL:
      return "personal";
    case v1::CHANNEL_KIND_PRIVATE:
      return "private";
    case v1::CHANNEL_KIND_DIRECT:
      return "direct";
    default:
      return "public";
  }
}

// What all events of channels begin with.
Json EventJson(const char* type, const v1::Event& event) {
  return {{"type", type},
          {"channel", event.channel_id()},
          {"sequence", event.sequence()},
          {"time", Rfc3339(event.create_time())}};
}

Json SanctionedJson(const char* type, const v1::Event& event, const v1::Sanctioned& act) {
  Json json = EventJson(type, event);
  json["by"] = UserJson(act.by());
  json["subject"] = act.subject();
  json["subject_name"] = act.subject_name();
  if (act.has_until()) json["until"] = Rfc3339(act.until());
  json["reason"] = act.reason();
  return json;
}

Json PardonedJson(const char* type, const v1::Event& event, const v1::Pardoned& act) {
  Json json = EventJson(type, event);
  json["by"] = UserJson(act.by());
  json["subject"] = act.subject();
  json["subject_name"] = act.subject_name();
  return json;
}

Json InviteJson(const std::string& channel_id, const v1::Invite& invite) {
  return {{"type", "invite"},
          {"id", invite.id()},
          {"channel", channel_id},
          {"uses_left", invite.uses_left()},
          {"expire_time", Rfc3339(invite.expire_time())},
          {"by", invite.by_user_id()}};
}

template <typename Act>
Json ActJson(const char* type, const v1::Event& event, const Act& act) {
  Json json = EventJson(type, event);
  json["by"] = UserJson(act.by());
  return json;
}

// Null if it is no act of moderation.
Json ModerationJson(const v1::Event& event) {
  Json json;
  switch (event.kind_case()) {
    case v1::Event::kMessageRemoved:
      json = EventJson("removed", event);
      json["sender"] = UserJson(event.message_removed().sender());
      break;
    case v1::Event::kMessageDeleted:
      json = ActJson("deleted", event, event.message_deleted());
      json["deleted_sequence"] = event.message_deleted().deleted_sequence();
      json["sender"] = UserJson(event.message_deleted().sender());
      break;
    case v1::Event::kMemberKicked:
      json = ActJson("kicked", event, event.member_kicked());
      json["user"] = UserJson(event.member_kicked().user());
      json["reason"] = event.member_kicked().reason();
      break;
    case v1::Event::kBanned:
      return SanctionedJson("banned", event, event.banned());
    case v1::Event::kUnbanned:
      return PardonedJson("unbanned", event, event.unbanned());
    case v1::Event::kMuted:
      return SanctionedJson("muted", event, event.muted());
    case v1::Event::kUnmuted:
      return PardonedJson("unmuted", event, event.unmuted());
    case v1::Event::kRoleChanged:
      json = ActJson("role", event, event.role_changed());
      json["user"] = UserJson(event.role_changed().user());
      json["role"] = RoleName(event.role_changed().role());
      break;
    case v1::Event::kTopicChanged:
      json = ActJson("topic", event, event.topic_changed());
      json["topic"] = event.topic_changed().topic();
      break;
    case v1::Event::kChannelRenamed:
      json = ActJson("renamed", event, event.channel_renamed());
      json["display_name"] = event.channel_renamed().display_name();
      break;
    case v1::Event::kChannelDeleted:
      return ActJson("channel_deleted", event, event.channel_deleted());
    default:
      break;
  }
  return json;
}

}  // namespace

std::string Rfc3339(const google::protobuf::Timestamp& time) {
  const std::time_t seconds = time.seconds();
  std::tm utc{};
  char text[40];
  if (gmtime_r(&seconds, &utc) == nullptr) return "";
  const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + length, sizeof(text) - length, ".%03dZ", time.nanos() / 1'000'000);
  return text;
}

std::string RoleName(v1::Role role) {
  switch (role) {
    case v1::ROLE_OWNER:
      return "owner";
    case v1::ROLE_MODERATOR:
      return "moderator";
    default:
      return "member";
  }
}

v1::Message MessageOf(const v1::Event& event) {
  v1::Message message;
  message.set_channel_id(event.channel_id());
  message.set_sequence(event.sequence());
  *message.mutable_create_time() = event.create_time();
  *message.mutable_sender() = event.message_posted().sender();
  message.set_text(event.message_posted().text());
  message.set_client_message_id(event.message_posted().client_message_id());
  return message;
}

std::string JsonOf(const v1::Message& message) {
  Json json = {{"type", "message"},
               {"channel", message.channel_id()},
               {"sequence", message.sequence()},
               {"time", Rfc3339(message.create_time())},
               {"sender", UserJson(message.sender())},
               {"text", message.text()}};
  if (!message.client_message_id().empty()) {
    json["client_message_id"] = absl::Base64Escape(message.client_message_id());
  }
  return Dump(json);
}

std::string JsonOf(const v1::Channel& channel) {
  return Dump({{"type", "channel"},
               {"id", channel.id()},
               {"display_name", channel.display_name()},
               {"create_time", Rfc3339(channel.create_time())},
               {"head_sequence", channel.head_sequence()},
               {"member_count", channel.member_count()},
               {"kind", KindName(channel.kind())},
               {"topic", channel.topic()}});
}

std::string JsonOf(const v1::RegisterResponse& registered) {
  return Dump({{"type", "user"},
               {"id", registered.user().id()},
               {"display_name", registered.user().display_name()},
               {"token", registered.token()}});
}

std::string JsonOf(const v1::User& user) {
  return Dump({{"type", "user"}, {"id", user.id()}, {"display_name", user.display_name()}});
}

std::string JsonOf(const v1::Token& token) {
  return Dump({{"type", "token"},
               {"id", token.id()},
               {"label", token.label()},
               {"create_time", Rfc3339(token.create_time())},
               {"expire_time", Rfc3339(token.expire_time())}});
}

std::string JsonOfLogin(const v1::User& user, const std::string& token, const v1::Token& info) {
  Json json = {{"type", "user"}, {"id", user.id()}, {"display_name", user.display_name()}};
  if (!token.empty()) json["token"] = token;
  json["token_id"] = info.id();
  json["expire_time"] = Rfc3339(info.expire_time());
  return Dump(json);
}

std::string JsonOfInvite(const std::string& channel_id, const v1::CreateInviteResponse& response) {
  Json json = InviteJson(channel_id, response.invite());
  json["code"] = response.code();
  return Dump(json);
}

std::string JsonOf(const std::string& channel_id, const v1::Invite& invite) {
  return Dump(InviteJson(channel_id, invite));
}

std::string JsonOf(const v1::Sanction& sanction) {
  Json json = {{"type", sanction.kind() == v1::Sanction::KIND_MUTE ? "mute" : "ban"},
               {"subject", sanction.subject()},
               {"subject_name", sanction.subject_name()}};
  if (sanction.has_until()) json["until"] = Rfc3339(sanction.until());
  json["reason"] = sanction.reason();
  json["by"] = sanction.by_user_id();
  json["create_time"] = Rfc3339(sanction.create_time());
  return Dump(json);
}

std::string JsonOfAct(const std::string& channel_id, std::uint64_t sequence) {
  return Dump({{"type", "act"}, {"channel", channel_id}, {"sequence", sequence}});
}

std::string JsonOfHealth(const std::string& status, bool serving) {
  return Dump({{"type", "health"}, {"status", status}, {"serving", serving}});
}

std::string JsonOf(const v1::Event& event) {
  if (event.has_message_posted()) return JsonOf(MessageOf(event));
  if (event.has_gap()) {
    return Dump({{"type", "gap"},
                 {"channel", event.channel_id()},
                 {"from_sequence", event.gap().from_sequence()},
                 {"to_sequence", event.gap().to_sequence()}});
  }
  if (const Json act = ModerationJson(event); !act.is_null()) return Dump(act);
  if (!event.has_member_joined() && !event.has_member_left()) return "";
  const bool joined = event.has_member_joined();
  Json json = EventJson(joined ? "joined" : "left", event);
  json["user"] = UserJson(joined ? event.member_joined().user() : event.member_left().user());
  return Dump(json);
}

}  // namespace txtchat::client
