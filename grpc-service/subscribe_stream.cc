#include "grpc-service/subscribe_stream.h"

#include <algorithm>
#include <string>
#include <utility>

#include "grpc-service/proto_encoder.h"

namespace txtchat::rpc {

SubscribeStream::SubscribeStream(SessionId id, const StreamOptions& options,
                                 std::shared_ptr<StreamWriter> writer, PageSource* pages,
                                 std::int64_t now_ms)
    : id_(id),
      options_(options),
      pages_(pages),
      writer_(std::move(writer)),
      now_ms_(now_ms),
      write_began_ms_(now_ms) {}

// --- What the core says.

void SubscribeStream::AddSubscription(std::shared_ptr<BroadcastQueue> queue, std::uint64_t cursor,
                                      std::uint64_t head) {
  absl::MutexLock lock(&mutex_);
  if (finished_) return;
  const ChannelKey key = queue->key();
  const auto [it, is_new] = channels_.try_emplace(key, std::move(queue), cursor);
  if (!is_new) it->second.subscription.Resume(cursor);
  it->second.head = std::max(it->second.head, head);
  MakeReady(key, it->second);
}

void SubscribeStream::EndSubscription(ChannelKey channel, std::uint64_t last_sequence) {
  absl::MutexLock lock(&mutex_);
  const auto it = channels_.find(channel);
  if (it == channels_.end()) return;
  it->second.head = std::max(it->second.head, last_sequence);
  it->second.subscription.EndAt(last_sequence);
  MakeReady(channel, it->second);
}

void SubscribeStream::Wake(const std::vector<Readable>& readable, ReadCache* cache) {
  absl::MutexLock lock(&mutex_);
  for (const Readable& news : readable) {
    const auto it = channels_.find(news.channel);
    if (it == channels_.end()) continue;
    it->second.head = std::max(it->second.head, news.head);
    MakeReady(news.channel, it->second);
  }
  Pump(cache);
}

void SubscribeStream::OnOpened(absl::StatusOr<std::vector<Recovery>> recoveries) {
  absl::MutexLock lock(&mutex_);
  if (recoveries.ok()) {
    opened_ = true;
    recoveries_ = *std::move(recoveries);
  } else {
    BreakOff(recoveries.status());
  }
  Pump(nullptr);
}

void SubscribeStream::EndWith(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  if (end_.ok()) end_ = std::move(status);
  Pump(nullptr);
}

void SubscribeStream::Cut(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  if (finished_) return;
  BreakOff(std::move(status));
  if (writing_) cancel_at_ms_ = now_ms_ + options_.cut_grace_ms;
  Pump(nullptr);
}

// --- What gRPC says.

void SubscribeStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (!ok) BreakOff(absl::CancelledError("the connection was lost, or the caller cancelled"));
  Pump(nullptr);
}

void SubscribeStream::OnCancel() {
  absl::MutexLock lock(&mutex_);
  if (finished_) return;
  BreakOff(absl::CancelledError("the connection was lost, or the caller cancelled"));
  Pump(nullptr);
}

void SubscribeStream::Detach() {
  // Destroyed after the mutex is free: the writer may be this stream's only other owner.
  std::shared_ptr<StreamWriter> gone;
  absl::MutexLock lock(&mutex_);
  finished_ = true;
  gone.swap(writer_);
  channels_.clear();
}

// --- What time says.

void SubscribeStream::Tick(std::int64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  now_ms_ = now_ms;
  if (finished_) return;
  // Also on a busy stream: it tells the heads of the quiet channels.
  if (greeted_ && now_ms_ - heartbeat_began_ms_ >= options_.heartbeat_interval_ms) BeginHeartbeat();
  const std::int64_t since_write_ms = now_ms_ - write_began_ms_;
  if (writing_) {
    const bool stalled = since_write_ms >= options_.write_stall_timeout_ms;
    const bool cut = cancel_at_ms_.has_value() && now_ms_ >= *cancel_at_ms_;
    if (stalled) {
      BreakOff(absl::DeadlineExceededError(
          "the stream was not read for the server's write-stall limit; subscribe again"));
    }
    if (stalled || cut) {
      if (!std::exchange(cancel_called_, true)) writer_->Cancel();
    } else if (since_write_ms >= options_.page_release_ms) {
      ReleasePage();
    }
    return;
  }
  if (!paging_.has_value()) WakeWaiting();
  Pump(nullptr);
}

// --- Deciding.

void SubscribeStream::MakeReady(ChannelKey key, Channel& channel) {
  if (channel.place != Place::kIdle) return;
  channel.place = Place::kReady;
  ready_.push_back(key);
}

void SubscribeStream::BreakOff(absl::Status status) {
  if (broken_) return;
  broken_ = true;
  end_ = std::move(status);
}

void SubscribeStream::Pump(ReadCache* cache) {
  if (finished_ || writing_) return;
  if (broken_) {
    FinishNow(end_);
    return;
  }
  if (!opened_) return;
  if (!greeted_) BeginHeartbeat();
  Payload payload = Gather(cache);
  if (!payload.empty()) {
    writing_ = true;
    write_began_ms_ = now_ms_;
    writer_->StartWrite(std::move(payload));
    return;
  }
  const bool owes_nothing = ready_.empty() && waiting_.empty() && !paging_.has_value();
  if (!end_.ok() && owes_nothing) FinishNow(end_);
}

void SubscribeStream::FinishNow(const absl::Status& status) {
  finished_ = true;
  // Lets go of the channels' memory now; gRPC may take its time.
  channels_.clear();
  ready_.clear();
  waiting_.clear();
  paging_.reset();
  writer_->Finish(status);
}

// --- Putting a response together.

Payload SubscribeStream::Gather(ReadCache* cache) {
  Payload payload(options_.copy_bytes_max);
  for (const Recovery& recovery : std::exchange(recoveries_, {})) {
    payload.AppendOwn([&](std::string& out) { AppendRecoveryEvent(recovery, out); });
  }
  if (HeartbeatIsUnderWay()) GatherHeartbeat(payload);
  if (HeartbeatIsUnderWay()) return payload;  // Nothing else before the last head was told.
  for (;;) {
    if (ready_.empty() && !paging_.has_value()) WakeWaiting();
    if (ready_.empty() || !GatherFirst(payload, cache)) return payload;
  }
}

bool SubscribeStream::GatherFirst(Payload& payload, ReadCache* cache) {
  const ChannelKey key = ready_.front();
  const auto it = channels_.find(key);
  Channel& channel = it->second;
  Subscription& subscription = channel.subscription;
  const auto leaves_ready = [&](Place place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ready_.pop_front();
    channel.place = place;
  };
  const auto leave_to_the_others = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ready_.pop_front();
    ready_.push_back(key);
  };
  if (payload.size() >= options_.response_bytes_max) {
    leave_to_the_others();
    return false;
  }
  const std::size_t room = options_.response_bytes_max - payload.size();
  Owed owed = subscription.Peek(WireFormat::kProto, room, cache, channel.head);
  switch (owed.kind) {
    case Owed::Kind::kSlice: {
      // A single event may be larger than the room: only into a response of its own.
      if (owed.slice.size > room && !payload.empty()) {
        leave_to_the_others();
        return false;
      }
      const std::uint64_t last = owed.slice.last_sequence;
      payload.Append(std::move(owed.slice));
      subscription.Advance(last);
      break;
    }
    case Owed::Kind::kGap:
      payload.AppendOwn([&](std::string& out) {
        AppendGapEvent(subscription.queue().channel_id(), owed.gap_from, owed.gap_to, out);
      });
      subscription.Advance(owed.gap_to);
      break;
    case Owed::Kind::kNeedPage:
      leaves_ready(Place::kIdle);
      NeedPage(key, channel);
      return true;
    case Owed::Kind::kNothing:
    case Owed::Kind::kEnded:
      leaves_ready(Place::kIdle);
      if (paging_.has_value() && paging_->channel == key) EndPaging();
      if (owed.kind == Owed::Kind::kEnded) channels_.erase(it);
      return true;
  }
  const bool read_the_page =
      paging_.has_value() && paging_->channel == key && subscription.cursor() >= paging_->covers_to;
  if (read_the_page) {
    EndPaging();
    leave_to_the_others();  // One of them has its turn at the store now.
  }
  return true;
}

void SubscribeStream::BeginHeartbeat() {
  if (HeartbeatIsUnderWay()) return;
  heartbeat_began_ms_ = now_ms_;
  heartbeat_.emplace();
  heartbeat_->reserve(channels_.size());
  for (const auto& [key, channel] : channels_) {
    if (!channel.subscription.HasEnd()) heartbeat_->push_back(key);
  }
}

void SubscribeStream::GatherHeartbeat(Payload& payload) {
  std::vector<ChannelHeadView> heads;
  while (!heartbeat_->empty() && heads.size() < options_.heartbeat_heads_max) {
    const auto it = channels_.find(heartbeat_->back());
    heartbeat_->pop_back();
    if (it == channels_.end()) continue;  // Left since.
    const Subscription& subscription = it->second.subscription;
    // The first one says where each channel begins; later ones only of channels of which everything
    // was sent, so that who has seen less has lost something.
    const std::uint64_t head = subscription.cursor();
    if (greeted_ && head < it->second.head) continue;
    heads.push_back({subscription.queue().channel_id(), head});
  }
  if (heartbeat_->empty()) {
    heartbeat_.reset();
    greeted_ = true;
  }
  payload.AppendOwn([&](std::string& out) { AppendHeartbeatEvent(heads, options_.epoch, out); });
}

// --- Catching up from the store.

void SubscribeStream::NeedPage(ChannelKey key, Channel& channel) {
  if (paging_.has_value() && paging_->channel == key) paging_.reset();
  if (paging_.has_value() || now_ms_ < page_retry_at_ms_) {
    channel.place = Place::kWaiting;
    waiting_.push_back(key);
    return;
  }
  channel.place = Place::kPaging;
  paging_ = Paging{.channel = key};
  pages_->Fetch(id_, channel.subscription.BeginPage(WireFormat::kProto));
}

void SubscribeStream::OnPage(ChannelKey key, absl::StatusOr<HistoryPage> page) {
  absl::MutexLock lock(&mutex_);
  const auto it = channels_.find(key);
  if (it == channels_.end() || !paging_.has_value() || paging_->channel != key) return;
  Channel& channel = it->second;
  const bool ok = page.ok();
  if (ok) paging_->covers_to = page->covers_to;
  channel.subscription.OnPage(std::move(page));
  if (ok) {
    channel.place = Place::kIdle;
    MakeReady(key, channel);
  } else {
    page_retry_at_ms_ = now_ms_ + options_.page_retry_ms;
    paging_.reset();
    channel.place = Place::kWaiting;
    waiting_.push_front(key);
  }
  Pump(nullptr);
}

void SubscribeStream::EndPaging() {
  paging_.reset();
  WakeWaiting();
}

void SubscribeStream::WakeWaiting() {
  if (waiting_.empty() || now_ms_ < page_retry_at_ms_) return;
  const ChannelKey key = waiting_.front();
  waiting_.pop_front();
  Channel& channel = channels_.find(key)->second;
  channel.place = Place::kIdle;
  MakeReady(key, channel);
}

void SubscribeStream::ReleasePage() {
  if (!paging_.has_value() || paging_->covers_to == 0) return;
  // It is in ready_ still, and asks for the page again when it has its turn.
  channels_.find(paging_->channel)->second.subscription.Rewind();
  EndPaging();
}

bool SubscribeStream::holds_page() const {
  absl::MutexLock lock(&mutex_);
  return paging_.has_value() && paging_->covers_to != 0;
}

}  // namespace txtchat::rpc
