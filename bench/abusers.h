#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/abuse_counts.h"
#include "bench/line_socket.h"
#include "bench/options.h"

namespace txtchat::bench {

/// Everybody who abuses a server's line port, on one thread. Runs in a process of its own, so that
/// it has limits of files, a priority and a processor share of its own (AbuserProcess).
class Abusers {
 public:
  /// `busy`: ids of the channels that the unreading join. `shared` outlives this.
  Abusers(const AbuseOptions& options, const SocketAddress& server, std::vector<std::string> busy,
          SharedAbuse& shared);
  ~Abusers();
  Abusers(const Abusers&) = delete;
  Abusers& operator=(const Abusers&) = delete;

  /// Abuses until SharedAbuse::stop. UNAVAILABLE if it cannot at all.
  absl::Status Run();

 private:
  enum class Stage : std::uint8_t {
    kAbsent,
    kConnecting,
    kEntering,  ///< Connected; waits for the id of its own channel.
    kAbusing,
  };
  struct Abuser {
    Abuse kind = Abuse::kSilent;
    Stage stage = Stage::kAbsent;
    bool has_begun = false;
    bool talks_to_the_busy = false;
    int fd = -1;
    std::uint32_t number = 0;
    std::uint32_t lives = 0;     ///< Connections so far.
    std::uint64_t again_ns = 0;  ///< When to connect again, if it is absent.
    std::string entry;           ///< The beginning of a line that has not come whole.
    std::string block;           ///< What it sends again and again; whole lines.
    std::size_t block_lines = 0;
    std::size_t sent = 0;  ///< Of the block.
  };

  AbuseCountsOf<std::atomic<std::uint64_t>>& CountsOf(const Abuser& abuser) {
    return shared_.counts[static_cast<std::size_t>(abuser.kind)];
  }
  void Add(Abuse kind, std::uint32_t count);
  void Connect(Abuser& abuser);
  void Handle(Abuser& abuser, std::uint32_t events);
  /// Sends its first commands.
  void Connected(Abuser& abuser);
  void Begin(Abuser& abuser);
  void Receive(Abuser& abuser);
  void OnEntryBytes(Abuser& abuser, std::string_view bytes);
  void MakeBlock(Abuser& abuser, const std::string& own_channel);
  /// Sends the block as often as the socket takes it, some times in a row at most.
  void Flood(Abuser& abuser);
  bool SendAll(Abuser& abuser, std::string_view bytes, std::uint64_t lines);
  void Watch(Abuser& abuser, std::uint32_t events, int operation);
  /// `by_server`: it was not the abuser's own wish.
  void Close(Abuser& abuser, bool by_server, bool abruptly);

  const AbuseOptions& options_;
  const SocketAddress server_;
  const std::vector<std::string> busy_;
  SharedAbuse& shared_;
  const int epoll_;
  std::vector<Abuser> abusers_;
  std::vector<char> buffer_;
  std::uint32_t begun_ = 0;
  std::uint32_t connecting_ = 0;
};

}  // namespace txtchat::bench
