// One connection that floods the server with what HTTP/2 allows or forbids. What it costs is
// bounded, and a client on another connection is served as ever.
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "core/peer_guard.h"
#include "gtest/gtest.h"
#include "tests/grpc-service/raw_http2_client.h"
#include "tests/grpc-service/rpc_harness.h"

namespace txtchat::rpc {
namespace {

using std::chrono::milliseconds;

// Frames and flags (RFC 9113, 6) and reasons (7).
constexpr std::uint8_t kHeaders = 1;
constexpr std::uint8_t kResetStream = 3;
constexpr std::uint8_t kSettings = 4;
constexpr std::uint8_t kPing = 6;
constexpr std::uint8_t kContinuation = 9;
constexpr std::uint8_t kEndStream = 0x1;
constexpr std::uint8_t kEnhanceYourCalm = 11;

const std::string kCancel("\0\0\0\x8", 4);

/// How long a server that reads no further is waited for.
constexpr milliseconds kStuck{1'000};
/// What none of these may cost beyond what was there. Measured: up to 160 MiB, and 291 MiB on a
/// machine with other work, where gRPC reads ahead of who counts the calls; 200,000 calls that
/// nothing ends are 2.5 GiB.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Sanitizers keep several times as much.
constexpr std::size_t kGrowthMaxMiB = 4'096;
#else
constexpr std::size_t kGrowthMaxMiB = 768;
#endif

std::size_t ResidentMiB() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * 4'096 >> 20;
}

std::size_t Threads() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("Threads:", 0) == 0) return std::stoul(line.substr(8));
  }
  return 0;
}

std::string Repeated(const std::string& bytes, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += bytes;
  return all;
}

/// A server with an honest client, and one who is not.
class RpcHostile : public ::testing::Test {
 protected:
  explicit RpcHostile(RpcOptions options = {}, PeerLimits limits = {})
      : peers_(limits),
        harness_(Limits(), options, &peers_),
        honest_(harness_, "honest"),
        channel_(honest_.Create("channel")),
        hostile_(std::make_unique<RawHttp2Client>(harness_.server->port(), 0)),
        resident_before_(ResidentMiB()),
        threads_before_(Threads()) {}

  /// Sends a flood in pieces, and has the honest client talk between them; false if the server has
  /// closed the connection, or stopped reading it.
  bool Flood(const std::string& piece, int pieces) {
    bool taken = true;
    for (int i = 0; i < pieces && taken; ++i) {
      taken = hostile_->SendBytes(piece, kStuck);
      ExpectServed();
    }
    return taken;
  }
  /// 200,000 calls at the most, each reset at once for this reason if one is given; the same.
  bool FloodWithCalls(const std::string& reset = "", const std::string& method = "ListChannels") {
    std::uint32_t stream = 1;
    bool taken = true;
    for (int i = 0; i < 400 && taken; ++i) {
      std::string piece;
      for (int j = 0; j < 500; ++j, stream += 2) {
        piece += RawHttp2Client::CallFrames(stream, method, honest_.token, "");
        if (!reset.empty()) piece += RawHttp2Client::Frame(kResetStream, 0, stream, reset);
      }
      taken = hostile_->SendBytes(piece, kStuck);
      ExpectServed();
    }
    return taken;
  }
  void ExpectServed() {
    const grpc::Status sent = honest_.Send(channel_, "hello");
    EXPECT_TRUE(sent.ok()) << sent.error_message();
  }
  /// The server has closed the connection; it is counted a moment after the client can see it.
  void ExpectClosed() {
    EXPECT_TRUE(Eventually([&] { return harness_.server->closed_connections() == 1; }));
  }
  void ExpectBounded() {
    ExpectServed();
    EXPECT_LT(ResidentMiB(), resident_before_ + kGrowthMaxMiB);
    EXPECT_LT(Threads(), threads_before_ + 40);
    hostile_.reset();
    EXPECT_TRUE(Eventually([&] {
      const CallCounts open = harness_.server->open_calls();
      const CallCounts others = harness_.server->open_other_calls();
      return open.admitted + open.refused + others.admitted + others.refused == 0;
    }));
    ExpectServed();
    RecordProperty("growth_mib", static_cast<int>(ResidentMiB() - resident_before_));
  }

  PeerGuard peers_;
  RpcHarness harness_;
  Guest honest_;
  const std::string channel_;
  std::unique_ptr<RawHttp2Client> hostile_;
  const std::size_t resident_before_;
  const std::size_t threads_before_;
};

TEST_F(RpcHostile, PingsEndTheConnectionOfWhoSendsTooMany) {
  const std::string ping = RawHttp2Client::Frame(kPing, 0, 0, "12345678");
  Flood(Repeated(ping, 1'000), 20);
  EXPECT_TRUE(hostile_->ReadToEnd());
  // Unless the reset that follows has overtaken it.
  EXPECT_EQ(hostile_->going_away().value_or(kEnhanceYourCalm), kEnhanceYourCalm);
  ExpectBounded();
}

TEST_F(RpcHostile, SettingsAreNotAnsweredWithoutEndToWhoDoesNotRead) {
  // Each wants an acknowledgement of 9 bytes, which nobody reads.
  const std::string settings =
      RawHttp2Client::Frame(kSettings, 0, 0, std::string("\0\4\0\0\1\0", 6));
  const bool all_taken = Flood(Repeated(settings, 20'000), 100);
  EXPECT_FALSE(all_taken) << "2,000,000 of them, and it still reads";
  ExpectBounded();
}

TEST_F(RpcHostile, HeadersThatAreTooLargeEndTheirStream) {
  // One header field of 200,000 bytes in as many frames as it takes; the limit is 16 KiB.
  std::string block("\x00\x07x-noise\x7F\xC1\x99\x0C", 13);  // A literal of 200,000 bytes.
  block += std::string(200'000, 'x');
  for (std::uint32_t stream = 1; stream < 201; stream += 2) {
    std::string frames =
        RawHttp2Client::Frame(kHeaders, kEndStream, stream, block.substr(0, 16'000));
    for (std::size_t at = 16'000; at < block.size(); at += 16'000) {
      const bool last = at + 16'000 >= block.size();
      frames +=
          RawHttp2Client::Frame(kContinuation, last ? 0x4 : 0, stream, block.substr(at, 16'000));
    }
    if (!hostile_->SendBytes(frames, kStuck)) break;
    if (stream % 20 == 1) ExpectServed();
  }
  ExpectBounded();
}

TEST_F(RpcHostile, StreamsThatAreResetAtOnceEndTheConnection) {
  // CVE-2023-44487: a stream that is reset counts no more among those that are open, and gRPC 1.51
  // takes any number, each 13 KiB until it is handled.
  EXPECT_FALSE(FloodWithCalls(kCancel));
  ExpectClosed();
  ExpectBounded();
}

/// Calls that are none of the chat's: standard services, and what nobody serves.
class RpcHostileElsewhere : public RpcHostile, public ::testing::WithParamInterface<const char*> {};

TEST_P(RpcHostileElsewhere, StreamsThatAreResetAtOnceEndTheConnection) {
  EXPECT_FALSE(FloodWithCalls(kCancel, GetParam()));
  ExpectClosed();
  ExpectBounded();
}

TEST_P(RpcHostileElsewhere, CallsOfOneWhoReadsNothingEndTheConnection) {
  EXPECT_FALSE(FloodWithCalls("", GetParam()));
  ExpectClosed();
  ExpectBounded();
}

INSTANTIATE_TEST_SUITE_P(
    All, RpcHostileElsewhere,
    ::testing::Values("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
                      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                      "/no.Such/Method", "/txtchat.v1.ChatService/NoSuchMethod"));

TEST_F(RpcHostile, CallsOfOneWhoReadsNothingEndTheConnection) {
  // More than one connection may have open; it acknowledges no setting, and takes no reply.
  EXPECT_FALSE(FloodWithCalls());
  ExpectClosed();
  const CallCounts open = harness_.server->open_calls();
  EXPECT_LE(open.admitted, CallOptions().calls_per_connection_max + 100) << "some honest ones";
  ExpectBounded();
}

TEST_F(RpcHostile, StreamsThatAreResetBeforeTheirMessageEndTheConnection) {
  const std::string message = RawHttp2Client::Frame(0, 0, 1, std::string(5, '\0'));
  std::uint32_t stream = 1;
  bool taken = true;
  for (int i = 0; i < 400 && taken; ++i) {
    std::string piece;
    for (int j = 0; j < 500; ++j, stream += 2) {
      std::string frames = RawHttp2Client::CallFrames(stream, "ListChannels", honest_.token, "");
      frames.resize(frames.size() - message.size());
      piece += frames + RawHttp2Client::Frame(kResetStream, 0, stream, kCancel);
    }
    taken = hostile_->SendBytes(piece, kStuck);
    ExpectServed();
  }
  EXPECT_FALSE(taken);
  ExpectClosed();
  ExpectBounded();
}

TEST_F(RpcHostile, HeadersWithoutEndKeepNobodyFromBeingServed) {
  // gRPC 1.51 holds metadata to its limit by the frame, not by the block, and keeps all of it, some
  // six times what is sent (docs/limits.md says what to do). So no more is asserted than this.
  std::string fields;
  for (int i = 0; i < 100; ++i) fields += std::string("\x00\x03x-n\x05value", 11);
  hostile_->SendBytes(RawHttp2Client::Frame(kHeaders, kEndStream, 1, fields), kStuck);
  Flood(Repeated(RawHttp2Client::Frame(kContinuation, 0, 1, fields), 500), 20);
  ExpectServed();
}

TEST_F(RpcHostile, EmptyFramesOfHeadersHoldNothing) {
  hostile_->SendBytes(RawHttp2Client::Frame(kHeaders, kEndStream, 1, ""), kStuck);
  Flood(Repeated(RawHttp2Client::Frame(kContinuation, 0, 1, ""), 20'000), 20);
  ExpectBounded();
}

/// One who takes its time with the first words.
class RpcHostileAtTheDoor : public RpcHostile {
 protected:
  RpcHostileAtTheDoor() : RpcHostile({.handshake_timeout_ms = 300}) {}
};

TEST_F(RpcHostileAtTheDoor, WhoNeverSaysAWordIsClosed) {
  RawHttp2Client silent(harness_.server->port(), RawHttp2Client::Silent{});
  EXPECT_TRUE(silent.ReadToEnd());
  RawHttp2Client slow(harness_.server->port(), RawHttp2Client::Silent{});
  for (const char byte : std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n")) {
    if (!slow.SendBytes(std::string(1, byte), kStuck)) break;
    ExpectServed();
  }
  EXPECT_TRUE(slow.ReadToEnd()) << "a preface that does not end";
  ExpectBounded();
}

/// One who has come, and calls nothing.
class RpcHostileIdler : public RpcHostile {
 protected:
  RpcHostileIdler() : RpcHostile({.idle_timeout_ms = 1'000}) {}
};

TEST_F(RpcHostileIdler, WhoNeverCallsIsClosedAndWhoListensIsNot) {
  TestStream stream(honest_, {channel_});
  ASSERT_TRUE(stream.Next().has_value());
  Guest quiet(harness_, "quiet");
  RawHttp2Client idle(harness_.server->port(), 0);
  EXPECT_TRUE(idle.ReadToEnd());
  // The stream was there before, and has had nothing to say.
  ExpectServed();
  EXPECT_EQ(stream.NextLine(), "2 honest: hello");
  // Whose connection is closed meanwhile comes again.
  EXPECT_TRUE(Eventually([&] { return quiet.Join(channel_).ok(); }));
}

TEST_F(RpcHostileIdler, WhoHasCalledIsClosedAfterwards) {
  TestStream listening(honest_, {channel_});  // or the honest one would be closed, too
  ASSERT_TRUE(listening.Next().has_value());
  const std::uint32_t stream = hostile_->Call("/grpc.health.v1.Health/Check", "", "");
  hostile_->Grant(stream, 100);
  EXPECT_TRUE(hostile_->ReadToEnd());
  EXPECT_EQ(hostile_->ended(), 1u);
  ExpectBounded();
}

}  // namespace
}  // namespace txtchat::rpc
