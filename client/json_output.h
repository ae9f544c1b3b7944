#pragma once

#include <cstdint>
#include <string>

#include "txtchat/v1/accounts.pb.h"
#include "txtchat/v1/chat.pb.h"
#include "txtchat/v1/moderation.pb.h"

namespace txtchat::client {

// One JSON object for each thing that a script may want to read, on one line without its end. Every
// object has a "type". What people wrote is escaped so that a terminal shows it harmlessly.
//
//   message  channel, sequence, time (RFC 3339, UTC, milliseconds), sender {id, display_name},
//   text,
//            client_message_id (base64; only if there is one)
//   joined   channel, sequence, time, user {id, display_name}
//   left     like joined
//   gap      channel, from_sequence, to_sequence: events that will not be delivered
//   channel  id, display_name, create_time, head_sequence, member_count, kind (public, personal,
//            private, direct), topic
//   user     id, display_name; from register, create and login also token (unless a file has it);
//            from create and login also token_id, expire_time
//   token    id, label, create_time, expire_time
//   invite   id, code, channel, uses_left, expire_time
//   act      channel, sequence: what was done is the event of this number
//   ban, mute  subject, subject_name, until (only if it ends), reason, by (a user's id),
//   create_time removed  like message, without text: it was deleted deleted, kicked, banned,
//   unbanned, muted, unmuted, role, topic, renamed, channel_deleted
//            channel, sequence, time, by {id, display_name}, and what the API says of the event:
//            deleted_sequence, sender; user; subject, subject_name; until; reason; role; topic;
//            display_name
//   health   status, serving
std::string JsonOf(const v1::Message& message);
std::string JsonOf(const v1::Channel& channel);
std::string JsonOf(const v1::RegisterResponse& registered);
std::string JsonOf(const v1::User& user);
std::string JsonOf(const v1::Token& token);
// `token` may be empty: then it is left out.
std::string JsonOfLogin(const v1::User& user, const std::string& token, const v1::Token& info);
std::string JsonOfInvite(const std::string& channel_id, const v1::CreateInviteResponse& response);
std::string JsonOf(const std::string& channel_id, const v1::Invite& invite);  // without its code
std::string JsonOf(const v1::Sanction& sanction);
std::string JsonOfAct(const std::string& channel_id, std::uint64_t sequence);
std::string JsonOfHealth(const std::string& status, bool serving);

// Empty for an event that has no such form (a heartbeat).
std::string JsonOf(const v1::Event& event);

// `2026-01-31T23:59:59.000Z`
std::string Rfc3339(const google::protobuf::Timestamp& time);

// `member`, `moderator`, `owner`.
std::string RoleName(v1::Role role);

// The message that `event` tells of; the event must be a message posted.
v1::Message MessageOf(const v1::Event& event);

}  // namespace txtchat::client
