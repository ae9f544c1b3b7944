#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/encoded_chunk.h"
#include "core/event.h"
#include "core/wire_format.h"

namespace txtchat {

/// The events after `after`, none beyond `up_to`, of one channel.
struct PageRequest {
  ChannelKey channel = 0;
  WireFormat format = WireFormat::kProto;
  std::uint64_t after = 0;
  std::uint64_t up_to = 0;
};

/// A page of the store, encoded. Covers (`after`, `covers_to`]: events of that range that are not
/// in the chunk are no longer kept.
struct HistoryPage {
  std::uint64_t after = 0;
  std::uint64_t covers_to = 0;
  WireFormat format = WireFormat::kProto;
  ChunkPtr chunk;  ///< Null if none of the range is kept.
};

/// The pages that were read last, for those that come after the same events: readers that fall
/// behind together, or come back together after a restart, cost one reading and one encoding.
/// What a page holds changes only where something is erased: whoever erases makes the cache forget.
/// Events that retention has dropped since may still be in one.
///
/// Thread-safe. Bounded by bytes and by pages: the one that was not asked for the longest time
/// goes first.
class PageCache {
 public:
  static constexpr std::size_t kPagesMax = 256;  ///< Each is looked at by a Find.

  /// `bytes_max`: of encoded events, about. 0 keeps nothing.
  explicit PageCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// A page that covers the first event after `request.after`. It may begin before that, and end
  /// before or beyond `request.up_to`.
  std::optional<HistoryPage> Find(const PageRequest& request);

  /// Tells one stretch between two forgettings from another: asked before the store is read.
  std::uint64_t Generation() const;
  /// Keeps the page, unless something was forgotten since `generation`: then it may hold what was
  /// erased meanwhile.
  void Add(ChannelKey channel, const HistoryPage& page, std::uint64_t generation);

  /// Lets go of the channel's pages, or of all of them, also of those that are just being read.
  void Forget(ChannelKey channel);
  void ForgetAll();

  std::size_t bytes() const;  ///< Kept now.

 private:
  struct Entry {
    ChannelKey channel = 0;
    HistoryPage page;
  };

  static std::size_t BytesOf(const HistoryPage& page);

  const std::size_t bytes_max_;
  mutable absl::Mutex mutex_;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  ///< Asked for last: first.
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace txtchat
