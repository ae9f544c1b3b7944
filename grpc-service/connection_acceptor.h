#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/ip_address.h"
#include "core/peer_guard.h"

namespace txtchat::rpc {

/// Counts sockets that somebody else owns, and closes without a word. A socket is open while its
/// descriptor still stands for the file that was added: two files never are one inode, and the
/// number of a descriptor that is given out anew was closed before.
///
/// Thread-safe; one mutex, under which files are looked at and nothing else is called. Holds some
/// 100 bytes for each of at most `max` sockets.
class OpenSockets {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit OpenSockets(std::size_t max) : max_(max) {}

  /// Counts the socket of a peer, or answers false if that would be too many; `place` is given back
  /// when it is found to be closed. Looks for closed ones when it is full, seldom enough that a
  /// flood of newcomers costs little: one that comes in between is refused although there may be
  /// room again.
  bool TryAdd(int fd, const PeerKey& peer, const IpAddress& block, ConnectionLimiter::Place place,
              TimePoint now);
  /// Looks for closed ones of this peer, as seldom, and gives back their places.
  void ForgetClosedOf(const IpAddress& block, TimePoint now);
  /// Ends the connection of this peer: whoever owns the socket finds it ended. False: there is
  /// none.
  bool ShutDown(const PeerKey& peer);

 private:
  struct Socket {
    ino_t inode = 0;
    PeerKey peer;
    IpAddress block;
    ConnectionLimiter::Place place;
  };
  struct OfPeer {
    absl::flat_hash_set<int> fds;
    TimePoint next_look;
  };
  using Places = std::vector<ConnectionLimiter::Place>;

  void Forget(int fd, Places& freed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetClosed(const std::vector<int>& fds, Places& freed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::size_t max_;
  absl::Mutex mutex_;
  TimePoint next_look_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<int, Socket> sockets_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<PeerKey, int> fds_ ABSL_GUARDED_BY(mutex_);
  /// Those of peers that are held to a number of connections.
  absl::flat_hash_map<IpAddress, OfPeer> peers_ ABSL_GUARDED_BY(mutex_);
};

/// Accepts connections for gRPC, which cannot bound them itself: every connection is a file, and
/// idle ones would take all that the process may open, those of the line protocol too. One more
/// than the maximum, or than its address may have, is accepted and closed at once. Runs one thread.
class ConnectionAcceptor {
 public:
  /// Listens on each of `addresses`, `HOST:PORT`, and there on all that HOST has; its first must be
  /// free, the others may be missing (IPv6 that is switched off). Port 0 picks a free one.
  /// `connections_max`: of all together. `peer_timeout_ms`: a peer that does not acknowledge what
  /// is sent for this long is gone. UNAVAILABLE: one of them cannot be listened on; the message
  /// says which, and why. `peers` says how many an address may have, and outlives the acceptor;
  /// null: any number.
  static absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> Listen(
      const std::vector<std::string>& addresses, std::size_t connections_max, int peer_timeout_ms,
      PeerGuard* peers = nullptr);
  ~ConnectionAcceptor();  ///< Stops it.
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  /// Of the address with this index.
  int port(std::size_t address = 0) const { return ports_[address]; }
  /// Connections that were one too many, of all or of their address.
  std::uint64_t refused() const { return refused_; }
  /// How often it waited for a file to become free, in the process or the system.
  std::uint64_t pauses() const { return pauses_; }

  /// Begins to accept. `take` is called on the acceptor's thread with a socket that it must own,
  /// and the index of the address to which it came. Once.
  void Start(std::function<void(int, std::size_t)> take);
  /// Ends the connection of this peer, without a word. Thread-safe.
  void CloseConnection(const PeerKey& peer) {
    if (open_.ShutDown(peer)) ++closed_;
  }
  /// How many were ended so.
  std::uint64_t closed() const { return closed_; }
  /// Closes the listening sockets; `take` is not called any more when this returns. Idempotent.
  void Stop();

 private:
  struct Listener {
    int fd;
    std::size_t address;
  };

  ConnectionAcceptor(std::size_t connections_max, PeerGuard* peers);

  /// Listens on one more.
  absl::Status Add(const std::string& address, int peer_timeout_ms);
  void Run();
  /// False if the process or the system has no file left for one more.
  bool AcceptWaiting(const Listener& listener);
  bool Admit(int fd, const PeerKey& from);

  PeerGuard* const peers_;
  std::vector<int> ports_;
  std::vector<Listener> listeners_;
  int stop_event_ = -1;
  std::function<void(int, std::size_t)> take_;
  OpenSockets open_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> pauses_{0};
  std::atomic<std::uint64_t> closed_{0};
  std::thread thread_;
};

}  // namespace txtchat::rpc
