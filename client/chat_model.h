#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "txtchat/v1/chat.pb.h"

namespace txtchat::client {

// What a chat client knows, and how it says it: channels and their names, people, how far each
// channel has been seen. Pure: events in, lines out. Every line is sanitised: nothing that a peer
// wrote can move the cursor, colour the screen or look like a line of its own.
//
// Not thread-safe. Remembers at most kKnownMax channels and people each, and when the newest
// kPostedMax messages were posted.
class ChatModel {
 public:
  static constexpr std::size_t kKnownMax = 10'000;
  static constexpr std::size_t kPostedMax = 1'000;

  // Seconds since 1970 as the user's time of day.
  using TimeOfDay = std::function<std::string(std::int64_t unix_seconds)>;

  ChatModel(TimeOfDay time_of_day, bool colour);

  // The user that speaks here; an empty id if it is not known (a token from outside).
  void SetMe(const v1::User& user);
  const v1::User& me() const { return me_; }

  // Learns a channel's name.
  void Learn(const v1::Channel& channel);
  bool Knows(const std::string& channel_id) const { return channels_.contains(channel_id); }

  void SetJoined(const std::string& channel_id);
  // Also forgets how far it was seen, so that joining it later starts afresh.
  void SetLeft(const std::string& channel_id);
  const std::set<std::string>& joined() const { return joined_; }

  void SetCurrent(std::string channel_id) { current_ = std::move(channel_id); }
  const std::string& current() const { return current_; }

  // The channel that the user means: an id, or the name of exactly one known channel, with or
  // without `#`. What is not known is taken for an id. INVALID_ARGUMENT with an explanation.
  absl::StatusOr<std::string> Resolve(std::string_view typed) const;

  // `#name`, `@name` for a personal channel, with the id if another known channel has the name.
  std::string Label(const std::string& channel_id) const;
  // The name, with the id if another known person has the name.
  std::string Name(const v1::User& user) const;
  std::string ChannelLine(const v1::Channel& channel) const;

  // The lines that show `event`. Keeps account of what was seen: an event that was seen before has
  // no lines; events that are missing before it have a line that says so.
  std::vector<std::string> Show(const v1::Event& event);

  // Where to go on in each channel after a lost connection.
  std::vector<v1::ChannelPosition> Positions() const;

  // For a lost connection: from here a heartbeat tells what was missed meanwhile.
  void SetDisconnected() { fresh_stream_ = true; }

 private:
  std::vector<std::string> ShowHeartbeat(const v1::Heartbeat& heartbeat);
  std::vector<std::string> ShowRecovery(const std::string& channel, const v1::Recovery& recovery);
  std::vector<std::string> ShowMessage(const v1::Event& event);
  std::string ShowMember(const v1::Event& event, const v1::User& user, const char* did);
  // An act of moderation (chat_model_acts.cc); empty if it is none.
  std::string ShowAct(const v1::Event& event);
  std::string ShowDeletion(const std::string& channel_id, const v1::MessageDeleted& act);
  std::string Subject(const std::string& id, const std::string& name);
  std::string SanctionText(const char* did, const v1::Sanctioned& act);
  void Remember(const v1::Event& message);
  std::string Stamp(const v1::Event& event) const;
  std::string Missed(const std::string& channel_id, std::uint64_t from, std::uint64_t to,
                     const char* why) const;
  std::string Paint(std::string_view text, const char* code) const;
  void Meet(const v1::User& user);

  const TimeOfDay time_of_day_;
  const bool colour_;
  v1::User me_;
  std::string current_;
  std::map<std::string, std::string> channels_;         // id to name
  std::map<std::string, std::set<std::string>> names_;  // a person's name to ids
  std::set<std::string> joined_;
  std::map<std::string, std::uint64_t> seen_;  // the newest event shown, by channel
  // When the newest messages were posted, by channel and sequence; the oldest in front.
  std::deque<std::pair<std::pair<std::string, std::uint64_t>, std::int64_t>> posted_;
  std::string epoch_;                              // that seen_ belongs to
  std::map<std::string, std::uint64_t> promised_;  // the head in the heartbeat before
  bool fresh_stream_ = true;
};

// `HH:MM:SS` in the time zone of the process.
std::string LocalTimeOfDay(std::int64_t unix_seconds);

}  // namespace txtchat::client
