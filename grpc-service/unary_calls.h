// The unary calls that are open and what their replies hold, without gRPC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/rate_limiter.h"
#include "grpc-service/rpc_options.h"

namespace txtchat::rpc {

/// Port: a unary call as UnaryCalls sees it.
class OpenCall {
 public:
  virtual ~OpenCall() = default;
  /// Breaks the call off, answered or not; nothing if it is over. Thread-safe, called without a
  /// lock. The call is over when UnaryCalls::Remove says so, later.
  virtual void BreakOff() = 0;
};

/// What a call is for.
enum class CallKind : std::uint8_t {
  kRead,    ///< Its reply can be refused after the work was done: nothing has changed.
  kChange,  ///< Once it is accepted its reply is kept, whatever it comes to.
};

/// Counts unary calls, server-wide, from their arrival until gRPC is done with them, and the bytes
/// that they hold: of a request, until it is answered, and of a reply that its client has not
/// taken. gRPC keeps such a reply for as long as the connection lives and counts it nowhere, so
/// that a client that never reads could fill the memory.
///
/// A call is admitted or refused at once. A refused one is counted apart, since its status too
/// waits for its client, and holds no bytes. A reply that is not taken in time is broken off by
/// Tick; sooner where more than half of a limit is used up, so that hoarders do not shut others out
/// for long. The last eighth of the bytes is for calls that change something: who hoards lists does
/// not keep others from talking.
///
/// Thread-safe; one mutex, held for memory work only and never together with another. Time is what
/// the callers say, in milliseconds of any clock that only goes forward.
///
/// Limits: `calls_max` admitted calls and as many refused ones, of one connection
/// `calls_per_connection_max` and as many; `unread_reply_bytes_max`. The
/// replies of changes may exceed the latter, by what they are larger than their requests.
class UnaryCalls {
  struct Record;

 public:
  using Ticket = std::list<Record>::iterator;

  struct Arrival {
    Ticket ticket;  ///< Of the call until Remove, also if it is refused.
    /// OK: admitted. RESOURCE_EXHAUSTED: a limit is reached, the message names it. UNAVAILABLE:
    /// after StopAdmitting.
    absl::Status status;
  };

  explicit UnaryCalls(const CallOptions& options) : options_(options) {}
  UnaryCalls(const UnaryCalls&) = delete;
  UnaryCalls& operator=(const UnaryCalls&) = delete;

  /// A call has come over this connection (not known: no limit of one), whose request has `bytes`
  /// bytes. Keeps `call` until Remove.
  Arrival Add(std::shared_ptr<OpenCall> call, CallKind kind, std::size_t bytes,
              const PeerKey& peer = {});
  /// An admitted call holds `bytes` now, or may come to hold so many. RESOURCE_EXHAUSTED: there is
  /// no room for them, and nothing changed. Never for a change.
  absl::Status Charge(Ticket ticket, std::size_t bytes);
  /// The reply is handed to gRPC now. False: it is one of too many refusals that nobody reads;
  /// break the call off instead of telling it why.
  bool BeginReply(Ticket ticket, std::int64_t now_ms);
  /// gRPC is done with the call. The last touch: this may be destroyed as soon as all are gone.
  void Remove(Ticket ticket);

  /// Breaks off what was not taken in time. Call it a few times within each of the options' times.
  void Tick(std::int64_t now_ms);

  /// From now on every call is refused with UNAVAILABLE.
  void StopAdmitting();
  /// Breaks off every admitted call.
  void BreakOffAdmitted();
  /// Waits until no admitted call is open, `timeout` at the most; answers how many are. Refusals
  /// are not waited for: while the server drains they keep coming.
  std::size_t AwaitAdmitted(absl::Duration timeout) const;
  /// Waits until gRPC is done with every call, refused ones too.
  void AwaitGone() const;

  std::size_t admitted() const { return AwaitAdmitted(absl::ZeroDuration()); }
  std::size_t refused() const;
  std::size_t held_bytes() const;

 private:
  struct Record {
    std::shared_ptr<OpenCall> call;
    CallKind kind = CallKind::kRead;
    bool admitted = false;
    bool unread = false;  ///< In unread_.
    std::size_t bytes = 0;
    std::int64_t unread_since_ms = 0;
    PeerKey peer;
  };
  struct OfPeer {
    std::size_t admitted = 0;
    std::size_t refused = 0;
  };

  absl::Status Refusal(CallKind kind, std::size_t bytes, const PeerKey& peer) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  OfPeer CountsOf(const PeerKey& peer) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool HasRoom(CallKind kind, std::size_t bytes) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status NoRoom() const;
  /// More than half of a limit is used up.
  bool IsPressed() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const CallOptions options_;
  mutable absl::Mutex mutex_;
  bool admitting_ ABSL_GUARDED_BY(mutex_) = true;
  std::size_t admitted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  /// Connections that have calls open.
  absl::flat_hash_map<PeerKey, OfPeer> peers_ ABSL_GUARDED_BY(mutex_);
  std::list<Record> open_ ABSL_GUARDED_BY(mutex_);
  /// Replies that their clients have not taken, the oldest first, until they are broken off.
  std::list<Record> unread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::rpc
