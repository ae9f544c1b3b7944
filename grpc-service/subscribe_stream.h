// One Subscribe stream, without gRPC: what to write when, and how it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/delivery_lane.h"
#include "core/history_reader.h"
#include "core/subscription.h"
#include "grpc-service/payload.h"
#include "grpc-service/rpc_options.h"

namespace txtchat::rpc {

/// Port: the writing side of a stream. Called under the stream's mutex: no call may come back to
/// the stream before it has returned.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  /// Writes one response; SubscribeStream::OnWriteDone follows, exactly once. Never called while a
  /// write is under way, nor after Finish.
  virtual void StartWrite(Payload payload) = 0;
  /// Ends the stream. Called exactly once, never while a write is under way.
  virtual void Finish(const absl::Status& status) = 0;
  /// Breaks the stream off, so that a write under way fails soon. Called at most once, before
  /// Finish.
  virtual void Cancel() = 0;
};

/// Port: reads a page of the store for a session. The page comes with SubscribeStream::OnPage,
/// later and on another call stack.
class PageSource {
 public:
  virtual ~PageSource() = default;
  virtual void Fetch(SessionId session, const PageRequest& request) = 0;
};

/// The decisions of one Subscribe stream. Its life:
///
///   starts come (AddSubscription) → OnOpened(OK) → how each position was met, and a heartbeat with
///   where each channel begins →
///   events, gaps and heartbeats, one write at a time → Finish, for one of the reasons below.
///
///   OnOpened(error)   finishes with it at once
///   EndWith           delivers what is owed, then finishes with the status
///   Cut               finishes soon, delivered or not
///   OnCancel, a failed write, a stalled write   finish as soon as gRPC lets it
///
/// The first reason that comes is the one that the stream ends with, except that Cut and what
/// happens to the connection override a status that still waits for delivery.
///
/// What is handed to the writer counts as delivered: the writer keeps it until it is written or the
/// stream is broken.
///
/// Thread-safe: one mutex, held during one turn of memory work and one call of the writer. Taken
/// before the mutex of a BroadcastQueue, the HistoryReader or a pump's inbox, never after. Time is
/// what Tick says, in milliseconds of any clock that only goes forward.
///
/// Limits: one write of about response_bytes_max, one page of the store, one page request.
class SubscribeStream {
 public:
  /// `pages` outlives the stream. The stream keeps `writer` until Detach.
  SubscribeStream(SessionId id, const StreamOptions& options, std::shared_ptr<StreamWriter> writer,
                  PageSource* pages, std::int64_t now_ms);
  SubscribeStream(const SubscribeStream&) = delete;
  SubscribeStream& operator=(const SubscribeStream&) = delete;

  SessionId id() const { return id_; }

  // --- From the core, on the pump's thread. None of these writes; Wake does.
  /// The channel is read from behind `cursor`, up to `head` at once; one that was left and not yet
  /// read to its end goes on.
  void AddSubscription(std::shared_ptr<BroadcastQueue> queue, std::uint64_t cursor,
                       std::uint64_t head);
  /// The channel is read up to `last_sequence`, and then no more.
  void EndSubscription(ChannelKey channel, std::uint64_t last_sequence);
  /// The channels of `readable` may be read up to their heads. Writes what is owed. `cache` may be
  /// null.
  void Wake(const std::vector<Readable>& readable, ReadCache* cache);

  /// OpenSession was answered, with how each position was met.
  void OnOpened(absl::StatusOr<std::vector<Recovery>> recoveries);
  /// The page that was fetched for `channel`.
  void OnPage(ChannelKey channel, absl::StatusOr<HistoryPage> page);
  /// Delivers what is owed, then finishes with `status` (not OK).
  void EndWith(absl::Status status);
  /// Finishes with `status` (not OK) when the write under way is done, or is given up after
  /// cut_grace_ms.
  void Cut(absl::Status status);
  /// Does what is due by now. Call it a few times within each of the options' times.
  void Tick(std::int64_t now_ms);

  // --- From gRPC, on its threads.
  void OnWriteDone(bool ok);
  /// Idempotent; also after Finish.
  void OnCancel();
  /// gRPC is done with the stream: lets go of the writer. Nothing is written after it.
  void Detach();

  /// Whether a page of the store is in memory, for tests.
  bool holds_page() const;

 private:
  /// A list, as a deque takes half a kilobyte before it holds anything, for every idle stream.
  using Keys = std::list<ChannelKey>;

  /// Where a subscription waits for its next turn.
  enum class Place : std::uint8_t {
    kIdle,     ///< Nowhere: it has nothing to give.
    kReady,    ///< In ready_.
    kWaiting,  ///< In waiting_: it needs a page, and the stream fetches one at a time.
    kPaging,   ///< It is the one in paging_, and its page is on the way.
  };
  struct Channel {
    Channel(std::shared_ptr<BroadcastQueue> queue, std::uint64_t cursor)
        : subscription(std::move(queue), cursor), head(cursor) {}

    Subscription subscription;
    /// How far the core said that it may be read.
    std::uint64_t head;
    Place place = Place::kIdle;
  };
  /// The channel whose turn it is to be read from the store.
  struct Paging {
    ChannelKey channel = 0;
    std::uint64_t covers_to = 0;  ///< Of the page; 0 while it is on the way.
  };

  void MakeReady(ChannelKey key, Channel& channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// Decides what to do next, if anything, and does it.
  void Pump(ReadCache* cache) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishNow(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BreakOff(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  /// The next response: empty if nothing is owed now.
  Payload Gather(ReadCache* cache) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// Takes what fits of the channel that is first in ready_; whether the response has room left.
  bool GatherFirst(Payload& payload, ReadCache* cache) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginHeartbeat() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GatherHeartbeat(Payload& payload) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HeartbeatIsUnderWay() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return heartbeat_.has_value();
  }

  /// Fetches a page for the channel, or has it wait for its turn.
  void NeedPage(ChannelKey key, Channel& channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndPaging() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// Lets the next waiting channel have its turn.
  void WakeWaiting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReleasePage() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SessionId id_;
  const StreamOptions options_;
  PageSource* const pages_;

  mutable absl::Mutex mutex_;
  std::shared_ptr<StreamWriter> writer_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<ChannelKey, Channel> channels_ ABSL_GUARDED_BY(mutex_);
  Keys ready_ ABSL_GUARDED_BY(mutex_);
  Keys waiting_ ABSL_GUARDED_BY(mutex_);
  std::optional<Paging> paging_ ABSL_GUARDED_BY(mutex_);
  std::int64_t page_retry_at_ms_ ABSL_GUARDED_BY(mutex_) = 0;
  /// Channels whose heads are still to be sent.
  std::optional<std::vector<ChannelKey>> heartbeat_ ABSL_GUARDED_BY(mutex_);

  std::int64_t now_ms_ ABSL_GUARDED_BY(mutex_);
  /// When the last write began. Coarse: the last tick before it.
  std::int64_t write_began_ms_ ABSL_GUARDED_BY(mutex_);
  std::int64_t heartbeat_began_ms_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Recovery> recoveries_ ABSL_GUARDED_BY(mutex_);  ///< Still to be told.
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;  ///< The first heartbeat was put together.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;  ///< Nothing can or shall be written any more.
  std::optional<std::int64_t> cancel_at_ms_ ABSL_GUARDED_BY(mutex_);  ///< After Cut.
  bool cancel_called_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);  ///< Not OK: the stream is to end with it.
};

}  // namespace txtchat::rpc
