#include "core/broadcast_queue.h"

#include <algorithm>
#include <utility>

namespace txtchat {
namespace {

// Chunks double from small to large, so that a quiet channel costs little and a busy one has few.
constexpr std::size_t kChunkEventsMin = 8;
constexpr std::size_t kChunkEventsMax = 1024;
constexpr std::size_t kChunkBytesMin = 512;
constexpr std::size_t kChunkBytesMax = 64 * 1024;

ChunkPtr NextChunk(const std::vector<ChunkPtr>& chunks, std::uint64_t first_sequence,
                   std::size_t bytes_needed) {
  std::size_t events = kChunkEventsMin;
  std::size_t bytes = kChunkBytesMin;
  if (!chunks.empty()) {
    const EncodedChunk& last = *chunks.back();
    const std::size_t used_events = last.last_sequence() - last.first_sequence() + 1;
    events = std::clamp(2 * used_events, kChunkEventsMin, kChunkEventsMax);
    bytes = std::clamp<std::size_t>(2 * last.EndOf(last.last_sequence()), kChunkBytesMin,
                                    kChunkBytesMax);
  }
  return EncodedChunk::Make(first_sequence, events, std::max(bytes, bytes_needed));
}

}  // namespace

BroadcastQueue::BroadcastQueue(ChannelKey key, std::string channel_id, QueueLimits limits,
                               std::uint64_t head)
    : key_(key), channel_id_(std::move(channel_id)), limits_(limits), head_(head) {}

std::size_t BroadcastQueue::Append(const Event& event, const EncoderSet& encoders) {
  static thread_local std::string encoded;  // Its memory serves again.
  // Readers wait while this encodes: it takes less time than taking the lock once more.
  absl::MutexLock lock(&mutex_);
  for (std::size_t i = 0; i < kWireFormatCount; ++i) {
    if (logs_[i] == nullptr) continue;
    if (!logs_[i]->in_use) {
      logs_[i].reset();
    } else if (encoders[i] != nullptr) {
      encoded.clear();
      encoders[i]->Append(event, encoded);
      AppendToLog(*logs_[i], event.sequence, encoded);
    }
  }
  head_.store(event.sequence, std::memory_order_release);
  return BytesKeptLocked();
}

void BroadcastQueue::AppendToLog(FormatLog& log, std::uint64_t sequence,
                                 const std::string& encoded) {
  if (log.chunks.empty() || !log.chunks.back()->Fits(encoded.size())) {
    log.chunks.push_back(NextChunk(log.chunks, sequence, encoded.size()));
  }
  log.chunks.back()->Append(encoded);
  log.bytes += encoded.size();
  Trim(log, sequence);
}

void BroadcastQueue::Trim(FormatLog& log, std::uint64_t head) {
  while (log.first < head &&
         (head - log.first + 1 > limits_.events_max || log.bytes > limits_.bytes_max)) {
    DropFirst(log);
  }
}

void BroadcastQueue::DropFirst(FormatLog& log) {
  EncodedChunk& front = *log.chunks.front();
  log.bytes -= front.EndOf(log.first) - front.BeginOf(log.first);
  if (++log.first > front.last_sequence()) log.chunks.erase(log.chunks.begin());
}

void BroadcastQueue::StartFormat(WireFormat format) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<FormatLog>& log = logs_[IndexOf(format)];
  if (log == nullptr) {
    log = std::make_unique<FormatLog>();
    log->first = head() + 1;
  }
  log->in_use = true;
}

void BroadcastQueue::StopFormat(WireFormat format) {
  absl::MutexLock lock(&mutex_);
  if (logs_[IndexOf(format)] != nullptr) logs_[IndexOf(format)]->in_use = false;
}

void BroadcastQueue::DropLogs() {
  absl::MutexLock lock(&mutex_);
  for (std::unique_ptr<FormatLog>& log : logs_) {
    if (log == nullptr) continue;
    const bool in_use = log->in_use;
    log.reset();
    if (!in_use) continue;
    log = std::make_unique<FormatLog>();
    log->first = head() + 1;
  }
}

void BroadcastQueue::ForgetThrough(std::uint64_t sequence) {
  absl::MutexLock lock(&mutex_);
  const std::uint64_t last = std::min(sequence, head());
  for (const std::unique_ptr<FormatLog>& log : logs_) {
    while (log != nullptr && log->first <= last) DropFirst(*log);
  }
}

void BroadcastQueue::Close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
}

ReadResult BroadcastQueue::Read(WireFormat format, std::uint64_t cursor, std::uint64_t up_to,
                                std::size_t bytes_max) const {
  absl::MutexLock lock(&mutex_);
  const std::uint64_t head = this->head();
  if (cursor >= head) return {closed_ ? ReadState::kClosed : ReadState::kEmpty, {}, 0};
  const std::uint64_t next = cursor + 1;
  if (next > up_to) return {ReadState::kEmpty, {}, 0};
  const FormatLog* log = logs_[IndexOf(format)].get();
  if (log == nullptr) return {ReadState::kLagged, {}, head + 1};
  if (next < log->first) return {ReadState::kLagged, {}, log->first};

  // Few chunks, and most readers are near the end: walk backwards.
  auto it = log->chunks.rbegin();
  while ((*it)->first_sequence() > next) ++it;
  const EncodedChunk& chunk = **it;
  std::uint64_t last = std::min(chunk.last_sequence(), up_to);
  const Slice whole = Slice::Of(*it, next, last);
  if (whole.size > bytes_max) last = std::max(next, whole.LastWholeWithin(bytes_max));
  return {ReadState::kData, Slice::Of(*it, next, last), 0};
}

std::size_t BroadcastQueue::BytesKept() const {
  absl::MutexLock lock(&mutex_);
  return BytesKeptLocked();
}

std::size_t BroadcastQueue::BytesKeptLocked() const {
  std::size_t bytes = 0;
  for (const std::unique_ptr<FormatLog>& log : logs_) bytes += log == nullptr ? 0 : log->bytes;
  return bytes;
}

}  // namespace txtchat
