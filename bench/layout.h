#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.h"

namespace txtchat::bench {

enum class Role : std::uint8_t {
  kSubscriber,  ///< Reads as fast as it can.
  kSlow,        ///< Reads at a chosen rate, and the rest when the others have everything.
  kStalled,     ///< Never reads.
  kIdle,        ///< Sits in a channel where nothing is said.
  kPublisher,   ///< Sends. Except over gRPC it is sent its own channel, too, and reads as it can.
};

/// One user of a run: what it does, and in which channels. Channels are numbered; it is in
/// `channel_count` of them from `first_channel` on, beginning again with 0 after the last.
struct Seat {
  Role role = Role::kSubscriber;
  std::uint32_t first_channel = 0;
  std::uint32_t channel_count = 1;
  std::uint32_t publisher = 0;  ///< Of kPublisher: its number. It sends to `first_channel`.
};

/// Who is where in a run: subscribers and publishers are spread evenly over the channels. Channels
/// 0 to `channels` - 1 are published to; those after them belong to the idle.
struct Layout {
  explicit Layout(const Options& options);

  /// The number of the `i`th channel of a seat.
  std::uint32_t ChannelOf(const Seat& seat, std::uint32_t i) const {
    const std::uint32_t channel = seat.first_channel + i;
    return seat.role == Role::kIdle || channel < channels ? channel : channel - channels;
  }
  std::uint32_t channels_in_all() const { return channels + idle_channels; }

  std::uint32_t channels = 0;
  std::uint32_t idle_channels = 0;
  /// Publishers last: by then everybody can hear them, and a gRPC guest that only sends is not
  /// forgotten while the others still connect.
  std::vector<Seat> seats;
};

/// Whether users of this role speak the line protocol.
bool IsOnLines(const Options& options, Role role);

/// How many of `messages` fall to `publisher` of `publishers`.
std::uint64_t ShareOf(std::uint64_t messages, std::uint32_t publisher, std::uint32_t publishers);

}  // namespace txtchat::bench
