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

std::string Rfc3339(const google::protobuf::Timestamp& time) {
  const std::time_t seconds = time.seconds();
  std::tm utc{};
  char text[40];
  if (gmtime_r(&seconds, &utc) == nullptr) return "";
  const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + length, sizeof(text) - length, ".%03dZ", time.nanos() / 1'000'000);
  return text;
}

Json UserJson(const v1::User& user) {
  return {{"id", user.id()}, {"display_name", user.display_name()}};
}

}  // namespace

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
               {"member_count", channel.member_count()}});
}

std::string JsonOf(const v1::RegisterResponse& registered) {
  return Dump({{"type", "user"},
               {"id", registered.user().id()},
               {"display_name", registered.user().display_name()},
               {"token", registered.token()}});
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
  if (!event.has_member_joined() && !event.has_member_left()) return "";
  const bool joined = event.has_member_joined();
  return Dump(
      {{"type", joined ? "joined" : "left"},
       {"channel", event.channel_id()},
       {"sequence", event.sequence()},
       {"time", Rfc3339(event.create_time())},
       {"user", UserJson(joined ? event.member_joined().user() : event.member_left().user())}});
}

}  // namespace txtchat::client
