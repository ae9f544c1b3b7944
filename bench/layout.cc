#include "bench/layout.h"

namespace txtchat::bench {

Layout::Layout(const Options& options)
    : channels(options.channels),
      idle_channels((options.idle + options.idle_channel_members - 1) /
                    options.idle_channel_members) {
  seats.reserve(std::size_t{options.idle} + options.readers() + options.publishers);
  for (std::uint32_t i = 0; i < options.idle; ++i) {
    seats.push_back({Role::kIdle, channels + i / options.idle_channel_members, 1, 0});
  }
  const auto add_readers = [&](Role role, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      seats.push_back({role, i % channels, options.channels_each, 0});
    }
  };
  add_readers(Role::kStalled, options.stalled);
  add_readers(Role::kSlow, options.slow);
  add_readers(Role::kSubscriber, options.subscribers);
  for (std::uint32_t i = 0; i < options.publishers; ++i) {
    seats.push_back({Role::kPublisher, i % channels, 1, i});
  }
}

bool IsOnLines(const Options& options, Role role) {
  return options.transport != Transport::kGrpc ||
         (role == Role::kPublisher && options.line_server.has_value());
}

std::uint64_t ShareOf(std::uint64_t messages, std::uint32_t publisher, std::uint32_t publishers) {
  return messages / publishers + (publisher < messages % publishers ? 1 : 0);
}

}  // namespace txtchat::bench
