#include "core/peer_guard.h"

#include <algorithm>
#include <variant>

#include "core/retry_after.h"

namespace txtchat {
namespace {

constexpr int kV6BlockBits = 64;  // What one customer gets at least.
constexpr std::int64_t kMinuteMs = 60'000;

/// To the tables that all share.
RateTable::Cost WhatAdds(const Command& command) {
  const bool user =
      std::holds_alternative<Register>(command) || std::holds_alternative<CreateAccount>(command);
  if (user) return {.registrations = 1};
  const bool stays = std::holds_alternative<CreateChannel>(command) ||
                     std::holds_alternative<OpenDirect>(command) ||
                     std::holds_alternative<Sanction>(command) ||
                     std::holds_alternative<CreateInvite>(command);
  if (stays) return {.creations = 1};
  return {};
}

}  // namespace

absl::Status TooManyAttempts(std::int64_t retry_after_ms) {
  return WithRetryAfter(absl::ResourceExhaustedError("too many passwords or tokens were tried"),
                        retry_after_ms);
}

absl::Status TooFast(Verdict::Whose whose) {
  return absl::ResourceExhaustedError(whose == Verdict::Whose::kAddress
                                          ? "too much comes from your address at once; slow down"
                                          : "too much comes over this connection at once; slow "
                                            "down");
}

PeerGuard::PeerGuard(const PeerLimits& limits)
    : limits_(limits),
      commands_per_connection_{limits.commands_per_connection_per_s,
                               limits.commands_per_connection_burst},
      bytes_per_connection_{limits.bytes_per_connection_per_s, limits.bytes_per_connection_burst},
      connections_(limits.connections_per_address),
      of_connections_(
          {.commands = commands_per_connection_,
           .bytes = bytes_per_connection_,
           .attempts = {limits.strikes_per_connection_per_s, limits.strikes_per_connection_burst}},
          kPeerAccountsMax),
      of_addresses_(
          {.commands = {limits.commands_per_address_per_s, limits.commands_per_address_burst},
           .bytes = {limits.bytes_per_address_per_s, limits.bytes_per_address_burst},
           .attempts = {.tokens = limits.attempts_per_address_per_minute,
                        .burst = limits.attempts_per_address_per_minute,
                        .period_ms = kMinuteMs},
           .registrations = {.tokens = limits.registrations_per_address_per_minute,
                             .burst = limits.registrations_per_address_per_minute,
                             .period_ms = kMinuteMs},
           .creations = {.tokens = limits.creations_per_address_per_minute,
                         .burst = limits.creations_per_address_burst,
                         .period_ms = kMinuteMs}},
          kPeerAccountsMax) {}

IpAddress PeerGuard::BlockOf(const IpAddress& address) const {
  const auto holds = [&address](const IpRange& range) { return range.Contains(address); };
  const auto& shared = limits_.shared_address_ranges;
  if (std::any_of(shared.begin(), shared.end(), holds)) return {};
  return address.is_v4() ? address : IpRange::Around(address, kV6BlockBits).base;
}

ConnectionLimiter::Place PeerGuard::TryAcquireConnection(const IpAddress& address) {
  const IpAddress block = BlockOf(address);
  return block.known() ? connections_.TryAcquire(block) : connections_.Exempt();
}

Verdict PeerGuard::TryTake(const IpAddress& block, std::int64_t commands, std::int64_t bytes,
                           std::int64_t now_ms) {
  if (!block.known()) return {};
  return {of_addresses_.TryTake({block}, {.commands = commands, .bytes = bytes}, now_ms),
          Verdict::Whose::kAddress};
}

Verdict PeerGuard::Take(const IpAddress& block, std::int64_t commands, std::int64_t bytes,
                        std::int64_t now_ms) {
  if (!block.known()) return {};
  return {of_addresses_.Take({block}, {.commands = commands, .bytes = bytes}, now_ms),
          Verdict::Whose::kAddress};
}

Verdict PeerGuard::Wait(const IpAddress& block, std::int64_t commands, std::int64_t bytes,
                        std::int64_t now_ms) {
  if (!block.known()) return {};
  return {of_addresses_.WaitMs({block}, {.commands = commands, .bytes = bytes}, now_ms),
          Verdict::Whose::kAddress};
}

Verdict PeerGuard::TryTakeCall(const IpAddress& address, std::uint16_t port, std::int64_t bytes,
                               std::int64_t now_ms) {
  const RateTable::Cost cost{.commands = 1, .bytes = bytes};
  const bool counts = !commands_per_connection_.unlimited() || !bytes_per_connection_.unlimited();
  if (counts) {
    const std::int64_t wait_ms = of_connections_.TryTake({address, port}, cost, now_ms);
    if (wait_ms != 0) return {wait_ms, Verdict::Whose::kConnection};
  }
  return TryTake(BlockOf(address), 1, bytes, now_ms);
}

bool PeerGuard::MayGoOn(const PeerKey& connection, std::int64_t now_ms) {
  return of_connections_.TryTake(connection, {.attempts = 1}, now_ms) == 0;
}

Verdict PeerGuard::TryTakeAttempt(const IpAddress& address, std::int64_t now_ms) {
  const IpAddress block = BlockOf(address);
  if (!block.known()) return {};
  return {of_addresses_.TryTake({block}, {.attempts = 1}, now_ms), Verdict::Whose::kAddress};
}

absl::Status PeerGuard::MayCreate(const IpAddress& address, const Command& command,
                                  std::int64_t now_ms) {
  const RateTable::Cost adds = WhatAdds(command);
  if (adds.registrations + adds.creations == 0) return absl::OkStatus();  // Most commands.
  const IpAddress block = BlockOf(address);
  if (!block.known()) return absl::OkStatus();
  const std::int64_t wait_ms = of_addresses_.TryTake({block}, adds, now_ms);
  if (wait_ms == 0) return absl::OkStatus();
  return WithRetryAfter(
      absl::ResourceExhaustedError(
          adds.registrations > 0
              ? "too many users are registered from your address"
              : "too many channels, bans, mutes and invites are made from your address"),
      wait_ms);
}

void PeerGuard::PutBackAttempt(const IpAddress& address, std::int64_t now_ms) {
  const IpAddress block = BlockOf(address);
  if (block.known()) of_addresses_.PutBackAttempt({block}, now_ms);
}

}  // namespace txtchat
