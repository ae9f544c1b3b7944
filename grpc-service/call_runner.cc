#include "grpc-service/call_runner.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "grpc-service/credentials.h"

namespace txtchat::rpc {

std::size_t CallRunner::ListBytesMax(const Command& command) const {
  const Limits& limits = dependencies_.limits;
  std::size_t page_size = 0;
  std::size_t entry_bytes_max = limits.name_bytes_max + kListEntryBytes;
  if (const auto* channels = std::get_if<ListChannels>(&command)) {
    page_size = channels->page_size;
    entry_bytes_max += limits.topic_bytes_max;
  } else if (const auto* members = std::get_if<ListMembers>(&command)) {
    page_size = members->page_size;
  } else if (std::holds_alternative<ListSanctions>(command)) {
    return limits.sanctions_per_channel_max * (entry_bytes_max + limits.reason_bytes_max);
  } else if (std::holds_alternative<ListInvites>(command)) {
    return limits.invites_per_channel_max * entry_bytes_max;
  } else {
    return 0;
  }
  if (page_size == 0) page_size = limits.page_size_default;
  return std::min(std::min(page_size, limits.page_size_max) * entry_bytes_max,
                  limits.page_bytes_max + entry_bytes_max);
}

absl::Status CallRunner::Submit(Actor actor, Command command, PumpThread& pump, Completion done) {
  Envelope envelope;
  envelope.command = std::move(command);
  envelope.actor = std::move(actor);
  envelope.lane = &pump;
  envelope.done = std::move(done);
  envelope.time_unix_ms = dependencies_.clock->NowUnixMs();
  envelope.entropy = RandomBits();
  switch (dependencies_.sequencer->Submit(envelope)) {
    case SubmitResult::kAccepted:
      return absl::OkStatus();
    case SubmitResult::kFull:
      return absl::ResourceExhaustedError(
          "the server is busy: too many commands wait already; retry with backoff");
    case SubmitResult::kDraining:
      break;
  }
  return DrainingStatus();
}

}  // namespace txtchat::rpc
