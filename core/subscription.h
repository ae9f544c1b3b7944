#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <utility>

#include "core/broadcast_queue.h"
#include "core/history_reader.h"

namespace txtchat {

/// What a subscriber is owed next in one channel.
struct Owed {
  enum class Kind : std::uint8_t {
    kSlice,     ///< `slice`: write it, then Advance.
    kGap,       ///< `gap_from` to `gap_to` are no longer kept anywhere: say so, then Advance.
    kNothing,   ///< At the head: wait to be woken.
    kNeedPage,  ///< Older than the queue: fetch `page_request` from the HistoryReader and give it
                ///< to OnPage; until then there is nothing.
    kEnded,     ///< Everything up to the subscription's end was given: remove it.
  };
  Kind kind = Kind::kNothing;
  Slice slice;
  std::uint64_t gap_from = 0;
  std::uint64_t gap_to = 0;
};

/// Lets subscribers with the same position share one look into the queue. Confined to one thread,
/// for the length of one drain: events appended later are not seen through it.
class ReadCache {
 public:
  ReadResult Read(const BroadcastQueue& queue, WireFormat format, std::uint64_t cursor,
                  std::uint64_t up_to, std::size_t bytes_max);

 private:
  const BroadcastQueue* queue_ = nullptr;
  WireFormat format_ = WireFormat::kProto;
  std::uint64_t cursor_ = 0;
  std::uint64_t up_to_ = 0;
  std::size_t bytes_max_ = 0;
  ReadResult result_;
};

/// A subscriber's place in one channel: reads the queue from its cursor; where the queue no longer
/// has the next event, reads pages of the store until it can go on from the queue, without a seam;
/// what the store does not have either becomes a gap.
///
/// Two positions: the cursor says what was given for good, the peek position runs ahead of it while
/// a write is put together. Not thread-safe: confined to its lane's thread, or guarded by its
/// stream's lock.
class Subscription {
 public:
  static constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

  Subscription(std::shared_ptr<BroadcastQueue> queue, std::uint64_t cursor)
      : queue_(std::move(queue)), cursor_(cursor), peek_(cursor) {}

  const BroadcastQueue& queue() const { return *queue_; }
  /// Sequence of the last event that was given for good.
  std::uint64_t cursor() const { return cursor_; }
  /// Sequence up to which has been looked at.
  std::uint64_t peek_position() const { return peek_; }

  /// What comes after the peek position, none beyond `up_to`, about `bytes_max` bytes at most. Does
  /// not move. `cache` may be null.
  Owed Peek(WireFormat format, std::size_t bytes_max, ReadCache* cache,
            std::uint64_t up_to = kNoEnd);
  /// Moves the peek position to `sequence`.
  void PeekedTo(std::uint64_t sequence) { peek_ = sequence; }
  /// Everything up to `sequence` was given: moves the cursor, and the peek position back to it.
  void Advance(std::uint64_t sequence);
  /// Forgets what was peeked and not given. Also lets go of a page, so that a stalled reader holds
  /// no memory.
  void Rewind();
  /// The subscription ends after `last_sequence`: the user has left the channel.
  void EndAt(std::uint64_t last_sequence) { ends_at_ = last_sequence; }
  bool HasEnd() const { return ends_at_ != kNoEnd; }
  /// The user has joined again before everything up to the end was given: after the end it goes on
  /// behind `cursor`. To a reader that lets more than kAbsencesMax of these pile up unread, what
  /// lies between the last ones is a gap.
  void Resume(std::uint64_t cursor);
  static constexpr std::size_t kAbsencesMax = 256;

  /// The request to fetch, right after kNeedPage. While one is under way, Peek answers kNothing.
  PageRequest BeginPage(WireFormat format);
  bool page_pending() const { return page_pending_; }
  /// Whether a page is in memory.
  bool holds_page() const { return page_ != nullptr; }
  /// Takes the page in, or notes that reading it failed: the next Peek answers kNeedPage again, and
  /// the caller should let some time pass before.
  void OnPage(absl::StatusOr<HistoryPage> page);

 private:
  /// A time in which the user was not a member: events after `left` up to `back` are not owed.
  /// Several taken together lose what lies between them, `lost_from` to `lost_to`.
  struct Absence {
    std::uint64_t left = 0;
    std::uint64_t back = 0;
    std::uint64_t lost_from = 0;
    std::uint64_t lost_to = 0;  ///< 0: nothing.
  };

  Owed PeekPage(std::size_t bytes_max, std::uint64_t limit);
  /// Moves over absences that the cursor has reached.
  void SkipAbsences();

  std::shared_ptr<BroadcastQueue> queue_;
  std::uint64_t cursor_;
  std::uint64_t peek_;
  std::uint64_t ends_at_ = kNoEnd;
  std::unique_ptr<std::deque<Absence>> absences_;  ///< Null nearly always.
  std::unique_ptr<HistoryPage> page_;
  std::uint64_t page_up_to_ = 0;  ///< How far the next page may go, as of kNeedPage.
  bool page_pending_ = false;
};

}  // namespace txtchat
