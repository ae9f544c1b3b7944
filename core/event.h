#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace txtchat {

/// Names one incarnation of a channel inside this process: ids can be used again, keys never are.
using ChannelKey = std::uint64_t;
/// Names one user inside this process, in the order of registration.
using UserKey = std::uint64_t;
/// Names one delivery session (a line connection, a Subscribe stream); 0 means none.
using SessionId = std::uint64_t;

enum class EventKind : std::uint8_t { kMessagePosted, kMemberJoined, kMemberLeft };

/// One entry of a channel's log. Immutable once published, shared by all threads.
struct Event {
  std::string channel_id;
  std::uint64_t sequence = 0;  ///< From 1, without holes, for each channel.
  std::int64_t time_unix_ms = 0;
  EventKind kind = EventKind::kMessagePosted;
  std::string user_id;    ///< Who spoke, joined or left.
  std::string user_name;  ///< With the name of that moment.
  std::string text;       ///< Only of a message.
  std::string client_message_id;

  /// Bytes that this event holds in memory, for bounding.
  std::size_t MemoryBytes() const {
    return sizeof(Event) + channel_id.size() + user_id.size() + user_name.size() + text.size() +
           client_message_id.size();
  }
};
using EventPtr = std::shared_ptr<const Event>;

}  // namespace txtchat
