#include "client/chat_model.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/status/status.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

constexpr char kDim[] = "2";
constexpr char kCyan[] = "36";
constexpr char kBold[] = "1";
constexpr char kYellow[] = "33";

// A colour for each person, the same every time.
const char* ColourOf(const std::string& id) {
  static constexpr const char* kColours[] = {"31", "32", "34", "35", "91", "92", "94", "95"};
  std::uint32_t hash = 2166136261;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  return kColours[hash % std::size(kColours)];
}

// Personal channels have their user's id: 16 hexadecimal digits or an address.
bool IsPersonal(const std::string& channel_id) {
  return channel_id.size() != 10 || channel_id.find_first_of(".:") != std::string::npos;
}

}  // namespace

std::string LocalTimeOfDay(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm local{};
  char text[16];
  if (localtime_r(&time, &local) == nullptr) return "--:--:--";
  std::strftime(text, sizeof(text), "%H:%M:%S", &local);
  return text;
}

ChatModel::ChatModel(TimeOfDay time_of_day, bool colour)
    : time_of_day_(std::move(time_of_day)), colour_(colour) {}

void ChatModel::SetMe(const v1::User& user) {
  if (!me_.id().empty() && me_.id() != user.id()) {
    // Whom one was before has ended: its name must not look like somebody else's.
    channels_.erase(me_.id());
    if (const auto ids = names_.find(me_.display_name()); ids != names_.end()) {
      ids->second.erase(me_.id());
    }
  }
  me_ = user;
  if (user.id().empty()) return;
  Meet(user);
  v1::Channel personal;
  personal.set_id(user.id());
  personal.set_display_name(user.display_name());
  Learn(personal);
}

void ChatModel::Learn(const v1::Channel& channel) {
  if (channels_.size() >= kKnownMax && !Knows(channel.id())) return;  // shown by its id
  channels_[channel.id()] = channel.display_name();
}

void ChatModel::Meet(const v1::User& user) {
  if (names_.size() >= kKnownMax && !names_.contains(user.display_name())) names_.clear();
  std::set<std::string>& ids = names_[user.display_name()];
  if (ids.size() < 2) ids.insert(user.id());  // two are enough to know that the name is not one's
}

void ChatModel::SetJoined(const std::string& channel_id) { joined_.insert(channel_id); }

void ChatModel::SetLeft(const std::string& channel_id) {
  joined_.erase(channel_id);
  seen_.erase(channel_id);
  promised_.erase(channel_id);
}

absl::StatusOr<std::string> ChatModel::Resolve(std::string_view typed) const {
  const std::string whole(Trim(typed));
  if (whole.empty()) return absl::InvalidArgumentError("say which channel");
  if (Knows(whole) || joined_.contains(whole)) return whole;
  const bool marked = whole.front() == '#' || whole.front() == '@';
  const std::string name = marked ? whole.substr(1) : whole;
  if (Knows(name) || joined_.contains(name)) return name;
  std::vector<std::string> matches;
  for (const auto& [id, display_name] : channels_) {
    if (display_name == name && joined_.contains(id)) matches.push_back(id);
  }
  if (matches.empty()) {
    for (const auto& [id, display_name] : channels_) {
      if (display_name == name) matches.push_back(id);
    }
  }
  if (matches.size() == 1) return matches.front();
  if (matches.empty()) return name;
  return absl::InvalidArgumentError(std::to_string(matches.size()) + " channels are named " +
                                    SanitizeLine(name) + ": give the id, as $channels shows it");
}

std::string ChatModel::Label(const std::string& channel_id) const {
  const char mark = IsPersonal(channel_id) ? '@' : '#';
  const auto known = channels_.find(channel_id);
  if (known == channels_.end()) return mark + SanitizeLine(channel_id);
  const auto same_name = std::count_if(channels_.begin(), channels_.end(), [&](const auto& other) {
    return other.second == known->second && IsPersonal(other.first) == IsPersonal(channel_id);
  });
  std::string label = mark + SanitizeLine(known->second);
  if (same_name > 1) label += "(" + SanitizeLine(channel_id) + ")";
  return label;
}

std::string ChatModel::Name(const v1::User& user) const {
  const auto ids = names_.find(user.display_name());
  const bool shared =
      ids != names_.end() && (ids->second.size() > 1 || !ids->second.contains(user.id()));
  std::string name = SanitizeLine(user.display_name());
  if (shared) name += "(" + SanitizeLine(user.id()) + ")";
  return name;
}

std::string ChatModel::ChannelLine(const v1::Channel& channel) const {
  const std::uint32_t members = channel.member_count();
  return SanitizeLine(channel.id()) + "  " + Label(channel.id()) + "  " + std::to_string(members) +
         (members == 1 ? " member" : " members") +
         (joined_.contains(channel.id()) ? "  joined" : "") +
         (channel.id() == current_ ? ", current" : "");
}

std::string ChatModel::Paint(std::string_view text, const char* code) const {
  if (!colour_) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string ChatModel::Stamp(const v1::Event& event) const {
  return Paint("[" + time_of_day_(event.create_time().seconds()) + "]", kDim) + " " +
         Paint(Label(event.channel_id()), kCyan) + " ";
}

std::string ChatModel::Missed(const std::string& channel_id, std::uint64_t from, std::uint64_t to,
                              const char* why) const {
  const std::string count = std::to_string(to - from + 1) + (from == to ? " event" : " events");
  return Paint("-- " + Label(channel_id) + ": " + count + " missed (" + std::to_string(from) +
                   " to " + std::to_string(to) + "): " + why,
               kYellow);
}

std::vector<std::string> ChatModel::Show(const v1::Event& event) {
  if (event.has_heartbeat()) return ShowHeartbeat(event.heartbeat());
  const std::string& channel = event.channel_id();
  if (event.has_recovery()) return ShowRecovery(channel, event.recovery());
  std::vector<std::string> lines;
  const auto seen = seen_.find(channel);
  if (event.has_gap()) {
    lines.push_back(Missed(channel, event.gap().from_sequence(), event.gap().to_sequence(),
                           "the server no longer keeps them"));
    seen_[channel] = event.gap().to_sequence();
    return lines;
  }
  if (seen != seen_.end()) {
    if (event.sequence() <= seen->second) return lines;
    if (event.sequence() > seen->second + 1) {
      lines.push_back(Missed(channel, seen->second + 1, event.sequence() - 1,
                             "the server did not deliver them"));
    }
  }
  seen_[channel] = event.sequence();
  if (event.has_message_posted()) {
    for (std::string& line : ShowMessage(event)) lines.push_back(std::move(line));
  } else if (event.has_member_joined()) {
    const v1::User& user = event.member_joined().user();
    const bool mine = !me_.id().empty() && user.id() == me_.id();
    if (mine) SetJoined(channel);
    // The event of one's own new channel can come before the call's answer, which tells its name.
    if (!mine || Knows(channel)) lines.push_back(ShowMember(event, user, "joined"));
  } else if (event.has_member_left()) {
    const v1::User& user = event.member_left().user();
    lines.push_back(ShowMember(event, user, "left"));
    if (!me_.id().empty() && user.id() == me_.id()) SetLeft(channel);
  } else if (std::string act = ShowAct(event); !act.empty()) {
    lines.push_back(Stamp(event) + Paint(act, kDim));
    if (event.has_channel_renamed() && Knows(channel)) {
      channels_[channel] = event.channel_renamed().display_name();
    }
    if (event.has_channel_deleted()) SetLeft(channel);
  }
  return lines;
}

std::vector<v1::ChannelPosition> ChatModel::Positions() const {
  // The most that the server takes; whoever is in more channels is told what was missed in the
  // rest.
  constexpr std::size_t kPositionsMax = 1'000;
  std::vector<v1::ChannelPosition> positions;
  for (const auto& [channel, sequence] : seen_) {
    if (positions.size() == kPositionsMax) break;
    v1::ChannelPosition& position = positions.emplace_back();
    position.set_channel_id(channel);
    position.set_after_sequence(sequence);
    position.set_epoch(epoch_);
  }
  return positions;
}

std::vector<std::string> ChatModel::ShowRecovery(const std::string& channel,
                                                 const v1::Recovery& recovery) {
  const auto note = [&](const std::string& what) {
    return std::vector<std::string>{Paint("-- " + Label(channel) + ": " + what, kYellow)};
  };
  switch (recovery.state()) {
    case v1::Recovery::STATE_GAP:
      seen_[channel] = recovery.to_sequence();
      return {Missed(channel, recovery.from_sequence(), recovery.to_sequence(),
                     "the server no longer keeps them")};
    case v1::Recovery::STATE_EPOCH_CHANGED:
      seen_.erase(channel);
      promised_.erase(channel);
      return note("the server has another history now; what was said before is not in it");
    case v1::Recovery::STATE_NOT_MEMBER: {
      const bool was_joined = joined_.contains(channel);
      SetLeft(channel);
      if (!was_joined) return {};
      return note("you are not in this channel any more");
    }
    default:
      return {};
  }
}

std::vector<std::string> ChatModel::ShowMessage(const v1::Event& event) {
  const v1::User& sender = event.message_posted().sender();
  Meet(sender);
  Remember(event);
  const bool mine = sender.id() == me_.id();
  std::vector<std::string> lines = SanitizeText(event.message_posted().text());
  lines.front() = Stamp(event) + Paint(Name(sender), mine ? kBold : ColourOf(sender.id())) + ": " +
                  lines.front();
  for (std::size_t i = 1; i < lines.size(); ++i) lines[i].insert(0, "    ");
  return lines;
}

std::string ChatModel::ShowMember(const v1::Event& event, const v1::User& user, const char* did) {
  Meet(user);
  return Stamp(event) + Paint("* " + Name(user) + " " + did, kDim);
}

std::vector<std::string> ChatModel::ShowHeartbeat(const v1::Heartbeat& heartbeat) {
  const bool first = std::exchange(fresh_stream_, false);
  epoch_ = heartbeat.epoch();
  std::vector<std::string> lines;
  for (const v1::ChannelHead& head : heartbeat.heads()) {
    const std::string& channel = head.channel_id();
    SetJoined(channel);
    // On a new stream everything up to the head is past; later, what a heartbeat promised has had
    // until the next one to come.
    const std::uint64_t due = first ? head.head_sequence() : promised_[channel];
    const auto [seen, is_new] = seen_.try_emplace(channel, head.head_sequence());
    if (!is_new && seen->second < due) {
      lines.push_back(Missed(
          channel, seen->second + 1, due,
          first ? "they came while there was no connection" : "the server did not deliver them"));
      seen->second = due;
    }
    if (first) seen->second = head.head_sequence();
    promised_[channel] = head.head_sequence();
  }
  return lines;
}

}  // namespace txtchat::client
