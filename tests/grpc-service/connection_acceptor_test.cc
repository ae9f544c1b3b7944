#include "grpc-service/connection_acceptor.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace txtchat::rpc {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

int AnySocket() { return ::socket(AF_INET, SOCK_STREAM, 0); }

TEST(OpenSockets, ForgetsThoseThatWereClosed) {
  OpenSockets open(2);
  steady_clock::time_point now{seconds(1'000)};
  const int one = AnySocket();
  const int two = AnySocket();
  const int three = AnySocket();
  EXPECT_TRUE(open.TryAdd(one, {}, {}, {}, now));
  EXPECT_TRUE(open.TryAdd(two, {}, {}, {}, now));
  EXPECT_FALSE(open.TryAdd(three, {}, {}, {}, now));
  ::close(one);
  EXPECT_FALSE(open.TryAdd(three, {}, {}, {}, now)) << "it has just looked";
  now += seconds(1);
  EXPECT_TRUE(open.TryAdd(three, {}, {}, {}, now));
  ::close(two);
  ::close(three);
}

TEST(OpenSockets, IsNotMisledByADescriptorThatWasGivenOutAnew) {
  OpenSockets open(1);
  steady_clock::time_point now{seconds(1'000)};
  const int first = AnySocket();
  EXPECT_TRUE(open.TryAdd(first, {}, {}, {}, now));
  const int other = AnySocket();
  ::close(first);
  const int same_number = ::dup2(other, first);  // Not a connection of ours.
  EXPECT_TRUE(open.TryAdd(other, {}, {}, {}, now + seconds(1)));
  ::close(same_number);
  ::close(other);
}

TEST(OpenSockets, GivesThePlacesBackOfThoseThatWereClosed) {
  ConnectionLimiter limiter(2);
  const IpAddress peer = *IpAddress::Parse("192.0.2.1");
  OpenSockets open(10);
  steady_clock::time_point now{seconds(1'000)};
  const int one = AnySocket();
  const int two = AnySocket();
  EXPECT_TRUE(open.TryAdd(one, {peer, 1}, peer, limiter.TryAcquire(peer), now));
  EXPECT_TRUE(open.TryAdd(two, {peer, 2}, peer, limiter.TryAcquire(peer), now));
  open.ForgetClosedOf(peer, now);
  EXPECT_EQ(limiter.open(peer), 2u);
  ::close(one);
  open.ForgetClosedOf(peer, now);
  EXPECT_EQ(limiter.open(peer), 2u) << "it has just looked";
  now += seconds(1);
  open.ForgetClosedOf(*IpAddress::Parse("192.0.2.2"), now);
  EXPECT_EQ(limiter.open(peer), 2u);
  open.ForgetClosedOf(peer, now);
  EXPECT_EQ(limiter.open(peer), 1u);
  // A number that is given out anew.
  ::close(two);
  const int again = AnySocket();
  EXPECT_TRUE(open.TryAdd(again, {peer, 3}, peer, limiter.TryAcquire(peer), now));
  ::close(again);
  open.ForgetClosedOf(peer, now + seconds(1));
  EXPECT_EQ(limiter.open(peer), 0u);
}

TEST(OpenSockets, EndsTheConnectionOfAPeerAndNoOther) {
  const PeerKey one{*IpAddress::Parse("192.0.2.1"), 1};
  const PeerKey two{*IpAddress::Parse("192.0.2.1"), 2};
  OpenSockets open(10);
  const steady_clock::time_point now{seconds(1'000)};
  int ends[2][2];
  for (auto& pair : ends) ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  EXPECT_TRUE(open.TryAdd(ends[0][0], one, {}, {}, now));
  EXPECT_TRUE(open.TryAdd(ends[1][0], two, {}, {}, now));
  EXPECT_TRUE(open.ShutDown(one));
  char byte = 0;
  EXPECT_EQ(::recv(ends[0][1], &byte, 1, 0), 0);
  EXPECT_EQ(::recv(ends[1][1], &byte, 1, MSG_DONTWAIT), -1) << "the other is open";
  // Another file with its number is not taken for it.
  ASSERT_EQ(::dup2(ends[1][0], ends[0][0]), ends[0][0]);
  EXPECT_FALSE(open.ShutDown(one));
  EXPECT_EQ(::recv(ends[1][1], &byte, 1, MSG_DONTWAIT), -1);
  EXPECT_FALSE(open.ShutDown({one.address, 3}));
  for (const auto& pair : ends) {
    ::close(pair[0]);
    ::close(pair[1]);
  }
}

/// An acceptor that keeps what it takes.
class ConnectionAcceptorTest : public ::testing::Test {
 protected:
  void Listen(std::size_t connections_max, PeerGuard* peers = nullptr) {
    auto listening = ConnectionAcceptor::Listen({"127.0.0.1:0"}, connections_max, 20'000, peers);
    ASSERT_TRUE(listening.ok()) << listening.status();
    acceptor_ = *std::move(listening);
    acceptor_->Start([this](int fd, std::size_t) {
      absl::MutexLock lock(&mutex_);
      taken_.push_back(fd);
    });
  }
  void TearDown() override {
    acceptor_.reset();
    CloseTaken();
    for (const int client : clients_) ::close(client);
  }

  int Client() { return clients_.emplace_back(AnySocket()); }
  void Connect(int client) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(acceptor_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  /// Waits until so many have been taken in all.
  bool AwaitTaken(std::size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return taken_.size() >= count; };
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(60));
  }
  void CloseTaken() {
    absl::MutexLock lock(&mutex_);
    for (int& fd : taken_) {
      if (fd >= 0) ::close(std::exchange(fd, -1));
    }
  }
  /// Whether the peer closes the connection, waited for.
  static bool IsClosed(int client) {
    char byte = 0;
    return ::recv(client, &byte, 1, 0) <= 0;
  }

  absl::Mutex mutex_;
  std::vector<int> taken_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> clients_;
  std::unique_ptr<ConnectionAcceptor> acceptor_;
};

TEST_F(ConnectionAcceptorTest, ClosesWhatIsTooManyAndTakesOthersWhenThereIsRoomAgain) {
  Listen(3);
  for (int i = 0; i < 3; ++i) Connect(Client());
  ASSERT_TRUE(AwaitTaken(3));
  const int refused = Client();
  Connect(refused);
  EXPECT_TRUE(IsClosed(refused));
  EXPECT_EQ(acceptor_->refused(), 1u);
  CloseTaken();
  // It looks for closed ones a little later only.
  const auto deadline = steady_clock::now() + seconds(60);
  std::size_t taken = 3;
  while (taken == 3 && steady_clock::now() < deadline) {
    Connect(Client());
    absl::MutexLock lock(&mutex_);
    const auto more = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return taken_.size() > 3; };
    mutex_.AwaitWithTimeout(absl::Condition(&more), absl::Milliseconds(20));
    taken = taken_.size();
  }
  EXPECT_GT(taken, 3u);
}

TEST_F(ConnectionAcceptorTest, HoldsAnAddressToItsMostAndSharedOnesToNone) {
  PeerGuard peers({.connections_per_address = 2, .shared_address_ranges = {}});
  const IpAddress loopback = *IpAddress::Parse("127.0.0.1");
  Listen(100, &peers);
  Connect(Client());
  ASSERT_TRUE(AwaitTaken(1));
  {
    // Another transport's connections count as well.
    const ConnectionLimiter::Place line = peers.TryAcquireConnection(loopback);
    const int refused = Client();
    Connect(refused);
    EXPECT_TRUE(IsClosed(refused));
  }
  Connect(Client());
  ASSERT_TRUE(AwaitTaken(2));
  EXPECT_FALSE(peers.TryAcquireConnection(loopback).held());
  // What has been closed since is found out at once, for whoever asks.
  CloseTaken();
  const auto deadline = steady_clock::now() + seconds(60);
  bool held = false;
  while (!held && steady_clock::now() < deadline) {
    held = peers.TryAcquireConnection(loopback).held();
  }
  EXPECT_TRUE(held);
  acceptor_.reset();
  EXPECT_EQ(peers.connections().open(loopback), 0u);
}

TEST_F(ConnectionAcceptorTest, GoesOnWhenThereAreFilesAgain) {
  Listen(100);
  const int client = Client();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(::dup(client));  // The lowest number that is free.
  clients_.push_back(static_cast<int>(none.rlim_cur));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Connect(client);
  const auto deadline = steady_clock::now() + seconds(60);
  while (acceptor_->pauses() == 0 && steady_clock::now() < deadline) std::this_thread::yield();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_GT(acceptor_->pauses(), 0u);
  EXPECT_TRUE(AwaitTaken(1));
}

TEST_F(ConnectionAcceptorTest, TakesNothingAfterItHasStopped) {
  Listen(100);
  acceptor_->Stop();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(acceptor_->port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_NE(::connect(Client(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  acceptor_->Stop();
}

TEST(ConnectionAcceptor, SaysWhyItCannotListen) {
  for (const char* address : {"127.0.0.1:none", "192.0.2.1:1", "no host:1", "127.0.0.1", ""}) {
    const auto listening = ConnectionAcceptor::Listen({address}, 1, 1'000);
    EXPECT_EQ(listening.status().code(), absl::StatusCode::kUnavailable) << address;
    EXPECT_EQ(listening.status().message().find(address), 0u) << listening.status();
    EXPECT_EQ(listening.status().message().back(), ')') << listening.status();
  }
}

TEST(ConnectionAcceptor, ServesBothVersionsOfIpOnOnePort) {
  const auto listening = ConnectionAcceptor::Listen({"localhost:0"}, 1, 1'000);
  ASSERT_TRUE(listening.ok()) << listening.status();
  EXPECT_GT((*listening)->port(), 0);
}

TEST(ConnectionAcceptor, CountsTheConnectionsOfAllAddressesTogether) {
  auto listening = ConnectionAcceptor::Listen({"127.0.0.1:0", "127.0.0.1:0"}, 2, 1'000);
  ASSERT_TRUE(listening.ok()) << listening.status();
  ConnectionAcceptor& acceptor = **listening;
  absl::Mutex mutex;
  std::vector<std::pair<int, std::size_t>> taken;
  acceptor.Start([&](int fd, std::size_t address) {
    absl::MutexLock lock(&mutex);
    taken.emplace_back(fd, address);
  });
  std::vector<int> clients;
  for (const std::size_t which : {0, 1, 0}) {
    clients.push_back(AnySocket());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(acceptor.port(which)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(clients.back(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (clients.size() == 3) break;
    absl::MutexLock lock(&mutex);
    const auto enough = [&] { return taken.size() == clients.size(); };
    ASSERT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(60)));
    EXPECT_EQ(taken.back().second, which);
  }
  char byte = 0;
  EXPECT_LE(::recv(clients.back(), &byte, 1, 0), 0) << "one too many";
  acceptor.Stop();
  for (const int client : clients) ::close(client);
  for (const auto& [fd, address] : taken) ::close(fd);
}

}  // namespace
}  // namespace txtchat::rpc
