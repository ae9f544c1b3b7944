// What a run is made of: every parameter of txtchat-bench, with its default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/endpoint.h"

namespace txtchat::bench {

/// What the load speaks. kNats and kRedis: a peer, with which Txt Chat's lines are compared.
enum class Transport : std::uint8_t { kLine, kGrpc, kNats, kRedis };

/// As the verb that asks for it.
std::string_view NameOf(Transport transport);

/// The dialect of the line protocol that all line connections speak.
enum class Dialect : std::uint8_t { kClassic, kTagged };

/// A plain value. ParseCommandLine fills and checks it; nothing changes it afterwards.
struct Options {
  Transport transport = Transport::kLine;
  Endpoint server;
  Dialect dialect = Dialect::kClassic;
  /// gRPC: HTTP/2 connections that all users share.
  std::uint32_t connections = 20;
  /// gRPC: publishers speak the line protocol, to this address of the same server.
  std::optional<Endpoint> line_server;

  // --- Who is there.
  std::uint32_t subscribers = 100;
  std::uint32_t channels = 1;
  /// How many channels each subscriber follows.
  std::uint32_t channels_each = 1;
  std::uint32_t publishers = 1;
  /// Subscribers, beyond the others, that read `slow_bytes_per_s` until the others have everything.
  std::uint32_t slow = 0;
  std::uint32_t slow_bytes_per_s = 16 * 1024;
  /// Subscribers, beyond the others, that never read.
  std::uint32_t stalled = 0;
  /// Connections that only are there, in channels of their own of `idle_channel_members` each.
  std::uint32_t idle = 0;
  std::uint32_t idle_channel_members = 100;

  // --- What they say.
  /// All publishers together.
  std::uint64_t messages = 100'000;
  /// Before the measured ones, sent in the same way.
  std::uint64_t warmup = 0;
  /// Bytes of each text.
  std::uint32_t text_bytes = 64;
  /// Closed loop: messages that a publisher may have unacknowledged.
  std::uint32_t window = 100;
  /// Closed loop: a publisher waits until it may send so many, and sends them at once.
  std::uint32_t burst = 1;
  /// Open loop: messages per second, all publishers together. 0: closed loop.
  double rate = 0;
  /// Stop sending after so long, even if messages are left. 0: when all are sent.
  double seconds_max = 0;
  /// After the measured messages: all subscribers vanish and come back at once, so many times.
  std::uint32_t storms = 0;

  // --- How it is measured and told.
  /// The server's process on this machine; 0: unknown.
  std::int32_t server_pid = 0;
  /// Without any progress for so long a phase has failed.
  double patience_s = 20;
  bool json = false;
  bool quiet = false;
  /// gRPC with publishers on lines: both are looked at every so many microseconds. 0: all the time.
  std::uint32_t poll_us = 0;
  /// Copied into the JSON, for whoever reads it.
  std::string label;

  bool closed_loop() const { return rate <= 0; }
  /// Whoever is subscribed to a channel that is published to.
  std::uint32_t readers() const { return subscribers + slow + stalled; }
};

/// What `txtchat-bench abuse` does beside its Options, which say who the honest users are and how
/// they talk. A plain value.
struct AbuseOptions {
  /// Of each, connections.
  std::uint32_t flooding = 500;
  std::uint32_t silent = 500;
  std::uint32_t unreading = 500;
  std::uint32_t reconnecting = 500;
  /// Each abuser comes from an address of its own in 127.1.0.0/16 (the server must be on this
  /// machine); otherwise all come from the address that honest users come from, too.
  bool many_addresses = false;
  /// Each of the two measurements.
  double seconds = 10;
  /// From when all abusers have begun until it is measured, and without abuse before it is.
  double settle_s = 3;
  /// The nice value of the abusers' process: by default they get what the server and the honest
  /// leave of the processors.
  std::int32_t nice = 19;

  std::uint32_t abusers() const { return flooding + silent + unreading + reconnecting; }
};

/// What is wrong with these options together; empty if nothing is. Ranges of single options are
/// the command line's.
std::string ProblemOf(const Options& options);

}  // namespace txtchat::bench
