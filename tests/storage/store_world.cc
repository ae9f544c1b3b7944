#include "tests/storage/store_world.h"

#include <cstdlib>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {
namespace {

namespace fs = std::filesystem;

std::string NameOf(UserKey user) { return absl::StrCat("user", user); }

// `7/1`, `7/1 role 2`.
std::string Describe(const Membership& membership) {
  const std::string place = absl::StrCat(membership.channel, "/", membership.user);
  if (membership.role == Role::kMember) return place;
  return absl::StrCat(place, " role ", static_cast<int>(membership.role));
}

// What stands between a sequence and a text or name.
std::string_view SignOf(EventKind kind) {
  switch (kind) {
    case EventKind::kMessagePosted:
      return ".";
    case EventKind::kMemberJoined:
      return "+";
    case EventKind::kMemberLeft:
      return "-";
    case EventKind::kMessageRemoved:
      return "~";
    default:
      return "*";
  }
}

struct Describer {
  std::string operator()(const AppendEvent& c) const {
    return absl::StrCat("AppendEvent ", c.channel, "#", c.event->sequence);
  }
  std::string operator()(const PutUser& c) const { return absl::StrCat("PutUser ", c.user.key); }
  std::string operator()(const RenameUser& c) const { return absl::StrCat("RenameUser ", c.user); }
  std::string operator()(const DeleteUser& c) const { return absl::StrCat("DeleteUser ", c.user); }
  std::string operator()(const PutChannel& c) const {
    return absl::StrCat("PutChannel ", c.channel.key);
  }
  std::string operator()(const DeleteChannel& c) const {
    return absl::StrCat("DeleteChannel ", c.channel);
  }
  std::string operator()(const PutMembership& c) const {
    return absl::StrCat("PutMembership ", Describe(c.membership));
  }
  std::string operator()(const DeleteMembership& c) const {
    return absl::StrCat("DeleteMembership ", c.membership.channel, "/", c.membership.user);
  }
  std::string operator()(const TrimChannel& c) const {
    return absl::StrCat("TrimChannel ", c.channel, " to ", c.first_kept);
  }
  std::string operator()(const DescribeChannel& c) const {
    return absl::StrCat("DescribeChannel ", c.channel);
  }
  std::string operator()(const PutSanction& c) const {
    return absl::StrCat("PutSanction ", c.sanction.channel, "/", c.sanction.subject);
  }
  std::string operator()(const DeleteSanction& c) const {
    return absl::StrCat("DeleteSanction ", c.channel, "/", c.subject);
  }
  std::string operator()(const PutToken& c) const {
    return absl::StrCat("PutToken ", c.token.hash);
  }
  std::string operator()(const DeleteToken& c) const { return "DeleteToken " + c.hash; }
  std::string operator()(const PutInvite& c) const {
    return absl::StrCat("PutInvite ", c.invite.hash);
  }
  std::string operator()(const DeleteInvite& c) const { return "DeleteInvite " + c.hash; }
  std::string operator()(const EraseMessage& c) const {
    return absl::StrCat("EraseMessage ", c.channel, "#", c.tombstone->sequence);
  }
  std::string operator()(const EraseUser& c) const { return "EraseUser " + c.user_id; }
  std::string operator()(const PurgeStep&) const { return "PurgeStep"; }
};

}  // namespace

TempDirectory::TempDirectory() {
  std::string name = (fs::temp_directory_path() / "txtchat-store-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

::testing::AssertionResult Ok(const absl::Status& status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << status;
}

PutUser Member(UserKey key, const std::string& id) {
  return {{.key = key, .id = id, .display_name = NameOf(key), .credential = "hash of " + id}};
}

StoreBatch Guest(UserKey user, ChannelKey channel, const std::string& id) {
  return {PutUser{{.key = user, .id = id, .display_name = NameOf(user)}},
          NewChannel(channel, id, /*personal=*/true), Joins(channel, user)};
}

PutChannel NewChannel(ChannelKey key, const std::string& id, bool personal) {
  return {{.key = key,
           .id = id,
           .display_name = "about " + id,
           .create_time_unix_ms = 1'700'000'000'000 + static_cast<std::int64_t>(key),
           .kind = personal ? ChannelKind::kPersonal : ChannelKind::kPublic}};
}

PutMembership Joins(ChannelKey channel, UserKey user) { return {{channel, user}}; }
DeleteMembership Leaves(ChannelKey channel, UserKey user) { return {{channel, user}}; }

UserRow Account(UserKey key, const std::string& id) {
  return {.key = key,
          .id = id,
          .display_name = NameOf(key),
          .kind = UserKind::kAccount,
          .login = "login of " + id,
          .password_hash = "password of " + id,
          .subject = "subject of " + id};
}

SanctionRow Ban(ChannelKey channel, UserKey user) {
  return {.channel = channel,
          .kind = SanctionKind::kBan,
          .subject = absl::StrCat("u", user),
          .subject_name = NameOf(user),
          .user = user,
          .until_unix_ms = 1'800'000'000'000,
          .reason = "spam",
          .by_user_id = "u1",
          .time_unix_ms = 1'700'000'000'000};
}

TokenRow TokenOf(UserKey user, const std::string& hash) {
  return {.hash = hash,
          .id = "id of " + hash,
          .user = user,
          .label = "phone",
          .create_time_unix_ms = 1'700'000'000'000,
          .expire_time_unix_ms = 1'800'000'000'000};
}

InviteRow InviteTo(ChannelKey channel, const std::string& hash) {
  return {.hash = hash,
          .id = "id of " + hash,
          .channel = channel,
          .expire_time_unix_ms = 1'800'000'000'000,
          .uses_left = 4'000'000'000,
          .by_user_id = "u1"};
}

std::string Describe(const StoreChange& change) { return std::visit(Describer{}, change); }

std::string Describe(const StoreBatch& batch) {
  std::vector<std::string> lines;
  for (const StoreChange& change : batch) lines.push_back(Describe(change));
  return absl::StrJoin(lines, ", ");
}

std::string Describe(const EventPage& page) {
  std::vector<std::string> words;
  for (const EventPtr& event : page) {
    const bool posted = event->kind == EventKind::kMessagePosted;
    words.push_back(absl::StrCat(event->sequence, std::string(SignOf(event->kind)),
                                 posted ? event->text : event->user_id));
  }
  return absl::StrJoin(words, " ");
}

std::string DescribeWhole(const Event& event) {
  std::string whole =
      absl::StrCat(event.channel_id, "#", event.sequence, " at ", event.time_unix_ms, " kind ",
                   static_cast<int>(event.kind), " by ", event.user_id, " (", event.user_name,
                   ") [", event.client_message_id, "]: ", event.text);
  if (event.act == nullptr) return whole;
  const Act& act = *event.act;
  return absl::StrCat(whole, "on ", act.target_id, " (", act.target_name, ") #",
                      act.target_sequence, " until ", act.until_unix_ms, " role ",
                      static_cast<int>(act.role), ": ", act.text);
}

std::string Describe(const StoredState& state) {
  std::string lines;
  for (const UserRow& user : state.users) {
    absl::StrAppend(&lines, "user ", user.key, " ", user.id, " (", user.display_name, ") ",
                    user.credential);
    if (user.kind != UserKind::kGuest) {
      absl::StrAppend(&lines, " kind ", static_cast<int>(user.kind), " ", user.login, " ",
                      user.password_hash, " ", user.subject);
    }
    lines += "\n";
  }
  for (const auto& [channel, head] : state.channels) {
    absl::StrAppend(&lines, channel.kind == ChannelKind::kPersonal ? "personal " : "channel ",
                    channel.key, " ", channel.id, " (", channel.display_name, ") made ",
                    channel.create_time_unix_ms, " head ", head);
    if (channel.kind > ChannelKind::kPersonal) {
      absl::StrAppend(&lines, " kind ", static_cast<int>(channel.kind), " of ",
                      channel.direct_first, " and ", channel.direct_second);
    }
    if (!channel.topic.empty()) absl::StrAppend(&lines, " topic ", channel.topic);
    lines += "\n";
  }
  for (const Membership& membership : state.memberships) {
    absl::StrAppend(&lines, "member ", Describe(membership), "\n");
  }
  for (const SanctionRow& row : state.sanctions) {
    absl::StrAppend(&lines, "sanction ", row.channel, "/", row.subject, " kind ",
                    static_cast<int>(row.kind), " (", row.subject_name, ") user ", row.user,
                    " until ", row.until_unix_ms, " for ", row.reason, " by ", row.by_user_id,
                    " at ", row.time_unix_ms, "\n");
  }
  for (const TokenRow& row : state.tokens) {
    absl::StrAppend(&lines, "token ", row.hash, " ", row.id, " of ", row.user, " (", row.label,
                    ") from ", row.create_time_unix_ms, " to ", row.expire_time_unix_ms, "\n");
  }
  for (const InviteRow& row : state.invites) {
    absl::StrAppend(&lines, "invite ", row.hash, " ", row.id, " to ", row.channel, " until ",
                    row.expire_time_unix_ms, " uses ", row.uses_left, " by ", row.by_user_id, "\n");
  }
  return lines;
}

// --- StoreWorld.

absl::Status StoreWorld::TryOpen() {
  store.reset();
  absl::StatusOr<std::unique_ptr<SqliteStore>> opened = SqliteStore::Open(options);
  if (!opened.ok()) return opened.status();
  absl::StatusOr<StoredState> state = (*opened)->Load();
  if (!state.ok()) return state.status();
  store = *std::move(opened);
  loaded = *std::move(state);
  heads_.clear();
  for (const auto& stored : loaded.channels) heads_[stored.channel.key] = stored.head;
  committed_heads_ = heads_;
  return absl::OkStatus();
}

void StoreWorld::Open() {
  const absl::Status status = TryOpen();
  if (status.ok()) return;
  ADD_FAILURE() << status;
  std::abort();
}

absl::Status StoreWorld::Commit(const StoreBatch& batch) {
  absl::Status status = store->Commit(batch);
  if (status.ok()) {
    committed_heads_ = heads_;
  } else {
    heads_ = committed_heads_;
  }
  return status;
}

AppendEvent StoreWorld::Append(ChannelKey channel, UserKey user, EventKind kind) {
  auto event = std::make_shared<Event>();
  event->sequence = ++heads_[channel];
  event->time_unix_ms = static_cast<std::int64_t>(1000 * event->sequence);
  event->kind = kind;
  event->user_id = absl::StrCat("u", user);
  event->user_name = NameOf(user);
  return {channel, user, event};
}

AppendEvent StoreWorld::Posts(ChannelKey channel, UserKey sender, const std::string& text,
                              const std::string& client_message_id) {
  AppendEvent append = Append(channel, sender, EventKind::kMessagePosted);
  auto event = std::make_shared<Event>(*append.event);
  event->text = text;
  event->client_message_id = client_message_id;
  append.event = std::move(event);
  return append;
}

AppendEvent StoreWorld::Comes(ChannelKey channel, UserKey user) {
  return Append(channel, user, EventKind::kMemberJoined);
}

AppendEvent StoreWorld::Goes(ChannelKey channel, UserKey user) {
  return Append(channel, user, EventKind::kMemberLeft);
}

AppendEvent StoreWorld::Acts(ChannelKey channel, UserKey user, EventKind kind, Act act) {
  AppendEvent append = Append(channel, user, kind);
  auto event = std::make_shared<Event>(*append.event);
  event->act = std::make_shared<const Act>(std::move(act));
  append.event = std::move(event);
  return append;
}

EraseMessage StoreWorld::Erases(ChannelKey channel, std::uint64_t sequence) {
  const absl::StatusOr<EventPtr> found = store->FindEvent(channel, sequence);
  auto tombstone = std::make_shared<Event>();
  if (found.ok() && *found != nullptr) {
    *tombstone = **found;
  } else {
    ADD_FAILURE() << found.status() << " #" << sequence;
  }
  tombstone->kind = EventKind::kMessageRemoved;
  tombstone->text.clear();
  return {channel, std::move(tombstone)};
}

std::string StoreWorld::Log(ChannelKey channel) {
  return Page(
      {.channel = channel, .up_to = UINT64_MAX, .events_max = 10'000, .bytes_max = 1 << 30});
}

std::string StoreWorld::Page(const EventQuery& query) {
  absl::StatusOr<EventPage> page = store->Read(query);
  return page.ok() ? Describe(*page) : page.status().ToString();
}

std::string StoreWorld::Sent(UserKey sender, const std::string& client_message_id) {
  absl::StatusOr<EventPtr> found = store->FindSent(sender, client_message_id);
  if (!found.ok()) return found.status().ToString();
  return *found == nullptr ? "none" : (*found)->text;
}

int StoreWorld::Purge() {
  int steps = 0;
  for (; store->NeedsPurge(); ++steps) {
    const absl::Status status = Commit({PurgeStep{}});
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) break;
  }
  return steps;
}

std::int64_t StoreWorld::Count(const std::string& sql) const {
  absl::StatusOr<std::unique_ptr<Database>> beside =
      Database::Open({database(), options.vfs}, Database::Mode::kReadOnly);
  if (!beside.ok()) return -1;
  absl::StatusOr<std::int64_t> count = (*beside)->QueryNumber(sql);
  return count.ok() ? *count : -1;
}

void CopyAsIfKilled(const std::string& from, const std::string& to) {
  fs::create_directories(to);
  for (const char* name : {"txtchat.db", "txtchat.db-wal"}) {
    const fs::path file = fs::path(from) / name;
    if (fs::exists(file)) fs::copy_file(file, fs::path(to) / name);
  }
}

}  // namespace txtchat::storage
