// How a table that many fill is shared, so that nobody uses it up: "dynamic thresholds" (Choudhury
// and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", IEEE/ACM
// Transactions on Networking 6(2), 1998), beside a few entries that each holder has for itself.
#pragma once

#include <algorithm>
#include <cstddef>

namespace txtchat {

/// Entries that a holder may have whatever others hold. They count for no shared part: queues drain
/// and bans do not, so a threshold alone leaves the last comer nothing in the end.
inline constexpr std::size_t kOwnEntries = 4;

/// Beyond these, a holder may have one in so many of what the shared part has left.
inline constexpr std::size_t kSharers = 64;

/// How many of the entries of one holder are in the shared part.
constexpr std::size_t SharedEntries(std::size_t held) {
  return held > kOwnEntries ? held - kOwnEntries : 0;
}

/// The shared part of a table, in entries. A plain value.
struct SharedTable {
  std::size_t size = 0;        ///< Of all holders together.
  std::size_t used = 0;        ///< SharedEntries of all holders.
  std::size_t holder_max = 0;  ///< One holder never has more, its own included.
};

/// The most that one holder may have now: who has fewer may add one. Falls while others add, so who
/// has had its most by then keeps what it has and adds no more. The shared part is never exceeded.
constexpr std::size_t HolderMost(const SharedTable& table) {
  const std::size_t left = table.size > table.used ? table.size - table.used : 0;
  return std::min(table.holder_max, kOwnEntries + (left + kSharers - 1) / kSharers);
}

}  // namespace txtchat
