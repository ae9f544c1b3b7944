#include "storage/memory_store.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "storage/epoch.h"

namespace txtchat::storage {
namespace {

// The way to find a send again: a node of the table with the id in it.
constexpr std::size_t kSendBytes = 96;

// A handle in the channel's log and one in the order of arrival come with each event.
std::size_t CostOf(const Event& event) {
  const std::size_t send =
      event.client_message_id.empty() ? 0 : kSendBytes + event.client_message_id.size();
  return event.MemoryBytes() + sizeof(EventPtr) + 3 * sizeof(ChannelKey) + send;
}

// The event with the user erased from it; null if it does not tell of the user.
EventPtr WithoutUser(const Event& event, const EraseUser& change) {
  const bool is_authors = event.user_id == change.user_id;
  const bool is_target = event.act != nullptr && event.act->target_id == change.user_id;
  if (!is_authors && !is_target) return nullptr;
  auto erased = std::make_shared<Event>(event);
  if (is_authors) {
    erased->user_name = change.name;
    erased->client_message_id.clear();
  }
  if (erased->kind == EventKind::kMessagePosted) {
    erased->kind = EventKind::kMessageRemoved;
    erased->text = std::string();  // Also its memory.
  }
  if (is_target) {
    auto act = std::make_shared<Act>(*event.act);
    act->target_name = change.name;
    erased->act = std::move(act);
  }
  return erased;
}

bool IsWanted(const Event& event, const EventQuery& query) {
  return !query.messages_only || event.kind == EventKind::kMessagePosted;
}

}  // namespace

absl::StatusOr<StoredState> MemoryStore::Load() {
  if (epoch_.empty()) {
    absl::StatusOr<std::string> epoch = NewEpoch();
    if (!epoch.ok()) return epoch.status();
    epoch_ = *std::move(epoch);
  }
  StoredState nothing;
  nothing.epoch = epoch_;
  return nothing;
}

void MemoryStore::ChannelLog::pop_front() {
  events[begin++].event.reset();
  if (2 * begin < events.size()) return;
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(begin));
  begin = 0;
}

absl::Status MemoryStore::Commit(const StoreBatch& batch) {
  absl::MutexLock lock(&mutex_);
  for (const StoreChange& change : batch) {
    std::visit([this](const auto& specific)
                   ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { Apply(specific); },
               change);
  }
  while (bytes_ > bytes_max_) EvictOldest();
  return absl::OkStatus();
}

void MemoryStore::Apply(const AppendEvent& change) {
  const Event& event = *change.event;
  ChannelLog& log = logs_[change.channel];
  log.events.push_back({change.event, change.sender});
  log.head = event.sequence;
  arrivals_.emplace_back(change.channel, event.sequence);
  bytes_ += CostOf(event);
  if (!event.client_message_id.empty()) {
    sends_[SendId(change.sender, event.client_message_id)] = change.event;
  }
}

void MemoryStore::DropFirst(ChannelLog& log) {
  const Kept& first = log.at(0);
  bytes_ -= CostOf(*first.event);
  if (!first.event->client_message_id.empty()) {
    sends_.erase(SendId(first.sender, first.event->client_message_id));
  }
  log.pop_front();
}

void MemoryStore::Apply(const DeleteChannel& change) {
  const auto it = logs_.find(change.channel);
  if (it == logs_.end()) return;
  const std::size_t count = it->second.size();
  while (it->second.size() > 0) DropFirst(it->second);
  logs_.erase(it);
  NoteStaleArrivals(count);
}

MemoryStore::Kept* MemoryStore::Find(ChannelKey channel, std::uint64_t sequence) {
  const auto it = logs_.find(channel);
  if (it == logs_.end()) return nullptr;
  ChannelLog& log = it->second;
  if (sequence < log.first_kept() || sequence > log.head) return nullptr;
  return &log.events[log.begin + (sequence - log.first_kept())];
}

absl::StatusOr<EventPtr> MemoryStore::FindEvent(ChannelKey channel, std::uint64_t sequence) {
  absl::MutexLock lock(&mutex_);
  const Kept* const kept = Find(channel, sequence);
  return kept == nullptr ? nullptr : kept->event;
}

// --- Erasing. Everything is in memory: a user is erased at once.

void MemoryStore::Replace(Kept& kept, EventPtr event) {
  const std::string& id = kept.event->client_message_id;
  if (!id.empty() && event->client_message_id.empty()) {
    sends_.erase(SendId(kept.sender, id));
  } else if (!id.empty()) {
    sends_[SendId(kept.sender, id)] = event;
  }
  bytes_ = bytes_ - CostOf(*kept.event) + CostOf(*event);
  kept.event = std::move(event);
}

void MemoryStore::Apply(const EraseMessage& change) {
  Kept* const kept = Find(change.channel, change.tombstone->sequence);
  if (kept == nullptr || kept->event->kind != EventKind::kMessagePosted) return;
  auto tombstone = std::make_shared<Event>(*change.tombstone);
  tombstone->client_message_id = kept->event->client_message_id;  // It is found by that.
  Replace(*kept, std::move(tombstone));
}

void MemoryStore::Apply(const EraseUser& change) {
  for (auto& [key, log] : logs_) {
    for (std::size_t i = 0; i < log.size(); ++i) {
      if (EventPtr erased = WithoutUser(*log.at(i).event, change); erased != nullptr) {
        Replace(log.at(i), std::move(erased));
      }
    }
  }
}

absl::StatusOr<AuthoredPage> MemoryStore::ReadAuthored(const AuthoredQuery& query) {
  AuthoredPage page{.last_channel = query.after_channel, .last_sequence = query.after_sequence};
  const std::size_t looks_max = std::max<std::size_t>(query.scan_max, 1);
  absl::MutexLock lock(&mutex_);
  std::vector<ChannelKey> channels;
  for (const auto& [key, log] : logs_) {
    if (key >= query.after_channel) channels.push_back(key);
  }
  std::sort(channels.begin(), channels.end());
  std::size_t looks = 0;
  std::size_t bytes = 0;
  for (ChannelKey key : channels) {
    const ChannelLog& log = logs_.at(key);
    const std::uint64_t after = key == query.after_channel ? query.after_sequence : 0;
    for (std::uint64_t sequence = std::max(after + 1, log.first_kept()); sequence <= log.head;
         ++sequence, ++looks) {
      const EventPtr& event = log.at(sequence - log.first_kept()).event;
      if (looks == looks_max) return page;
      if (event->kind == EventKind::kMessagePosted && event->user_id == query.user_id) {
        bytes += AuthoredBytes(event->text.size(), event->user_name.size());
        if (bytes > query.bytes_max && !page.messages.empty()) return page;
        page.messages.push_back(event);
      }
      page.last_channel = key;
      page.last_sequence = sequence;
    }
  }
  page.done = true;
  return page;
}

void MemoryStore::Apply(const TrimChannel& change) {
  const auto it = logs_.find(change.channel);
  if (it == logs_.end()) return;
  std::size_t count = 0;
  while (it->second.size() > 0 && it->second.first_kept() < change.first_kept) {
    DropFirst(it->second);
    ++count;
  }
  NoteStaleArrivals(count);
}

// Channels that come and go must not make the order of arrival grow: half of it may be stale.
void MemoryStore::NoteStaleArrivals(std::size_t count) {
  stale_arrivals_ += count;
  if (2 * stale_arrivals_ <= arrivals_.size()) return;
  std::erase_if(arrivals_, [this](const auto& arrival) ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    const auto it = logs_.find(arrival.first);
    return it == logs_.end() || arrival.second < it->second.first_kept();
  });
  stale_arrivals_ = 0;
}

void MemoryStore::EvictOldest() {
  const auto [channel, sequence] = arrivals_.front();
  arrivals_.pop_front();
  const auto it = logs_.find(channel);
  if (it == logs_.end() || sequence < it->second.first_kept()) {
    --stale_arrivals_;
    return;
  }
  DropFirst(it->second);
}

absl::StatusOr<EventPtr> MemoryStore::FindSent(UserKey sender,
                                               const std::string& client_message_id) {
  absl::MutexLock lock(&mutex_);
  const auto it = sends_.find(SendId(sender, client_message_id));
  return it == sends_.end() ? nullptr : it->second;
}

std::uint64_t MemoryStore::FirstKept(ChannelKey channel) const {
  absl::MutexLock lock(&mutex_);
  const auto it = logs_.find(channel);
  return it == logs_.end() ? 1 : it->second.first_kept();
}

absl::StatusOr<EventPage> MemoryStore::Read(const EventQuery& query) {
  EventPage page;
  absl::MutexLock lock(&mutex_);
  const auto it = logs_.find(query.channel);
  if (it == logs_.end()) return page;
  const ChannelLog& log = it->second;
  const std::uint64_t first = std::max(query.after + 1, log.first_kept());
  const std::uint64_t last = std::min(query.up_to, log.head);
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; first + i <= last; ++i) {
    const std::uint64_t sequence = query.newest_first ? last - i : first + i;
    const EventPtr& event = log.at(sequence - log.first_kept()).event;
    if (!IsWanted(*event, query)) continue;
    const bool full =
        page.size() >= query.events_max || bytes + event->text.size() > query.bytes_max;
    if (full && !page.empty()) break;
    bytes += event->text.size();
    page.push_back(event);
  }
  return page;
}

absl::StatusOr<std::vector<TrimChannel>> MemoryStore::FindSurplus(const RetentionPolicy& policy,
                                                                  std::int64_t now_unix_ms,
                                                                  std::size_t trims_max,
                                                                  std::uint64_t step_max) {
  std::vector<TrimChannel> trims;
  absl::MutexLock lock(&mutex_);
  for (const auto& [key, log] : logs_) {
    if (trims.size() == trims_max) break;
    std::size_t bytes = 0;
    if (policy.bytes_max != 0) {
      for (std::size_t i = 0; i < log.size(); ++i) bytes += log.at(i).event->text.size();
    }
    std::size_t surplus = 0;
    for (; surplus < log.size() && surplus < step_max; ++surplus) {
      const Event& event = *log.at(surplus).event;
      const bool too_old =
          policy.age_max_ms != 0 && event.time_unix_ms + policy.age_max_ms <= now_unix_ms;
      const bool too_many = policy.events_max != 0 && log.size() - surplus > policy.events_max;
      const bool too_large = policy.bytes_max != 0 && bytes > policy.bytes_max;
      if (!too_old && !too_many && !too_large) break;
      bytes -= event.text.size();
    }
    if (surplus > 0) trims.push_back({key, log.first_kept() + surplus});
  }
  return trims;
}

std::size_t MemoryStore::BytesKept() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

}  // namespace txtchat::storage
