// The commands that only read.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/decider.h"

namespace txtchat {
namespace {

// A page token names the call that it belongs to and the last key that was listed.
constexpr char kAllChannels = 'a';
constexpr char kJoinedChannels = 'j';
constexpr char kMembers = 'm';

std::string MakePageToken(char call, std::uint64_t last_key) {
  return absl::StrCat(std::string(1, call), absl::Hex(last_key, absl::kZeroPad16));
}

absl::StatusOr<std::uint64_t> ParsePageToken(char call, const std::string& token) {
  if (token.empty()) return 0;
  std::uint64_t last_key = 0;
  if (token.size() != 17 || token[0] != call || !absl::SimpleHexAtoi(token.substr(1), &last_key)) {
    return absl::InvalidArgumentError(
        "the page token is not one of this list; begin again without it");
  }
  return last_key;
}

/// What an entry of a list takes on the wire beside its id and name: a time, two numbers, tags.
constexpr std::size_t kEntryBytes = 40;

/// Lists up to `page_size` keys of `keys` after the token's, calling `add` with each, which answers
/// the bytes of its id and name.
template <typename Keys, typename Add>
absl::StatusOr<std::string> ListPage(char call, const Keys& keys, const std::string& token,
                                     std::size_t page_size, const Limits& limits, Add add) {
  const absl::StatusOr<std::uint64_t> after = ParsePageToken(call, token);
  if (!after.ok()) return after.status();
  if (page_size == 0) page_size = limits.page_size_default;
  page_size = std::min(page_size, limits.page_size_max);
  auto it = keys.upper_bound(*after);
  std::uint64_t last = 0;
  std::size_t bytes = 0;
  for (std::size_t listed = 0;
       it != keys.end() && listed < page_size && bytes < limits.page_bytes_max; ++it, ++listed) {
    last = *it;
    bytes += kEntryBytes + add(last);
  }
  return it == keys.end() ? std::string() : MakePageToken(call, last);
}

}  // namespace

ChannelInfo Decider::InfoOf(const Channel& channel) {
  return {.key = channel.key,
          .id = channel.id,
          .display_name = channel.display_name,
          .create_time_unix_ms = channel.create_time_unix_ms,
          .head_sequence = channel.head,
          .member_count = channel.members.size(),
          .kind = channel.kind,
          .topic = channel.extra().topic};
}

MemberInfo Decider::MemberOf(const Channel& channel, const User& user) const {
  const SanctionRow* const mute =
      ChatState::FindSanction(channel, SanctionKind::kMute, user.id, envelope_.time_unix_ms);
  return {.user = InfoOf(user),
          .role = ChatState::RoleOf(channel, user),
          .muted = mute != nullptr,
          .muted_until_unix_ms = mute == nullptr ? 0 : mute->until_unix_ms};
}

absl::StatusOr<Result> Decider::Handle(GetChannel& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = VisibleChannel(**user, command.channel_id);
  if (!channel.ok()) return channel.status();
  return InfoOf(**channel);
}

absl::StatusOr<Result> Decider::Handle(ListChannels& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  const bool joined = command.joined_only;
  ChannelPage page;
  absl::StatusOr<std::string> next = ListPage(
      joined ? kJoinedChannels : kAllChannels,
      joined ? (*user)->channels : state_.listed_channels(), command.page_token, command.page_size,
      limits_, [&](ChannelKey key) {
        const ChannelInfo& channel = page.channels.emplace_back(InfoOf(*state_.FindChannel(key)));
        return channel.id.size() + channel.display_name.size() + channel.topic.size();
      });
  if (!next.ok()) return next.status();
  page.next_page_token = *std::move(next);
  return page;
}

absl::StatusOr<Result> Decider::Handle(ListMembers& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  const absl::StatusOr<Channel*> channel = ChannelOfMember(**user, command.channel_id);
  if (!channel.ok()) return channel.status();
  MemberPage page;
  absl::StatusOr<std::string> next =
      ListPage(kMembers, (*channel)->members, command.page_token, command.page_size, limits_,
               [&](UserKey key) {
                 const MemberInfo& member =
                     page.members.emplace_back(MemberOf(**channel, *state_.FindUser(key)));
                 return member.user.id.size() + member.user.display_name.size();
               });
  if (!next.ok()) return next.status();
  page.next_page_token = *std::move(next);
  return page;
}

absl::StatusOr<Result> Decider::Handle(OpenHistory& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  const absl::StatusOr<Channel*> channel = ChannelOfMember(**user, command.channel_id);
  if (!channel.ok()) return channel.status();
  return HistoryOpened{InfoOf(**channel)};
}

}  // namespace txtchat
