#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/limits.h"
#include "core/message_store.h"
#include "core/page_cache.h"
#include "core/wire_format.h"

namespace txtchat {

using PageCallback = absl::AnyInvocable<void(absl::StatusOr<HistoryPage>)>;
using AuthoredCallback = absl::AnyInvocable<void(absl::StatusOr<AuthoredPage>)>;
using EventsCallback = absl::AnyInvocable<void(absl::StatusOr<EventPage>)>;

/// What a peer is told of a read that failed: RESOURCE_EXHAUSTED as it is; any other is
/// UNAVAILABLE, for the store's own words are for the operator.
absl::Status ReadRefusal(const absl::Status& error);

/// Reads the store for readers that fell behind the broadcast queue and for those that ask for
/// history, on a few threads of its own, so that neither the sequencer nor an I/O thread ever waits
/// for a disk.
///
/// Thread-safe. Each subscriber has at most one request under way, which bounds their queue; that
/// of reads of history is bounded by `history_reads_max`. The store and the encoders must outlive
/// it.
class HistoryReader {
 public:
  HistoryReader(MessageStore* store, EncoderSet encoders, const Limits& limits,
                std::size_t threads = 1);
  ~HistoryReader();  ///< Stops; requests not yet begun are answered UNAVAILABLE.
  HistoryReader(const HistoryReader&) = delete;
  HistoryReader& operator=(const HistoryReader&) = delete;

  /// Calls `done` with a page exactly once: at once if it was read lately for somebody else, else
  /// on a thread of the reader. UNAVAILABLE after Stop, or the store's error. The page covers the
  /// first event after `request.after` and none beyond `request.up_to`; it may begin before that.
  void ReadAsync(const PageRequest& request, PageCallback done);

  /// The same at once, on the caller's thread.
  absl::StatusOr<HistoryPage> Read(const PageRequest& request);

  /// Reads events as they are kept and calls `done` exactly once, as above. RESOURCE_EXHAUSTED, at
  /// once, if too many such reads wait already.
  void ReadEventsAsync(const EventQuery& query, EventsCallback done);

  /// The same of what one user has posted.
  void ReadAuthoredAsync(const AuthoredQuery& query, AuthoredCallback done);

  /// Lets go of the pages of a channel, or of all, because something in them was erased: to be
  /// called when the commit that erased it is there. Whoever asks afterwards gets what the store
  /// holds then. Any thread.
  void Forget(ChannelKey channel) { cache_.Forget(channel); }
  void ForgetAll() { cache_.ForgetAll(); }

  /// Ends the threads. Idempotent.
  void Stop();

 private:
  struct PageJob {
    PageRequest request;
    PageCallback done;
  };
  struct EventsJob {
    EventQuery query;
    EventsCallback done;
  };
  struct AuthoredJob {
    AuthoredQuery query;
    AuthoredCallback done;
  };
  using Job = std::variant<PageJob, EventsJob, AuthoredJob>;

  void Run();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !pages_.empty() || !reads_.empty();
  }
  std::optional<HistoryPage> FromCache(const PageRequest& request);
  /// Subscribers first: they wait for what they are owed.
  Job NextJob() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Carry(PageJob& job) { job.done(Read(job.request)); }
  void Carry(EventsJob& job) { job.done(store_->Read(job.query)); }
  void Carry(AuthoredJob& job) { job.done(store_->ReadAuthored(job.query)); }
  /// A read of history; RESOURCE_EXHAUSTED or UNAVAILABLE if it is not taken, and left as it is.
  absl::Status TryAdd(Job& job);

  MessageStore* const store_;
  const EncoderSet encoders_;
  const Limits limits_;
  PageCache cache_;
  absl::Mutex mutex_;
  std::deque<PageJob> pages_ ABSL_GUARDED_BY(mutex_);
  std::deque<Job> reads_ ABSL_GUARDED_BY(mutex_);  ///< Of history.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace txtchat
