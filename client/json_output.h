#pragma once

#include <string>

#include "txtchat/v1/chat.pb.h"

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
//   channel  id, display_name, create_time, head_sequence, member_count
//   user     id, display_name, token
//   health   status, serving
std::string JsonOf(const v1::Message& message);
std::string JsonOf(const v1::Channel& channel);
std::string JsonOf(const v1::RegisterResponse& registered);
std::string JsonOfHealth(const std::string& status, bool serving);

// Empty for an event that has no such form (a heartbeat).
std::string JsonOf(const v1::Event& event);

// The message that `event` tells of; the event must be a message posted.
v1::Message MessageOf(const v1::Event& event);

}  // namespace txtchat::client
