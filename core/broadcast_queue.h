// The bounded broadcast queue of one channel: one writer, many readers, each with a cursor.
//
// Semantics
//   - The writer (the sequencer) appends events in sequence order; readers never slow it down.
//   - For each wire format with subscribers the queue keeps the newest events, encoded end to end
//     in shared immutable chunks, bounded by count and by bytes. The newest event is always kept.
//   - A cursor is the last sequence number that its reader was given. Read(cursor) answers what
//     comes next, as one contiguous slice: the same bytes for every reader of the format.
//   - A reader whose next event is no longer here is told so (kLagged) with the oldest sequence
//     that is; it is never disconnected and nothing is skipped. It reads the missing part from
//     the store and comes back. So it is with what was erased (ForgetThrough).
//   - After Close, readers get what is left and then kClosed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/encoded_chunk.h"
#include "core/event.h"
#include "core/wire_format.h"

namespace txtchat {

struct QueueLimits {
  std::size_t events_max = 1'000;     ///< For each wire format; at least 1.
  std::size_t bytes_max = 1'048'576;  ///< Encoded bytes for each wire format.
};

enum class ReadState : std::uint8_t {
  kData,    ///< `slice` holds the next events.
  kEmpty,   ///< The cursor is at the head: wait to be woken.
  kLagged,  ///< The next event is older than everything kept in this format.
  kClosed,  ///< The channel has ended and everything was read.
};

struct ReadResult {
  ReadState state = ReadState::kEmpty;
  Slice slice;
  std::uint64_t oldest = 0;  ///< Of kLagged: from this one on, the queue has everything.
};

/// Thread-safe: one thread (the sequencer) writes, any thread reads. Shared ownership: the channel
/// and its subscriptions. The lock is held for memory work only.
class BroadcastQueue {
 public:
  /// `head` is the sequence of the newest event that exists already (0 for a new channel).
  BroadcastQueue(ChannelKey key, std::string channel_id, QueueLimits limits,
                 std::uint64_t head = 0);
  BroadcastQueue(const BroadcastQueue&) = delete;
  BroadcastQueue& operator=(const BroadcastQueue&) = delete;

  ChannelKey key() const { return key_; }
  const std::string& channel_id() const { return channel_id_; }
  /// The sequence of the newest event.
  std::uint64_t head() const { return head_.load(std::memory_order_acquire); }

  // --- Writer.
  /// Appends the event with sequence head() + 1, encoding it once for each format in use. Answers
  /// the bytes that are kept now.
  std::size_t Append(const Event& event, const EncoderSet& encoders);
  /// Begins to keep events of `format`: a first subscriber came. The events before head() + 1 are
  /// kLagged to it.
  void StartFormat(WireFormat format);
  /// The last subscriber of `format` went. What is kept stays until the next Append, so that it can
  /// still be drained.
  void StopFormat(WireFormat format);
  /// Lets go of everything that is kept: it is kLagged from now on.
  void DropLogs();
  /// Lets go of what is kept up to and including `sequence`, because something of it was erased: it
  /// is kLagged from now on, and stands in the store as it is now. Slices that readers hold stay.
  void ForgetThrough(std::uint64_t sequence);
  /// The channel has ended.
  void Close();

  // --- Readers.
  /// Answers the events after `cursor`, none beyond `up_to`, about `bytes_max` bytes at the most (a
  /// single event may be larger). Never blocks beyond the lock.
  ReadResult Read(WireFormat format, std::uint64_t cursor, std::uint64_t up_to,
                  std::size_t bytes_max) const;

  /// Encoded bytes that are kept now, all formats.
  std::size_t BytesKept() const;

 private:
  std::size_t BytesKeptLocked() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  /// The kept events of one format. `first` to head are readable; chunks may hold older ones.
  struct FormatLog {
    bool in_use = true;
    std::uint64_t first = 0;
    std::size_t bytes = 0;
    std::vector<ChunkPtr> chunks;
  };

  void AppendToLog(FormatLog& log, std::uint64_t sequence, const std::string& encoded)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Trim(FormatLog& log, std::uint64_t head) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void DropFirst(FormatLog& log);

  const ChannelKey key_;
  const std::string channel_id_;
  const QueueLimits limits_;
  std::atomic<std::uint64_t> head_;
  mutable absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::array<std::unique_ptr<FormatLog>, kWireFormatCount> logs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat
