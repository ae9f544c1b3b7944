// Golden transcripts: what clients send and what they must read, as text files.
//
//   # a remark
//   A connects             opens a connection; {A} is its own address from now on
//   A> reg$alice           sends a line
//   A>> send_msg$-$x       sends it without the end of the line
//   A< {A}                 reads a line, which must be this
//   A is quiet             reads nothing that came before now
//   A ends its side        no more input from this client; it still reads
//   A sees the end         the server has closed the connection
//   A leaves               closes the connection
//
// {name} stands for what it was bound to, or, where it is met first (in `<` only), for any
// characters but spaces, to which it is bound. {*} stands for any characters but spaces.
// `\xHH`, `\r` and `\\` stand for bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/testing/line_client.h"

namespace txtchat::gateway {

enum class Pieces {
  kLines,   ///< Each line in one write.
  kBytes,   ///< Each byte in a write of its own.
  kJoined,  ///< What a client sends before another has its turn, in one write.
};

class Transcript {
 public:
  explicit Transcript(std::uint16_t port, Pieces pieces) : port_(port), pieces_(pieces) {}

  /// Cuts every line behind its `at`th byte instead, and writes it in two. For Pieces::kLines.
  void CutAt(std::size_t at) { cut_at_ = at; }

  /// Replays a file against the server. Failures are GoogleTest's, with file and line.
  void Replay(const std::string& path);

  /// The longest line that was sent, end included.
  std::size_t longest_sent() const { return longest_sent_; }

 private:
  struct Peer {
    std::unique_ptr<testing::LineClient> client;
    std::string unsent;                 ///< For kJoined.
    std::vector<std::string> expected;  ///< Patterns that were met while `unsent` grew.
  };

  void Step(const std::string& line);
  void Connect(const std::string& name);
  void Act(const std::string& name, const std::string& what);
  void Send(Peer& peer, const std::string& bytes);
  void Expect(Peer& peer, const std::string& pattern);
  void ExpectNow(Peer& peer, const std::string& pattern);
  void Flush(Peer& peer);
  void FlushAllBut(const std::string& name);
  std::string Filled(const std::string& pattern, bool* complete);
  bool Matches(const std::string& pattern, const std::string& line);

  const std::uint16_t port_;
  const Pieces pieces_;
  std::size_t cut_at_ = 0;
  std::size_t longest_sent_ = 0;
  std::string where_;
  int pings_ = 0;
  std::map<std::string, Peer> peers_;
  std::map<std::string, std::string> bound_;
};

}  // namespace txtchat::gateway
