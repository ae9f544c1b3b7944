// What abusers have done so far, where two processes see it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace txtchat::bench {

/// What an abuser does, as long as it is let.
enum class Abuse : std::uint8_t {
  kFlooding,      ///< Sends as fast as its socket takes, and reads what comes.
  kSilent,        ///< Says nothing, or half a line.
  kUnreading,     ///< Joins a busy channel, asks for long answers, and reads nothing.
  kReconnecting,  ///< Connects, registers, says something, breaks off, and again.
};
inline constexpr std::size_t kAbuseKinds = 4;

constexpr std::string_view NameOf(Abuse kind) {
  constexpr std::string_view kNames[] = {"flooding", "silent", "unreading", "reconnecting"};
  return kNames[static_cast<std::size_t>(kind)];
}

/// Of all abusers of one kind. `Number`: an integer, or an atomic one that processes share.
template <typename Number>
struct AbuseCountsOf {
  Number open{};       ///< Connections, now.
  Number connected{};  ///< Connections that were made.
  Number failed{};     ///< … that could not be made.
  Number refused{};    ///< … that the server ended.
  Number bytes_sent{};
  Number lines_sent{};  ///< Whole ones.
  Number bytes_received{};
  Number lines_received{};  ///< Of kFlooding: its own texts come back, or an error does.
  Number errors{};          ///< … of these, lines that begin with `$$error`.
};
using AbuseCounts = std::array<AbuseCountsOf<std::uint64_t>, kAbuseKinds>;

/// Calls `f(to.X, from.X)` for each number X.
template <typename A, typename B, typename Function>
void ForEachCount(A& to, B& from, Function f) {
  f(to.open, from.open);
  f(to.connected, from.connected);
  f(to.failed, from.failed);
  f(to.refused, from.refused);
  f(to.bytes_sent, from.bytes_sent);
  f(to.lines_sent, from.lines_sent);
  f(to.bytes_received, from.bytes_received);
  f(to.lines_received, from.lines_received);
  f(to.errors, from.errors);
}

/// In memory that the abusers' process writes and the other reads. Each number is right by itself;
/// together they are of about the same time.
struct SharedAbuse {
  std::array<AbuseCountsOf<std::atomic<std::uint64_t>>, kAbuseKinds> counts;
  std::atomic<bool> begin{false};   ///< Set by the other process: connect.
  std::atomic<bool> stop{false};    ///< Set by the other process: end.
  std::atomic<bool> begun{false};   ///< All have begun what they do.
  std::atomic<bool> failed{false};  ///< It could not be carried through; `problem` says why.
  std::atomic<double> cpu_s{0};     ///< Of the abusers' process.
  std::array<char, 256> problem{};
};

}  // namespace txtchat::bench
